"""Clouds, curves, distributions and trends: a Vega-Lite chart drawn to SVG on the server, once, when a report is built.

    chart = chart_of(rows).mark_point().encode(x="cost:Q", y="quality:Q", href="href:N")
    drawing = draw("quality-cost", chart, title=…, description=…, columns=("System", "Cost"), rows=[("amber", "0.2")])

The SVG is drawn in the colours of the light theme, so that it stands by itself in a PDF. On a page `shown` turns these
colours into our tokens: it then follows light, dark and print, and needs neither script nor style attribute. Beside
each drawing stands its table, with the same figures and links, for readers who cannot see it; the picture is one
image to them. Series differ by shape or label as well as by colour.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from django.utils.safestring import SafeString, mark_safe

if TYPE_CHECKING:
    import altair as alt

# The light half of each token in static/css/tokens.css (a test holds the two equal).
TOKENS = {
    "ink": "#14191e",
    "ink-3": "#5c6670",
    "line": "#dce1e5",
    "line-strong": "#7f8993",
    "surface": "#ffffff",
    "accent": "#0b5875",
    "series-1": "#0072b2",
    "series-2": "#b14a00",
    "series-3": "#007a5a",
    "series-4": "#a8487c",
}
INK, LINE, ACCENT, SURFACE = TOKENS["ink"], TOKENS["line-strong"], TOKENS["accent"], TOKENS["surface"]
SERIES = [TOKENS[f"series-{n}"] for n in range(1, 5)]
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]
WIDTH, HEIGHT = 620, 300
# A chart's links are places in our own pages. Vega turns what has no host into an address of its own, so ours has one.
_PLACE = "https://here.invalid"
_LINK = re.compile(rf'<a xlink:href="{re.escape(_PLACE)}(/[^"]*)">')
_FOREIGN = re.compile(r'<a xlink:href="[^"]*">(.*?)</a>')  # links do not nest
_COLOUR = re.compile(r'(fill|stroke)="(#[0-9a-f]{6})"')
_ID = re.compile(r'(id="|url\(#)((?:clip|gradient_)\d+)')
_HEAD = re.compile(r"^<svg [^>]*?width=\"([\d.]+)\" height=\"([\d.]+)\" viewBox=\"([^\"]+)\">")
_NAMES = {colour: token for token, colour in TOKENS.items()}


@dataclass(frozen=True)
class Drawing:
    """`rows` are what the marks show, as text; `hrefs` the place of each row in our pages, or an empty string."""

    name: str
    title: str
    description: str
    svg: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    hrefs: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in ("name", "title", "description", "svg")}
        listed = {"columns": list(self.columns), "rows": [list(row) for row in self.rows], "hrefs": list(self.hrefs)}
        return {**plain, **listed}


@dataclass(frozen=True)
class Row:
    cells: tuple[str, ...]
    href: str = ""


@dataclass(frozen=True)
class Shown:
    """What `_drawing.html` needs."""

    title: str
    description: str
    svg: SafeString
    columns: list[str]
    rows: list[Row]


def chart_of(rows: Sequence[dict[str, Any]]) -> alt.Chart:
    """A chart of these rows, with nothing drawn yet."""
    import altair as alt  # a second to load: only who draws waits for it

    return alt.Chart(alt.InlineData(values=list(rows)))


def draw(
    name: str,
    chart: alt.Chart | alt.LayerChart,
    *,
    title: str,
    description: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    hrefs: Sequence[str] = (),
) -> Drawing:
    """The chart as SVG. In its data a link is `place("/p/…")`. Nothing is loaded from anywhere."""
    import vl_convert

    sized = chart.properties(width=WIDTH, height=HEIGHT)
    spec = {**sized.to_dict(), "config": _CONFIG, "background": None}
    svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    return Drawing(name, title, description, svg, tuple(columns), tuple(map(tuple, rows)), tuple(hrefs))


def place(path: str) -> str:
    """A place in our own pages, as a chart's `href`."""
    return f"{_PLACE}{path}" if path else ""


def shown(drawing: dict[str, Any], *, linked: bool = True) -> Shown:
    """A stored drawing as a page shows it; without links in a file that is read elsewhere."""
    hrefs = drawing["hrefs"] if linked and drawing["hrefs"] else [""] * len(drawing["rows"])
    rows = [Row(tuple(cells), href) for cells, href in zip(drawing["rows"], hrefs, strict=True)]
    svg = themed(drawing, linked=linked)
    return Shown(drawing["title"], drawing["description"], svg, list(drawing["columns"]), rows)


def themed(drawing: dict[str, Any], *, linked: bool = True) -> SafeString:
    """The SVG for a page of ours, or without links for a file that is read elsewhere.

    Vega escapes every text that it writes, and only its own colours, ids and our places are replaced here."""
    svg = str(drawing["svg"])
    svg = _LINK.sub(r'<a href="\1" tabindex="-1">', svg) if linked else svg
    svg = _FOREIGN.sub(r"\1", svg)
    svg = _COLOUR.sub(_token, svg).replace(' font-family="sans-serif"', "")
    svg = _ID.sub(rf"\g<1>{drawing['name']}-\g<2>", svg)
    label = escape(f"{drawing['title']}. {drawing['description']}", quote=True)
    head = _HEAD.sub(rf'<svg class="drawing" role="img" viewBox="\3" aria-label="{_literal(label)}">', svg, count=1)
    return mark_safe(head)  # noqa: S308 - drawn by us, every text in it escaped by Vega


def plain(drawing: dict[str, Any]) -> str:
    """The SVG as it was drawn, without links: for a PDF."""
    return _FOREIGN.sub(r"\1", str(drawing["svg"]))


def _literal(text: str) -> str:
    return text.replace("\\", r"\\")


def _token(found: re.Match[str]) -> str:
    name = _NAMES.get(found[2])
    return f'{found[1]}="var(--{name})"' if name else found[0]


_AXIS = {
    "labelColor": TOKENS["ink-3"],
    "titleColor": INK,
    "domainColor": LINE,
    "tickColor": LINE,
    "gridColor": TOKENS["line"],
    "labelFontSize": 12,
    "titleFontSize": 12,
    "titleFontWeight": "normal",
    "titlePadding": 8,
}
_CONFIG: dict[str, Any] = {
    "view": {"stroke": None},
    "axis": _AXIS,
    "legend": {
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "symbolStrokeWidth": 2,
        "orient": "bottom",
        "labelLimit": 260,
    },
    "text": {"color": INK, "fontSize": 12},
    "line": {"color": ACCENT, "strokeWidth": 2},
    "rule": {"color": LINE},
    "bar": {"color": ACCENT},
    "area": {"color": ACCENT},
    "point": {"color": ACCENT, "filled": True, "size": 60, "opacity": 1},
    "range": {"category": SERIES, "symbol": SHAPES},
}

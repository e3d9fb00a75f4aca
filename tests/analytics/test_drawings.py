"""Charts drawn to SVG: in our colours, linked to our pages, and safe whatever a system is called."""

from __future__ import annotations

import re
from pathlib import Path

from analytics.charts import vega

TOKENS_CSS = Path(__file__).resolve().parents[2] / "static" / "css" / "tokens.css"
HOSTILE = '<script>alert(1)</script>"&'


def drawing() -> vega.Drawing:
    rows = [
        {"x": 1, "y": 2, "s": HOSTILE, "href": vega.place("/p/demo/items/1/")},
        {"x": 2, "y": 1, "s": "b", "href": "https://elsewhere.example/"},
    ]
    chart = vega.chart_of(rows).mark_point()
    encoded = chart.encode(x="x:Q", y="y:Q", color="s:N", shape="s:N", href="href:N", description="s:N")
    return vega.draw(
        "cloud",
        encoded,
        title=f"A {HOSTILE}",
        description="Two points.",
        columns=("System",),
        rows=[(HOSTILE,), ("b",)],
    )


def test_the_drawings_colours_are_the_light_tokens() -> None:
    css = TOKENS_CSS.read_text(encoding="utf-8")
    light = dict(re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}),", css))
    assert {name: light[name] for name in vega.TOKENS} == vega.TOKENS


def test_on_a_page_a_drawing_follows_the_theme_and_links_to_our_pages_only() -> None:
    svg = vega.themed(drawing().to_dict())
    assert 'fill="var(--series-1)"' in svg
    assert re.findall(r'href="([^"]*)"', svg) == ["/p/demo/items/1/"]
    assert svg.count("<a ") == svg.count("</a>") == 1
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg
    assert " style=" not in svg
    assert svg.startswith('<svg class="drawing" role="img" ')


def test_in_a_file_a_drawing_has_no_links() -> None:
    drawn = drawing().to_dict()
    assert "href" not in vega.themed(drawn, linked=False)
    assert "<a" not in vega.plain(drawn)
    assert "</a>" not in vega.plain(drawn)

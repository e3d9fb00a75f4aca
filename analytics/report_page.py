"""The report as a page shows it: the stored body with its marks. Nothing is estimated here.

Reports are frozen, so older ones lack what came later: each part does without."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from analytics.charts import Axis, Interval, Segment, interval, stacked
from analytics.charts.axis import coefficient_axis, value_axis
from analytics.charts.bars import shade
from analytics.digests import body_json
from analytics.report_agreement import Agreement, agreement_part
from analytics.report_earlier import Earlier, earlier_part
from analytics.report_marks import Marks, marks_part
from analytics.report_metrics import Automated, automated_part
from analytics.report_parts import CORRELATION_AXIS, SHARE_AXIS, Line, decided, ends, warnings_of
from analytics.report_picture import Picture, picture_part
from analytics.report_powered import Powered, powered_part
from analytics.report_preference import Preference, preference_part
from analytics.report_raters import Raters, raters_part
from analytics.report_reading import Reading, reading_part
from analytics.report_slices import Slices, slices_part
from analytics.report_words import Said, level_names, say
from analytics.sections.answer import upper

TOTAL_AXIS = Axis(0.0, 1.0, 0.25)


@dataclass(frozen=True)
class Stat:
    label: str
    said: Said
    mark: Interval
    axis: Axis
    reference: str


@dataclass(frozen=True)
class Scores:
    key: str
    question: str
    level: str
    legend: list[Segment]
    lines: list[Line]
    axis: Axis | None
    measure: str  # what `said` is: mean, median or share
    differences: list[Line]
    difference_axis: Axis | None


@dataclass(frozen=True)
class Totals:
    lines: list[Line]
    differences: list[Line]
    gap_axis: Axis
    weights: str
    left_out: list[tuple[str, str]]
    warnings: list[str]


@dataclass
class Page:
    body: dict[str, Any]
    stats: list[Stat] = field(default_factory=list)
    preferences: list[Preference] = field(default_factory=list)
    marks: list[Marks] = field(default_factory=list)
    scores: list[Scores] = field(default_factory=list)
    totals: Totals | None = None
    agreement: Agreement = field(default_factory=Agreement)
    automated: list[Automated] = field(default_factory=list)
    powered: Powered = field(default_factory=Powered)
    slices: Slices = field(default_factory=Slices)
    picture: Picture = field(default_factory=Picture)
    raters: Raters = field(default_factory=Raters)
    reading: Reading = field(default_factory=Reading)
    sentences: list[dict[str, str]] = field(default_factory=list)
    earlier: Earlier | None = None
    correlation_axis: Axis = CORRELATION_AXIS
    share_axis: Axis = SHARE_AXIS
    total_axis: Axis = TOTAL_AXIS


def page_of(stored: dict[str, Any], places: Mapping[str, str] | None = None) -> Page:
    """`places` are the addresses of items that the page may link to."""
    body = json.loads(body_json(stored))  # keys in one order: each database keeps another
    page = Page(body)
    questions = {c["key"]: c for c in body["criteria"]}
    page.stats = [_stat(figure) for figure in body["answer"]["figures"]]
    keys = [c["key"] for c in body["criteria"]]
    page.preferences = [
        preference_part(questions[k], body["preference"][k], body.get("orders", {}).get(k))
        for k in keys
        if body["preference"].get(k, {}).get("win_rate")
    ]
    page.scores = [s for s in (_scores(body, questions[k]) for k in keys) if s.lines]
    page.marks = [m for k in keys if (m := marks_part(questions[k], body.get("marks", {}).get(k))) is not None]
    page.totals = _totals(body.get("totals", {}))
    page.agreement = agreement_part(body)
    page.automated = [a for a in (automated_part(body, questions[k]) for k in keys) if a.lines]
    page.powered = powered_part(body)
    page.slices = slices_part(body)
    page.picture = picture_part(body)
    page.raters = raters_part(body)
    page.reading = reading_part(body, places or {})
    page.sentences = body["answer"].get("sentences", [])
    page.earlier = earlier_part(body)
    return page


def _stat(figure: dict[str, Any]) -> Stat:
    estimate = figure["estimate"]
    alpha = figure["kind"] == "alpha"
    axis = coefficient_axis(ends(estimate)) if alpha else SHARE_AXIS
    said = say(estimate) if alpha else say(estimate, digits=1)
    return Stat(figure["label"], said, interval(estimate, axis), axis, axis.at(figure["reference"]))


# --- scores ----------------------------------------------------------------------------------------------


def _scores(body: dict[str, Any], criterion: dict[str, Any]) -> Scores:
    key, level = criterion["key"], criterion["level_of_measurement"]
    rows = {s: found[key] for s, found in body["scores"].items() if key in found}
    labels = level_names(criterion)
    measure = "mean" if level in ("interval", "ratio") else "median" if level == "ordinal" else "share"
    axis = None
    if measure != "share":
        reached = [e for row in rows.values() for e in ends(row[measure])]
        bounds = [x for x in criterion["domain"] or [] if isinstance(x, int | float)]
        axis = value_axis([*bounds, *reached])
    lines = [_score_line(name, row, measure, axis, labels) for name, row in rows.items()]
    pairs = body["comparisons"].get(key, {})
    chances = {a: {b: found["superiority"] for b, found in row.items()} for a, row in pairs.items()}
    differences = [
        _difference(f"{a} over {b}", pairs[a][b]["difference"], estimate) for a, b, estimate in upper(chances)
    ]
    return Scores(
        key=key,
        question=criterion["question"],
        level=level,
        legend=_legend(rows, labels),
        lines=lines,
        axis=axis,
        measure=measure,
        differences=differences,
        difference_axis=SHARE_AXIS if differences else None,
    )


def _named(level: Any, labels: dict[str, str]) -> str:
    return labels.get(str(level), f"{level:g}" if isinstance(level, float) else str(level))


def _legend(rows: dict[str, Any], labels: dict[str, str]) -> list[Segment]:
    first: dict[str, Any] = next(iter(rows.values()), {"distribution": {"levels": []}})
    levels = first["distribution"]["levels"]
    return [Segment("", "", shade(n, len(levels)), _named(x["level"], labels), 0.0) for n, x in enumerate(levels)]


def _score_line(name: str, row: dict[str, Any], measure: str, axis: Axis | None, labels: dict[str, str]) -> Line:
    levels = row["distribution"]["levels"]
    parts = [
        (_named(x["level"], labels), x["share"]["value"] or 0.0, shade(n, len(levels))) for n, x in enumerate(levels)
    ]
    estimate = row[measure] if measure != "share" else levels[-1]["share"] if levels else row["median"]
    cells = tuple(f"{label}: {100 * share:.0f} %" for label, share, _ in parts)
    return Line(
        name=name,
        mark=interval(estimate, axis or SHARE_AXIS),
        said=say(estimate, digits=_digits(estimate) if measure == "median" else None),
        cells=cells,
        segments=tuple(stacked(parts)),
    )


def _digits(estimate: dict[str, Any]) -> int:
    """A median is a level: whole levels are written without decimals."""
    return 0 if all(float(end).is_integer() for end in ends(estimate)) else 2


def _difference(name: str, difference: dict[str, Any], superiority: dict[str, Any]) -> Line:
    """The chance to be above is drawn; the difference is told where a mean has a meaning."""
    told = "" if difference["status"] == "not_estimable" else _difference_words(difference)
    return Line(
        name=name,
        mark=interval(superiority, SHARE_AXIS),
        said=say(superiority),
        lead=decided(superiority, 0.5),
        cells=(told,),
    )


def _difference_words(estimate: dict[str, Any]) -> str:
    said = say(estimate)
    sign = "+" if estimate["value"] > 0 else ""
    unit = " points" if estimate["unit"] == "share" else ""
    return f"{sign}{said.value.removesuffix(' %')}{unit} {said.interval}"


# --- totals ----------------------------------------------------------------------------------------------


def _totals(found: dict[str, Any]) -> Totals | None:
    if not found.get("systems"):
        return None
    systems = sorted(found["systems"].items(), key=lambda pair: (-(pair[1]["value"] or 0.0), pair[0]))
    lines = [Line(name, interval(e, TOTAL_AXIS), say(e)) for name, e in systems]
    order = [name for name, _ in systems]
    pairs = [(a, b) for n, a in enumerate(order) for b in order[n + 1 :] if b in found["differences"].get(a, {})]
    gaps = [(f"{a} minus {b}", found["differences"][a][b]) for a, b in pairs]
    return Totals(
        lines=lines,
        differences=[Line(name, interval(e, CORRELATION_AXIS), say(e), lead=decided(e, 0.0)) for name, e in gaps],
        gap_axis=CORRELATION_AXIS,
        weights=", ".join(f"{key} × {weight:g}" for key, weight in found["weights"].items()),
        left_out=sorted(found["left_out"].items()),
        warnings=warnings_of(*(e for _, e in systems), *(e for _, e in gaps)),
    )

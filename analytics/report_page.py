"""The report as a page shows it: the stored body with its marks. Nothing is estimated here."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from analytics.charts import Axis, Interval, Segment, heat, interval, stacked
from analytics.charts.axis import coefficient_axis, value_axis
from analytics.charts.bars import shade
from analytics.digests import body_json
from analytics.report_words import Said, say
from analytics.sections.answer import RELIABLE, TENTATIVE, is_skewed, upper

SHARE_AXIS = Axis(0.0, 1.0, 0.25, factor=100)
CORRELATION_AXIS = Axis(-1.0, 1.0, 0.5)


@dataclass(frozen=True)
class Line:
    """A row of a forest: a name, a mark, a number, and further cells."""

    name: str
    mark: Interval
    said: Said
    lead: bool = False
    tags: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()


@dataclass(frozen=True)
class Stat:
    label: str
    said: Said
    mark: Interval
    axis: Axis
    reference: str


@dataclass(frozen=True)
class Cell:
    css: str
    said: Said | None  # None: the system against itself
    n: str = ""


@dataclass(frozen=True)
class Preference:
    key: str
    question: str
    systems: list[str]
    matrix: list[tuple[str, list[Cell]]]
    pairs: list[Line]
    axis: Axis
    ties: Said
    tie_counts: dict[str, int]
    position: Said
    position_n: int
    position_p: float | None
    n_inconsistent: int
    n_cannot_judge: int


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
class Automated:
    key: str
    question: str
    lines: list[Line]


@dataclass(frozen=True)
class RaterLine:
    name: str
    n: int
    seconds: float | None
    n_cannot_judge: int
    excluded: bool


@dataclass
class Page:
    body: dict[str, Any]
    stats: list[Stat] = field(default_factory=list)
    preferences: list[Preference] = field(default_factory=list)
    scores: list[Scores] = field(default_factory=list)
    agreement: list[Line] = field(default_factory=list)
    agreement_axis: Axis | None = None
    band: tuple[str, str] = ("", "")
    automated: list[Automated] = field(default_factory=list)
    raters: list[RaterLine] = field(default_factory=list)
    correlation_axis: Axis = CORRELATION_AXIS
    share_axis: Axis = SHARE_AXIS


def page_of(stored: dict[str, Any]) -> Page:
    body = json.loads(body_json(stored))  # keys in one order: each database keeps another
    page = Page(body)
    questions = {c["key"]: c for c in body["criteria"]}
    page.stats = [_stat(figure) for figure in body["answer"]["figures"]]
    keys = [c["key"] for c in body["criteria"]]
    page.preferences = [
        _preference(questions[k], body["preference"][k]) for k in keys if body["preference"].get(k, {}).get("win_rate")
    ]
    page.scores = [s for s in (_scores(body, questions[k]) for k in keys) if s.lines]
    _agreement(page, [questions[k] for k in keys if k in body["agreement"]])
    page.automated = [a for a in (_automated(body, questions[k]) for k in keys) if a.lines]
    page.raters = [
        RaterLine(name, r["n_judgments"], r["median_seconds"], r["n_cannot_judge"], r["excluded"])
        for name, r in sorted(body["raters"].items(), key=lambda pair: (-pair[1]["n_judgments"], pair[0]))
    ]
    return page


def _stat(figure: dict[str, Any]) -> Stat:
    estimate = figure["estimate"]
    alpha = figure["kind"] == "alpha"
    axis = coefficient_axis(_ends(estimate)) if alpha else SHARE_AXIS
    said = say(estimate) if alpha else say(estimate, digits=1)
    return Stat(figure["label"], said, interval(estimate, axis), axis, axis.at(figure["reference"]))


def _ends(*estimates: dict[str, Any]) -> list[float]:
    return [e[side] for e in estimates for side in ("low", "value", "high") if e[side] is not None]


# --- preference ------------------------------------------------------------------------------------------


def _preference(criterion: dict[str, Any], found: dict[str, Any]) -> Preference:
    rates = found["win_rate"]
    systems = sorted(rates, key=lambda name: (-_mean_rate(rates[name]), name))
    matrix = [(a, [_cell(rates, a, b) for b in systems]) for a in systems]
    pairs = [(a, b) for n, a in enumerate(systems) for b in systems[n + 1 :] if b in rates[a]]
    bias = found["position_bias"]
    return Preference(
        key=criterion["key"],
        question=criterion["question"],
        systems=systems,
        matrix=matrix,
        pairs=[_pair(found, a, b) for a, b in pairs],
        axis=SHARE_AXIS,
        ties=say(found["ties"]),
        tie_counts=found["ties"]["counts"],
        position=say(bias),
        position_n=bias["n_judgments"],
        position_p=bias["p_value"],
        n_inconsistent=found["n_inconsistent"],
        n_cannot_judge=found["n_cannot_judge"],
    )


def _mean_rate(row: dict[str, Any]) -> float:
    """For the order of rows only."""
    values = [e["value"] for e in row.values() if e["value"] is not None]
    return sum(values) / len(values) if values else 0.0


def _cell(rates: dict[str, Any], a: str, b: str) -> Cell:
    if a == b:
        return Cell("self", None)
    estimate = rates[a].get(b)
    if estimate is None:
        return Cell("self", Said("", "", "These two were not compared.", ""))
    css = f"heat-{heat(estimate['value'])}" if estimate["value"] is not None else "self"
    return Cell(css, say(estimate), str(estimate["n_clusters"]))


def _pair(found: dict[str, Any], a: str, b: str) -> Line:
    estimate = found["win_rate"][a][b]
    shares = {x["level"]: x["share"]["value"] or 0.0 for x in found["outcomes"][a][b]["levels"]}
    ties = shares["tie"] + shares["both_good"] + shares["both_bad"]
    parts = [(f"{a} wins", shares["win"], "wl-win"), ("tie", ties, "wl-tie"), (f"{b} wins", shares["loss"], "wl-loss")]
    return Line(
        name=f"{a} over {b}",
        mark=interval(estimate, SHARE_AXIS),
        said=say(estimate, digits=1),
        lead=_decided(estimate, 0.5),
        cells=tuple(f"{100 * share:.0f}" for _, share, _ in parts),
        segments=tuple(stacked(parts)),
    )


def _decided(estimate: dict[str, Any], reference: float) -> bool:
    return estimate["status"] == "ok" and not estimate["low"] <= reference <= estimate["high"]


# --- scores ----------------------------------------------------------------------------------------------


def _scores(body: dict[str, Any], criterion: dict[str, Any]) -> Scores:
    key, level = criterion["key"], criterion["level_of_measurement"]
    rows = {s: found[key] for s, found in body["scores"].items() if key in found}
    labels = {str(x["code"]): x["label"] for x in criterion["levels"]}
    labels |= {str(x["number"]): x["label"] for x in criterion["levels"] if x["number"] is not None}
    measure = "mean" if level in ("interval", "ratio") else "median" if level == "ordinal" else "share"
    axis = None
    if measure != "share":
        ends = [e for row in rows.values() for e in _ends(row[measure])]
        bounds = [x for x in criterion["domain"] or [] if isinstance(x, int | float)]
        axis = value_axis([*bounds, *ends])
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
    return 0 if all(float(end).is_integer() for end in _ends(estimate)) else 2


def _difference(name: str, difference: dict[str, Any], superiority: dict[str, Any]) -> Line:
    """The chance to be above is drawn; the difference is told where a mean has a meaning."""
    told = "" if difference["status"] == "not_estimable" else _difference_words(difference)
    return Line(
        name=name,
        mark=interval(superiority, SHARE_AXIS),
        said=say(superiority),
        lead=_decided(superiority, 0.5),
        cells=(told,),
    )


def _difference_words(estimate: dict[str, Any]) -> str:
    said = say(estimate)
    sign = "+" if estimate["value"] > 0 else ""
    unit = " points" if estimate["unit"] == "share" else ""
    return f"{sign}{said.value.removesuffix(' %')}{unit} {said.interval}"


# --- agreement, metrics ----------------------------------------------------------------------------------


def _agreement(page: Page, criteria: list[dict[str, Any]]) -> None:
    found = page.body["agreement"]
    axis = coefficient_axis(
        end for c in criteria for end in _ends(found[c["key"]]["krippendorff_alpha"], found[c["key"]]["gwet_ac1"])
    )
    page.agreement_axis = axis
    page.band = (axis.at(TENTATIVE), axis.width(TENTATIVE, RELIABLE))
    page.agreement = [_agreement_line(c, found[c["key"]], axis) for c in criteria]


def _agreement_line(criterion: dict[str, Any], found: dict[str, Any], axis: Axis) -> Line:
    alpha, second = found["krippendorff_alpha"], found["gwet_ac2"]
    # AC2 counts near misses as the criterion's level does; at the nominal level there are none.
    chosen, name = (second, "AC2") if found["ac2_weights"] else (found["gwet_ac1"], "AC1")
    gwet, same = say(chosen), say(found["percent_agreement"])
    return Line(
        name=criterion["key"],
        mark=interval(alpha, axis),
        said=say(alpha),
        tags=("skewed",) if is_skewed(found) else (),
        cells=(
            gwet.value if gwet.is_known else "not estimable",
            f"{name} {gwet.interval}",
            same.value if same.is_known else "not estimable",
            same.interval,
            str(found["n_ratings"]),
            criterion["question"],
        ),
    )


def _automated(body: dict[str, Any], criterion: dict[str, Any]) -> Automated:
    lines = []
    for metric, found in sorted(body["automated"].items()):
        if criterion["key"] not in found:
            continue
        row = found[criterion["key"]]
        tau, rho, same = (row[name] for name in ("kendall_tau_b", "spearman", "agreement"))
        lines.append(
            Line(
                name=metric,
                mark=interval(tau, CORRELATION_AXIS),
                said=say(tau),
                lead=_decided(tau, 0.0),
                tags=("same question",) if row["declared_same_question"] else (),
                cells=(_cell_words(rho), _cell_words(same), str(tau["n_units"] or same["n_units"])),
            )
        )
    return Automated(criterion["key"], criterion["question"], lines)


def _cell_words(estimate: dict[str, Any]) -> str:
    said = say(estimate)
    return f"{said.value} {said.interval}" if said.is_known else "not estimable"

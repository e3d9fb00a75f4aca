"""The whole picture on the page: one table of all systems, and quality against what it takes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import permutations
from typing import Any

from analytics.charts.axis import Axis, value_axis
from analytics.charts.scatter import Scatter, scatter
from analytics.report_parts import decided, listed, warnings_of
from analytics.report_words import Said, say

QUALITY_AXIS = Axis(0.0, 1.0, 0.25, factor=100)
_COLUMNS = (
    ("latency_ms", "p50", "Time, median"),
    ("latency_ms", "p95", "Time, 95 %"),
    ("ttft_ms", "p50", "First token, median"),
    ("ttft_ms", "p95", "First token, 95 %"),
    ("tokens_in", "mean", "Tokens in"),
    ("tokens_out", "mean", "Tokens out"),
    ("cost", "mean", "Cost of an answer"),
)
_AGAINST = (("cost", "mean", "cost", "cheaper"), ("latency_ms", "p50", "median time", "faster"))


@dataclass(frozen=True)
class Row:
    """One figure, for every system. `note` says why some have no interval; where reasons differ, each has its own."""

    title: str
    about: str
    cells: list[Said | None]
    prompts: list[int]
    note: str = ""


@dataclass(frozen=True)
class Chart:
    title: str
    description: str
    drawn: Scatter
    unit: str


@dataclass(frozen=True)
class Picture:
    systems: list[str] = field(default_factory=list)
    quality: list[Row] = field(default_factory=list)
    metrics: list[Row] = field(default_factory=list)
    measures: list[Row] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.systems)

    @property
    def groups(self) -> list[tuple[str, list[Row]]]:
        named = (("People", self.quality), ("Metrics", self.metrics), ("What an answer takes", self.measures))
        return [(title, rows) for title, rows in named if rows]


def picture_part(body: dict[str, Any]) -> Picture:
    found = body.get("picture")
    if not found:
        return Picture()
    table = found["systems"]
    systems = [name for name in body["systems"] if name in table]
    questions = {c["key"]: c["question"] for c in body["criteria"]}
    keys = [key for key in questions if any(key in table[s]["quality"] for s in systems)]
    quality = [_row(questions[key], key, [table[s]["quality"].get(key) for s in systems]) for key in keys]
    metrics = sorted({name for s in systems for name in table[s]["metrics"]})
    told = [e for s in systems for part in ("quality", "metrics") for e in table[s][part].values()]
    told += [e for s in systems for measure in table[s]["measures"].values() for e in measure.values()]
    return Picture(
        systems=systems,
        quality=quality,
        metrics=[_row(name, "mean", [table[s]["metrics"].get(name) for s in systems]) for name in metrics],
        measures=[row for row in (_measure(table, systems, *column) for column in _COLUMNS) if row is not None],
        charts=_charts(found, systems, keys[:1]),
        sentences=_sentences(body, found, systems, keys[:1]),
        warnings=warnings_of(*told),
    )


def _row(title: str, about: str, estimates: list[dict[str, Any] | None]) -> Row:
    cells = [None if e is None else _told(e) for e in estimates]
    notes = {said.note for said in cells if said is not None and said.note}
    prompts = [0 if e is None else e["n_clusters"] for e in estimates]
    if len(notes) > 1:
        return Row(title, about, cells, prompts)
    return Row(title, about, [said and replace(said, note="") for said in cells], prompts, "".join(notes))


def _measure(table: dict[str, Any], systems: list[str], name: str, key: str, title: str) -> Row | None:
    cells = [table[s]["measures"].get(name, {}).get(key) for s in systems]
    units = {e["unit"] for e in cells if e is not None and e["unit"]}
    return _row(title, listed(sorted(units)), cells) if any(cells) else None


def _told(estimate: dict[str, Any]) -> Said:
    if estimate["unit"] == "share":
        return say(estimate)
    return say(estimate, digits=_digits(estimate["value"]))


def _digits(value: float | None) -> int:
    """Three digits that mean something: 1,870 ms, 0.00364 USD."""
    if not value:
        return 2
    size = abs(value)
    places = 0
    while size < 100 and places < 7:
        size, places = size * 10, places + 1
    return places


# --- charts ----------------------------------------------------------------------------------------------


def _charts(found: dict[str, Any], systems: list[str], keys: list[str]) -> list[Chart]:
    charts = []
    for key in keys:
        for name, figure, title, _ in _AGAINST:
            rows = [
                (s, found["systems"][s]["measures"][name][figure]["value"], found["systems"][s]["quality"][key])
                for s in systems
                if key in found["systems"][s]["quality"] and name in found["systems"][s]["measures"]
            ]
            rows = [row for row in rows if row[1] is not None and row[2]["value"] is not None]
            front = found["front"].get(key, {}).get(name, [])
            if len(rows) < 2:
                continue
            unit = next(found["systems"][s]["measures"][name][figure]["unit"] for s, _, _ in rows)
            drawn = scatter(rows, front, value_axis([0.0, *(at for _, at, _ in rows)]), QUALITY_AXIS)
            said = f"On the line: {listed(front)}. No other system is at once as good on “{key}” and takes no more."
            charts.append(Chart(f"“{key}” against {title}", said, drawn, unit))
    return charts


# --- words -----------------------------------------------------------------------------------------------


def _sentences(body: dict[str, Any], found: dict[str, Any], systems: list[str], keys: list[str]) -> list[str]:
    """Only what both differences by prompt settle."""
    told = []
    for key in keys:
        for a, b in permutations(systems, 2):
            if not _is_better(body, key, a, b):
                continue
            less = [word for name, _, _, word in _AGAINST if _takes_less(found, name, a, b)]
            more = [title for name, _, title, _ in _AGAINST if _takes_less(found, name, b, a)]
            gains, price = f", and {listed(less)}" if less else "", f", for more {listed(more)}" if more else ""
            if gains or price:
                told.append(f"{a} is better than {b} on “{key}”{gains}{price}.")
    return told


def _is_better(body: dict[str, Any], key: str, a: str, b: str) -> bool:
    rates = body["preference"].get(key, {}).get("win_rate", {})
    estimate = rates.get(a, {}).get(b) or body["comparisons"].get(key, {}).get(a, {}).get(b, {}).get("superiority")
    return bool(estimate) and decided(estimate, 0.5) and estimate["value"] > 0.5


def _takes_less(found: dict[str, Any], name: str, a: str, b: str) -> bool:
    estimate = found["differences"].get(name, {}).get(a, {}).get(b)
    return bool(estimate) and decided(estimate, 0.0) and estimate["value"] < 0

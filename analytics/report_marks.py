"""Marked passages on the page: points of each system, the mistakes behind them, and agreement on the words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analytics.charts import Axis, interval
from analytics.charts.axis import value_axis
from analytics.report_parts import Line, ends, warnings_of
from analytics.report_words import Said, say


@dataclass(frozen=True)
class Marks:
    key: str
    question: str
    lines: list[Line]
    axis: Axis
    systems: list[str]
    counts: list[tuple[str, str, list[int]]]  # category, severity, and how many of each system
    same_words: Said
    same_category: Said
    warnings: list[str]


def marks_part(criterion: dict[str, Any], found: dict[str, Any] | None) -> Marks | None:
    if not found or not found["systems"]:
        return None
    systems = sorted(found["systems"].items(), key=lambda each: (each[1]["mqm"]["value"] or 0.0, each[0]))
    axis = value_axis([0.0, *(e for _, own in systems for e in ends(own["mqm"]))])
    names = [name for name, _ in systems]
    kinds = [(c, s) for c, severities in systems[0][1]["counts"].items() for s in severities]
    counts = [(c, s, [own["counts"][c][s] for _, own in systems]) for c, s in kinds]
    return Marks(
        key=criterion["key"],
        question=criterion["question"],
        lines=[
            Line(name, interval(own["mqm"], axis), say(own["mqm"]), cells=(str(own["n"]),)) for name, own in systems
        ],
        axis=axis,
        systems=names,
        counts=[row for row in counts if any(row[2])],
        same_words=say(found["span_f1"]),
        same_category=say(found["span_f1_same_category"]),
        warnings=warnings_of(*(own["mqm"] for _, own in systems), found["span_f1"]),
    )

"""Where each system stands in the orders that raters gave, on the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analytics.charts import Axis, interval
from analytics.charts.axis import value_axis
from analytics.report_parts import Line, ends, warnings_of
from analytics.report_words import Said, say


@dataclass(frozen=True)
class Orders:
    ranked: bool  # else best and worst were chosen
    n: int
    lines: list[Line]  # cells: how often best, how often worst, out of how many
    axis: Axis
    concordance: Said | None
    warnings: list[str]


def orders_part(found: dict[str, Any] | None) -> Orders | None:
    if not found or not found["systems"]:
        return None
    ranked = found["kind"] == "ranking"
    sign = 1 if ranked else -1  # a low rank is good, a low score is bad
    systems = sorted(found["systems"].items(), key=lambda each: (sign * (each[1]["mean"]["value"] or 0.0), each[0]))
    reached = [e for _, own in systems for e in ends(own["mean"])]
    axis = value_axis([1.0, *reached]) if ranked else value_axis([-1.0, 1.0, *reached])
    concordance = found.get("kendall_w")
    return Orders(
        ranked=ranked,
        n=found["n_orders"],
        lines=[_line(name, own, axis) for name, own in systems],
        axis=axis,
        concordance=say(concordance) if concordance else None,
        warnings=warnings_of(*(own["mean"] for _, own in systems), concordance),
    )


def _line(name: str, own: dict[str, Any], axis: Axis) -> Line:
    cells = (str(own["n_best"]), str(own["n_worst"]), str(own["n"]))
    return Line(name=name, mark=interval(own["mean"], axis), said=say(own["mean"]), cells=cells)

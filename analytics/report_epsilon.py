"""The alternative annotator test over all ε: the verdict rests on ε, so the whole curve is drawn, with its table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analytics.charts.axis import Axis
from analytics.charts.scatter import Scatter, scatter
from analytics.report_parts import SHARE_AXIS
from projects.templatetags.numbers import number, times


@dataclass(frozen=True)
class EpsilonCurve:
    """`rows`: ε, beside how many raters the judge holds its own, the share of them, and whether that passes."""

    title: str
    description: str
    drawn: Scatter
    rows: list[tuple[str, str, str, str]]


def epsilon_curve(metric: str, test: dict[str, Any]) -> EpsilonCurve | None:
    points = test.get("curve") or []
    people = len(test.get("annotators", []))
    if not points or not people:
        return None
    places = [(each["epsilon"], each["winning_rate"]) for each in points]
    raters = times(people, "rater,raters")
    start = test["passes_from"]
    passes = f"It passes from ε = {number(start, 2)} on." if start is not None else "It passes at no ε of the curve."
    return EpsilonCurve(
        f"{metric} in the place of each rater, by ε",
        f"Upright: per cent of {raters} beside whom {metric} holds its own; 50 and more passes. Across: ε, the lead "
        f"that people are granted. {passes} A share of so few raters has no interval.",
        _drawn(places),
        [
            (number(e, 2), f"{round(rate * people)} of {people}", f"{number(100 * rate, 0)} %", _verdict(rate))
            for e, rate in places
        ],
    )


def _drawn(places: list[tuple[float, float]]) -> Scatter:
    """Dots without names, each step drawn as far as the next ε that was tried."""
    rows = [("", e, {"value": rate, "low": None, "high": None}) for e, rate in places]
    across = Axis(0.0, max(0.4, *(e for e, _ in places)), 0.1)
    plain = scatter(rows, [], across, SHARE_AXIS)
    at = [(point.x, point.y) for point in plain.points]
    steps = []
    for (x, y), (further, higher) in zip(at, at[1:], strict=False):
        steps += [(x, y, further, y), (further, y, further, higher)]
    return Scatter([], across, SHARE_AXIS, steps)


def _verdict(rate: float) -> str:
    return "passes" if rate >= 0.5 else "does not pass"

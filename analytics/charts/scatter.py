"""Systems as points between two axes, each with its interval along the upright one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analytics.charts.axis import Axis, percent


@dataclass(frozen=True)
class Point:
    name: str
    x: str
    y: str
    low: str  # empty without an interval
    high: str
    on_front: bool
    label_left: bool  # near the right edge the name stands before its point


@dataclass(frozen=True)
class Scatter:
    points: list[Point]
    x_axis: Axis
    y_axis: Axis
    steps: list[tuple[str, str, str, str]]  # the front, drawn as steps: x1, y1, x2, y2

    @property
    def y_ticks(self) -> list[tuple[str, str]]:
        return [
            (_up(self.y_axis, self.y_axis.low + n * self.y_axis.step), t.label) for n, t in enumerate(self.y_axis.ticks)
        ]


def scatter(rows: Sequence[tuple[str, float, dict[str, Any]]], front: Sequence[str], x: Axis, y: Axis) -> Scatter:
    """`rows`: name, place along the lower axis, estimate along the upright one."""
    points = []
    for name, at, estimate in rows:
        ends = [estimate[side] for side in ("low", "high")]
        low, high = ("", "") if None in ends else (_up(y, ends[0]), _up(y, ends[1]))
        share = (at - x.low) / (x.high - x.low)
        points.append(Point(name, x.at(at), _up(y, estimate["value"]), low, high, name in front, share > 0.7))
    best = sorted((at, estimate["value"]) for name, at, estimate in rows if name in front)
    return Scatter(points, x, y, list(_steps(best, x, y)))


def _steps(best: list[tuple[float, float]], x: Axis, y: Axis) -> list[tuple[str, str, str, str]]:
    """What can be had for no more than x: it rises where the next system of the front stands."""
    found = []
    for n, (at, value) in enumerate(best):
        end = best[n + 1][0] if n + 1 < len(best) else x.high
        found.append((x.at(at), _up(y, value), x.at(end), _up(y, value)))
        if n + 1 < len(best):
            found.append((x.at(end), _up(y, value), x.at(end), _up(y, best[n + 1][1])))
    return found


def _up(axis: Axis, value: float) -> str:
    return percent(1 - (value - axis.low) / (axis.high - axis.low))

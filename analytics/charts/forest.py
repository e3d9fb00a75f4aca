"""An estimate on a line: a dot for the value, a bar for the interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analytics.charts.axis import Axis


@dataclass(frozen=True)
class Interval:
    """Empty strings where there is nothing to draw: no value, or no interval claimed."""

    dot: str = ""
    low: str = ""
    high: str = ""


def interval(estimate: dict[str, Any], axis: Axis) -> Interval:
    if estimate["value"] is None:
        return Interval()
    dot = axis.at(estimate["value"])
    if estimate["low"] is None or estimate["high"] is None:
        return Interval(dot)
    return Interval(dot, axis.at(estimate["low"]), axis.at(estimate["high"]))

"""Shares of a whole, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.charts.axis import percent

GAP = 0.004  # of the width, between two segments
SHADES = 7


@dataclass(frozen=True)
class Segment:
    x: str
    width: str
    css: str
    label: str
    share: float


def stacked(parts: Sequence[tuple[str, float, str]]) -> list[Segment]:
    """(label, share, css) to segments from left to right; shares of zero leave no mark."""
    segments, start = [], 0.0
    for name, share, css in parts:
        if share > 0:
            segments.append(Segment(percent(start), percent(max(0.0, share - GAP)), css, name, share))
        start += share
    return segments


def shade(position: int, count: int) -> str:
    """The class of a level: the first one is coloured, the others go from dark to light."""
    if position == 0:
        return "lv-1"
    if count <= 2:
        return f"lv-{SHADES - 1}"
    return f"lv-{2 + round((position - 1) * (SHADES - 2) / (count - 2))}"

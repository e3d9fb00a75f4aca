"""A line of values from left to right, with round ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Tick:
    x: str
    label: str
    css: str  # s at the left end, e at the right end: the text stays inside


@dataclass(frozen=True)
class Axis:
    low: float
    high: float
    step: float
    factor: float = 1.0  # 100 shows shares as per cent

    def at(self, value: float) -> str:
        """A place as a share of the width; what lies outside is drawn at the end."""
        return percent((value - self.low) / (self.high - self.low))

    def width(self, low: float, high: float) -> str:
        return percent(max(0.0, high - low) / (self.high - self.low))

    @property
    def ticks(self) -> list[Tick]:
        count = round((self.high - self.low) / self.step)
        values = [self.low + n * self.step for n in range(count + 1)]
        last = len(values) - 1
        return [
            Tick(self.at(v), label(v * self.factor), "s" if n == 0 else "e" if n == last else "")
            for n, v in enumerate(values)
        ]


def percent(share: float) -> str:
    return f"{100 * min(1.0, max(0.0, share)):.2f}%"


def label(value: float) -> str:
    """As short as it can be: 0, .2, 1, 50, −.4."""
    text = f"{abs(value):.3f}".rstrip("0").rstrip(".") or "0"
    text = text[1:] if text.startswith("0.") else text
    return f"−{text}" if value < 0 and text != "0" else text


def coefficient_axis(lows: Iterable[float]) -> Axis:
    """0 to 1, and further down where an interval goes there."""
    lowest = min([0.0, *lows])
    return Axis(0.0, 1.0, 0.2) if lowest == 0 else Axis(-0.5 if lowest >= -0.5 else -1.0, 1.0, 0.5)


def value_axis(values: Iterable[float]) -> Axis:
    """About five round steps around the given values."""
    found = list(values) or [0.0, 1.0]
    low, high = min(found), max(found)
    if low == high:
        low, high = low - 0.5, high + 0.5
    raw = (high - low) / 4
    base = 10.0 ** math.floor(math.log10(raw))
    step = next(base * m for m in (1, 2, 2.5, 5, 10) if base * m >= raw)
    if all(float(v).is_integer() for v in found):
        step = max(1.0, float(math.ceil(step)))
    return Axis(math.floor(low / step) * step, math.ceil(high / step) * step, step)

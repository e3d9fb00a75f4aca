"""What a reference value is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    label: str
    compute: Callable[[], float | None]
    expected: float
    source: str
    tolerance: float = 1e-6

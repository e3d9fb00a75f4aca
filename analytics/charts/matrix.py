"""The shade of a cell in a win matrix."""

from __future__ import annotations


def heat(share: float) -> int:
    """1 to 7: 4 is a draw, a step is a twelfth of the way from never to always."""
    return min(7, max(1, round(4 + (share - 0.5) * 12)))

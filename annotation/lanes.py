"""Which slots a seat may take: lanes. Pure.

A slot's lane says for whom it is: a group (or anybody), and what its item asks of the rater (a language, a
qualification). A claim names lanes, so it never looks at a slot that its rater may not have, however many there are.
What a seat may take is worked out when it is made, and kept on it: see `annotation.services.eligibility`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

ANYBODY = ""
_GOLDEN = 0.6180339887498949


def lanes_for(eligibility: Any, n: int) -> list[str]:
    """The lanes of a seat in the order in which its n-th claim tries them: those of its group first, then those for
    anybody. Empty: there is nothing that this rater may judge."""
    known: dict[str, Any] = json.loads(eligibility) if isinstance(eligibility, str) else eligibility or {}
    if "own" not in known:
        return [ANYBODY]
    return _turn(known["own"], n) + _turn(known["any"], n)


def _turn(lanes: Sequence[tuple[str, int]], n: int) -> list[str]:
    """Lanes take turns, each as often as its share of the slots: the golden ratio spreads them evenly."""
    left = ((n + 1) * _GOLDEN % 1) * sum(size for _, size in lanes)
    for place, (_, size) in enumerate(lanes):
        if left < size:
            return [code for code, _ in [*lanes[place:], *lanes[:place]]]
        left -= size
    return [code for code, _ in lanes]

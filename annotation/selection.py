"""In which order a round hands out its tasks: pure functions from candidates to positions.

Opening a round numbers its tasks once; a task's slots share the number (`Slot.pos`). Every rater walks the
same order from a cursor of their own, so a task begun by one is next for those behind. The seed is the
randomisation, so the draw probability given the seed is 1 for every walked slot.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    task: int
    ordinal: int
    pair: str  # the pair of systems, or the system of a single output


def _shuffle_key(seed: int, task: int) -> bytes:
    return hashlib.blake2b(f"{seed}:{task}".encode(), digest_size=8).digest()


def in_order(candidates: Sequence[Candidate], seed: int) -> list[int]:
    """As imported."""
    return [c.task for c in sorted(candidates, key=lambda c: (c.ordinal, c.task))]


def finish_started(candidates: Sequence[Candidate], seed: int) -> list[int]:
    """One shuffle walked by all: tasks are completed one after the other."""
    return [c.task for c in sorted(candidates, key=lambda c: _shuffle_key(seed, c.task))]


def balanced(candidates: Sequence[Candidate], seed: int) -> list[int]:
    """In every prefix, the counts of any two pairs (or systems) differ by at most one while both last."""
    by_pair: dict[str, list[Candidate]] = defaultdict(list)
    for c in candidates:
        by_pair[c.pair].append(c)
    ranked: list[tuple[int, bytes, int]] = []
    for members in by_pair.values():
        members.sort(key=lambda c: _shuffle_key(seed, c.task))
        ranked += [(rank, _shuffle_key(seed + 1, c.task), c.task) for rank, c in enumerate(members)]
    return [task for _, _, task in sorted(ranked)]


STRATEGIES: dict[str, Callable[[Sequence[Candidate], int], list[int]]] = {
    "balanced": balanced,
    "in_order": in_order,
    "finish_started": finish_started,
}
TITLES = {
    "balanced": "Balanced over systems and pairs",
    "in_order": "In the order of import",
    "finish_started": "Finish what is started",
}


def check_due(seed: int, seat: int, n: int, gold_rate: float, repeat_rate: float) -> tuple[str, float]:
    """What the n-th assignment of a seat is to be, counted from 0: ("gold", chance), ("repeat", chance) or ("", 1).

    Each block of round(1 / rate) assignments holds one, at a place that the seed draws: the rate is exact, and
    nobody can tell the moment. Repeats are drawn among the places that gold leaves."""
    if n in _gold_places(seed, seat, n, n + 1, gold_rate):
        return "gold", 1 / _block(gold_rate)
    if repeat_rate > 0:
        size = _block(repeat_rate)
        start = n - n % size
        gold = _gold_places(seed, seat, start, start + size, gold_rate)
        free = [place for place in range(start, start + size) if place not in gold]
        if free and free[_drawn(seed, seat, n // size, "repeat") % len(free)] == n:
            return "repeat", 1 / size
    return "", 1.0


def _block(rate: float) -> int:
    return max(2, round(1 / rate))


def _gold_places(seed: int, seat: int, start: int, stop: int, rate: float) -> set[int]:
    """Places of gold in every block that touches start…stop."""
    if rate <= 0:
        return set()
    size = _block(rate)
    blocks = range(start // size, (stop - 1) // size + 1)
    return {block * size + _drawn(seed, seat, block, "gold") % size for block in blocks}


def _drawn(seed: int, seat: int, block: int, what: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}:{seat}:{block}:{what}".encode(), digest_size=8).digest())


def check_key(seed: int, seat: int, task: int) -> bytes:
    """In which order a seat meets gold tasks, and which of its tasks is repeated: the smallest key first."""
    return hashlib.blake2b(f"{seed}:{seat}:{task}:check".encode(), digest_size=8).digest()


def side_coin(seed: int, seat: int, task: int) -> bool:
    """The seeded coin that decides the first side of a pair for a rater: True swaps."""
    return hashlib.blake2b(f"{seed}:{seat}:{task}:side".encode(), digest_size=1).digest()[0] & 1 == 1

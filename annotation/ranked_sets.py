"""Which outputs of an item are ranked together: all where they are few, else sets in balance. Pure. See
docs/algorithms/pairs.md."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from annotation.pairing import Output

MOST = 6  # answers that a person can keep in mind and put in order
Set = tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class Sets:
    """`size`: how many outputs at a time; empty: all, but at most six. `per_item`: how many sets of an item, where not
    all of its outputs fit one."""

    size: int | None = None
    per_item: int | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    """The outputs that can be ranked together: of one item, of one trial and variant. `kept` are sets that stand from
    before."""

    key: str
    outputs: tuple[Output, ...]
    kept: tuple[Set, ...] = ()


def balanced_sets(pools: Sequence[Pool], sets: Sets, seed: int) -> list[list[Set]]:
    """Sets of each pool, such that in all each two systems are together equally often, as near as possible, and each
    system comes equally often. Pools are gone through in an order that the seed shuffles, and each takes the set that
    is behind most. Outputs of a set stand in canonical order."""
    size, tally = min(sets.size or MOST, MOST), _Tally()
    for pool in pools:
        for each in pool.kept:
            tally.count(each)
    found: dict[str, list[Set]] = {}
    for pool in sorted(pools, key=lambda p: _shuffle_key(seed, p.key)):
        found[pool.key] = list(pool.kept) or _of_pool(pool, size, sets.per_item or 1, tally, seed)
    return [found[pool.key] for pool in pools]


def _of_pool(pool: Pool, size: int, n: int, tally: _Tally, seed: int) -> list[Set]:
    one_each = _one_of_each_system(pool.outputs)
    if len(one_each) < 2:
        return []
    if len(one_each) <= size:
        tally.count(one_each)
        return [one_each]
    made: list[Set] = []
    for number in range(n):
        chosen = _behind_most(one_each, size, tally, f"{seed}:{pool.key}:{number}")
        if chosen in made:
            break  # all that is behind was taken: another set of this item would say the same again
        tally.count(chosen)
        made.append(chosen)
    return made


def _one_of_each_system(outputs: Sequence[Output]) -> Set:
    first: dict[int, Output] = {}
    for output in sorted(outputs):
        first.setdefault(output[1], output)
    return tuple(sorted(first.values()))


def _behind_most(outputs: Set, size: int, tally: _Tally, key: str) -> Set:
    """One by one the output whose system was least with those chosen, and least of all."""
    left, chosen = list(outputs), list[Output]()
    while len(chosen) < size:
        together = [other[1] for other in chosen]
        best = min(left, key=lambda o: (*tally.behind(o[1], together), _shuffle_key(0, f"{key}:{o[1]}")))
        left.remove(best)
        chosen.append(best)
    return tuple(sorted(chosen))


class _Tally:
    """How often each system came, and each two of them together."""

    def __init__(self) -> None:
        self.systems: Counter[int] = Counter()
        self.pairs: Counter[tuple[int, int]] = Counter()

    def count(self, chosen: Set) -> None:
        systems = sorted(output[1] for output in chosen)
        self.systems.update(systems)
        self.pairs.update(combinations(systems, 2))

    def behind(self, system: int, together: Sequence[int]) -> tuple[int, int]:
        met = sum(self.pairs[min(system, other), max(system, other)] for other in together)
        return (met, self.systems[system])


def _shuffle_key(seed: int, key: str) -> bytes:
    return hashlib.blake2b(f"{seed}:{key}:sets".encode(), digest_size=8).digest()

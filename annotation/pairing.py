"""Which pairs of outputs of an item a round compares: named pure functions. See docs/algorithms/pairs.md."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from django.utils.translation import gettext_noop

Output = tuple[int, int]  # (output, system)
Pair = tuple[Output, Output]


@dataclass(frozen=True, slots=True)
class Pairs:
    """The design of a round's pairs. `per_item`: how many pairs of an item, for the balanced incomplete design; empty:
    as many as give each system one place in an item."""

    design: str = "all"
    per_item: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """The outputs that can be compared with each other: of one item, of one trial and variant. `kept` are pairs that
    stand from before."""

    key: str
    outputs: tuple[Output, ...]
    kept: tuple[Pair, ...] = ()


Design = Callable[[Sequence[Group], Pairs, int | None, int], list[list[Pair]]]


def all_pairs(groups: Sequence[Group], pairs: Pairs, baseline: int | None, seed: int) -> list[list[Pair]]:
    return [list(combinations(sorted(group.outputs), 2)) for group in groups]


def against_baseline(groups: Sequence[Group], pairs: Pairs, baseline: int | None, seed: int) -> list[list[Pair]]:
    """Only pairs with the baseline: as many as there are other systems."""
    every = all_pairs(groups, pairs, baseline, seed)
    return [[pair for pair in found if baseline in (pair[0][1], pair[1][1])] for found in every]


def balanced_incomplete(groups: Sequence[Group], pairs: Pairs, baseline: int | None, seed: int) -> list[list[Pair]]:
    """So many pairs of each item that in all each pair of systems comes equally often, as near as possible, and so
    does each system; and that all systems are connected as soon as they can be.

    Items are gone through in an order that the seed shuffles, and each takes the pairs that are behind most. The order
    of the circle method settles what is equal, so that the first pairs use every system once before any twice."""
    systems = sorted({system for group in groups for _, system in group.outputs})
    turn = {pair: n for n, pair in enumerate(circle(systems))}
    per_group = pairs.per_item or max(1, len(systems) // 2)
    tally = _Tally(turn)
    for group in groups:
        for pair in group.kept:
            tally.count(pair)
    found: dict[str, list[Pair]] = {}
    for group in sorted(groups, key=lambda g: _shuffle_key(seed, g.key)):
        found[group.key] = list(group.kept)
        left = [pair for pair in combinations(sorted(group.outputs), 2) if pair[0][1] != pair[1][1]]
        left = [pair for pair in left if pair not in group.kept]
        for _ in range(0 if group.kept else min(per_group, len(left))):
            best = min(left, key=tally.key)
            tally.count(best)
            left.remove(best)
            found[group.key].append(best)
    return [sorted(found[group.key]) for group in groups]


class _Tally:
    """How often each pair and each system was taken, and which systems are connected by that."""

    def __init__(self, turn: dict[tuple[int, int], int]) -> None:
        self.turn = turn
        self.pairs: Counter[tuple[int, int]] = Counter()
        self.systems: Counter[int] = Counter()
        self.part = {system: system for pair in turn for system in pair}

    def key(self, pair: Pair) -> tuple[bool, int, int, int, int]:
        """What is behind most comes first; but first of all a pair that joins systems not connected yet."""
        a, b = _systems(pair)
        return (
            self.part[a] == self.part[b],
            self.pairs[a, b],
            max(self.systems[a], self.systems[b]),
            self.systems[a] + self.systems[b],
            self.turn[a, b],
        )

    def count(self, pair: Pair) -> None:
        a, b = _systems(pair)
        self.pairs[a, b] += 1
        self.systems[a] += 1
        self.systems[b] += 1
        if self.part[a] != self.part[b]:
            old, new = self.part[a], self.part[b]
            self.part = {system: new if part == old else part for system, part in self.part.items()}


def _systems(pair: Pair) -> tuple[int, int]:
    a, b = pair[0][1], pair[1][1]
    return (a, b) if a < b else (b, a)


def circle(systems: Sequence[int]) -> list[tuple[int, int]]:
    """Every pair once, in rounds in which each system plays once (the circle method of tournaments)."""
    ring: list[int | None] = list(systems)
    if len(ring) % 2:
        ring.append(None)  # who meets nobody has the round off
    found = []
    for _ in range(len(ring) - 1):
        for a, b in zip(ring[: len(ring) // 2], reversed(ring[len(ring) // 2 :]), strict=True):
            if a is not None and b is not None:
                found.append((min(a, b), max(a, b)))
        ring = [ring[0], ring[-1], *ring[1:-1]]
    return found


def parts(pairs: Iterable[tuple[int, int]], systems: Iterable[int]) -> list[list[int]]:
    """The groups of systems that are connected by pairs. More than one: strengths cannot be set against each other."""
    part = {system: {system} for system in systems}
    for a, b in pairs:
        if part[a] is not part[b]:
            part[a] |= part[b]
            for system in part[b]:
                part[system] = part[a]
    return sorted(sorted(each) for each in {id(each): each for each in part.values()}.values())


def _shuffle_key(seed: int, key: str) -> bytes:
    return hashlib.blake2b(f"{seed}:{key}:pairs".encode(), digest_size=8).digest()


PAIRINGS: dict[str, Design] = {
    "all": all_pairs,
    "baseline": against_baseline,
    "balanced": balanced_incomplete,
    "adaptive": all_pairs,  # every pair may come; which comes next follows from the judgments
}
# What each means, for the lead: what raters do, and what the figures can say.
PAIRINGS_IN_WORDS = {
    "all": (
        gettext_noop("All pairs"),
        gettext_noop("every two answers to an item are compared; the most work, and every pair is equally sure"),
    ),
    "baseline": (
        gettext_noop("Against a baseline"),
        gettext_noop("each answer is compared with the baseline’s; two others only by way of it"),
    ),
    "balanced": (
        gettext_noop("Some pairs of each item, in balance"),
        gettext_noop(
            "each item gives a few pairs; in all, each pair of systems and each system come equally often, as near as "
            "possible, so that much less work still ranks all systems"
        ),
    ),
    "adaptive": (
        gettext_noop("Pairs where the ranking is least sure"),
        gettext_noop(
            "the next pairs are those that narrow the widest interval of a strength; needs the order “Most uncertain "
            "first” and a worker, and you close the round when it is sure enough"
        ),
    ),
}

"""How often each pair and each system of a round comes, and what the pairs connect. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from annotation.models import Round
from annotation.pairing import parts
from annotation.services.round_tasks import systems_of


@dataclass(frozen=True, slots=True)
class PairFacts:
    """Of the pairs that come at all: in how many items the rarest and the commonest pair comes; the same of systems."""

    n: int
    rarest: int
    commonest: int
    system_least: int
    system_most: int
    parts: tuple[str, ...]  # the groups of systems that nothing connects, each by name


def pair_facts(row: Round, met: Mapping[str, int]) -> PairFacts | None:
    """`met`: the systems judged together, as the `pair` of a task names them, and in how many tasks."""
    if not met:
        return None
    counts: Counter[tuple[int, int]] = Counter()
    for together, n in met.items():
        for pair in combinations(map(int, together.split("-")), 2):
            counts[pair] += n
    systems: Counter[int] = Counter()
    for (a, b), count in counts.items():
        systems[a] += count
        systems[b] += count
    labels = {system.pk: system.label for system in systems_of(row)}
    groups = parts(counts, systems)
    return PairFacts(
        n=len(counts),
        rarest=min(counts.values()),
        commonest=max(counts.values()),
        system_least=min(systems.values()),
        system_most=max(systems.values()),
        parts=tuple(" and ".join(labels.get(system, str(system)) for system in group) for group in groups),
    )

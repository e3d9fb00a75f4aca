from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.utils.translation import gettext_noop

from annotation.strategies.balanced import balanced
from annotation.strategies.base import Candidate, Strategy, shuffle_key


def stratified(candidates: Sequence[Candidate], seed: int) -> list[int]:
    """In every prefix each stratum has its share of the whole, as near as whole tasks allow; within a stratum, systems
    and pairs are balanced.

    The r-th of the N tasks of a stratum stands at (r − ½) / N of the way (Webster's method)."""
    by_stratum: dict[str, list[Candidate]] = defaultdict(list)
    for c in candidates:
        by_stratum[c.stratum].append(c)
    placed: list[tuple[float, bytes, int]] = []
    for members in by_stratum.values():
        order = balanced(members, seed)
        placed += [((r + 0.5) / len(order), shuffle_key(seed + 2, task), task) for r, task in enumerate(order)]
    return [task for _, _, task in sorted(placed)]


STRATEGY = Strategy(
    key="stratified",
    title=gettext_noop("Stratified by tag"),
    rater=gettext_noop("Topics (the strata of the round’s items) take turns, each as often as its share of the items."),
    report=gettext_noop("Whenever the round stops, each stratum has been judged in proportion to its size."),
    order=stratified,
)

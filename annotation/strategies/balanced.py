from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.utils.translation import gettext_noop

from annotation.strategies.base import Candidate, Strategy, shuffle_key


def balanced(candidates: Sequence[Candidate], seed: int) -> list[int]:
    """In every prefix, the counts of any two pairs (or systems) differ by at most one while both last."""
    by_pair: dict[str, list[Candidate]] = defaultdict(list)
    for c in candidates:
        by_pair[c.pair].append(c)
    ranked: list[tuple[int, bytes, int]] = []
    for members in by_pair.values():
        members.sort(key=lambda c: shuffle_key(seed, c.task))
        ranked += [(rank, shuffle_key(seed + 1, c.task), c.task) for rank, c in enumerate(members)]
    return [task for _, _, task in sorted(ranked)]


STRATEGY = Strategy(
    key="balanced",
    title=gettext_noop("Balanced over systems and pairs"),
    rater=gettext_noop("Tasks are shuffled; each system, or pair of systems, comes equally often all along."),
    report=gettext_noop("Whenever the round stops, every system or pair has been judged equally often."),
    order=balanced,
)

from __future__ import annotations

from django.utils.translation import gettext_noop

from annotation.strategies.balanced import balanced
from annotation.strategies.base import WIN, Strategy

_WEIGHTS = [1 / rank for rank in range(1, 33)]


def by_rank(u: float, k: int) -> tuple[int, float]:
    """Rank r of the k first with a chance in proportion to 1 / r: the first is likeliest, and none is impossible."""
    whole = sum(_WEIGHTS[:k])
    left = u * whole
    for rank, weight in enumerate(_WEIGHTS[:k], start=1):
        left -= weight
        if left < 0 or rank == k:
            return rank, weight / whole
    raise ValueError("A window without tasks has nothing to draw.")


# The order at opening is balanced; `annotation.services.renewing` brings to the front, again and again, what would
# narrow the round's chosen interval most.
STRATEGY = Strategy(
    key="uncertain",
    title=gettext_noop("Most uncertain first"),
    rater=gettext_noop("Tasks come first where the figures are least sure. Raters notice harder cases early."),
    report=gettext_noop(
        "The chosen interval narrows with fewer judgments. What is judged depends on what was answered before, so "
        "the chance of each draw is kept, and simple means over the tasks judged lean towards hard cases until all "
        "are judged."
    ),
    order=balanced,
    take=WIN,
    draw=by_rank,
)

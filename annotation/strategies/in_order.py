from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_noop

from annotation.strategies.base import Candidate, Strategy


def in_order(candidates: Sequence[Candidate], seed: int) -> list[int]:
    """As imported."""
    return [c.task for c in sorted(candidates, key=lambda c: (c.ordinal, c.task))]


STRATEGY = Strategy(
    key="in_order",
    title=gettext_noop("In the order of import"),
    rater=gettext_noop("All raters meet the items as the file had them, answers to one item one after the other."),
    report=gettext_noop(
        "If the round stops early, the end of the file was not judged. Practice and tiredness fall on the same "
        "items for all raters."
    ),
    order=in_order,
)

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_noop

from annotation.strategies.base import Candidate, Strategy, shuffle_key


def finish_started(candidates: Sequence[Candidate], seed: int) -> list[int]:
    """One shuffle walked by all: tasks are completed one after the other."""
    return [c.task for c in sorted(candidates, key=lambda c: shuffle_key(seed, c.task))]


STRATEGY = Strategy(
    key="finish_started",
    title=gettext_noop("Finish what is started"),
    rater=gettext_noop("Every rater meets the tasks in the same shuffled order."),
    report=gettext_noop(
        "Tasks get all their raters one after the other, so that agreement can be measured early. If the round "
        "stops early, what was judged is a random part."
    ),
    order=finish_started,
)

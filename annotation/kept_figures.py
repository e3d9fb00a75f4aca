"""Figures that go through every judgment of a round, worked out anew at most once a minute where there are many.

A counter kept at each submit would cost every rater time; a lead who looks again and again waits once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.core.cache import cache

from annotation.models import Round

MANY = 5_000  # judgments; below it the figures are of this moment
SECONDS = 60

T = TypeVar("T")


def is_kept(judged: int) -> bool:
    return judged >= MANY


def kept(name: str, round: Round, judged: int, work_out: Callable[[], T]) -> T:
    """What `work_out` said, now or up to a minute ago. A round of another state is another round."""
    if not is_kept(judged):
        return work_out()
    key = f"{name}:{round.pk}:{round.state}"
    found: T | None = cache.get(key)
    if found is None:
        found = work_out()
        cache.set(key, found, SECONDS)
    return found

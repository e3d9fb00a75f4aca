"""What raters are paid an hour in a round, as the lead says, and what their time costs. Nothing is paid from here; the
figures are for planning and for checking an invoice."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from annotation.models import Round
from projects.templatetags.numbers import number


@dataclass(frozen=True, slots=True)
class Rate:
    per_hour: float
    currency: str

    def cost(self, seconds: float | None) -> float | None:
        """None where the time is not known."""
        return None if seconds is None else seconds / 3600 * self.per_hour


def rate_of(round: Round) -> Rate | None:
    kept = round.options.get("pay")
    return Rate(**kept) if kept else None


def rate_before(round: Round) -> Rate | None:
    """That of the newest other round of the project which has one: what a form suggests."""
    rows = Round.objects.filter(project_id=round.project_id, options__has_key="pay").exclude(pk=round.pk)
    newest = rows.order_by("-pk").first()
    return rate_of(newest) if newest else None


@dataclass(frozen=True, slots=True)
class Worked:
    """The time of a rater's judgments: its sum, and of how many of them it is known."""

    seconds: float
    timed: int


def in_words(seconds: float) -> str:
    """8 h 40 min; 25 min; under a minute."""
    minutes = int(seconds / 60 + 0.5)
    if minutes < 1:
        return gettext("under a minute")
    hours, minutes = divmod(minutes, 60)
    return f"{number(hours)} h {minutes} min" if hours else f"{minutes} min"

"""The column of a round's page that says how often raters agree with the others.

A tag, because the page belongs to rounds and the figure to analytics, which may know rounds and not the other way."""

from __future__ import annotations

from django import template

from analytics.rater_agreement import Agreement, WithOthers, agreement_of
from annotation.models import Round, Seat

register = template.Library()


@register.simple_tag
def raters_agreement(round: Round, judged: int) -> Agreement | None:
    return agreement_of(round, judged)


@register.filter
def of_seat(agreement: Agreement, seat: Seat) -> WithOthers:
    return agreement.by_seat.get(seat.pk, WithOthers(0))

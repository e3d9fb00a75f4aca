"""What the time of raters costs, at the rate the lead sets; a time that is not known is never taken for none."""

from __future__ import annotations

import pytest
from django.test import Client

from annotation.models import Judgment, Round
from annotation.pay import rate_of
from annotation.services.pay import pay_set
from annotation.services.rounds import round_close
from annotation.services.seats import seat_for
from projects.errors import ServiceError
from projects.models import Project
from tests.annotation.round_pages import alice, judge, lead, project, text, url
from tests.factories import member, round_factory

__all__ = ["alice", "lead", "project"]  # fixtures

pytestmark = pytest.mark.django_db


def judged(project: Project, n: int, **settings: int) -> Round:
    round = round_factory(project, items=4, systems=1, overlap=1, **settings)
    seat = seat_for(round=round, user=member(project, "rater", "Bob"))
    judge(seat, n, c_correct="2")
    return round


def test_a_plan_says_what_it_would_cost(lead: Client, project: Project) -> None:
    round = round_factory(project, items=3, systems=2, overlap=2, opened=False, planned_seconds=60)
    assert "EUR" not in text(lead.get(url(round)))
    assert lead.post(url(round, "pay"), {"per_hour": "30", "currency": "eur"}).status_code == 302
    assert "about <strong>6.00 EUR</strong> at 30.00 EUR an hour" in text(lead.get(url(round)))  # 12 of a minute each


def test_the_round_says_what_was_worked_and_what_is_left(lead: Client, project: Project) -> None:
    round = judged(project, 2, planned_seconds=60)
    Judgment.objects.update(active_seconds=1800)
    pay_set(round=round, per_hour=12.5, currency="EUR", actor=None)
    page = text(lead.get(url(round)))
    assert "1 h 0 min" in page
    assert "<strong>12.50 EUR</strong> so far" in page
    assert "about 12.50 EUR more" in page  # two more at the median of half an hour


def test_a_time_that_is_not_known_is_a_dash_and_costs_are_of_the_known(lead: Client, project: Project) -> None:
    round = judged(project, 2)
    pay_set(round=round, per_hour=12.5, currency="EUR", actor=None)
    first = Judgment.objects.earliest("pk").pk
    Judgment.objects.update(active_seconds=None, seconds=None)
    page = text(lead.get(url(round)))
    assert "so far" not in page
    assert "0.00 EUR" not in page
    Judgment.objects.filter(pk=first).update(active_seconds=3600)
    page = text(lead.get(url(round)))
    assert "<strong>12.50 EUR</strong> so far, for 1 of 2 judgments whose time is known" in page


@pytest.mark.parametrize(
    ("per_hour", "currency"), [(0, "EUR"), (-1, "EUR"), (float("nan"), "EUR"), (1e9, "EUR"), (10, "euro"), (10, "")]
)
def test_a_rate_without_sense_changes_nothing(per_hour: float, currency: str) -> None:
    round = pay_set(round=round_factory(), per_hour=9, currency="USD", actor=None)
    with pytest.raises(ServiceError):
        pay_set(round=round, per_hour=per_hour, currency=currency, actor=None)
    round.refresh_from_db()
    assert rate_of(round) is not None
    assert (rate_of(round).per_hour, rate_of(round).currency) == (9, "USD")  # type: ignore[union-attr]


def test_it_may_change_when_the_round_is_closed_and_be_taken_away(lead: Client, project: Project) -> None:
    round = judged(project, 1)
    round_close(round=round, actor=None)
    pay_set(round=round, per_hour=9, currency="USD", actor=None)
    other = round_factory(project, opened=False)
    assert 'value="9.0"' in text(lead.get(url(other, "pay"))), "suggested from the round before"
    assert lead.post(url(round, "pay"), {"per_hour": "", "currency": ""}).status_code == 302
    round.refresh_from_db()
    assert rate_of(round) is None

"""The rater's own pages: the instructions before the first task, the first page, and one's own figures."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from annotation import claims
from annotation.exporters.tables import JUDGMENT_COLUMNS, judgment_rows
from annotation.models import Assignment, Judgment, Round, Seat
from annotation.own_figures import own_agreement
from annotation.services import judging, rounds
from annotation.services.judging import AnswersRefused
from annotation.services.seats import seat_for
from rubrics.services import guideline_publish
from tests.annotation.round_pages import as_, text
from tests.factories import member, project_factory, round_factory

pytestmark = pytest.mark.django_db


def judge(seat: Seat, **answers: str) -> Judgment:
    """The seat's next task, answered."""
    outcome = claims.claim(seat.pk)
    assert outcome.presentation is not None
    data = {name.replace("c_", "c-"): value for name, value in answers.items()}
    public_id = outcome.presentation.public_id
    judging.judgment_submit(seat=seat, round=seat.round, data=data, public_id=public_id, key=secrets.token_hex(8))
    return Judgment.objects.get(assignment__public_id=public_id, current=True)


def a_seat(round: Round, user: User | None = None) -> Seat:
    return seat_for(round=round, user=user or member(round.project, "rater"))


# --- Instructions -------------------------------------------------------------------------------------------
def test_the_guideline_comes_before_the_first_task_once() -> None:
    project = project_factory()
    guideline = guideline_publish(project=project, text="Read *all* of it.", actor=None)
    round = round_factory(project, guideline=guideline)
    rater = member(project, "rater")
    client, url = as_(rater), reverse("annotation:rate", args=[round.public_id])
    page = text(client.get(url))
    assert "guidelines, version 1" in page
    assert "Read <em>all</em> of it." in page
    assert not Assignment.objects.exists()  # nothing is held while it is read
    answer = client.post(reverse("annotation:begin", args=[round.public_id]), follow=True)
    assert "Before you begin" not in text(answer)
    assert Assignment.objects.count() == 1
    read = Seat.objects.get().guideline_read_at
    assert read is not None
    client.post(reverse("annotation:begin", args=[round.public_id]))
    assert Seat.objects.get().guideline_read_at == read


def test_who_has_begun_already_is_not_stopped_for_instructions() -> None:
    project = project_factory()
    round = round_factory(project, guideline=guideline_publish(project=project, text="Read it.", actor=None))
    rater = member(project, "rater")
    claims.claim(a_seat(round, rater).pk)
    assert "Before you begin" not in text(as_(rater).get(reverse("annotation:rate", args=[round.public_id])))


# --- The first page -----------------------------------------------------------------------------------------
def test_the_first_page_says_how_far_the_rater_is_and_how_much_is_left() -> None:
    round = round_factory(items=4, systems=1, overlap=1, planned_seconds=60, cap_per_rater=3)
    rater = member(round.project, "rater")
    home = reverse("annotation:home")
    assert "You have not begun. About 60 seconds each, so at most 3 min of work." in text(as_(rater).get(home))
    judge(a_seat(round, rater), c_correct="1")
    page = text(as_(rater).get(home))
    assert "You have judged 1 of at most 3. About 60 seconds each, so at most 2 min of work." in page
    assert '<progress class="gap-2" value="1" max="3"' in page


def test_the_first_page_asks_as_often_for_many_rounds_as_for_one(django_assert_num_queries: Any) -> None:
    project = project_factory()
    client = as_(member(project, "rater"))
    for opened in (1, 4):
        while project.rounds.count() < opened:
            round_factory(project, items=1, systems=1)
        with django_assert_num_queries(
            9
        ):  # session, user, rounds with roles, open slots; tasks, gold, items, seats; messages
            client.get(reverse("annotation:home"))


# --- What is noted beside the answers -------------------------------------------------------------------------
def test_confidence_is_asked_for_where_the_round_says_so_and_recorded_beside_the_answers() -> None:
    round = round_factory(items=2, systems=1, options={"rating": {"ask_confidence": True}})
    seat = a_seat(round)
    for wrong in ("", "5", "sure"):
        with pytest.raises(AnswersRefused) as refused:
            judge(seat, confidence=wrong)
        assert set(refused.value.fields) == {"c-correct", "confidence"}
    first = judge(seat, c_correct="1", confidence="4", warned="fast nonsense", used_diff="")
    assert first.events == {"confidence": 4, "warned": ["fast"]}
    [row] = judgment_rows(round)
    told = dict(zip([column.name for column in JUDGMENT_COLUMNS], row, strict=True))
    assert (told["confidence"], told["warned"], told["used_diff"]) == (4, "fast", False)
    shown = as_(seat.rater.user).get(reverse("annotation:again", args=[round.public_id, first.assignment.public_id]))
    assert 'value="4" data-key="4" checked' in text(shown)
    other = a_seat(round_factory(items=1, systems=1))
    assert judge(other, c_correct="1", confidence="4").events == {}


# --- Own figures --------------------------------------------------------------------------------------------
def a_comparison(answers: list[tuple[str, str]], **settings: Any) -> tuple[Round, list[Seat]]:
    """Two raters judge each pair; the answers are by canonical order, whichever side each saw."""
    round = round_factory(mode="compare", items=len(answers), systems=2, overlap=2, strategy="in_order", **settings)
    seats = [a_seat(round), a_seat(round)]
    for both in answers:
        for seat, answer in zip(seats, both, strict=True):
            assignment = Assignment.objects.get(pk=claims.claim(seat.pk).assignment)
            number = int(answer) if assignment.shown_order == "01" else -int(answer)
            judge(seat, c_overall=str(number))
    return round, seats


def test_own_agreement_compares_what_was_judged_whichever_side_it_was_shown_on() -> None:
    round, seats = a_comparison([("1", "1")] * 6 + [("2", "1")] * 3 + [("-1", "-1")] * 3)
    [row] = own_agreement(round, seats[0])
    assert (row.same, row.compared, row.percent) == (9, 12, 75)
    assert own_agreement(round, seats[1]) == [row]
    shown = Assignment.objects.values_list("shown_order", flat=True)
    assert {"01", "10"} == set(shown)  # or the test could not fail


def test_too_few_comparisons_say_nothing() -> None:
    round, seats = a_comparison([("1", "1")] * 9)
    assert own_agreement(round, seats[0]) == []


@pytest.mark.parametrize(("allowed", "closed"), [(True, True), (True, False), (False, True)])
def test_own_figures_are_shown_once_the_round_is_closed_if_the_lead_allows_it(allowed: bool, closed: bool) -> None:
    round, seats = a_comparison([("1", "1")] * 10, raters_see_own_figures=allowed)
    if closed:
        rounds.round_close(round=round, actor=None)
    client: Client = as_(seats[0].rater.user)
    page = text(client.get(reverse("annotation:history", args=[round.public_id])))
    assert ("10 of 10 comparisons" in page) == (allowed and closed)
    assert all(system.name not in page for system in round.project.systems.all())


# --- What was judged last -----------------------------------------------------------------------------------
def test_the_last_judgments_say_what_was_asked_and_what_was_answered(
    django_assert_num_queries: Any,
) -> None:
    round = round_factory(items=4, systems=1, overlap=1)
    seat = a_seat(round)
    judge(seat, c_correct="1")
    client, url = as_(seat.rater.user), reverse("annotation:history", args=[round.public_id])
    with CaptureQueriesContext(connection) as one:
        shown = text(client.get(url))
    asked = Assignment.objects.get(seat=seat, state=1).task.item.revisions.get(current=True).messages[-1]["content"]
    assert asked in shown
    assert "Level 1" in shown
    for _ in range(2):
        judge(seat, c_correct="2")
    with django_assert_num_queries(len(one)):
        client.get(url)


def test_a_rater_hears_once_that_a_task_went_to_somebody_else_meanwhile() -> None:
    round = round_factory(items=1, systems=1, overlap=1)
    away, other = a_seat(round), a_seat(round)
    claims.claim(away.pk)
    client, url = as_(away.rater.user), reverse("annotation:rate", args=[round.public_id])
    past = timezone.now() + timedelta(seconds=round.lease_seconds + 1)
    assert claims.claim(other.pk, now=past).status == "task"
    assert "While you were away" in text(client.get(url))
    assert "While you were away" not in text(client.get(url))

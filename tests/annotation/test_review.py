"""The review queue: what waits in it, and a judgment that is sent back to its rater."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotation import claims
from annotation.models import Assignment, Judgment, RevisionRequest, Round, Seat
from annotation.review_queue import counts_of, queue_of
from annotation.services import judging
from annotation.services.rounds import round_close
from annotation.services.seats import seat_for
from projects.models import AuditEvent
from tests.annotation.round_pages import as_, text
from tests.factories import member, round_factory

pytestmark = pytest.mark.django_db


def judge(seat: Seat, **extra: str) -> Assignment:
    shown = claims.claim(seat.pk).presentation
    assert shown is not None
    send(seat, shown.public_id, "1", **extra)
    return Assignment.objects.get(public_id=shown.public_id)


def send(seat: Seat, public_id: str, value: str, **extra: str) -> None:
    data = {"c-correct": value, **extra}
    judging.judgment_submit(seat=seat, round=seat.round, data=data, public_id=public_id, key=secrets.token_hex(8))


@pytest.fixture
def round(db: None) -> Round:
    return round_factory(items=6, systems=1, overlap=1)


@pytest.fixture
def seat(round: Round) -> Seat:
    return seat_for(round=round, user=member(round.project, "rater"))


@pytest.fixture
def reviewer(round: Round) -> Client:
    return as_(member(round.project, "reviewer"))


def at(round: Round, one: Assignment | None = None) -> str:
    where = [round.project.slug, round.slug]
    return reverse("annotation:review_one", args=[*where, one.pk]) if one else reverse("annotation:review", args=where)


def filled(seat: Seat) -> dict[str, Assignment]:
    """One assignment of each kind."""
    said = judge(seat, comment="The source is odd.")
    flagged = judge(seat)
    judging.flag_raise(seat=seat, public_id=flagged.public_id, reason="broken", note="cut off")
    hasty = judge(seat, warned="fast unread")
    shown = claims.claim(seat.pk).presentation
    assert shown is not None
    judging.skip(seat=seat, public_id=shown.public_id, reason="language")
    return {
        "comments": said,
        "flags": flagged,
        "haste": hasty,
        "skipped": Assignment.objects.get(public_id=shown.public_id),
    }


def test_the_queue_holds_each_kind_until_it_is_done_with_and_again_when_more_is_said(
    round: Round, seat: Seat, reviewer: Client
) -> None:
    of = filled(seat)
    for kind, one in of.items():
        assert list(queue_of(round, kind)) == [one], kind
        page = text(reviewer.get(at(round), {"kind": kind}))
        assert one.task.item.external_id in page
    assert "“The source is odd.”" in text(reviewer.get(at(round), {"kind": "comments"}))
    assert "in less time than reading takes and with the end of an answer not in view" in text(
        reviewer.get(at(round, of["haste"]))
    )
    for kind, one in of.items():
        reviewer.post(f"{at(round, one)}?kind={kind}", {"act": "done"})
    assert counts_of(round) == dict.fromkeys(("flags", "comments", "skipped", "haste", "returned"), 0)
    assert not of["flags"].flags.filter(resolved_at=None).exists()
    assert list(queue_of(round, "comments", done=True)) == [of["comments"]]
    judging.comment_add(seat=seat, public_id=of["comments"].public_id, text="And another thing.")
    assert list(queue_of(round, "comments")) == [of["comments"]]


def test_the_queue_costs_the_same_however_long_it_is(
    round: Round, seat: Seat, reviewer: Client, django_assert_num_queries: Any
) -> None:
    judge(seat, comment="One.")
    with CaptureQueriesContext(connection) as one:
        reviewer.get(at(round), {"kind": "comments"})
    for _ in range(3):
        judge(seat, comment="More.")
    with django_assert_num_queries(len(one)):
        reviewer.get(at(round), {"kind": "comments"})


def test_a_judgment_goes_back_to_its_rater_who_revises_it(round: Round, seat: Seat, reviewer: Client) -> None:
    one = judge(seat)
    rater = as_(seat.rater.user)  # type: ignore[arg-type]
    page = reviewer.post(at(round, one), {"act": "send_back", "text": "The second claim is in source 1."}, follow=True)
    assert "Sent back. The rater finds it" in text(page)
    assert AuditEvent.objects.filter(verb="judgment.send_back").count() == 1
    home = text(rater.get(reverse("annotation:home")))
    again = reverse("annotation:again", args=[round.public_id, one.public_id])
    assert "Please look again at 1 judgment" in home
    assert again in home
    assert "The second claim is in source 1." in text(rater.get(again))
    twice = reviewer.post(at(round, one), {"act": "send_back", "text": "Again."})
    assert twice.status_code == 422
    assert "waits for its rater" in text(twice)
    assert seat.assignments.get(pk=one.pk).judgments.get(current=True).revision == 1  # it counts meanwhile
    send(seat, one.public_id, "3")
    assert "Please look again" not in text(rater.get(reverse("annotation:home")))
    assert "Revised since it was sent back" in text(reviewer.get(at(round, one)))
    assert list(queue_of(round, "returned")) == [one]
    reviewer.post(at(round, one), {"act": "withdraw"})
    assert not queue_of(round, "returned").exists()
    assert Judgment.objects.filter(assignment=one).count() == 2


def test_what_cannot_be_sent_back_is_refused_in_words(round: Round, seat: Seat, reviewer: Client) -> None:
    one = judge(seat)
    system = one.task.task_outputs.get().output.system

    def refused(text_: str, act: str = "send_back") -> str:
        answer = reviewer.post(at(round, one), {"act": act, "text": text_})
        assert answer.status_code == 422
        return text(answer)

    assert "Say what the rater should look at again." in refused("  ")
    assert "may tell the rater which system answered" in refused(f"See what {system.name} said.")
    assert "nothing we know" in refused("x", act="burn")
    shown = claims.claim(seat.pk).presentation
    assert shown is not None
    judging.skip(seat=seat, public_id=shown.public_id, reason="other")
    skipped = Assignment.objects.get(public_id=shown.public_id)
    answer = reviewer.post(at(round, skipped), {"act": "send_back", "text": "Look."})
    assert "Only a judgment that its rater made here" in text(answer)
    round_close(round=round, actor=None)
    assert "The round is closed" in refused("Look.")
    assert not RevisionRequest.objects.exists()


def test_a_rater_sees_nothing_of_the_queue_and_a_reviewer_only_of_the_own_project(
    round: Round, seat: Seat, reviewer: Client
) -> None:
    one = judge(seat)
    assert as_(seat.rater.user).get(at(round, one)).status_code == 404  # type: ignore[arg-type]
    other = round_factory(items=1, systems=1, overlap=1)
    foreign = judge(seat_for(round=other, user=member(other.project, "rater")))
    assert reviewer.get(at(round, foreign)).status_code == 404
    system = one.task.task_outputs.get().output.system
    assert system.label not in text(reviewer.get(at(round, one)))  # as blind as the rater was

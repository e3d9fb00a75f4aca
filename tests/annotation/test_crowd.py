"""Participants of a crowd platform: consent, one seat, no other page, a code at the end, and gone when erased."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation.exporters.files import export_round
from annotation.models import Assignment, Comment, JoinLink, Participant, Round, Seat
from annotation.participants import COOKIE
from annotation.services.crowd import link_save, link_switch, participant_erase
from annotation.services.rounds import round_close
from projects.models import AuditEvent, Rater, Role
from tests.annotation.test_training import practised
from tests.factories import member, round_factory
from tests.test_permissions import OURS, parameters

pytestmark = pytest.mark.django_db
PID = "5f1e2d3c4b5a69788796a5b4"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def a_link(round: Round, **given: Any) -> JoinLink:
    settings = {"platform": "prolific", "consent": "Do you agree?", "done_code": "DONE1", "out_code": "OUT1"}
    return link_save(round=round, given=settings | given, actor=None)


def address(link: JoinLink, pid: str = PID, **more: str) -> str:
    pairs = {"PROLIFIC_PID": pid, "STUDY_ID": "study1", "SESSION_ID": "session1"} | more
    return reverse("annotation:join", args=[link.token]) + "?" + "&".join(f"{k}={v}" for k, v in pairs.items())


def joined(link: JoinLink, pid: str = PID) -> Client:
    client = Client()
    sent = {"PROLIFIC_PID": pid, "STUDY_ID": "study1", "SESSION_ID": "session1", "consent": "yes"}
    answer = client.post(address(link, pid), sent | {"version": str(link.consent_version)})
    assert answer.status_code == 302
    return client


def judge(client: Client, round: Round) -> str:
    """Submit the task in hand; what is shown next."""
    page = client.get(reverse("annotation:rate", args=[round.public_id])).content.decode()
    live = Assignment.objects.filter(seat__participant__isnull=False, state=0).order_by("-pk").first()
    if live is None:
        return page
    sent = {"task": live.public_id, "key": secrets.token_hex(8), "c-correct": "2"}
    client.post(reverse("annotation:submit", args=[round.public_id]), sent)
    return client.get(reverse("annotation:rate", args=[round.public_id])).content.decode()


def test_consent_comes_first_and_a_participant_ends_with_the_code() -> None:
    round = round_factory(items=1, systems=1, overlap=1)
    link = a_link(round)
    client = Client()
    page = client.get(address(link)).content.decode()
    assert "Do you agree?" in page
    assert client.get(reverse("annotation:rate", args=[round.public_id])).status_code == 302
    assert not Participant.objects.exists()
    client = joined(link)
    row = Participant.objects.get()
    assert (row.study, row.session, row.consent_version) == ("study1", "session1", 1)
    assert row.seat.rater.external_id == f"join:{PID}"
    assert row.seat.rater.user is None
    page = judge(client, round)
    assert "DONE1" in page
    assert PID not in page
    row.refresh_from_db()
    assert row.outcome == "done"
    assert AuditEvent.objects.filter(verb="participant.join").count() == 1


def test_without_consent_nobody_is_kept() -> None:
    link = a_link(round_factory(), declined_code="NO1")
    sent = {"PROLIFIC_PID": PID, "consent": "no"}
    assert "NO1" in Client().post(address(link), sent).content.decode()
    assert not Rater.objects.exists()
    assert JoinLink.objects.get().n_declined == 1
    Client().post(address(link), {"PROLIFIC_PID": PID, "consent": "yes", "version": "7"})  # another text than was read
    assert not Rater.objects.exists()


def test_the_same_participant_comes_back_to_the_same_seat() -> None:
    round = round_factory()
    link = a_link(round, places=1)
    joined(link)
    again = Client()
    assert again.get(address(link)).status_code == 302  # known: consented before, though all places are taken
    assert again.get(reverse("annotation:rate", args=[round.public_id])).status_code == 200
    assert Seat.objects.count() == 1
    other = Client().get(address(link, "another"))
    assert other.status_code == 410
    assert "All places" in other.content.decode()


@pytest.mark.parametrize(
    "pid", ["", "%00x", "a%20b", "%3Cscript%3E", "..%2F..", "x" * 101, "%D0%B0dmin", "a%0D%0Ab", "-x", "a'b"]
)
def test_hostile_ids_are_refused(pid: str) -> None:
    link = a_link(round_factory())
    answer = Client().get(address(link, pid))
    assert answer.status_code == 400
    assert not Rater.objects.exists()


def test_names_of_the_parameters_follow_the_platform_or_the_lead() -> None:
    link = a_link(round_factory(), platform="mturk")
    place = reverse("annotation:join", args=[link.token])
    preview = Client().get(place, {"workerId": "W1", "assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE"})
    assert "This is a preview" in preview.content.decode()
    assert "I agree" in Client().get(place, {"workerId": "W1", "assignmentId": "A1"}).content.decode()
    changed = link_save(round=link.round, given={"platform": "prolific"}, actor=None)
    assert (changed.id_parameter, changed.session_parameter) == ("PROLIFIC_PID", "SESSION_ID")
    own = a_link(round_factory(), platform="other", id_parameter="pid", study_parameter="", session_parameter="")
    assert Client().get(reverse("annotation:join", args=[own.token]), {"pid": "W1"}).status_code == 200


@pytest.mark.parametrize("how", ["closed", "expired", "round"])
def test_a_link_closes_and_who_is_in_goes_on(how: str) -> None:
    round = round_factory()
    link = a_link(round)
    client = joined(link)
    if how == "closed":
        link_switch(round=round, is_open=False, actor=None)
    elif how == "expired":
        link_save(round=round, given={"expires_at": timezone.now() - timedelta(minutes=1)}, actor=None)
    else:
        round_close(round=round, actor=None)
    assert Client().get(address(link, "another")).status_code == 410
    assert client.get(reverse("annotation:rate", args=[round.public_id])).status_code == 200


def test_a_participant_reaches_nothing_but_the_rating_pages_of_the_round() -> None:
    round, other = round_factory(), round_factory()
    client = joined(a_link(round))
    values: dict[str, Any] = {
        "project": round.project.slug, "round": round.slug, "public_id": other.public_id,
        "token": "x", "join": "x", "item": round.project.items.order_by("pk")[0].pk,
    }  # fmt: skip
    reached = set()
    for route in OURS:
        own = {name: values.get(name, 1 if name not in ("task", "key", "question", "kind", "name", "form") else "x")
               for name in parameters(route.name)}  # fmt: skip
        answer = client.get(reverse(route.name, kwargs=own))
        if answer.status_code == 200:
            reached.add(route.name)
    assert reached <= {"healthz", "readyz", "api:schema"}
    # A cookie that was made for this round, and one that was changed.
    assert client.get(reverse("annotation:rate", args=[round.public_id])).status_code == 200
    client.cookies[COOKIE] = client.cookies[COOKIE].value[:-3] + "abc"
    assert client.get(reverse("annotation:rate", args=[round.public_id])).status_code == 302


def test_the_cookie_goes_to_the_rating_pages_of_the_round_only() -> None:
    round = round_factory()
    cookie = joined(a_link(round)).cookies[COOKIE]
    assert cookie["path"] == f"/rate/{round.public_id}/"
    assert cookie["httponly"]
    assert PID not in cookie.value


def test_who_fails_the_training_gets_the_other_code() -> None:
    round = practised(tasks=1)
    client = joined(a_link(round))
    client.post(reverse("annotation:practice", args=[round.public_id]))
    live = Assignment.objects.get(state=0)
    sent = {"task": live.public_id, "key": secrets.token_hex(8), "c-correct": "1"}
    client.post(reverse("annotation:submit", args=[round.public_id]), sent)
    page = client.get(reverse("annotation:rate", args=[round.public_id])).content.decode()
    assert "The practice was not passed" in page
    assert "OUT1" in page
    assert "DONE1" not in page


def test_erasing_takes_the_id_and_the_words_and_leaves_the_figures() -> None:
    round = round_factory(items=2, systems=1, overlap=1)
    client = joined(a_link(round))
    judge(client, round)
    seat = Seat.objects.get()
    assignment = Assignment.objects.filter(seat=seat, state=1).get()
    Comment.objects.create(assignment=assignment, text=f"I am {PID}.")
    ratings = assignment.judgments.get().ratings.count()
    participant_erase(participant=Participant.objects.get(), actor=None)
    row = Participant.objects.get()
    assert (row.study, row.session, row.seat.rater.external_id, row.seat.state) == ("", "", None, "closed")
    assert Comment.objects.get().text == ""
    assert assignment.judgments.get().ratings.count() == ratings
    assert client.get(reverse("annotation:rate", args=[round.public_id])).status_code == 302


def test_an_export_and_the_lists_of_others_hold_no_id(tmp_path: Path) -> None:
    round = round_factory(items=1, systems=1, overlap=1)
    judge(joined(a_link(round)), round)
    export_round(round=round, formats=["csv", "jsonl"], out=tmp_path)
    text = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert PID.encode() not in text
    assert Seat.objects.get().rater.pseudonym.encode() in text
    lead = Client()
    lead.force_login(member(round.project, Role.LEAD))
    place = [round.project.slug, round.slug]
    assert PID not in lead.get(reverse("annotation:round", args=place)).content.decode()
    assert PID in lead.get(reverse("annotation:participants", args=place)).content.decode()


def test_the_link_is_limited() -> None:
    link = a_link(round_factory())
    client = Client()
    sent = {"PROLIFIC_PID": PID, "consent": "no"}
    answers = [client.post(address(link), sent).status_code for _ in range(62)]
    assert set(answers) == {200, 429}

"""Raters of a round over the API: training, participants, and what a lead decides about them."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.models import Round, Seat
from annotation.services.crowd import Arrival, link_save, participant_join
from annotation.services.seats import seat_for
from annotation.training import Rule
from projects.models import AuditEvent, Project
from tests.annotation.test_training import a_rater, go_through, practised
from tests.api.conftest import Caller, caller_of
from tests.factories import member, round_factory

pytestmark = pytest.mark.django_db


def caller(round: Round) -> tuple[Caller, str]:
    address = f"projects/{round.project.slug}/rounds/{round.slug}/raters/"
    return caller_of(member(round.project, "lead", "Lea")), address


def test_training_is_told_and_decided() -> None:
    round = practised(rule=Rule(tries=1))
    _, seat = a_rater(round)
    go_through(seat, "1", "1")
    lead, address = caller(round)
    [told] = lead.get(address).json()["results"]
    assert (told["rater"], told["state"], told["participant"]) == (seat.rater.pseudonym, "failed", None)
    assert told["training"]["tries_left"] == 0
    assert [(t["number"], t["state"], t["right"], t["asked"]) for t in told["training"]["tries"]] == [
        (1, "failed", 0, 2)
    ]
    assert seat.rater.user.email not in lead.get(address).content.decode()
    assert lead.post(f"{address}{seat.pk}/", {"act": "another_try"}).json()["state"] == "training"
    again = lead.post(f"{address}{seat.pk}/", {"act": "another_try"})
    assert again.status_code == 400
    assert "nothing was changed" in again.json()["detail"]
    assert lead.post(f"{address}{seat.pk}/", {"act": "let_through"}).json()["state"] == "active"
    assert set(AuditEvent.objects.filter(target=f"seat:{seat.pk}").values_list("verb", flat=True)) == {
        "training.retry", "training.wave",
    }  # fmt: skip


def test_participants_are_told_with_the_ids_of_their_platform_until_they_are_erased() -> None:
    round = round_factory()
    given = {"platform": "prolific", "consent": "Do you agree?", "done_code": "DONE1"}
    link = link_save(round=round, given=given, actor=None)
    participant = participant_join(link=link, arrival=Arrival("worker-1", "study-1", "session-1"))
    lead, address = caller(round)
    [told] = [each["participant"] for each in lead.get(address).json()["results"]]
    assert (told["id"], told["study"], told["outcome"], told["code"]) == ("worker-1", "study-1", "under_way", "")
    type(participant).objects.update(outcome="done")
    assert lead.get(f"{address}{participant.seat_id}/").json()["participant"]["code"] == "DONE1"
    erased = lead.post(f"{address}{participant.seat_id}/", {"act": "erase"}).json()["participant"]
    assert (erased["id"], erased["study"], erased["session"]) == ("", "", "")
    assert erased["erased_at"]


def test_work_is_left_out_with_a_reason_and_taken_in() -> None:
    round = round_factory()
    seat = seat_for(round=round, user=member(round.project, "rater", "Bob"))
    lead, address = caller(round)
    at = f"{address}{seat.pk}/"
    for bad in ({"act": "leave_out"}, {"act": "vanish"}, {"act": "resume", "reason": "x"}, {"act": "erase"}, {}):
        assert lead.post(at, bad).status_code == 400
    assert not seat.exclusions.exists()
    assert (
        lead.post(at, {"act": "leave_out", "reason": "Answers at random."}).json()["left_out"] == "Answers at random."
    )
    assert lead.post(at, {"act": "take_in"}).json()["left_out"] == ""
    other = seat_for(round=round_factory(), user=member(round_factory().project, "rater", "Eve"))
    assert lead.post(f"{address}{other.pk}/", {"act": "leave_out", "reason": "x"}).status_code == 404


def test_the_list_costs_the_same_for_many(project: Project) -> None:
    round = practised(project=project)
    lead, address = caller(round)

    def cost(raters: int) -> int:
        for _ in range(raters):
            a_rater(round)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert len(lead.get(address).json()["results"]) == Seat.objects.filter(round=round).count()
        return len(asked)

    cost(1)  # the token's last use is noted once a day
    assert cost(1) == cost(5)

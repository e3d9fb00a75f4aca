"""Who answered what: shown only after closing, only when a lead says so, on record, and never to raters."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from annotation import claims
from annotation.models import Assignment, Round, Unblinding
from annotation.services import rounds
from annotation.services.seats import seat_for
from annotation.services.unblinding import key_rows, round_unblind
from projects import audit
from projects.errors import Conflict, ServiceError
from projects.models import AuditEvent, Project
from tests.annotation.round_pages import alice, as_, lead, main, project, url  # noqa: F401  (fixtures)
from tests.annotation.test_claims import send
from tests.api.conftest import caller_of
from tests.factories import member, round_factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def round(project: Project) -> Round:  # noqa: F811
    """A closed round of two pairs, one of them judged."""
    row = round_factory(project, mode="compare", items=2, systems=2, overlap=1)
    seat = seat_for(round=row, user=member(project, "rater", "Bob"))
    send(seat, claims.claim(seat.pk), number=1.0)
    return rounds.round_close(round=row, actor=None)


def names(round: Round) -> list[str]:
    return [each.system.name for each in round.round_systems.select_related("system")]


def test_a_closed_round_is_unblinded_on_record(lead: Client, alice: User, round: Round) -> None:  # noqa: F811
    before = lead.get(url(round, "key"))
    assert before.status_code == 409
    assert "still blind: a lead has to unblind it first" in main(before)
    assert not any(name in main(before) for name in names(round))
    after = lead.post(url(round, "key"), follow=True)
    assert all(name in main(after) for name in names(round))
    event = AuditEvent.objects.get(verb="round.unblind")
    assert (event.actor, event.target) == (f"user:{alice.pk}", f"round:{round.pk}")
    found = Unblinding.objects.get()
    assert found.unblinded_by == alice
    assert "by Alice" in main(after)
    assert audit.verify(event.chain).broken_at is None


def test_again_changes_nothing(alice: User, round: Round) -> None:  # noqa: F811
    first = round_unblind(round=round, actor=alice)
    assert round_unblind(round=round, actor=None).unblinded_at == first.unblinded_at
    assert AuditEvent.objects.filter(verb="round.unblind").count() == 1


@pytest.mark.parametrize("state", ["draft", "open", "paused"])
def test_a_round_that_is_not_closed_stays_blind(lead: Client, alice: User, round: Round, state: str) -> None:  # noqa: F811
    Round.objects.filter(pk=round.pk).update(state=state)
    with pytest.raises(Conflict, match="stays blind"):
        round_unblind(round=round, actor=alice)
    refused = [lead.get(url(round, "key")), lead.post(url(round, "key"))]
    program = caller_of(alice)
    path = f"projects/{round.project.slug}/rounds/{round.slug}/key/"
    refused += [program.get(path), program.post(path)]
    for answer in refused:
        assert answer.status_code == 409
        assert "stays blind: who answered what is shown after it is closed." in answer.content.decode()
    assert "Unblind the round" not in main(refused[0])
    assert not Unblinding.objects.exists()


def test_the_key_says_where_each_system_stood(round: Round) -> None:
    assignment = Assignment.objects.get(state=Assignment.State.JUDGED)
    [row] = key_rows([assignment])
    outputs = [each.output.system.label for each in assignment.task.task_outputs.order_by("position")]
    assert row.systems == tuple(zip("AB", [outputs[int(p)] for p in assignment.shown_order], strict=True))
    Assignment.objects.filter(pk=assignment.pk).update(shown_order=assignment.shown_order[::-1])
    assignment.refresh_from_db()
    assert [system for _, system in key_rows([assignment])[0].systems] == [s for _, s in row.systems][::-1]


def test_programs_read_the_key_after_it(alice: User, round: Round) -> None:  # noqa: F811
    program = caller_of(alice)
    path = f"projects/{round.project.slug}/rounds/{round.slug}/key/"
    assert "still blind" in program.get(path).json()["detail"]
    assert program.post(path).status_code == 200
    [row] = program.get(path).json()["results"]
    assert {each["system"] for each in row["systems"]} == set(names(round))
    assert row["rater"].startswith("r-")


@pytest.mark.parametrize("role", ["rater", "viewer", "reviewer"])
def test_only_a_lead_lifts_the_blind_and_raters_never_see_it(round: Round, role: str) -> None:
    client = as_(member(round.project, role))
    assert client.post(url(round, "key")).status_code == 404
    assert not Unblinding.objects.exists()
    round_unblind(round=round, actor=None)
    seen: Any = client.get(url(round, "key"))
    assert seen.status_code == (404 if role == "rater" else 200)
    if role == "rater":
        assert not any(name in seen.content.decode() for name in names(round))


def test_an_unblinded_round_is_not_reopened(lead: Client, round: Round) -> None:  # noqa: F811
    round_unblind(round=round, actor=None)
    with pytest.raises(ServiceError, match="it cannot be reopened"):
        rounds.round_reopen(round=round, actor=None)
    page = main(lead.get(url(round)))
    assert "Reopen" not in page
    assert "Who answered" in page

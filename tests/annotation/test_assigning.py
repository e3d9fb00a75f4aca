"""Tasks given to a named rater: first to them, to nobody else, never above the overlap; moved, and given back."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from annotation import claims
from annotation.models import Assignment, Judgment, Round, Seat, Slot
from annotation.services.assigning import place_move, tasks_give
from annotation.services.exclusion import seat_exclude
from annotation.services.rounds import round_extend
from annotation.services.seats import member_remove, seat_for
from projects.errors import ServiceError
from projects.models import Membership, Role
from tests.annotation.test_claims import a_seat, send
from tests.factories import member, round_factory

pytestmark = pytest.mark.django_db
STRATEGIES = ["in_order", "balanced", "random", "uncertain"]


def names(round: Round, *places: int) -> list[str]:
    found = list(round.project.items.order_by("id").values_list("external_id", flat=True))
    return [found[place] for place in places]


def item_of(outcome: Any) -> str:
    return Assignment.objects.get(pk=outcome.assignment).task.item.external_id


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_was_given_comes_first_and_goes_to_nobody_else(strategy: str) -> None:
    round = round_factory(items=6, systems=1, overlap=1, strategy=strategy)
    bob, other = a_seat(round), a_seat(round)
    given = names(round, 5, 3)
    assert tasks_give(seat=bob, items=given, actor=None).tasks == 2
    met = set()
    outcome = claims.claim(other.pk)
    while outcome.status == "task":
        met.add(item_of(outcome))
        outcome = send(other, outcome)
    assert len(met) == 4
    assert not met & set(given)
    assert outcome.status == "finished"
    mine = []
    outcome = claims.claim(bob.pk)
    while outcome.status == "task":
        mine.append(item_of(outcome))
        outcome = send(bob, outcome)
    assert sorted(mine) == sorted(given)
    assert outcome.status == "complete"
    row = Assignment.objects.filter(seat=bob).first()
    assert row is not None
    assert (row.probability, row.draw_note) == (None, "given")


def test_what_cannot_be_given_is_said_by_line() -> None:
    round = round_factory(items=3, systems=1, overlap=1)
    bob, other = a_seat(round), a_seat(round)
    had = item_of(claims.claim(other.pk))
    free = [name for name in names(round, 0, 1, 2) if name != had]
    done = tasks_give(seat=bob, items=["nowhere", had, free[0], free[0], ""], actor=None)
    assert done.tasks == 1
    assert [said.split(": ")[1] for said in done.problems] == [
        "this round has no task of it.",
        "all its places are taken.",
    ]
    again = tasks_give(seat=bob, items=[free[0]], actor=None)
    assert (again.tasks, again.problems[0].split(": ")[1]) == (0, "it waits for this rater already.")
    assert "has had it" in tasks_give(seat=other, items=[had], actor=None).problems[0]


def test_a_live_task_moves_and_who_had_it_hears_of_it() -> None:
    round = round_factory(mode="compare", items=2, systems=2, overlap=1)
    bob, other = a_seat(round), a_seat(round)
    outcome = claims.claim(bob.pk)
    slot = Slot.objects.get(state=Slot.State.LEASED)
    place_move(slot=slot, to=other, actor=None)
    late = send(bob, outcome, number=1.0)
    assert late.problem == "lost"
    assert not Judgment.objects.exists()
    assert item_of(claims.claim(other.pk)) == slot.task.item.external_id
    assert all(-1 <= tally.d <= 1 for seat in (bob, other) for tally in seat.tallies.all())
    claims.claim(bob.pk)
    with pytest.raises(ServiceError, match="has had this task"):
        place_move(slot=Slot.objects.get(pk=slot.pk), to=other, actor=None)


def test_what_waits_moves_to_another_and_back_to_all() -> None:
    round = round_factory(items=1, systems=1, overlap=1)
    bob, other = a_seat(round), a_seat(round)
    tasks_give(seat=bob, items=names(round, 0), actor=None)
    assert claims.claim(other.pk).status == "finished"
    place_move(slot=Slot.objects.get(), to=other, actor=None)
    assert claims.claim(bob.pk).status == "finished"
    place_move(slot=Slot.objects.get(), to=None, actor=None)
    assert Slot.objects.get().group == ""
    assert claims.claim(bob.pk).status == "task"
    assert not Seat.objects.filter(eligibility__has_key="mine").exists()


@pytest.mark.parametrize("how", ["removed", "left out"])
def test_what_waits_for_somebody_who_is_gone_goes_to_all(how: str) -> None:
    round = round_factory(items=1, systems=1, overlap=1)
    user = member(round.project, Role.RATER)
    bob, other = seat_for(round=round, user=user), a_seat(round)
    tasks_give(seat=bob, items=names(round, 0), actor=None)
    if how == "removed":
        member_remove(membership=Membership.objects.get(user=user), actor=None)
    else:
        seat_exclude(seat=bob, reason="Why.", actor=None)
    assert claims.claim(other.pk).status == "task"


def test_raising_the_overlap_leaves_it_exact() -> None:
    round = round_factory(items=2, systems=1, overlap=1)
    bob = a_seat(round)
    tasks_give(seat=bob, items=names(round, 0), actor=None)
    round_extend(round=round, actor=None, overlap=2)
    assert Slot.objects.exclude(state=Slot.State.WITHDRAWN).count() == 4


def test_groups_keep_what_is_theirs() -> None:
    requirements = {"groups": [["expert", 1]]}
    round = round_factory(items=1, systems=1, overlap=1, options={"requirements": requirements})
    lay = a_seat(round)
    assert "cannot do" in tasks_give(seat=lay, items=names(round, 0), actor=None).problems[0]


def test_the_page_gives_and_moves() -> None:
    round = round_factory(items=2, systems=1, overlap=1)
    bob = member(round.project, Role.RATER, "Bob")
    lead = Client()
    lead.force_login(member(round.project, Role.LEAD))
    address = reverse("annotation:assign", args=[round.project.slug, round.slug])
    chosen = f"m{Membership.objects.get(user=bob).pk}"  # who has not come yet
    answer = lead.post(address, {"rater": chosen, "items": f"{names(round, 0)[0]}\nnowhere"})
    assert answer.status_code == 422
    assert "no task of it" in answer.content.decode()
    assert names(round, 0)[0] in answer.content.decode()
    slot = Slot.objects.get(group__startswith="@")
    move = reverse("annotation:place_move", args=[round.project.slug, round.slug, slot.pk])
    assert lead.post(move, {"to": "s99999"}).status_code == 302
    assert Slot.objects.filter(group__startswith="@").exists()
    lead.post(move, {"to": ""})
    assert not Slot.objects.filter(group__startswith="@").exists()


@pytest.mark.django_db(transaction=True)
def test_giving_and_moving_while_others_race_keeps_the_overlap_exact() -> None:
    round = round_factory(items=12, systems=1, overlap=2)
    seats = [a_seat(round) for _ in range(4)]
    failures: list[BaseException] = []

    def rate(seat: Seat) -> None:
        try:
            for _ in range(200):
                outcome = claims.claim(seat.pk)
                if outcome.status == "task":
                    send(seat, outcome)
                elif outcome.status in ("complete", "finished"):
                    break
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)
        finally:
            connection.close()

    def lead() -> None:
        try:
            for n in range(12):
                tasks_give(seat=seats[n % 4], items=names(round, n), actor=None)
                slot = Slot.objects.filter(round=round, state=Slot.State.LEASED).first()
                if slot is not None:
                    with contextlib.suppress(ServiceError):  # judged meanwhile
                        place_move(slot=slot, to=None, actor=None)
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=rate, args=[seat]) for seat in seats] + [threading.Thread(target=lead)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not failures
    for seat in seats:  # what was given at the end
        outcome = claims.claim(seat.pk)
        while outcome.status == "task":
            outcome = send(seat, outcome)
    by_task = [task.assignments.filter(state=1, purpose="normal").count() for task in round.tasks.all()]
    assert by_task == [2] * 12
    assert not Slot.objects.exclude(state=Slot.State.JUDGED).exists()

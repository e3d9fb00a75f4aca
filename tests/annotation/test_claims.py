"""The one transaction: exact overlap, idempotent submits, balanced sides, leases that come back."""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from annotation import claims
from annotation.claims import NewRating, Outcome, Submission
from annotation.models import Assignment, Judgment, Rating, Round, Seat, SideTally, Slot
from annotation.services import rounds
from annotation.services.seats import member_change, seat_for, seats_close
from annotation.strategies import STRATEGIES
from projects.models import ItemRevision
from tests.factories import member, round_factory

pytestmark = pytest.mark.django_db


def a_seat(round: Round) -> Seat:
    return seat_for(round=round, user=member(round.project, "rater"))


def send(seat: Seat, outcome: Outcome, key: str = "", number: float = 2.0, digest: str = "d") -> Outcome:
    assert outcome.presentation is not None
    criterion = seat.round.rubric_version.criteria.get()
    return claims.submit(
        seat.pk,
        Submission(
            outcome.presentation.public_id, key or secrets.token_hex(8), digest, [NewRating(criterion.pk, "", number)]
        ),
    )


def test_rounds_end_with_exactly_the_overlap() -> None:
    round = round_factory(items=4, systems=2, overlap=3)
    for _ in range(4):
        seat = a_seat(round)
        outcome = claims.claim(seat.pk)
        while outcome.status == "task":
            outcome = send(seat, outcome)
    assert Judgment.objects.count() == 8 * 3
    assert set(Counter(Assignment.objects.filter(state=1).values_list("task", flat=True)).values()) == {3}
    assert outcome.status == "complete"


def test_nobody_gets_a_task_twice() -> None:
    round = round_factory(items=2, systems=2, overlap=3)
    seat = a_seat(round)
    outcome = claims.claim(seat.pk)
    seen = []
    while outcome.status == "task":
        seen.append(outcome.assignment)
        outcome = send(seat, outcome)
    assert outcome.status == "finished"
    assert len(set(Assignment.objects.filter(pk__in=seen).values_list("task", flat=True))) == len(seen) == 4


def test_one_task_of_an_item_when_the_round_says_so() -> None:
    round = round_factory(items=3, systems=3, overlap=1, one_task_per_item=True)
    seat = a_seat(round)
    outcome = claims.claim(seat.pk)
    while outcome.status == "task":
        outcome = send(seat, outcome)
    assert Judgment.objects.filter(seat=seat).count() == 3


def test_claiming_again_brings_the_same_task_and_renews_the_lease() -> None:
    seat = a_seat(round_factory())
    now = timezone.now()
    first = claims.claim(seat.pk, now=now)
    second = claims.claim(seat.pk, now=now + timedelta(minutes=20))
    assert first.assignment == second.assignment
    slot = Slot.objects.get(holder=first.assignment)
    assert slot.lease_until == now + timedelta(minutes=20, seconds=1800)


def test_the_same_submit_again_changes_nothing() -> None:
    seat = a_seat(round_factory())
    task = claims.claim(seat.pk)
    first = send(seat, task, key="k" * 16)
    again = send(seat, task, key="k" * 16)
    assert again.replayed
    assert (again.assignment, again.saved) == (first.assignment, first.saved)
    assert Judgment.objects.count() == 1


def test_the_same_key_with_another_answer_is_a_conflict() -> None:
    seat = a_seat(round_factory())
    task = claims.claim(seat.pk)
    send(seat, task, key="k" * 16, digest="one")
    assert send(seat, task, key="k" * 16, digest="two").problem == "conflict"
    assert Rating.objects.get().number == 2.0


def test_a_second_submit_of_a_task_is_a_revision() -> None:
    seat = a_seat(round_factory())
    task = claims.claim(seat.pk)
    send(seat, task, number=1.0, digest="one")
    send(seat, task, number=3.0, digest="two")
    assert list(Judgment.objects.order_by("revision").values_list("revision", "current")) == [(1, False), (2, True)]
    assert Slot.objects.filter(state=Slot.State.JUDGED).count() == 1


def test_a_lapsed_lease_goes_to_the_next_rater_and_the_first_is_told() -> None:
    round = round_factory(items=1, systems=1, overlap=1)
    first, second = a_seat(round), a_seat(round)
    now = timezone.now()
    task = claims.claim(first.pk, now=now)
    assert claims.claim(second.pk, now=now).status == "nothing_now"
    taken = claims.claim(second.pk, now=now + timedelta(hours=1))
    assert taken.status == "task"
    assert send(first, task).problem == "lost"
    assert send(second, taken).status == "complete"
    assert Judgment.objects.count() == 1


def test_a_late_submit_counts_while_its_slot_is_free() -> None:
    round = round_factory(items=1, systems=1, overlap=1, lease_seconds=60)
    seat = a_seat(round)
    task = claims.claim(seat.pk, now=timezone.now() - timedelta(hours=2))
    send(seat, task)
    assert Judgment.objects.get().late


def test_sides_are_balanced_within_rater_and_pair() -> None:
    round = round_factory(mode="compare", items=8, systems=3, overlap=1)
    seat = a_seat(round)
    outcome = claims.claim(seat.pk)
    while outcome.status == "task":
        assert set(SideTally.objects.values_list("d", flat=True)) <= {-1, 0, 1}
        outcome = send(seat, outcome, number=1.0)
    orders = Counter(Assignment.objects.filter(state=1).values_list("task__pair", "shown_order"))
    assert len(orders) == 6
    assert set(orders.values()) == {4}


def test_a_skip_frees_the_task_for_others_and_bars_the_rater() -> None:
    round = round_factory(mode="compare", items=1, systems=2, overlap=1)
    seat, other = a_seat(round), a_seat(round)
    task = claims.claim(seat.pk)
    assert task.presentation is not None
    assert claims.skip(seat.pk, task.presentation.public_id, "unsure").status == "finished"
    assert SideTally.objects.get().d == 0
    assert claims.claim(other.pk).status == "task"


def test_a_paused_round_gives_nothing_but_takes_work_in_hand() -> None:
    round = round_factory()
    seat, other = a_seat(round), a_seat(round)
    task = claims.claim(seat.pk)
    rounds.round_pause(round=round, actor=None)
    assert claims.claim(other.pk).status == "not_open"
    assert send(seat, task).status == "not_open"
    assert Judgment.objects.count() == 1


def test_a_closed_round_takes_no_judgment() -> None:
    round = round_factory()
    seat = a_seat(round)
    task = claims.claim(seat.pk)
    rounds.round_close(round=round, actor=None)
    outcome = send(seat, task)
    assert (outcome.status, outcome.problem) == ("not_open", "closed")
    assert not Judgment.objects.exists()
    assert not Slot.objects.exclude(state=Slot.State.WITHDRAWN).exists()


def test_a_reopened_round_goes_on() -> None:
    round = round_factory(items=2, systems=1, overlap=1)
    seat = a_seat(round)
    send(seat, claims.claim(seat.pk))
    rounds.round_close(round=round, actor=None)
    rounds.round_reopen(round=round, actor=None)
    assert claims.claim(seat.pk).status == "task"


def test_a_raised_overlap_asks_for_more_of_the_same_tasks() -> None:
    round = round_factory(items=2, systems=1, overlap=1)
    seat, other = a_seat(round), a_seat(round)
    for s in (seat,):
        outcome = claims.claim(s.pk)
        while outcome.status == "task":
            outcome = send(s, outcome)
    assert rounds.round_extend(round=round, overlap=2, actor=None) == 2
    assert claims.claim(seat.pk).status == "finished"
    assert claims.claim(other.pk).status == "task"


def test_what_a_removed_member_held_comes_back() -> None:
    round = round_factory(items=1, systems=1, overlap=1)
    seat, other = a_seat(round), a_seat(round)
    claims.claim(seat.pk)
    seats_close(project=round.project, user=seat.rater.user)
    assert claims.claim(seat.pk).status == "seat_closed"
    assert claims.claim(other.pk).status == "task"


def test_a_cap_is_kept() -> None:
    round = round_factory(items=5, systems=1, cap_per_rater=2)
    seat = a_seat(round)
    outcome = claims.claim(seat.pk)
    while outcome.status == "task":
        outcome = send(seat, outcome)
    assert outcome.status == "cap"
    assert Judgment.objects.filter(seat=seat).count() == 2


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_serves_every_task(strategy: str) -> None:
    round = round_factory(items=4, systems=2, overlap=1, strategy=strategy)
    seat = a_seat(round)
    outcome = claims.claim(seat.pk)
    while outcome.status == "task":
        outcome = send(seat, outcome)
    assert not Slot.objects.exclude(state=Slot.State.JUDGED).exists()


def test_statements_do_not_grow_with_the_round(django_assert_max_num_queries: object) -> None:
    counts = []
    for items in (3, 30):
        round = round_factory(mode="compare", items=items, systems=2, overlap=1)
        seat = a_seat(round)
        outcome = send(seat, claims.claim(seat.pk))
        claims._last_asked[round.pk] = float("inf")  # no asking for freed slots in the count
        with CaptureQueriesContext(connection) as caught:
            send(seat, outcome)
        counts.append(len(caught))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(("mode", "sqlite"), [("score", 10), ("compare", 11)])
def test_the_transaction_keeps_its_budget_of_statements(mode: str, sqlite: int) -> None:
    """Submit, claim and the texts of the next task; what the test itself reads of the rubric is not counted."""
    round = round_factory(mode=mode, items=6, systems=2, overlap=1)
    seat = a_seat(round)
    outcome = send(seat, claims.claim(seat.pk))
    claims._last_asked[round.pk] = float("inf")
    outcome = send(seat, outcome, number=1.0)
    with CaptureQueriesContext(connection) as caught:
        send(seat, outcome, number=1.0)
    ours = [q["sql"] for q in caught.captured_queries if "SAVEPOINT" not in q["sql"] and "rubrics_" not in q["sql"]]
    assert len(ours) == {"sqlite": sqlite, "postgresql": 4}[connection.vendor], ours


@pytest.mark.django_db(transaction=True)
def test_racing_raters_never_exceed_the_overlap() -> None:
    """8 raters race over 10 tasks × 3: exactly 30 judgments, 3 each, nobody twice on a task."""
    round = round_factory(items=5, systems=2, overlap=3)
    seats = [a_seat(round) for _ in range(8)]
    errors: list[BaseException] = []

    def race(seat: Seat) -> None:
        try:
            outcome = claims.claim(seat.pk)
            while outcome.status == "task":
                outcome = send(seat, outcome)
        except BaseException as error:  # noqa: BLE001 - reported by the test
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=race, args=(s,)) for s in seats]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors
    # Those who met "nothing now" while others held the last slots come back once.
    for seat in seats:
        outcome = claims.claim(seat.pk)
        while outcome.status == "task":
            outcome = send(seat, outcome)
    assert set(Counter(Assignment.objects.filter(state=1).values_list("task", flat=True)).values()) == {3}
    assert Judgment.objects.count() == 30
    assert Seat.objects.filter(round=round, n_judged__gt=0).count() >= 3


def test_a_member_who_may_no_longer_rate_gives_back_what_they_hold() -> None:
    round = round_factory(items=1, systems=1, overlap=1)
    seat, other = a_seat(round), a_seat(round)
    claims.claim(seat.pk)
    membership = round.project.memberships.get(user=seat.rater.user)
    member_change(membership=membership, role="viewer", actor=None)
    assert claims.claim(other.pk).status == "task"


@pytest.mark.parametrize("shown", [False, True])
def test_a_reference_answer_is_shown_only_where_the_round_says_so(client: Client, shown: bool) -> None:
    round = round_factory(items=1, systems=1, show_reference=shown)
    ItemRevision.objects.filter(current=True).update(current=False)
    ItemRevision.objects.create(
        item=round.round_items.get().item, revision=2, reference=["The known answer."], digest="d", html="<p>Q</p>"
    )
    client.force_login(member(round.project, "rater"))
    page = client.get(reverse("annotation:rate", args=[round.public_id])).content.decode()
    assert ("The known answer." in page) is shown

"""A rater's work left out of a round, and taken in again: places, counts, and what everybody is told."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from analytics.frames import round_frames
from annotation import claims
from annotation.claims import Outcome
from annotation.models import Assignment, Judgment, RaterExclusion, Round, Seat, Slot
from annotation.selectors import progress_of
from annotation.services import rounds
from annotation.services.exclusion import seat_exclude, seat_include
from annotation.services.seats import seat_for, seats_close
from projects.errors import ServiceError
from tests.annotation.test_claims import a_seat, send
from tests.factories import member, round_factory


def work(seat: Seat, at_most: int = 10_000) -> Outcome:
    outcome = claims.claim(seat.pk)
    while outcome.status == "task" and at_most:
        outcome = send(seat, outcome)
        if outcome.problem:  # the round was changed under this rater: as the page does, ask for the next one
            outcome = claims.claim(seat.pk)
        at_most -= 1
    return outcome


def counted(round: Round) -> Counter[int]:
    """Judgments by task, as figures count them."""
    left_out = RaterExclusion.objects.filter(seat__round=round, lifted_at__isnull=True).values("seat")
    rows = Assignment.objects.filter(seat__round=round, state=Assignment.State.JUDGED, purpose="normal")
    return Counter(rows.exclude(seat__in=left_out).values_list("task_id", flat=True))


def exclude(seat: Seat, reason: str = "Answers within two seconds.") -> RaterExclusion:
    return seat_exclude(seat=seat, reason=reason, actor=None)


@pytest.mark.django_db
def test_work_left_out_is_wanted_again_and_the_round_ends_exact() -> None:
    round = round_factory(items=3, systems=2, overlap=2)
    careless, bob, carol = (a_seat(round) for _ in range(3))
    work(careless, at_most=4)
    work(bob)
    exclude(careless)
    progress = progress_of(round)
    assert (progress.judged, progress.wanted, progress.left) == (6, 12, 6)
    assert claims.claim(careless.pk).status == "seat_paused"
    assert work(carol).status == "complete"
    assert counted(round) == dict.fromkeys(round.tasks.values_list("pk", flat=True), 2)
    assert Judgment.objects.count() == 4 + 6 + 6
    kept = round_frames(round)
    assert len(kept.counted) == 12
    assert len(kept.with_excluded) == 16


@pytest.mark.django_db
def test_work_taken_in_again_counts_only_where_its_place_is_free() -> None:
    round = round_factory(items=4, systems=1, overlap=1)
    first, second = a_seat(round), a_seat(round)
    work(first)
    exclude(first)
    work(second, at_most=2)  # a third is in hand now
    lifted = seat_include(seat=first, actor=None)
    assert (lifted.back, lifted.extra) == (1, 3)
    assert claims.claim(first.pk).status == "finished"
    assert work(second).status == "complete"
    assert set(counted(round).values()) == {1}
    assert Assignment.objects.filter(seat=first, purpose="extra", slot=None).count() == 3
    assert Judgment.objects.filter(seat=first).count() == 4
    exclude(first, "Again.")
    assert progress_of(round).left == 1


@pytest.mark.django_db
def test_what_an_excluded_rater_holds_goes_on_and_is_not_taken() -> None:
    round = round_factory(items=1, systems=1, overlap=1)
    first, second = a_seat(round), a_seat(round)
    held = claims.claim(first.pk)
    exclude(first)
    answer = send(first, held)
    assert (answer.status, answer.problem) == ("seat_paused", "paused")
    assert not Judgment.objects.exists()
    assert work(second).status == "complete"
    assert sum(counted(round).values()) == 1


@pytest.mark.django_db
def test_a_rater_left_out_cannot_change_earlier_judgments() -> None:
    round = round_factory(items=1, systems=1, overlap=1)
    seat = a_seat(round)
    task = claims.claim(seat.pk)
    send(seat, task)
    exclude(seat)
    assert send(seat, task, digest="other").problem == "paused"
    assert Judgment.objects.get().revision == 1


@pytest.mark.django_db
def test_a_removed_member_who_comes_back_is_still_left_out() -> None:
    round = round_factory()
    seat = a_seat(round)
    exclude(seat)
    seats_close(project=round.project, user=seat.rater.user)
    assert claims.claim(seat_for(round=round, user=seat.rater.user).pk).status == "seat_paused"


@pytest.mark.django_db
def test_a_closed_round_wants_nothing_until_it_is_reopened() -> None:
    round = round_factory(items=2, systems=1, overlap=2)
    first, second, third = (a_seat(round) for _ in range(3))
    work(first)
    work(second, at_most=1)
    rounds.round_close(round=round, actor=None)
    exclude(first)
    assert not Slot.objects.filter(state__in=[0, 1]).exists()
    rounds.round_reopen(round=round, actor=None)
    assert progress_of(round).left == 3
    work(second)
    work(third)
    assert set(counted(round).values()) == {2}


@pytest.mark.django_db
def test_a_raised_overlap_is_exact_beside_an_exclusion() -> None:
    round = round_factory(items=2, systems=1, overlap=1)
    first, *others = (a_seat(round) for _ in range(4))
    work(first)
    exclude(first)
    assert rounds.round_extend(round=round, overlap=3, actor=None) == 4
    for seat in others:
        work(seat)
    assert set(counted(round).values()) == {3}
    assert progress_of(round).left == 0


@pytest.mark.django_db
@pytest.mark.parametrize(("reason", "said"), [("  ", "Say why"), ("x" * 501, "at most 500")])
def test_an_exclusion_needs_a_reason(reason: str, said: str) -> None:
    seat = a_seat(round_factory())
    with pytest.raises(ServiceError, match=said):
        exclude(seat, reason)
    assert not RaterExclusion.objects.exists()


@pytest.mark.django_db
def test_doing_it_twice_is_refused_in_words() -> None:
    seat = a_seat(round_factory())
    with pytest.raises(ServiceError, match="not left out"):
        seat_include(seat=seat, actor=None)
    exclude(seat)
    with pytest.raises(ServiceError, match="left out already"):
        exclude(seat)


@pytest.mark.django_db
def test_the_lead_does_it_on_the_page(client: Client) -> None:
    round = round_factory(items=2, systems=1, overlap=1)
    seat = a_seat(round)
    work(seat)
    client.force_login(member(round.project, "lead"))
    address = reverse("annotation:exclusion", args=[round.project.slug, round.slug, seat.pk])
    assert "2 judgments leave the figures" in client.get(address).content.decode()
    assert client.post(address, {"reason": ""}).status_code == 422
    page = client.post(address, {"reason": "Asleep at the desk."}, follow=True).content.decode()
    assert "Asleep at the desk." in page
    assert '0</span> <span class="muted">of 2 judgments' in page
    assert "Left out on" in client.get(address).content.decode()
    page = client.post(address, follow=True).content.decode()
    assert "2 judgments count again." in page
    assert "Left out before" in client.get(address).content.decode()
    other = round_factory()
    foreign = reverse("annotation:exclusion", args=[round.project.slug, round.slug, a_seat(other).pk])
    assert client.get(foreign).status_code == 404


@pytest.mark.django_db
def test_the_rater_is_told(client: Client) -> None:
    round = round_factory()
    rater = member(round.project, "rater")
    exclude(seat_for(round=round, user=rater))
    client.force_login(rater)
    page = client.get(reverse("annotation:rate", args=[round.public_id])).content.decode()
    assert "Your lead has paused your part" in page


@pytest.mark.django_db(transaction=True)
def test_changes_of_the_round_meet_racing_raters() -> None:
    """Six raters judge while the lead raises the overlap, leaves somebody out, takes them in again, closes and
    reopens. A change that held a seat before its round would stop both for ever."""
    round = round_factory(items=6, systems=1, overlap=2)
    seats = [a_seat(round) for _ in range(6)]
    errors: list[BaseException] = []
    done = threading.Event()

    def race(seat: Seat) -> None:
        try:
            while not done.is_set():
                work(seat, at_most=3)
        except BaseException as error:  # noqa: BLE001 - reported by the test
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=race, args=(seat,)) for seat in seats]
    for thread in threads:
        thread.start()
    try:
        changes: list[Any] = [
            lambda: exclude(seats[0]),
            lambda: rounds.round_extend(round=round, overlap=3, actor=None),
            lambda: rounds.round_close(round=round, actor=None),
            lambda: rounds.round_reopen(round=round, actor=None),
            lambda: seat_include(seat=seats[0], actor=None),
            lambda: exclude(seats[1]),
        ]
        for change in changes:
            change()
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not errors
    for seat in seats:
        work(seat)
    assert set(counted(round).values()) == {3}
    assert progress_of(round).left == 0

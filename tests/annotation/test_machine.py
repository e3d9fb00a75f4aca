"""The engine as a state machine: any order of acts keeps every promise. Long form: `make slow`."""

from __future__ import annotations

import secrets
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from annotation import claims
from annotation.adjudication_cases import Place
from annotation.claims import Outcome
from annotation.models import Adjudication, Assignment, Judgment, RaterExclusion, Rating, Round, SideTally, Slot
from annotation.services import rounds
from annotation.services.adjudication import Ruling, adjudicate, adjudication_withdraw
from annotation.services.exclusion import seat_exclude, seat_include
from tests.annotation.test_claims import a_seat
from tests.factories import round_factory

RATERS = st.integers(0, 3)
PICK = st.integers(0, 999)  # which of those there are: what is drawn never depends on what the database numbered how
NUMBERS = st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0])


class Engine(RuleBasedStateMachine):
    """Four raters and a lead over a round of few pairs, with a clock that leaps."""

    def __init__(self) -> None:
        super().__init__()
        self.run = transaction.atomic()  # each run in a transaction of its own, taken back in the end
        self.run.__enter__()
        self.round = round_factory(mode="compare", items=1, systems=3, overlap=1, repeat_rate=0.2, lease_seconds=60)
        self.seats = [a_seat(self.round) for _ in range(4)]
        self.now: datetime = timezone.now()
        self.held: dict[int, Outcome] = {}
        self.said: dict[int, float] = {}  # assignment → the answer that was acknowledged last
        self.sent: list[tuple[int, claims.Submission]] = []
        self.finals: dict[Place, tuple[int, float | None]] = {}  # place → revision and final answer that stands

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.run.__exit__(None, None, None)

    # -- raters

    @rule(rater=RATERS)
    def claim(self, rater: int) -> None:
        self._hold(rater, claims.claim(self.seats[rater].pk, now=self.now))

    @rule(rater=RATERS, number=NUMBERS)
    def submit(self, rater: int, number: float) -> None:
        if rater not in self.held:
            self.claim(rater)
        held = self.held.get(rater)
        if held is None or held.presentation is None:
            return
        sent = self._submission(held, number)
        outcome = claims.submit(self.seats[rater].pk, sent, now=self.now)
        if not outcome.problem and outcome.saved is not None:
            self.said[outcome.saved] = number
            self.sent.append((rater, sent))
        self._hold(rater, outcome)

    @rule(pick=PICK, number=NUMBERS)
    def revise(self, pick: int, number: float) -> None:
        if not self.sent:
            return
        rater, earlier = self.sent[pick % len(self.sent)]
        sent = claims.Submission(earlier.public_id, secrets.token_hex(8), secrets.token_hex(4), self._ratings(number))
        outcome = claims.submit(self.seats[rater].pk, sent, now=self.now)
        if not outcome.problem and outcome.saved is not None:
            self.said[outcome.saved] = number
        self._hold(rater, outcome)

    @rule(pick=PICK)
    def send_again(self, pick: int) -> None:
        """The browser repeats what it sent: nothing changes."""
        if not self.sent:
            return
        rater, sent = self.sent[pick % len(self.sent)]
        before = Judgment.objects.count()
        outcome = claims.submit(self.seats[rater].pk, sent, now=self.now)
        assert outcome.replayed
        assert Judgment.objects.count() == before
        self._hold(rater, outcome)

    @rule(rater=RATERS)
    def skip(self, rater: int) -> None:
        held = self.held.get(rater)
        if held is not None and held.presentation is not None:
            self._hold(rater, claims.skip(self.seats[rater].pk, held.presentation.public_id, "unsure", now=self.now))

    # -- time and the lead

    @rule(seconds=st.sampled_from([5, 61, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        claims._last_asked.clear()

    @rule(rater=RATERS)
    def exclude_or_include(self, rater: int) -> None:
        if RaterExclusion.objects.filter(seat=self.seats[rater], lifted_at=None).exists():
            seat_include(seat=self.seats[rater], actor=None)
        else:
            seat_exclude(seat=self.seats[rater], reason="Machine.", actor=None)

    @rule(pick=PICK, number=NUMBERS)
    def adjudicate(self, pick: int, number: float) -> None:
        """A reviewer decides about what was judged, whether or not raters still work on it."""
        place = self._judged_place(pick)
        if place is None:
            return
        revision = self.finals.get(place, (0, None))[0]
        ruling = Ruling(value=f"{number:g}" if number else "tie", reason="So.", revision=revision)
        made = adjudicate(round=self.round, place=place, ruling=ruling, actor=None)
        assert adjudicate(round=self.round, place=place, ruling=ruling, actor=None) == made
        self.finals[place] = (made.revision, number)

    @rule(pick=PICK)
    def take_back_a_final_answer(self, pick: int) -> None:
        standing = [place for place, (_, number) in self.finals.items() if number is not None]
        if not standing:
            return
        place = standing[pick % len(standing)]
        if not self._counting().filter(task=place.task).exists():
            return
        revision = self.finals[place][0]
        made = adjudication_withdraw(round=self.round, place=place, reason="No.", revision=revision, actor=None)
        self.finals[place] = (made.revision, None)

    @rule()
    def pause_or_open_again(self) -> None:
        if self._state() == "open":
            rounds.round_pause(round=self.round, actor=None)
        elif self._state() == "paused":
            rounds.round_open(round=self.round, actor=None)

    @rule()
    def close_or_reopen(self) -> None:
        if self._state() == "closed":
            rounds.round_reopen(round=self.round, actor=None)
        else:
            rounds.round_close(round=self.round, actor=None)

    @rule()
    def raise_overlap(self) -> None:
        self.round.refresh_from_db()
        if self.round.overlap < 3 and self.round.state != "closed":
            rounds.round_extend(round=self.round, overlap=self.round.overlap + 1, actor=None)

    # -- promises

    @invariant()
    def no_task_counts_more_than_its_overlap(self) -> None:
        self.round.refresh_from_db()
        counted = Counter(self._counting().values_list("task_id", flat=True))
        assert not counted or max(counted.values()) <= self.round.overlap

    @invariant()
    def what_counts_and_what_is_wanted_make_the_overlap(self) -> None:
        if self._state() == "closed":
            assert not self.round.slots.filter(state__in=[0, 1]).exists()
            return
        slots: Counter[int] = Counter(self.round.slots.exclude(state=3).values_list("task_id", flat=True))
        assert set(slots.values()) == {self.round.overlap}
        assert self.round.slots.filter(state=Slot.State.JUDGED).count() == self._counting().count()

    @invariant()
    def nobody_holds_two_tasks_or_one_twice(self) -> None:
        live = Counter(Assignment.objects.filter(seat__round=self.round, state=0).values_list("seat_id", flat=True))
        assert not live or max(live.values()) == 1
        met = Assignment.objects.filter(seat__round=self.round, state__lt=3).values_list("seat", "task", "occasion")
        assert len(set(met)) == len(met)

    @invariant()
    def sides_are_balanced(self) -> None:
        assert set(SideTally.objects.filter(seat__round=self.round).values_list("d", flat=True)) <= {-1, 0, 1}

    @invariant()
    def every_acknowledged_answer_is_there(self) -> None:
        rows = Rating.objects.filter(judgment__current=True, judgment__assignment__in=self.said)
        assert dict(rows.values_list("judgment__assignment_id", "number")) == self.said

    @invariant()
    def final_answers_stand_as_given_and_apart(self) -> None:
        rows = Adjudication.objects.filter(task__round=self.round, current=True)
        stand = {Place(row.task_id, row.criterion_id, row.target): (row.revision, row.number) for row in rows}
        assert stand == {place: said for place, said in self.finals.items() if said[1] is not None}
        assert Adjudication.objects.filter(task__round=self.round).count() == sum(n for n, _ in self.finals.values())

    # -- help

    def _judged_place(self, pick: int) -> Place | None:
        tasks = sorted(set(self._counting().values_list("task_id", flat=True)))
        if not tasks:
            return None
        return Place(tasks[pick % len(tasks)], self.round.rubric_version.criteria.get().pk, "")

    def _state(self) -> str:
        return str(Round.objects.values_list("state", flat=True).get(pk=self.round.pk))

    def _counting(self) -> Any:
        left_out = RaterExclusion.objects.filter(seat__round=self.round, lifted_at=None).values("seat")
        judged = Assignment.objects.filter(seat__round=self.round, state=1, purpose="normal")
        return judged.exclude(seat__in=left_out)

    def _hold(self, rater: int, outcome: Outcome) -> None:
        if outcome.presentation is not None:
            self.held[rater] = outcome
        elif not outcome.problem:
            self.held.pop(rater, None)

    def _submission(self, held: Outcome, number: float) -> claims.Submission:
        assert held.presentation is not None
        return claims.Submission(
            held.presentation.public_id, secrets.token_hex(8), secrets.token_hex(4), self._ratings(number)
        )

    def _ratings(self, number: float) -> list[claims.NewRating]:
        return [claims.NewRating(self.round.rubric_version.criteria.get().pk, "", number)]


def run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Engine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )


@pytest.mark.django_db(transaction=True)
def test_any_order_of_acts_keeps_every_promise() -> None:
    run(examples=5, steps=30)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("part", range(4))
def test_any_order_of_acts_keeps_every_promise_in_500_runs_of_50_steps(part: int) -> None:
    """A quarter of the runs each, so that several processes share them."""
    run(examples=125, steps=50)

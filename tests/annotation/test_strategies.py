"""Strategies: what order they give, how they are taken from, and that the chance kept with each assignment is exact."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation import claim_search, claim_steps, claims
from annotation import claim_sql as sql
from annotation.claims import Outcome
from annotation.models import Assignment, Judgment, Round, Seat, Slot, Task
from annotation.sampling import Sample
from annotation.services.exclusion import seat_exclude
from annotation.services.round_plans import round_plan
from annotation.services.rounds import round_create, round_extend, round_open
from annotation.strategies import JUMP, STRATEGIES, WINDOW, Candidate, drawn, gap_chance
from annotation.strategies.uncertain import by_rank
from projects.models import ItemTag
from tests.annotation.test_claims import a_seat, send
from tests.factories import (
    item_factory,
    output_factory,
    project_factory,
    round_factory,
    rubric_factory,
    system_factory,
)

CANDIDATES = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), min_size=1, max_size=40).map(
    lambda rows: [Candidate(n + 7, n, pair, stratum) for n, (pair, stratum) in enumerate(rows)]
)


# --- Pure -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", STRATEGIES)
@given(candidates=CANDIDATES, seed=st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_an_order_has_every_task_once_whatever_the_order_they_came_in(
    key: str, candidates: list[Candidate], seed: int
) -> None:
    order = STRATEGIES[key].order(candidates, seed)
    assert sorted(order) == [c.task for c in candidates]
    assert order == STRATEGIES[key].order(candidates[::-1], seed)


@given(candidates=CANDIDATES, seed=st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_every_first_part_of_a_stratified_order_has_each_strata_s_share(candidates: list[Candidate], seed: int) -> None:
    stratum = {c.task: c.stratum for c in candidates}
    sizes = Counter(stratum.values())
    so_far: Counter[str] = Counter()
    for n, task in enumerate(STRATEGIES["stratified"].order(candidates, seed), start=1):
        so_far[stratum[task]] += 1
        for name, size in sizes.items():
            # Webster's method with H strata: half a task of its own, and H/2 of rounding of the whole.
            assert abs(so_far[name] - size * n / len(candidates)) <= 0.5 + len(sizes) / 2


def test_strata_take_turns_by_their_size() -> None:
    candidates = [Candidate(n, n, "a", "large" if n < 8 else "small") for n in range(12)]
    order = ["large" if task < 8 else "small" for task in STRATEGIES["stratified"].order(candidates, 1)]
    assert [Counter(order[n : n + 3]) for n in range(0, 12, 3)] == [{"large": 2, "small": 1}] * 4


@pytest.mark.parametrize("k", [1, 2, 3, 31, 32])
def test_the_ranks_of_a_window_have_their_chances(k: int) -> None:
    starts = 4000
    seen = Counter(by_rank((n + 0.5) / starts, k) for n in range(starts))
    chances = dict(seen.keys())
    assert sorted(chances) == list(range(1, k + 1))
    assert sum(chances.values()) == pytest.approx(1)
    assert {rank: count / starts for (rank, _), count in seen.items()} == pytest.approx(chances, abs=1 / starts)


@given(st.sets(st.integers(1, 30), min_size=1, max_size=10), st.integers(30, 40))
@settings(max_examples=30, deadline=None)
def test_gaps_between_open_places_are_their_chances(places: set[int], top: int) -> None:
    open_places = sorted(places | {top})
    for n, place in enumerate(open_places):
        before = open_places[n - 1] if n else open_places[-1] - top
        hits = sum(min((p for p in open_places if p >= start), default=0) == place for start in range(1, top + 1))
        assert Fraction(hits, top) == Fraction(gap_chance(place, before, top)).limit_denominator(1000)


def test_draws_are_spread_evenly_and_come_again() -> None:
    draws = [drawn(7, 3, n) for n in range(2000)]
    assert draws == [drawn(7, 3, n) for n in range(2000)]
    assert sum(draws) / 2000 == pytest.approx(0.5, abs=0.03)  # four standard errors
    assert all(0 <= u < 1 for u in draws)


# --- In the claim ---------------------------------------------------------------------------------------------

in_database = pytest.mark.django_db


def taken(outcome: Outcome) -> Assignment:
    assert outcome.assignment is not None
    return Assignment.objects.get(pk=outcome.assignment)


class _Back(Exception):
    """Takes a claim back."""


def claimed_by(seat: Seat, u: float, monkeypatch: pytest.MonkeyPatch) -> tuple[int, float | None]:
    """(task, chance kept) of the claim that this draw gives; nothing stays."""
    monkeypatch.setattr(claim_search, "drawn", lambda *_: u)
    try:
        with transaction.atomic():
            outcome = claims.claim(seat.pk)
            row = taken(outcome)
            raise _Back
    except _Back:
        return row.task_id, row.probability


@in_database
@pytest.mark.parametrize("strategy", [s.key for s in STRATEGIES.values() if s.take != "walk"])
def test_the_chance_kept_is_the_share_of_draws_that_lead_there(strategy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round under way: the rater has judged some tasks, others have finished some."""
    round = round_factory(items=6, systems=2, overlap=2, strategy=strategy, seed=3)
    mine, other, third = a_seat(round), a_seat(round), a_seat(round)
    for seat, n in ((mine, 3), (other, 4), (third, 2)):
        outcome = claims.claim(seat.pk)
        for _ in range(n):
            outcome = send(seat, outcome)
    Slot.objects.filter(state=Slot.State.LEASED).update(state=Slot.State.OPEN, holder=None, lease_until=None)
    Assignment.objects.filter(state=Assignment.State.LIVE).update(state=Assignment.State.LOST, closed_at=timezone.now())
    claims._last_asked[round.pk] = float("inf")
    top = Slot.objects.filter(state=Slot.State.OPEN).order_by("-pos").values_list("pos", flat=True)[0]
    draws = top if STRATEGIES[strategy].take == JUMP else 150
    found = [claimed_by(mine, (n + 0.5) / draws, monkeypatch) for n in range(draws)]
    kept = dict(found)
    judged = Assignment.objects.filter(seat=mine, state=Assignment.State.JUDGED).values("task")
    eligible = set(Slot.objects.filter(state=Slot.State.OPEN).exclude(task__in=judged).values_list("task", flat=True))
    assert set(kept) == eligible
    assert len(set(found)) == len(kept)  # one chance for each task
    assert sum(kept.values()) == pytest.approx(1)  # type: ignore[arg-type]
    share = {task: count / draws for task, count in Counter(task for task, _ in found).items()}
    assert share == pytest.approx(kept, abs=1e-9 if STRATEGIES[strategy].take == JUMP else 1 / draws)


@in_database
def test_a_walk_draws_nothing_and_what_came_back_has_no_chance_that_is_known() -> None:
    for strategy, known in (("balanced", True), ("random", False), ("uncertain", False)):
        round = round_factory(items=1, systems=1, overlap=1, strategy=strategy)
        first, second = a_seat(round), a_seat(round)
        outcome = claims.claim(first.pk)
        assert outcome.presentation is not None
        assert taken(outcome).probability == 1.0
        claims.skip(first.pk, outcome.presentation.public_id, "unsure")
        row = taken(claims.claim(second.pk))
        assert (row.probability, row.draw_note) == ((1.0, "") if known else (None, "returned"))


@in_database
def test_where_others_were_just_taking_what_was_drawn_the_chance_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a slot between the place drawn and the one taken had been locked."""
    round = round_factory(items=9, systems=1, overlap=1, strategy="random")
    run = claim_steps.run
    for u, gap, known in ((0.05, 1, (1 / 9, "")), (0.5, 0.5, (None, "contended"))):

        def beside(statement: str, values: Any, gap: float = gap) -> list[tuple[Any, ...]]:
            rows = run(statement, values)
            return [(*row[:6], row[3] - gap, *row[7:]) for row in rows] if statement == sql.JUMP else rows

        monkeypatch.setattr(claim_search, "run", beside)
        monkeypatch.setattr(claim_search, "drawn", lambda *_, u=u: u)
        row = taken(claims.claim(a_seat(round).pk))
        assert (row.probability, row.draw_note) == known


@in_database
def test_a_second_draw_from_a_window_has_no_chance_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL, where the slot drawn first may be locked; on SQLite nothing ever is, so the walk goes on."""
    seat, run = a_seat(round_factory(items=5, systems=1, strategy="uncertain")), claim_steps.run
    draws: list[str] = []

    def locked_at_first(statement: str, values: Any) -> list[tuple[Any, ...]]:
        draws.extend(["window"] if statement == sql.WINDOW else [])
        return [] if statement == sql.WINDOW and len(draws) == 1 else run(statement, values)

    monkeypatch.setattr(claim_search, "run", locked_at_first)
    row = taken(claims.claim(seat.pk))
    known = {"sqlite": (1.0, ""), "postgresql": (None, "contended")}[connection.vendor]
    assert (row.probability, row.draw_note) == known


@in_database
def test_who_has_judged_the_whole_front_walks_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond what a window looks at, the walk goes on; only so much is looked at, however large the round."""
    monkeypatch.setattr(claim_search, "_LOOK", 3)
    round = round_factory(items=6, systems=1, overlap=2, strategy="uncertain")
    seat = a_seat(round)
    outcome = claims.claim(seat.pk)
    while outcome.status == "task":
        outcome = send(seat, outcome)
    assert (outcome.status, Judgment.objects.count()) == ("finished", 6)


@in_database
def test_nothing_is_left_in_a_window_however_the_database_joins() -> None:
    round = round_factory(items=1, systems=1, overlap=2, strategy="uncertain")
    seat = a_seat(round)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_nestloop = off")
    outcome = send(seat, claims.claim(seat.pk))
    assert outcome.status == "finished"


@in_database
@pytest.mark.parametrize("strategy", ["random", "stratified", "uncertain"])
def test_other_strategies_keep_the_budget_of_statements_too(strategy: str) -> None:
    """At two sizes, and no more than the walk: see test_claims."""
    counts = []
    for items in (6, 60):
        round = round_factory(items=items, systems=2, overlap=2, strategy=strategy)
        seat = a_seat(round)
        outcome = send(seat, claims.claim(seat.pk))
        claims._last_asked[round.pk] = float("inf")
        outcome = send(seat, outcome)
        with CaptureQueriesContext(connection) as caught:
            send(seat, outcome)
        ours = [q["sql"] for q in caught.captured_queries if "SAVEPOINT" not in q["sql"] and "rubrics_" not in q["sql"]]
        counts.append(len(ours))
    assert counts == [{"sqlite": 10, "postgresql": 4}[connection.vendor]] * 2


def effort(statement: str, values: dict[str, Any]) -> int:
    """What a statement costs the database: steps of its machine, or pages read."""
    statement = sql.for_vendor(statement, connection.vendor)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Of all that a statement reads: with old counts of one, a plan goes over all of another.
            cursor.execute("ANALYZE annotation_slot, annotation_task, annotation_taskoutput, annotation_assignment")
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values)
            [(plan,)] = cursor.fetchall()
            return int(plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"])
        steps = 0

        def count() -> int:
            nonlocal steps
            steps += 1
            return 0

        connection.connection.set_progress_handler(count, 100)
        try:
            cursor.execute(statement, values)
            cursor.fetchall()
        finally:
            connection.connection.set_progress_handler(None, 100)
        return steps


def a_large_round(size: int) -> Round:
    round = round_factory(items=1, systems=1, overlap=1)
    item = round.tasks.get().item_id
    tasks = Task.objects.bulk_create(
        Task(round=round, item_id=item, key=f"k{n}", ordinal=n) for n in range(2, size + 1)
    )
    Slot.objects.bulk_create(
        Slot(round=round, task=task, n=1, item_key=task.pk, pos=pos) for pos, task in enumerate(tasks, start=2)
    )
    return round


@in_database
def test_taking_a_task_costs_the_same_in_a_large_round() -> None:
    """No part of a statement goes over the open slots, wherever in the order it takes."""
    found: dict[tuple[str, float], list[int]] = defaultdict(list)
    for size in (300, 1500):
        round = a_large_round(size)
        values = {
            "round": round.pk,
            "lane": "",
            "seat": a_seat(round).pk,
            "window": 32,
            "look": 256,
            "ranks": "01" * 32,
        }
        for name, at in product(("WALK", "JUMP", "WINDOW"), (0.02, 0.5, 0.98)):
            found[name, at].append(effort(getattr(sql, name), values | {"start": int(at * size), "u": at}))
    assert {key: large <= 1.5 * small + 5 for key, (small, large) in found.items()} == dict.fromkeys(found, True), found


def judged_but_for(seat: Seat, left: set[int]) -> None:
    """As if this rater had judged every task but those at these places, and others nothing."""
    rows = Slot.objects.filter(round=seat.round, n=1).exclude(pos__in=left).values_list("task_id", "item_key")
    Assignment.objects.bulk_create(
        Assignment(
            public_id=f"{seat.pk}-{task}", seat=seat, task_id=task, item_key=key, state=Assignment.State.JUDGED,
            purpose=Assignment.Purpose.EXTRA, shown_order="0", created_at=timezone.now(), closed_at=timezone.now(),
        )
        for task, key in rows
    )  # fmt: skip


def asked_until(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], list[int], list[int]]:
    """Asks while the answer is "looking": (answers, statements of each request, effort of each search in it)."""
    efforts: list[int] = []

    def weighed(statement: str, values: Any) -> list[tuple[Any, ...]]:
        efforts.append(effort(statement, values) if len(answers) < 2 else 0)
        return claim_steps.run(statement, values)

    answers: list[str] = []
    monkeypatch.setattr(claim_search, "run", weighed)
    statements = []
    while not answers or (answers[-1] == "looking" and len(answers) < 99):
        before = len(efforts)
        answers.append(claims.claim(seat.pk).status)
        statements.append(len(efforts) - before)
    return answers, statements, efforts


@in_database
@pytest.mark.parametrize("strategy", ["balanced", "random", "uncertain"])
def test_who_has_judged_nearly_all_is_served_in_bounded_steps(strategy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the size of the round, a request does so much; the task that is left is found, and where none is the
    rater hears it at once from then on."""
    monkeypatch.setattr(claim_search, "FIRST_STEP", 10)
    monkeypatch.setattr(claim_search, "STEP", 20)
    monkeypatch.setattr(claim_search, "_LOOK", 20)
    monkeypatch.setattr(claim_search, "drawn", lambda *_: 0.01)
    most: dict[int, tuple[int, int]] = {}
    for size in (200, 900):
        round = a_large_round(size)
        Round.objects.filter(pk=round.pk).update(strategy=strategy)
        seat = a_seat(round)
        judged_but_for(seat, {size - 100})
        claims._last_asked[round.pk] = float("inf")
        answers, statements, efforts = asked_until(seat, monkeypatch)
        assert answers[-1] == "task"
        assert len(answers) > (size - 100) // 70 - 2, "the steps of a request are bounded"
        most[size] = (max(statements), max(efforts))
        assert taken(Outcome("task", assignment=Assignment.objects.get(seat=seat, state=0).pk)).task_id == (
            Slot.objects.get(round=round, pos=size - 100).task_id
        )
        send(seat, claims.claim(seat.pk))
        answers, _, _ = asked_until(seat, monkeypatch)
        assert (answers[-1], claims.claim(seat.pk).status) == ("finished", "finished")
        assert asked_until(seat, monkeypatch)[2] == []
    assert most[900][0] <= most[200][0]
    assert most[900][1] <= 1.5 * most[200][1] + 60, most  # going over all of them: hundreds more


@in_database
def test_what_is_opened_or_lost_is_looked_for_again() -> None:
    """Who had come to the end of everything open hears of what comes after."""
    round = round_factory(items=3, systems=1, overlap=1)
    ann, ben = a_seat(round), a_seat(round)
    held = claims.claim(ann.pk)
    for _ in range(2):
        send(ben, claims.claim(ben.pk))
    assert claims.claim(ben.pk).status == "nothing_now"
    send(ann, held)
    assert Seat.objects.get(pk=ben.pk).looked == claim_search.NOTHING_OPEN
    round_extend(round=round, overlap=2, actor=None)
    assert claims.claim(ben.pk).status == "task"
    seat_exclude(seat=ann, reason="So.", actor=None)
    outcome = claims.claim(ben.pk)
    while outcome.status == "task":
        outcome = send(ben, outcome)
    assert Judgment.objects.filter(seat=ben).count() == 3


@in_database
def test_a_stratified_round_serves_its_tags_by_their_share() -> None:
    project = project_factory()
    system = system_factory(project)
    for n in range(12):
        item = item_factory(project)
        output_factory(item, system)
        ItemTag.objects.create(item=item, tag="topic:large" if n < 8 else "topic:small")
    sample = Sample(strata="topic")
    row = round_create(
        project=project, name="R", mode="score", rubric_version=rubric_factory(project), systems=[system], overlap=1,
        actor=None, strategy="stratified", sample=sample, seed=1,
    )  # fmt: skip
    row = round_open(round=row, actor=None)
    served = list(row.slots.order_by("pos").values_list("task__item__tags__tag", flat=True))
    shares = [Counter(served[n : n + 3]) for n in range(0, 12, 3)]
    assert shares == [{"topic:large": 2, "topic:small": 1}] * 4
    assert not [w for w in round_plan(row).warnings if "no strata" in w]
    assert [w for w in round_plan(round_factory(strategy="stratified")).warnings if "no strata" in w]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("strategy", ["random", "uncertain"])
def test_racing_raters_who_draw_never_exceed_the_overlap(strategy: str) -> None:
    round = round_factory(items=6, systems=1, overlap=2, strategy=strategy)
    race(round, [a_seat(round) for _ in range(4)])
    assert set(Counter(Assignment.objects.filter(state=1).values_list("task", flat=True)).values()) == {2}
    assert Judgment.objects.count() == 12
    kept = Assignment.objects.filter(state=1).values_list("probability", "draw_note")
    assert all((chance is None) == bool(note) for chance, note in kept)


def race(round: Round, seats: list[Seat]) -> None:
    """All at once until nothing is left; those who met "nothing now" come back once."""
    errors: list[BaseException] = []

    def work(seat: Seat) -> Any:
        outcome = claims.claim(seat.pk)
        while outcome.status == "task":
            outcome = send(seat, outcome)

    def run(seat: Seat) -> None:
        try:
            work(seat)
        except BaseException as error:  # noqa: BLE001 - reported below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(seat,)) for seat in seats]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for seat in seats:
        work(seat)


def test_a_window_is_what_ranks_are_written_for() -> None:
    """Two digits a rank, in the statement."""
    assert WINDOW < 100

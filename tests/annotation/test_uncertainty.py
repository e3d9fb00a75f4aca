"""What comes first is what narrows an interval most; and moving it there disturbs nobody."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from annotation import claim_search, claims
from annotation.models import Assignment, Judgment, Renewal, Round, Slot, TaskOutput
from annotation.pairing import Pairs
from annotation.services import renewing, rounds
from annotation.services.exclusion import seat_exclude
from annotation.services.renewing import Narrow, order_renew
from annotation.services.renewing_tasks import renew_order
from annotation.uncertainty import Judged, _inverse, _learn, by_means, by_strengths, strengths, widest_mean
from projects.models import Project
from tests.annotation.round_pages import alice, lead, main, project, url
from tests.annotation.test_claims import a_seat, send
from tests.annotation.test_strategies import race, taken
from tests.factories import CORRECT, OVERALL, round_factory

__all__ = ["alice", "lead", "project"]  # fixtures


# --- Means ----------------------------------------------------------------------------------------------------


def judged(group: str, values: Sequence[Sequence[float]], start: int = 0, is_open: bool = True) -> list[Judged]:
    found = []
    for n, each in enumerate(values, start=start):
        mean = sum(each) / len(each) if each else 0.0
        found.append(Judged(n, group, len(each), mean, sum((v - mean) ** 2 for v in each), is_open))
    return found


def test_the_group_with_the_wider_interval_comes_first() -> None:
    steady = judged("steady", [[2, 2]] * 10 + [[]] * 10)
    shaky = judged("shaky", [[1, 1], [3, 3]] * 3 + [[]] * 10, start=100)
    front = by_means(steady + shaky, 8)
    assert [task >= 100 for task in front].count(True) >= 7
    widest = widest_mean(steady + shaky)
    assert widest is not None
    assert widest[0] == "shaky"


def test_where_raters_disagree_a_second_opinion_comes_before_agreed_ones() -> None:
    tasks = judged("s", [[1, 5], [3, 3], [2, 2], [4, 4], [3, 3], [2, 2]])
    assert by_means(tasks, 1) == [0]


def test_the_front_is_shared_once_intervals_are_alike() -> None:
    rng = random.Random(3)
    values = [[rng.choice([1.0, 2.0, 3.0])] for _ in range(8)]
    tasks = judged("a", values + [[]] * 20) + judged("b", values + [[]] * 20, start=100)
    assert Counter(task >= 100 for task in by_means(tasks, 20)) == {True: 10, False: 10}


def test_two_answers_that_happen_to_be_alike_are_not_called_sure() -> None:
    few = judged("few", [[2], [2]] + [[]] * 5)
    many = judged("many", [[1], [3], [2], [2]] * 6 + [[]] * 5, start=100)
    assert all(task < 100 for task in by_means(few + many, 3))


def test_what_is_done_is_never_in_front_and_nothing_comes_twice() -> None:
    tasks = judged("a", [[1], [2], [3]], is_open=False) + judged("a", [[1], [2], []], start=10)
    assert sorted(by_means(tasks, 50)) == [10, 11, 12]
    assert by_means([], 5) == []


def test_a_narrow_interval_costs_fewer_judgments_than_in_a_shuffled_order() -> None:
    """Two systems, one whose answers vary six times as much: judged by promise, the wider interval is narrower after
    60 judgments than with half of them for each."""
    rng = random.Random(11)
    truth = {n: rng.gauss(0, 0.5 if n < 500 else 3.0) for n in range(1000)}
    known: dict[int, float] = dict(list(truth.items())[:5] + list(truth.items())[500:505])
    while len(known) < 60:
        tasks = [Judged(n, "ab"[n >= 500], n in known, known.get(n, 0.0), open=n not in known) for n in truth]
        known |= {n: truth[n] for n in by_means(tasks, 10)}
    shares = Counter(n >= 500 for n in known)
    # Errors of both means: sigma / sqrt(n). Even halves give 3 / sqrt(30) for the wider.
    assert 3 / shares[True] ** 0.5 < 0.88 * 3 / 30**0.5


# --- Strengths ------------------------------------------------------------------------------------------------


def test_strengths_agree_with_the_report_s_model() -> None:
    """Bradley-Terry by maximum likelihood, but for the weak prior: with many comparisons they are alike."""
    truth = {1: 0.0, 2: 0.7, 3: -0.4}
    wins = {}
    for a, b in ((1, 2), (1, 3), (2, 3)):
        p = 1 / (1 + 2.718281828459045 ** (truth[b] - truth[a]))
        wins[a, b] = (10_000 * p, 10_000 * (1 - p))
    found = strengths(wins, [1, 2, 3])
    mean = sum(truth.values()) / 3
    assert found.value == pytest.approx([truth[s] - mean for s in (1, 2, 3)], abs=1e-3)


def test_a_system_that_always_won_stays_finite_and_is_the_least_sure() -> None:
    found = strengths({(1, 2): (20, 20), (1, 3): (0, 3)}, [1, 2, 3])
    assert abs(found.value[2]) < 6
    assert found.widest()[0] == 3


def test_the_next_pairs_are_of_the_system_that_is_least_sure_and_then_of_others() -> None:
    found = strengths({(1, 2): (50, 50), (1, 3): (2, 2), (2, 3): (2, 2)}, [1, 2, 3])
    tasks = {(1, 2): list(range(100, 200)), (1, 3): list(range(200, 300)), (2, 3): list(range(300, 400))}
    front = by_strengths(found, tasks, 40)
    pairs = Counter(task // 100 for task in front)
    assert pairs[1] == 0
    assert abs(pairs[2] - pairs[3]) <= 1  # both halves of what is missing
    assert len(set(front)) == 40


def test_a_comparison_learnt_is_as_if_it_were_made() -> None:
    information = [[3.0, -1.0, -0.5], [-1.0, 2.5, -0.5], [-0.5, -0.5, 2.0]]
    learnt = _inverse(information)
    _learn(learnt, 0, 2, 0.2)
    for i, j, w in ((0, 0, 0.2), (2, 2, 0.2), (0, 2, -0.2), (2, 0, -0.2)):
        information[i][j] += w
    for row, exact in zip(learnt, _inverse(information), strict=True):
        assert row == pytest.approx(exact)


# --- In the round ---------------------------------------------------------------------------------------------

in_database = pytest.mark.django_db


def judge_with(round: Round, seat: Any, number_of: Any, n: int) -> None:
    outcome = claims.claim(seat.pk)
    for _ in range(n):
        if outcome.status != "task":
            return
        system = _system(outcome.assignment)
        outcome = send(seat, outcome, number=number_of(system))


def _system(assignment: int | None) -> int:
    output = TaskOutput.objects.get(task__assignments=assignment, position=0)
    return int(output.output.system_id)


@in_database
def test_judgments_bring_the_shaky_system_to_the_front_of_the_order(
    monkeypatch: pytest.MonkeyPatch, lead: Client, project: Project
) -> None:
    # Which tasks the sixteen judgments fall on decides how many of the shaky system's come first.
    monkeypatch.setattr(claim_search, "drawn", lambda *_: 0.0)  # always the first of the window
    round = round_factory(project, items=12, systems=2, overlap=2, strategy="uncertain", seed=1)
    steady, shaky = [rs.system_id for rs in round.round_systems.order_by("system_id")]
    flip = iter([1.0, 3.0] * 20)
    for _ in range(2):
        judge_with(round, a_seat(round), lambda system: 2.0 if system == steady else next(flip), 8)
    before = set(round.slots.values_list("task", "n"))
    renewal = order_renew(round=round)
    assert renewal is not None
    assert renewal.n_judgments == 16
    assert f"the mean of {project.systems.get(pk=shaky).label}" in renewal.words
    front = round.slots.filter(state=Slot.State.OPEN).order_by("pos", "n").values_list("pos", "task")
    of = dict(round.tasks.values_list("pk", "task_outputs__output__system_id"))
    order = [of[task] for task in dict.fromkeys(task for _, task in front)]
    assert order[:4] == [shaky] * 4  # then the two intervals would be alike, and systems share what comes next
    assert front[0][0] < 1
    assert set(round.slots.values_list("task", "n")) == before
    assert "from 16 judgments. Least sure: the mean of" in main(lead.get(url(round)))
    told = lead.get(f"/api/v1/projects/{project.slug}/rounds/{round.slug}/").json()["order"]
    assert (told["interval"], told["judgments"]) == ("mean", 16)
    # And the round still ends whole.
    for _ in range(3):
        judge_with(round, a_seat(round), lambda _: 2.0, 100)
    assert not round.slots.filter(state=Slot.State.OPEN).exists()  # but for what the first two hold


@in_database
def test_adaptive_pairs_are_of_the_system_that_is_least_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim_search, "drawn", lambda *_: 0.0)  # always the first of the window
    round = round_factory(
        mode="compare", items=8, systems=3, overlap=1, strategy="uncertain", pairs=Pairs("adaptive"), seed=2
    )
    a, b, c = (rs.system_id for rs in round.round_systems.order_by("system_id"))
    known = round.tasks.filter(pair=f"{a}-{b}")
    round.slots.filter(task__in=known).update(pos=-50)  # only the first pair has been judged
    judge_with(round, a_seat(round), lambda _: 1.0, 6)
    renewal = order_renew(round=round)
    assert renewal is not None
    assert "the strength of" in renewal.words
    front = list(round.slots.filter(state=0).order_by("pos").values_list("task__pair", flat=True)[:4])
    assert all(str(c) in pair.split("-") for pair in front)


@in_database
def test_work_left_out_and_sides_are_reckoned_as_in_reports() -> None:
    """Preferences are signed towards the second system of the pair, whichever side was shown first and whichever
    answer was imported first; who is left out counts for nothing."""
    round = round_factory(mode="compare", items=6, systems=2, overlap=1, strategy="uncertain")
    seat, other = a_seat(round), a_seat(round)
    first = round.round_systems.order_by("system_id")[0].system_id
    outcome = claims.claim(seat.pk)
    for _ in range(4):
        row = taken(outcome)
        left = row.task.task_outputs.get(position=int(row.shown_order[0])).output.system_id
        outcome = send(seat, outcome, number=-2.0 if left == first else 2.0)  # always the first system
    outcome = send(other, claims.claim(other.pk), number=2.0)
    seat_exclude(seat=other, reason="Too quick.", actor=None)
    assert [values for _, values in renewing._answers(round).values()] == [[-2.0]] * 4


@in_database
def test_labels_without_numbers_count_by_the_most_frequent_one() -> None:
    assert renewing._as_numbers({1: ["a", "b"], 2: ["a"], 3: ["c"]}) == {1: [1.0, 0.0], 2: [1.0], 3: [0.0]}


@in_database
def test_the_worker_comes_back_while_the_round_is_open() -> None:
    round = round_factory(items=2, systems=1, strategy="uncertain")
    queued = DBTaskResult.objects.filter(task_path__endswith="renew_order")
    assert queued.count() == 1
    renew_order.func(round.pk)
    assert queued.count() == 2  # the next turn
    renew_order.func(round.pk)  # another worker, at once: it is not its turn
    assert queued.count() == 2
    Renewal.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    rounds.round_close(round=round, actor=None)
    renew_order.func(round.pk)
    assert queued.count() == 2
    round_factory(items=1, systems=1, strategy="balanced")
    assert queued.count() == 2


@in_database
def test_an_order_worked_out_by_hand_leaves_the_worker_its_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    round = round_factory(items=2, systems=1, strategy="uncertain")
    queued = DBTaskResult.objects.filter(task_path__endswith="renew_order")
    renew_order.func(round.pk)
    due, before = Renewal.objects.get().due_at, queued.count()
    order_renew(round=round, now=due - timedelta(seconds=30))
    monkeypatch.setattr(timezone, "now", lambda: due)
    renew_order.func(round.pk)
    assert queued.count() == before + 1  # the turn after this one


@in_database
def test_a_worker_killed_between_its_turn_and_the_next_has_taken_none(monkeypatch: pytest.MonkeyPatch) -> None:
    round = round_factory(items=2, systems=1, strategy="uncertain")

    def killed(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(renew_order), "enqueue", killed)
        with pytest.raises(KeyboardInterrupt):
            renew_order.func(round.pk)
    queued = DBTaskResult.objects.filter(task_path__endswith="renew_order")
    before = queued.count()
    renew_order.func(round.pk)
    assert queued.count() == before + 1


@in_database
def test_the_command_says_what_it_did_and_refuses_other_rounds() -> None:
    round = round_factory(items=4, systems=1, strategy="uncertain")
    judge_with(round, a_seat(round), lambda _: 2.0, 3)
    name = f"{round.project.slug}/{round.slug}"
    out = StringIO()
    call_command("renew_order", name, "--json", stdout=out)
    assert json.loads(out.getvalue())["judgments"] == 3
    with pytest.raises(CommandError, match="only an open round with the order"):
        call_command("renew_order", f"{(other := round_factory()).project.slug}/{other.slug}")


@in_database
def test_what_is_narrowed_must_be_there() -> None:
    for settings, said in (
        ({"narrow": Narrow("correct")}, "belongs to the order"),
        ({"strategy": "uncertain", "narrow": Narrow("none")}, "Accepted in a round that scores: correct"),
        ({"strategy": "uncertain", "narrow": Narrow(interval="strength")}, "gives strengths"),
    ):
        with pytest.raises(Exception, match=said):
            round_factory(criteria=(CORRECT,), **settings)
    assert round_factory(mode="compare", criteria=(OVERALL,), strategy="uncertain").options["narrow"] == {
        "criterion": "", "interval": "mean",
    }  # fmt: skip


@in_database
def test_nothing_is_moved_before_anybody_has_judged() -> None:
    round = round_factory(items=3, systems=1, strategy="uncertain")
    before = list(round.slots.order_by("pk").values_list("pos", flat=True))
    renewal = order_renew(round=round)
    assert renewal is not None
    assert "Nobody has judged yet" in renewal.words
    assert list(round.slots.order_by("pk").values_list("pos", flat=True)) == before


@pytest.mark.django_db(transaction=True)
def test_an_order_worked_out_while_raters_race_costs_no_judgment_and_gives_none_twice() -> None:
    round = round_factory(items=8, systems=1, overlap=2, strategy="uncertain")
    done, errors = threading.Event(), []

    def renew() -> None:
        try:
            while not done.is_set():
                order_renew(round=round)
        except BaseException as error:  # noqa: BLE001 - reported below
            errors.append(error)
        finally:
            connection.close()

    worker = threading.Thread(target=renew)
    worker.start()
    try:
        race(round, [a_seat(round) for _ in range(3)])
    finally:
        done.set()
        worker.join()
    assert not errors
    assert set(Counter(Assignment.objects.filter(state=1).values_list("task", flat=True)).values()) == {2}
    assert Judgment.objects.count() == 16

"""The numbers of blinding: sides counterbalanced, and nothing about a task that tells its system or that it is gold.

Whoever would guess may look at everything but the texts: when a task came, its identifier, how long the page was and
how long it took. A guess is trained on one half of the tasks and tried on the other. Long form: slow.
"""

from __future__ import annotations

import operator
import secrets
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from django.test import Client
from scipy.stats import rankdata

from annotation import claims
from annotation.models import Assignment, GoldAnswer, Round, Seat, Task
from annotation.services import rounds
from annotation.services.round_tasks import draw_items, make_tasks
from annotation.services.seats import seat_for
from projects.models import OutputRevision
from tests.annotation.test_claims import send
from tests.factories import member, round_factory

pytestmark = pytest.mark.django_db


@dataclass
class Shown:
    """What a rater could measure of one task, and what must not follow from it."""

    public_id: str
    place: int  # in the rater's own order
    size: int
    seconds: float
    left: int = 0  # the system on the left, 0 or 1
    gold: bool = False


def pairs(items: int, *, gold: int = 0, **settings: Any) -> Round:
    """Two systems over many items, whose texts are alike, and the last tasks of which are gold."""
    round = round_factory(mode="compare", items=items + gold, systems=2, overlap=1, opened=False, **settings)
    if gold:
        draw_items(round)
        make_tasks(round)
        made = list(Task.objects.filter(round=round).order_by("pk").values_list("pk", flat=True)[:gold])
        Task.objects.filter(pk__in=made).update(kind=Task.Kind.GOLD)
        criterion = round.rubric_version.criteria.get()
        GoldAnswer.objects.bulk_create(
            GoldAnswer(task_id=pk, criterion=criterion, number=1.0, label="b") for pk in made
        )
    OutputRevision.objects.update(html="<p>The same answer.</p>")
    return rounds.round_open(round=round, actor=None)


def judge(seat: Seat, n: int) -> None:
    outcome = claims.claim(seat.pk)
    for _ in range(n):
        if outcome.status != "task":
            return
        outcome = send(seat, outcome, number=1.0)


def left_system(round: Round) -> list[tuple[int, str, int]]:
    """Of each judged assignment: seat, pair, and which system of the pair stood on the left."""
    outputs = {
        (task, position): system
        for task, position, system in Task.objects.filter(round=round).values_list(
            "pk", "task_outputs__position", "task_outputs__output__system_id"
        )
    }
    rows = Assignment.objects.filter(seat__round=round, state=1).order_by("pk")
    return [
        (seat, pair, outputs[task, int(order[0])])
        for seat, pair, task, order in rows.values_list("seat_id", "task__pair", "task_id", "shown_order")
    ]


def expect_counterbalanced(round: Round) -> None:
    """Within each rater and pair, a system was on the left at most once more than the other: even counts are halves."""
    counts: dict[tuple[int, str], Counter[int]] = {}
    for seat, pair, system in left_system(round):
        counts.setdefault((seat, pair), Counter())[system] += 1
    assert counts
    for (_, pair), left in counts.items():
        first, second = (left[int(system)] for system in pair.split("-"))
        assert abs(first - second) <= 1, left
        assert first != second or (first + second) % 2 == 0


def shares(round: Round) -> list[float]:
    counted = Counter(system for _, _, system in left_system(round))
    return [n / counted.total() for n in counted.values()]


def test_sides_are_exactly_counterbalanced_within_rater_and_pair() -> None:
    round = round_factory(mode="compare", items=12, systems=3, overlap=2, repeat_rate=0.1)
    for n in (5, 9, 12, 40):
        judge(seat_for(round=round, user=member(round.project, "rater")), n)
    expect_counterbalanced(round)


def test_sides_are_counterbalanced_over_systems_whatever_order_their_outputs_came_in() -> None:
    round = round_factory(mode="compare", items=12, systems=2, overlap=2, turned=5)
    skips, judges = (seat_for(round=round, user=member(round.project, "rater")) for _ in range(2))
    for _ in range(4):  # what is skipped was on no side
        judge(skips, 1)
        task = claims.claim(skips.pk).presentation
        assert task is not None
        claims.skip(skips.pk, task.public_id, "unsure")
    judge(skips, 20)
    judge(judges, 20)
    assert len(left_system(round)) == 20
    expect_counterbalanced(round)


@pytest.mark.slow
def test_over_10_000_assignments_each_system_is_on_each_side_half_of_the_time() -> None:
    round = pairs(items=2_500)
    rounds.round_extend(round=round, actor=None, overlap=4)
    for _ in range(4):
        judge(seat_for(round=round, user=member(round.project, "rater")), 2_500)
    found = left_system(round)
    print(len(found), shares(round))  # noqa: T201 - the figures are what this is for
    assert len(found) == 10_000
    assert all(abs(share - 0.5) < 0.02 for share in shares(round))
    expect_counterbalanced(round)


# --- guessing ----------------------------------------------------------------------------------------------------


def look(round: Round, n: int) -> list[Shown]:
    """One rater at the browser: every submit brings the next task in its answer, which is what is measured."""
    user = member(round.project, "rater")
    seat, client = seat_for(round=round, user=user), Client()
    client.force_login(user)
    path = f"/rate/{round.public_id}/"
    systems = sorted(round.round_systems.values_list("system_id", flat=True))
    page, seconds = client.get(path, headers={"X-Rate": "1"}), 0.0
    shown: list[Shown] = []
    for place in range(n):
        live = Assignment.objects.filter(seat=seat, state=Assignment.State.LIVE).select_related("task").first()
        if live is None:
            break
        left = live.task.task_outputs.get(position=int(live.shown_order[0])).output.system_id
        size = len(page.content)
        shown.append(Shown(live.public_id, place, size, seconds, systems.index(left), live.purpose == "gold"))
        form = {"task": live.public_id, "key": secrets.token_hex(8), "c-overall": "1"}
        began = time.perf_counter()
        page = client.post(f"{path}submit/", form, headers={"X-Rate": "1"})
        seconds = time.perf_counter() - began
    return shown[1:]  # the first was brought by another request


def features(shown: list[Shown]) -> np.ndarray:
    """Numbers of all that can be measured: place, its last bits, the identifier's characters, size, time."""
    rows = [
        [
            s.place,
            s.place % 2,
            s.place % 20,
            s.size,
            s.seconds,
            len(s.public_id),
            *(ord(c) for c in s.public_id[:16]),
        ]
        for s in shown
    ]
    table = np.asarray(rows, dtype=np.float64)
    spread = table.std(axis=0)
    return (table - table.mean(axis=0)) / np.where(spread == 0, 1, spread)


def without_time(shown: list[Shown]) -> list[Shown]:
    return [replace(each, seconds=0.0) for each in shown]


def chance(truth: np.ndarray) -> float:
    """How far from 0.5 the curve of a guess by chance may be, four standard errors (Hanley and McNeil 1982)."""
    yes = truth.sum() / 2
    no = len(truth) / 2 - yes
    return float(4 * np.sqrt((yes + no + 1) / (12 * yes * no)))


def area(score: np.ndarray, truth: np.ndarray) -> float:
    """Under the curve: the chance that a task of the one kind scores above one of the other; 0.5 tells nothing."""
    ranks, yes = rankdata(score), truth.astype(bool)
    n_yes, n_no = int(yes.sum()), int((~yes).sum())
    return float((ranks[yes].sum() - n_yes * (n_yes + 1) / 2) / (n_yes * n_no))


def by_one(x: np.ndarray, truth: np.ndarray, train: np.ndarray) -> float:
    """By the one feature that told most on the half it was trained on."""
    told = [area(x[train, n], truth[train]) - 0.5 for n in range(x.shape[1])]
    best = int(np.argmax(np.abs(told)))
    return area(np.sign(told[best]) * x[~train, best], truth[~train])


def by_all(x: np.ndarray, truth: np.ndarray, train: np.ndarray) -> float:
    """By all of them: ridge, with a penalty as large as the data."""
    centred = truth[train] - truth[train].mean()
    weights = np.linalg.solve(x[train].T @ x[train] + train.sum() * np.eye(x.shape[1]), x[train].T @ centred)
    return area(x[~train] @ weights, truth[~train])


def guessed(shown: list[Shown], what: str) -> tuple[float, float]:
    """How far the better of two guesses is from chance on the other half, and how far chance goes."""
    truth = np.asarray([getattr(each, what) for each in shown], dtype=np.int64)
    assert 0 < truth.sum() < len(truth)
    x, train = features(shown), np.arange(len(shown)) % 2 == 0
    return max(abs(guess(x, truth, train) - 0.5) for guess in (by_one, by_all)), chance(truth)


def test_nothing_but_the_texts_tells_the_system_or_gold() -> None:
    """What tells once in some thousand looks is chance; what tells, tells in a second look at another round too."""
    told = {"left", "gold"}
    for _ in range(2):
        shown = look(pairs(items=70, gold=30, gold_rate=0.3), 90)
        assert len(shown) > 60
        told &= {what for what in told if operator.gt(*guessed(without_time(shown), what))}
        if not told:
            return
    raise AssertionError(told)


def test_a_guess_that_has_something_to_go_by_is_found() -> None:
    """Else the guess would show nothing."""
    shown = look(pairs(items=70, gold=30, gold_rate=0.3), 90)
    longer = [replace(each, size=each.size + 50 * each.gold) for each in without_time(shown)]
    told = [replace(each, public_id="ab"[each.left] + each.public_id[1:]) for each in without_time(shown)]
    for given, what in ((longer, "gold"), (told, "left")):
        found, allowed = guessed(given, what)
        assert found > allowed, what


@pytest.mark.slow
def test_nothing_but_the_texts_tells_the_system_or_gold_over_4000_tasks() -> None:
    """The time that the server took is compared by its medians: within 1 ms or 5 %."""
    shown: list[Shown] = []
    for _ in range(4):
        shown += look(pairs(items=800, gold=250, gold_rate=0.25), 1_000)
    print(len(shown), sum(each.gold for each in shown))  # noqa: T201 - the figures are what this is for
    for what in ("left", "gold"):
        found, allowed = guessed(without_time(shown), what)
        with_time, _ = guessed(shown, what)
        medians = [np.median([s.seconds for s in shown if getattr(s, what) == side]) * 1000 for side in (0, 1)]
        print(what, round(found, 3), "chance", round(allowed, 3), "with time", round(with_time, 3))  # noqa: T201
        print(what, "median ms", [round(float(m), 2) for m in medians])  # noqa: T201
        assert found < max(allowed, 0.03), what
        assert abs(medians[0] - medians[1]) < max(1.0, 0.05 * medians[0]), what

"""The stored order of disagreements is always the one worked out from the judgments, and a page of it reads a page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from annotation.adjudication_cases import Case, cases
from annotation.adjudication_list import CaseList
from annotation.models import Round
from annotation.services import disagreement_order, rounds
from annotation.services.adjudication import adjudication_withdraw
from annotation.services.disagreement_order import order_for, order_make
from annotation.services.disagreement_tasks import make_order
from annotation.services.exclusion import seat_exclude, seat_include
from annotation.services.judging import judgment_submit
from annotation.views import adjudication
from projects.models import ImportBatch, Item
from tests.annotation.round_pages import as_, main, url
from tests.annotation.test_adjudication import SAFE, a_seat, decide, first, judge_all
from tests.factories import CORRECT, member, round_factory

pytestmark = pytest.mark.django_db


def two_disagree(items: int = 4) -> Round:
    """Two systems, so eight tasks of four items; of many disagreements the importance is the same."""
    round = round_factory(items=items, systems=2, overlap=2, criteria=(CORRECT, SAFE))
    judge_all(a_seat(round), c_correct=["1", "1", "3"], c_safe=["yes", "yes"])
    judge_all(a_seat(round), c_correct=["2", "3", "3"], c_safe=["yes", "no"])
    return round


def whole(round: Round) -> list[Case]:
    """The order that pages had before there was a stored one."""
    found = cases(Round.objects.get(pk=round.pk))
    return [case for case in found if case.final is None] + [case for case in found if case.final is not None]


def listed(round: Round) -> list[Case]:
    order, of_now = order_for(Round.objects.get(pk=round.pk))
    assert of_now
    return CaseList(order).cases(CaseList(order).every)


def places(found: Iterable[Case]) -> list[Any]:
    return [case.place for case in found]


def test_pages_list_what_the_whole_order_says_whatever_happens() -> None:
    round = two_disagree()
    seat = round.seats.order_by("pk")[0]
    assert listed(round) == whole(round)
    assert len(whole(round)) > 5
    seen = [places(listed(round))]

    def follows() -> None:
        found = listed(round)
        assert found == whole(round)
        seen.append(places(found))
        assert seen[-1] != seen[-2]  # it did change the order, so that this tests something

    place = whole(round)[0].place
    decide(round, place, "yes")
    follows()
    adjudication_withdraw(round=round, place=place, reason="No.", revision=1, actor=None)
    follows()
    mine = seat.assignments.get(task=place.task)
    data = {"c-correct": "2", "c-safe": "no"}
    judgment_submit(seat=seat, round=round, data=data, public_id=mine.public_id, key="a change of mind")
    follows()
    # The items of two prompts are found to be one: each output is now half of what its prompt says.
    Item.objects.filter(pk__in=round.tasks.order_by("pk").values("item")[:4]).update(cluster="one prompt")
    ImportBatch.objects.create(project=round.project, finished_at=timezone.now(), state="done", format="csv")
    follows()
    rounds.round_extend(round=round, actor=None, overlap=3)  # so no task has all its judgments any more
    follows()
    rounds.round_close(round=round, actor=None)
    follows()
    seat_exclude(seat=seat, reason="Asleep.", actor=None)
    follows()
    seat_include(seat=seat, actor=None)
    follows()


def test_a_page_reads_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    round = two_disagree()
    client = as_(member(round.project, "reviewer"))
    client.get(url(round, "adjudication"))
    asked, rows = [], []
    for size in (1, 5):
        monkeypatch.setattr(adjudication, "LISTED", size)
        with CaptureQueriesContext(connection) as queries:
            shown = main(client.get(url(round, "adjudication")))
        asked.append(len(queries))
        rows.append(shown.count("Is every claim true?") + shown.count("Is it safe?"))
    assert asked[0] == asked[1]
    assert rows == [1, 5]


def test_a_large_round_is_put_in_order_by_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disagreement_order, "AT_ONCE", 3)
    round = two_disagree(items=2)
    client = as_(member(round.project, "reviewer"))
    for _ in range(2):
        assert "being put in order" in main(client.get(url(round, "adjudication")))
    assert DBTaskResult.objects.count() == 1
    make_order.call(round.pk)
    n = len(whole(round))
    assert f"{n} disagreements to settle" in main(client.get(url(round, "adjudication")))
    rounds.round_close(round=round, actor=None)
    assert "is being worked out anew" in main(client.get(url(round, "adjudication")))
    # Of a worker that gave up people hear, and the next look asks again.
    disagreement_order.order_give_up(round.pk, "The disk is full.")
    assert "The disk is full." in main(client.get(url(round, "adjudication")))
    assert DBTaskResult.objects.count() == 3
    make_order.call(round.pk)
    assert "disk" not in main(client.get(url(round, "adjudication")))


def test_what_happens_while_the_order_is_worked_out_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    round = two_disagree(items=2)
    order_make(round=round)
    place, meanwhile = first(round), [lambda: decide(round, place), lambda: order_make(round=round)]

    def slowly(row: Round) -> list[Case]:
        found = cases(row)
        monkeypatch.setattr(disagreement_order, "cases", cases)
        meanwhile.pop(0)()
        return found

    for generation in (2, 4):  # the third began later than the second of these, was done earlier, and stands
        monkeypatch.setattr(disagreement_order, "cases", slowly)
        order = order_make(round=round)
        assert CaseList(order).cases(CaseList(order).every) == whole(round)
        assert (order.generation, order.last_generation) == (generation, generation)

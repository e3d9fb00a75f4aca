"""Exact overlap and no judgment lost, over HTTP, with raters who race and a server that is killed. Long form: slow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from annotation.models import Assignment
from tests.annotation.trial import Server, Trial, a_round, race, serving

pytestmark = pytest.mark.django_db(transaction=True)
CONSTRAINTS = ("assignment_slot_once", "assignment_item_once", "assignment_one_live")


def expect_exact(found: Trial) -> None:
    assert (found.judgments, found.per_task, found.surplus) == (found.wanted, {3}, 0), found
    assert (found.lost, found.twice, found.half) == (0, 0, 0), found
    # Everything was acknowledged in the end: a form without an answer was sent again.
    assert found.acknowledged == found.wanted, found


class Killer:
    """Strikes once each time another so many judgments have been acknowledged."""

    def __init__(self, server: Server, at: list[int], *, whole: bool) -> None:
        self._server, self._at, self._whole = server, at, whole
        self.kills = 0

    def __call__(self, acknowledged: int) -> None:
        if self._at and acknowledged >= self._at[0]:
            self._at.pop(0)
            self.kills += 1
            if self._whole:
                self._server.kill()
                self._server.start()
            else:
                self._server.kill_workers()


def test_racing_raters_fill_every_place_once_and_lose_nothing_to_a_kill(tmp_path: Path) -> None:
    """20 items, three raters for each, 8 raters; the serving processes are killed in the middle."""
    round, people = a_round(items=20, raters=8)
    with serving(tmp_path / "log") as server:
        killer = Killer(server, [25], whole=False)
        found = race(server, round, people, meanwhile=killer)
    assert killer.kills == 1
    expect_exact(found)


@pytest.mark.slow
def test_60_items_times_3_with_32_raters_are_exactly_180_judgments_ten_times(tmp_path: Path) -> None:
    with serving(tmp_path / "log") as server:
        for turn in range(10):
            round, people = a_round(items=60, raters=32)
            found = race(server, round, people, seed=turn)
            print(turn, found)  # noqa: T201 - the figures are what this is for
            expect_exact(found)


@pytest.mark.slow
def test_the_same_with_the_whole_server_killed_twice_a_run(tmp_path: Path) -> None:
    with serving(tmp_path / "log") as server:
        for turn in range(10):
            round, people = a_round(items=60, raters=32)
            killer = Killer(server, [40, 120], whole=True)
            found = race(server, round, people, seed=turn, meanwhile=killer)
            print(turn, found)  # noqa: T201
            assert killer.kills == 2
            expect_exact(found)


@pytest.fixture
def without_constraints(transactional_db: None) -> Iterator[None]:
    """The last line is taken away, and put back: before that nothing counts any more that could offend it."""
    with connection.cursor() as cursor:
        made = [_definition(cursor, name) for name in CONSTRAINTS]
        for name in CONSTRAINTS:
            cursor.execute(f"DROP INDEX {name}")
    yield
    Assignment.objects.update(state=Assignment.State.LOST)
    with connection.cursor() as cursor:
        for sql in made:
            cursor.execute(sql)


def _definition(cursor: object, name: str) -> str:
    table, column, where = (
        ("sqlite_master", "sql", "name") if connection.vendor == "sqlite" else ("pg_indexes", "indexdef", "indexname")
    )
    cursor.execute(f"SELECT {column} FROM {table} WHERE {where} = %s", [name])  # type: ignore[attr-defined]  # noqa: S608
    return str(cursor.fetchone()[0])  # type: ignore[attr-defined]


@pytest.mark.slow
def test_a_control_without_lock_fence_and_constraints_is_caught(without_constraints: None, tmp_path: Path) -> None:
    """Else the trials above would show nothing."""
    round, people = a_round(items=60, raters=32)
    with serving(tmp_path / "log", "tests.annotation.unlocked") as server:
        found = race(server, round, people)
    print(found)  # noqa: T201
    assert found.surplus > 0, found
    assert max(found.per_task) > 3, found
    with pytest.raises(AssertionError):
        expect_exact(found)

"""The triggers: every guard that is declared stands in the database, and refuses what it says."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone

from annotation.models import Adjudication, Assignment, Judgment, Rating, Round
from annotation.services import rounds
from projects.guards import Guard
from projects.models import AuditEvent, ItemRevision, OutputRevision
from rubrics.models import Criterion, Guideline, Level, RubricVersion
from rubrics.services import guideline_publish
from tests.factories import CORRECT, round_factory, rubric_factory
from tests.test_constraints import World, a_gate, a_report, a_ruling, again, an_extra, change, world

__all__ = ["world"]  # the fixture

GUARDS: dict[str, Guard] = {
    guard.name: guard for app in ("projects", "rubrics", "annotation", "analytics")
    for guard in import_module(f"{app}.guards").GUARDS
}  # fmt: skip


def triggers() -> dict[str, str]:
    """The name and table of every trigger of ours."""
    sql = (
        "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "SELECT tgname, relname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return dict(cursor.fetchall())


@pytest.mark.django_db
def test_every_declared_guard_is_in_the_database_and_no_other() -> None:
    assert triggers() == {guard.name: guard.table for guard in GUARDS.values()}


@pytest.mark.django_db
def test_guards_stand_as_they_are_declared() -> None:
    """A change of `guards.py` without a migration that installs it would otherwise pass unseen."""
    lite = connection.vendor == "sqlite"
    sql = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        if lite
        else "SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'guard%'"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        stand = dict(cursor.fetchall())
    wanted = {g.name: g.create_sql(connection.vendor)[0] for g in GUARDS.values()}
    assert stand == (wanted if lite else {name: text.split("$guard$")[1] for name, text in wanted.items()})


def drop(row: models.Model) -> None:
    """DELETE of one row, past the collector, which would follow the rows that hang on it."""
    query = type(row)._default_manager.filter(pk=row.pk)
    query._raw_delete(query.db)


def frozen(w: World) -> RubricVersion:
    return w.round.rubric_version


def frozen_criterion(w: World) -> Criterion:
    return frozen(w).criteria.get()


def frozen_level(w: World) -> Level:
    return rubric_factory(w.project, (CORRECT,)).criteria.get().levels.order_by("position")[0]


def published(w: World) -> Guideline:
    return guideline_publish(project=w.project, text="Read the sources.", actor=None)


def judge_in_a_closed_round(w: World) -> None:
    assignment = an_extra(w)
    change(w.round, state="closed")
    again(w.judgment, assignment=assignment, key="another key")


BREAK: dict[str, Callable[[World], Any]] = {
    "guard_audit_update": lambda w: change(w.only(AuditEvent), verb="other"),
    "guard_audit_delete": lambda w: drop(w.only(AuditEvent)),
    "guard_itemrevision_update": lambda w: change(w.only(ItemRevision), messages=[]),
    "guard_outputrevision_update": lambda w: change(w.only(OutputRevision), text="Something else"),
    "guard_version_update": lambda w: change(frozen(w), notes="other"),
    "guard_version_delete": lambda w: drop(frozen(w)),
    "guard_criterion_insert": lambda w: again(frozen_criterion(w), key="another"),
    "guard_criterion_update": lambda w: change(frozen_criterion(w), question="Is it?"),
    "guard_criterion_delete": lambda w: drop(frozen_criterion(w)),
    "guard_level_insert": lambda w: again(frozen_level(w), code="9", number=9.0),
    "guard_level_update": lambda w: change(frozen_level(w), anchor="other"),
    "guard_level_delete": lambda w: drop(frozen_level(w)),
    "guard_guideline_update": lambda w: change(published(w), text="other"),
    "guard_guideline_delete": lambda w: drop(published(w)),
    "guard_judgment_update": lambda w: change(w.judgment, submitted_at=timezone.now()),
    "guard_judgment_closed": judge_in_a_closed_round,
    "guard_judgment_delete": lambda w: drop(w.judgment),
    "guard_rating_update": lambda w: change(w.only(Rating), number=-1),
    "guard_rating_delete": lambda w: drop(w.only(Rating)),
    "guard_adjudication_update": lambda w: change(a_ruling(w), number=-1),
    "guard_adjudication_delete": lambda w: drop(a_ruling(w)),
    "guard_round_update": lambda w: change(w.round, mode="score"),
    "guard_report_update": lambda w: change(a_report(w), body={"a": 1}),
    "guard_gate_update": lambda w: change(a_gate(w), definition={"a": 1}),
}


def test_every_guard_is_tried() -> None:
    assert set(BREAK) == set(GUARDS)


@pytest.mark.parametrize("name", sorted(GUARDS))
def test_a_guard_refuses(name: str, world: World) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        BREAK[name](world)
    assert GUARDS[name].message in str(refused.value)
    if connection.vendor == "postgresql":
        # Two guards may say the same; the function that raised is named.
        assert f"{name}()" in refused.value.__cause__.diag.context  # type: ignore[union-attr]


MORE: dict[str, tuple[str, Callable[[World], Any]]] = {
    "a published version back to draft": (
        "guard_version_update",
        lambda w: change(frozen(w), status="draft", published_at=None),
    ),
    "a criterion moved into a published version": (
        "guard_criterion_update",
        lambda w: change(w.draft.criteria.get(), version=frozen(w), key="moved"),
    ),
    "a criterion moved out of a published version": (
        "guard_criterion_update",
        lambda w: change(frozen_criterion(w), version=w.draft, key="moved"),
    ),
    "an overlap that falls": ("guard_round_update", lambda w: change(w.round, overlap=1)),
    "another rubric for an open round": (
        "guard_round_update",
        lambda w: change(w.round, rubric_version=rubric_factory(w.project)),
    ),
    "another seed": ("guard_round_update", lambda w: change(w.round, seed=w.round.seed + 1)),
    "a reference of an item": ("guard_itemrevision_update", lambda w: change(w.only(ItemRevision), reference=["x"])),
}


@pytest.mark.parametrize("case", MORE)
def test_a_guard_refuses_the_other_ways_too(case: str, world: World) -> None:
    name, act = MORE[case]
    with pytest.raises(IntegrityError, match=GUARDS[name].message.split(":")[0]), transaction.atomic():
        act(world)


def test_what_may_go_on_still_can(world: World) -> None:
    """Guards let status, the current mark, a higher overlap and drafts through."""
    change(frozen(world), status="superseded")
    change(frozen(world), status="archived")
    change(world.judgment, current=False, next_assignment=1)
    change(world.round, overlap=3, state="paused")
    change(world.draft.criteria.get(), question="Is it?")
    change(a_ruling(world), current=False)
    change(world.only(OutputRevision), html="<p>again</p>", current=False)
    world.draft.criteria.get().delete()
    world.draft.delete()
    assert Adjudication.objects.filter(current=False).exists()


def test_imported_judgments_reach_a_closed_round(world: World) -> None:
    rounds.round_close(round=world.round, actor=None)
    assignment = an_extra(world, purpose=Assignment.Purpose.IMPORTED)
    again(world.judgment, assignment=assignment, key="another key")
    assert Judgment.objects.count() == 2


@pytest.mark.django_db
def test_a_round_in_draft_may_change_everything() -> None:
    row = round_factory(opened=False)
    change(row, mode="compare", seed=5, overlap=1, rubric_version=rubric_factory(row.project))
    assert Round.objects.get(pk=row.pk).mode == "compare"

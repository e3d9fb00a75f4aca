"""Unblinding: after a round is closed, a lead may have it shown who answered what. Once, on record, never to raters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from annotation.models import Assignment, Round, TaskOutput, Unblinding
from projects import audit
from projects.errors import Conflict
from rubrics.criteria.base import LETTERS

NOT_CLOSED = "This round is {state}, so it stays blind: who answered what is shown after it is closed."
STILL_BLIND = "This round is still blind: a lead has to unblind it first."


@dataclass(frozen=True, slots=True)
class KeyRow:
    """Which system stood where, for one judgment."""

    item: str
    task: str
    rater: str
    purpose: str
    systems: tuple[tuple[str, str], ...]  # letter as shown, empty for a single output; system


@transaction.atomic
def round_unblind(*, round: Round, actor: Any, now: datetime | None = None) -> Unblinding:
    """Lift the blind for good. Doing it again changes nothing."""
    row = Round.objects.select_for_update(of=("self",)).select_related("project").get(pk=round.pk)
    if row.state != Round.State.CLOSED:
        raise Conflict(NOT_CLOSED.format(state=_state(row)))
    found = Unblinding.objects.filter(round=row).first()
    if found is not None:
        return found
    systems = list(row.round_systems.values_list("system_id", flat=True))
    made = Unblinding.objects.create(round=row, unblinded_at=now or timezone.now(), unblinded_by=actor)
    audit.record(
        project=row.project,
        actor=actor,
        verb="round.unblind",
        target=f"round:{row.pk}",
        payload={"judgments": judged(row).count(), "systems": systems},
    )
    return made


def unblinding_of(round: Round) -> Unblinding | None:
    return Unblinding.objects.select_related("unblinded_by").filter(round=round).first()


def expect_unblinded(round: Round) -> Unblinding:
    """What the page and the API ask before they show the key."""
    found = unblinding_of(round)
    if round.state != Round.State.CLOSED:
        raise Conflict(NOT_CLOSED.format(state=_state(round)))
    if found is None:
        raise Conflict(STILL_BLIND)
    return found


def judged(round: Round) -> QuerySet[Assignment]:
    return (
        Assignment.objects.filter(seat__round=round, state=Assignment.State.JUDGED)
        .select_related("task__item", "seat__rater")
        .order_by("task__ordinal", "task_id", "pk")
    )


def key_rows(assignments: Sequence[Assignment]) -> list[KeyRow]:
    """The key of these judgments, in two statements at most."""
    names: dict[int, dict[int, str]] = {}
    used = TaskOutput.objects.filter(task__in={each.task_id for each in assignments}).select_related("output__system")
    for each in used:
        names.setdefault(each.task_id, {})[each.position] = each.output.system.label
    return [_key_row(each, names[each.task_id]) for each in assignments]


def _key_row(assignment: Assignment, names: dict[int, str]) -> KeyRow:
    shown = [names[int(position)] for position in assignment.shown_order]
    letters = LETTERS if len(shown) > 1 else ("",)
    rater = assignment.seat.rater
    return KeyRow(
        item=assignment.task.item.external_id,
        task=assignment.task.key,
        rater=rater.pseudonym if rater.identity_known else "",
        purpose=assignment.purpose,
        systems=tuple(zip(letters, shown, strict=False)),
    )


def _state(round: Round) -> str:
    return str(round.get_state_display()).lower() if round.state != Round.State.DRAFT else "not opened yet"

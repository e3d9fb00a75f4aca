"""What earlier imports left in a round, read for comparison, and the rows a new revision is made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from django.db import connection
from django.db.models import DateTimeField, JSONField, Model

from annotation.models import Assignment, FreeText, Judgment, Rating
from projects.services.import_write import reserve

M = TypeVar("M", bound=Model)
T = TypeVar("T")
BATCH = 1000  # rows in one statement, keys in one IN (…): under every database's limit of parameters
# Marks assignments that a file made: only they are revised by a file.
STRATEGY = "imported"

Value = tuple[float | None, str, Any, bool]  # number, label, data, cannot judge
Slot = tuple[int, str]  # criterion, target
AssignmentKey = tuple[int, int, int]  # seat, task, occasion
# Seat, exclusion key and occasion in use, and the task where the rater judges it in the round itself.
Taken = tuple[int, int, int, int | None]
Texts = dict[tuple[Slot | None, str], str]


@dataclass(slots=True)
class Stored:
    """An assignment of an earlier import, and its current judgment."""

    id: int
    shown_order: str
    order_known: bool
    purpose: str
    judgment: int = 0
    revision: int = 0
    seconds: float | None = None
    submitted_at: datetime | None = None
    ratings: dict[Slot, Value] = field(default_factory=dict)
    texts: dict[tuple[Slot | None, str], str | None] = field(default_factory=dict)  # None: erased


def chunks(values: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk


def read_stored(seats: Iterable[int]) -> tuple[dict[AssignmentKey, Stored], list[Taken]]:
    stored: dict[AssignmentKey, Stored] = {}
    taken: list[Taken] = []
    for part in chunks(set(seats)):
        rows = Assignment.objects.filter(seat_id__in=part, state__lt=Assignment.State.LOST)
        for row in rows.only(
            "seat_id",
            "task_id",
            "occasion",
            "item_key",
            "strategy",
            "shown_order",
            "order_known",
            "purpose",
            "state",
        ).iterator():
            ours = row.strategy == STRATEGY
            if ours:
                stored[row.seat_id, row.task_id, row.occasion] = Stored(
                    row.pk, row.shown_order, row.order_known, row.purpose
                )
            blocks = not ours and row.state != Assignment.State.SKIPPED
            taken.append((row.seat_id, row.item_key, row.occasion, row.task_id if blocks else None))
    _read_judgments(stored.values())
    return stored, taken


def _read_judgments(stored: Iterable[Stored]) -> None:
    by_assignment = {each.id: each for each in stored}
    by_judgment: dict[int, Stored] = {}
    for part in chunks(by_assignment):
        rows = Judgment.objects.filter(assignment_id__in=part, current=True)
        for pk, assignment, revision, seconds, at in rows.values_list(
            "id", "assignment_id", "revision", "seconds", "submitted_at"
        ):
            each = by_judgment[pk] = by_assignment[assignment]
            each.judgment, each.revision, each.seconds, each.submitted_at = pk, revision, seconds, at
    for part in chunks(by_judgment):
        ratings = Rating.objects.filter(judgment_id__in=part)
        for judgment, criterion, target, number, label, data, cannot_judge in ratings.values_list(
            "judgment_id", "criterion_id", "target", "number", "label", "data", "cannot_judge"
        ):
            by_judgment[judgment].ratings[criterion, target] = (number, label, data, cannot_judge)
        texts = FreeText.objects.filter(judgment_id__in=part)
        for judgment, criterion, target, kind, text, erased in texts.values_list(
            "judgment_id", "criterion_id", "target", "kind", "text", "erased_at"
        ):
            slot = None if criterion is None else (criterion, target)
            by_judgment[judgment].texts[slot, kind] = None if erased else text


def merged_texts(given: dict[tuple[Slot, str], str], old: Stored | None) -> Texts:
    """What was written before and now; what was erased stays erased."""
    before = old.texts if old else {}
    erased = {key for key, text in before.items() if text is None}
    merged: Texts = {key: text for key, text in before.items() if text is not None}
    merged.update({key: text for key, text in given.items() if key not in erased})
    return merged


def insert(rows: Sequence[M], progress: Callable[[int, int], None] = lambda done, total: None) -> Sequence[M]:
    """Write new rows with keys reserved beforehand: one prepared statement per table instead of one compiled
    per few rows, which halves the time of a large file."""
    if not rows:
        return rows
    reserve(rows)
    meta, quote = rows[0]._meta, connection.ops.quote_name
    fields = meta.local_concrete_fields
    columns = ", ".join(quote(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    sql = f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES ({marks})"  # noqa: S608 - the models' names
    with connection.cursor() as cursor:
        done = 0
        for part in chunks(rows):
            cursor.executemany(sql, list(zip(*(_column(field, part) for field in fields), strict=True)))
            done += len(part)
            progress(done, len(rows))
    return rows


def _column(field: Any, rows: Sequence[Model]) -> list[Any]:
    """The field's values as the database takes them. Numbers, words and keys go as they are."""
    if not isinstance(field, DateTimeField | JSONField):
        return [getattr(row, field.attname) for row in rows]
    return [field.get_db_prep_save(field.pre_save(row, True), connection) for row in rows]


def digest_of(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def rating_rows(judgment: Judgment, ratings: dict[Slot, Value]) -> list[Rating]:
    return [
        Rating(
            judgment=judgment,
            criterion_id=criterion,
            target=target,
            number=number,
            label=label,
            data=data,
            cannot_judge=cannot_judge,
        )
        for (criterion, target), (number, label, data, cannot_judge) in ratings.items()
    ]


def text_rows(judgment: Judgment, texts: Texts) -> list[FreeText]:
    return [
        FreeText(
            judgment=judgment,
            criterion_id=slot[0] if slot else None,
            target=slot[1] if slot else "",
            kind=kind,
            text=text,
        )
        for (slot, kind), text in texts.items()
    ]

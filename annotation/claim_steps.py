"""The writes of a claim. PostgreSQL gets each group of them as one statement, because there every statement is a
journey to another process; SQLite gets them one by one, because there a statement is a call."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from threading import local
from typing import Any

from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, connections

from annotation import claim_sql as sql
from annotation.claim_types import NewRating, SeatNow, Sent, Submission, Taken

Params = Sequence[Any] | Mapping[str, Any]
_kept = local()


def run(statement: str, params: Params) -> list[tuple[Any, ...]]:
    wrapper = connections[DEFAULT_DB_ALIAS]
    cursor = _cursor(wrapper)
    cursor.execute(sql.for_vendor(statement, wrapper.vendor), params)
    return cursor.fetchall() if cursor.description else []


def change(statement: str, params: Params) -> int:
    wrapper = connections[DEFAULT_DB_ALIAS]
    cursor = _cursor(wrapper)
    cursor.execute(sql.for_vendor(statement, wrapper.vendor), params)
    return int(cursor.rowcount)


def _cursor(wrapper: Any) -> Any:
    """One cursor for the statements of this thread, as long as its connection is the same one: a claim runs a dozen,
    and to open and to close a cursor takes longer than most of them. Rows are always fetched whole, so nothing of one
    statement is left for the next. A new one where queries begin or end to be logged, for that is the cursor's work."""
    kept = getattr(_kept, "cursor", None)
    logged = wrapper.queries_logged
    if kept is None or wrapper.connection is None or kept[0] is not wrapper.connection or kept[1] is not logged:
        cursor = wrapper.cursor()
        kept = _kept.cursor = (wrapper.connection, logged, cursor)
    return kept[2]


def at(moment: datetime) -> Any:
    # Raw SQL skips the field's adapter, which SQLite needs.
    return _adapted(moment, connection.vendor)


@lru_cache(maxsize=64)
def _adapted(moment: datetime, vendor: str) -> Any:
    """Every statement of a claim is about the same two moments."""
    return connection.ops.adapt_datetimefield_value(moment)


def judge(seat: SeatNow, sent: Sent, s: Submission, now: datetime) -> int | None:
    """Close the slot, if this assignment holds it, and write the first judgment of the assignment. None: its slot
    went to somebody else. The fence uses no clock: whoever holds the slot may close it, however late."""
    if connection.vendor == "postgresql":
        values = _judgment(seat, sent.id, s, 1, sent.late, now) | _columns(s.ratings) | {"slot": sent.slot}
        rows = run(sql.JUDGE, values)
        judgment = rows[0][0] if rows else None
    else:
        if sent.slot is not None and not change(sql.CLOSE_SLOT, [sent.slot, sent.id]):
            return None
        if not change(sql.JUDGE_ASSIGNMENT, [at(now), sent.id]):
            return None
        judgment = _insert_judgment(seat, sent.id, s, 1, sent.late, now)
    if judgment is not None:
        _insert_texts(judgment, s)
    return judgment


def insert_revision(seat: SeatNow, sent: Sent, s: Submission, now: datetime) -> int:
    judgment = _insert_judgment(seat, sent.id, s, sent.revisions + 1, False, now)
    _insert_texts(judgment, s)
    return judgment


def take(
    seat: SeatNow,
    taken: Taken,
    order: str,
    tally: tuple[int, int] | None,
    public_id: str,
    until: datetime,
    now: datetime,
) -> int:
    """Hand out: tally of sides, assignment, slot, seat, and the next task of the judgment just made. `tally` is
    (new value, step). Gives the assignment."""
    d, step = tally or (None, None)
    values = {
        "public_id": public_id,
        "seat": seat.id,
        "task": taken.task,
        "slot": taken.slot,
        "item_key": taken.item_key,
        "occasion": taken.occasion,
        "purpose": taken.purpose,
        "lease_until": at(until),
        "order": order,
        "strategy": seat.strategy,
        "probability": taken.probability,
        "note": taken.note,
        "digest": taken.content.digest(order),
        "now": at(now),
        "pair": taken.pair,
        "d": d,
        "step": step,
        "cursor": seat.cursor,
        "looked": seat.looked,
        "uncounted": seat.uncounted,
        "judgment": seat.judgment,
    }
    if connection.vendor == "postgresql":
        [(assignment, leased)] = run(sql.TAKE, values)
    else:
        assignment, leased = _take_one_by_one(values)
    if taken.slot is not None and not leased:
        raise IntegrityError("The slot was taken between reading and leasing.")
    seat.uncounted, seat.judgment, seat.moved = 0, None, False
    return int(assignment)


def _take_one_by_one(values: dict[str, Any]) -> tuple[int, int]:
    if values["d"] is not None:
        change(sql.SET_TALLY, values)
    [(assignment,)] = run(sql.INSERT_ASSIGNMENT, values)
    leased = change(sql.LEASE_SLOT, values | {"assignment": assignment}) if values["slot"] is not None else 0
    change(sql.MOVE_SEAT, values)
    if values["judgment"] is not None:
        change(sql.SET_NEXT, [assignment, values["judgment"]])
    return assignment, leased


def finish(seat: SeatNow, assignment: int | None) -> None:
    """What no task was taken along with."""
    if seat.moved:
        change(sql.MOVE_ON, [seat.cursor, seat.looked, seat.id])
    if seat.uncounted:
        change(sql.COUNT_JUDGED, [seat.uncounted, seat.id])
    if seat.judgment is not None and assignment is not None:
        change(sql.SET_NEXT, [assignment, seat.judgment])
    seat.uncounted, seat.judgment, seat.moved = 0, None, False


def _judgment(
    seat: SeatNow, assignment: int, s: Submission, revision: int, late: bool, now: datetime
) -> dict[str, Any]:
    return {
        "assignment": assignment,
        "seat": seat.id,
        "revision": revision,
        "key": s.key,
        "digest": s.digest,
        "late": late,
        "now": at(now),
        "seconds": s.seconds,
        "active_seconds": s.active_seconds,
        "events": json.dumps(s.events),
    }


def _insert_judgment(seat: SeatNow, assignment: int, s: Submission, revision: int, late: bool, now: datetime) -> int:
    [(judgment,)] = run(sql.INSERT_JUDGMENT, _judgment(seat, assignment, s, revision, late, now))
    if s.ratings:
        values: list[Any] = []
        for r in s.ratings:
            values += [judgment, r.criterion, r.target, r.number, r.label, _json(r.data), r.cannot_judge]
        change(sql.INSERT_RATINGS + ", ".join([sql.RATING_ROW] * len(s.ratings)), values)
    return int(judgment)


def _columns(ratings: Sequence[NewRating]) -> dict[str, list[Any]]:
    """The ratings as one array a column."""
    return {
        "criteria": [r.criterion for r in ratings],
        "targets": [r.target for r in ratings],
        "numbers": [None if r.number is None else float(r.number) for r in ratings],
        "labels": [r.label for r in ratings],
        "data": [_json(r.data) for r in ratings],
        "cannot_judge": [r.cannot_judge for r in ratings],
    }


def _insert_texts(judgment: int, s: Submission) -> None:
    if s.texts:
        values: list[Any] = []
        for t in s.texts:
            values += [judgment, t.criterion, t.target, t.kind, t.text]
        change(sql.INSERT_TEXTS + ", ".join([sql.TEXT_ROW] * len(s.texts)), values)


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)

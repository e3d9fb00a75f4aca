"""The one transaction that takes a slot: claim, submit-and-claim, skip. Plain SQL on both databases.

Lock order, which no code may change: round (shared) → own seat → own slot → assignments; another's slot only
with SKIP LOCKED (PostgreSQL) or behind the write gate (SQLite). Exact overlap rests on slots being rows, on the
fence in `_close_slot` and on the unique constraints. See docs/algorithms/claiming.md.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from annotation import claim_sql as sql
from annotation.gold import pause_reason
from annotation.presentation import Presentation, read_presentation
from annotation.selection import check_due, check_key, side_coin

RETRY_SECONDS = 30
_ASK_FREED_EVERY = 5.0
_REPEAT_GAP = 5  # judged tasks between a task and its repeat, at least
_REPEAT_FROM = 200  # of the latest judged tasks
_last_asked: dict[int, float] = {}


@dataclass(frozen=True, slots=True)
class NewRating:
    criterion: int
    target: str = ""
    number: float | None = None
    label: str = ""
    data: Any = None
    cannot_judge: bool = False


@dataclass(frozen=True, slots=True)
class NewText:
    criterion: int | None
    target: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Submission:
    """What the rater sent for one assignment."""

    public_id: str
    key: str
    digest: str
    ratings: Sequence[NewRating]
    texts: Sequence[NewText] = ()
    seconds: float | None = None
    active_seconds: float | None = None
    events: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request: the next task, or why there is none.

    `status`: task, nothing_now (leased by others: retry), finished (this rater), complete (the round),
    not_open, seat_paused, seat_closed, cap. `problem`: lost, conflict, closed, paused or unknown, when a submit was
    not taken."""

    status: str
    assignment: int | None = None
    presentation: Presentation | None = None
    retry_after: int | None = None
    problem: str = ""
    saved: int | None = None  # the judgment's assignment id
    replayed: bool = False


@dataclass(slots=True)
class _Seat:
    id: int
    round: int
    state: str
    group: str
    cursor: int
    n_assigned: int
    n_judged: int
    cap: int | None
    round_state: str
    lease: int
    seed: int
    strategy: str
    mode: str
    gold_rate: float
    repeat_rate: float


@dataclass(frozen=True, slots=True)
class _Taken:
    """What is handed out: with its slot, or beside the slots as gold or a repeat."""

    task: int
    item_key: int
    pair: str
    width: int
    slot: int | None
    purpose: str = "normal"
    occasion: int = 0
    probability: float = 1.0


class _Lost(Exception):
    """The slot went to somebody else."""


def claim(seat_id: int, *, now: datetime | None = None) -> Outcome:
    """The rater's task: the live one with its lease renewed, or the next one."""
    return _attempt(lambda at: _claim(_lock_seat(seat_id), at), now)


def submit(seat_id: int, submission: Submission, *, now: datetime | None = None) -> Outcome:
    """Record a judgment and bring the next task, in one transaction. Repeating it changes nothing."""
    return _attempt(lambda at: _submit(_lock_seat(seat_id), submission, at), now)


def skip(seat_id: int, public_id: str, reason: str, *, now: datetime | None = None) -> Outcome:
    """Give the task back for others; this rater does not get it again."""
    return _attempt(lambda at: _skip(_lock_seat(seat_id), public_id, reason, at), now)


def _attempt(work: Callable[[datetime], Outcome], now: datetime | None) -> Outcome:
    """Run in one transaction; once more on an integrity error or on "lost".

    A statement that waited for the seat lock sees old versions of the rows it joined, so the first "lost"
    proves nothing; and two claims that met on a constraint part at the second try."""
    for last in (False, True):
        try:
            with transaction.atomic():
                return work(now or timezone.now())
        except IntegrityError:
            if last:
                raise
        except _Lost:
            if last:
                break
    with transaction.atomic():
        return Outcome(status="task", problem="lost")


def _run(statement: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql.for_vendor(statement, connection.vendor), params)
        return cursor.fetchall() if cursor.description else []


def _change(statement: str, params: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql.for_vendor(statement, connection.vendor), params)
        return int(cursor.rowcount)


def _at(moment: datetime) -> Any:
    # Raw SQL skips the field's adapter, which SQLite needs.
    return connection.ops.adapt_datetimefield_value(moment)


def _lock_seat(seat_id: int) -> _Seat:
    """Serialises tabs and double clicks of one rater; raters never share a seat."""
    rows = _run(sql.LOCK_SEAT, [seat_id])
    if not rows:
        raise ValueError(f"There is no seat {seat_id}.")
    return _Seat(*rows[0])


# -- claim ----------------------------------------------------------------------------------------------


def _claim(seat: _Seat, now: datetime) -> Outcome:
    live = _settle(seat, now)
    if seat.round_state != "open":
        return Outcome(status="not_open", assignment=live)
    if seat.state != "active":
        return Outcome(status=f"seat_{seat.state}")
    if live is not None:
        presentation = read_presentation(live)
        return Outcome(status="task", assignment=live, presentation=presentation)
    return _next(seat, now)


def _settle(seat: _Seat, now: datetime) -> int | None:
    """The seat's live assignment, its lease renewed. One whose slot went to another is marked lost and its
    side subtracted; so are those that others took while this rater was away."""
    live: int | None = None
    for assignment, state, slot, pair, order, held in _run(sql.UNSETTLED, [seat.id]):
        if state == 0 and (slot is None or held):
            live = assignment
            if seat.state != "active":
                continue  # what a removed member holds is on its way back to the queue
            _change(sql.RENEW_ASSIGNMENT, [_at(now + timedelta(seconds=seat.lease)), assignment])
            if slot is not None:
                _change(sql.RENEW_SLOT, [_at(now + timedelta(seconds=seat.lease)), slot, assignment])
        else:
            _change(sql.CLOSE_ASSIGNMENT, [3, _at(now), assignment])
            _subtract_side(seat, pair, order)
    return live


def _next(seat: _Seat, now: datetime) -> Outcome:
    if seat.cap is not None and seat.n_assigned >= seat.cap:
        return Outcome(status="cap")
    if (check := _check_due(seat)) is not None:
        return _take(seat, check, now)
    slot = _freed(seat, now) if _time_to_ask(seat.round) else None
    slot = slot or _walk(seat) or _freed(seat, now)
    if slot is None:
        return _why_nothing(seat, now)
    slot_id, task, item_key, _pos, pair, width = slot
    return _take(seat, _Taken(task, item_key, pair, width, slot_id), now)


def _check_due(seat: _Seat) -> _Taken | None:
    """A gold task or a repeat, when the plan of this seat has one at this place and there is one to give."""
    purpose, rate = check_due(seat.seed, seat.id, seat.n_assigned, seat.gold_rate, seat.repeat_rate)
    if purpose == "gold":
        rows = _run(sql.GOLD, [seat.round, seat.id])
    elif purpose == "repeat":
        rows = _run(sql.REPEATABLE, [seat.id, _REPEAT_FROM, _REPEAT_GAP])
    else:
        return None
    if not rows:
        return None
    task, pair, width, item_key = min(rows, key=lambda row: check_key(seat.seed, seat.id, row[0]))
    occasion = 1 if purpose == "repeat" else 0
    return _Taken(task, item_key, pair, width, None, purpose, occasion, rate)


def _time_to_ask(round_id: int) -> bool:
    """A process asks for freed slots every few seconds, and whenever the walk finds nothing: asking at each
    claim is dear when thousands of leases have lapsed."""
    moment = time.monotonic()
    if moment - _last_asked.get(round_id, -_ASK_FREED_EVERY) < _ASK_FREED_EVERY:
        return False
    _last_asked[round_id] = moment
    return True


def _walk(seat: _Seat) -> tuple[Any, ...] | None:
    """The next open slot after the cursor; then one lap from the start."""
    for start in (seat.cursor, 0) if seat.cursor else (0,):
        rows = _run(sql.WALK, [seat.round, seat.group, start, seat.id])
        if rows:
            seat.cursor = rows[0][3]
            return rows[0]
    return None


def _freed(seat: _Seat, now: datetime) -> tuple[Any, ...] | None:
    rows = _run(sql.FREED, [seat.round, seat.group, _at(now), seat.id])
    if not rows:
        return None
    # The constraint on (slot) needs the old holder closed first. It is left unsettled (closed_at empty), so
    # that its rater hears of it and the side is subtracted under that rater's own seat lock.
    _change(sql.LOSE_HOLDER, [rows[0][0]])
    return rows[0]


def _why_nothing(seat: _Seat, now: datetime) -> Outcome:
    left, mine = _run(sql.LEFT, [seat.round, seat.id, seat.round])[0]
    if not left:
        return Outcome(status="complete")
    if not mine:
        return Outcome(status="finished")
    return Outcome(status="nothing_now", retry_after=RETRY_SECONDS)


def _take(seat: _Seat, taken: _Taken, now: datetime) -> Outcome:
    order = _sides(seat, taken.task, taken.pair, taken.width)
    lease_until = _at(now + timedelta(seconds=seat.lease))
    public_id = secrets.token_urlsafe(12)
    [(assignment,)] = _run(
        sql.INSERT_ASSIGNMENT,
        [
            public_id,
            seat.id,
            taken.task,
            taken.slot,
            taken.item_key,
            taken.occasion,
            taken.purpose,
            lease_until,
            order,
            seat.strategy,
            taken.probability,
            _at(now),
        ],
    )
    if taken.slot is not None and not _change(sql.LEASE_SLOT, [lease_until, assignment, taken.slot]):
        raise IntegrityError("The slot was taken between reading and leasing.")
    _change(sql.MOVE_SEAT, [seat.cursor, seat.id])
    presentation = read_presentation(assignment)
    _change(sql.SET_DIGEST, [presentation.digest, assignment])
    return Outcome(status="task", assignment=assignment, presentation=presentation)


def _sides(seat: _Seat, task: int, pair: str, width: int) -> str:
    """The order shown. For a pair, sides are exactly balanced within seat and pair of systems: the tally is
    (first left) − (second left) and never leaves −1…1."""
    if width == 1:
        return "0"
    if width > 2:
        order = list(range(width))
        for i in range(width - 1, 0, -1):  # Fisher–Yates from the seeded coin's bits
            j = int.from_bytes(bytes(side_coin(seat.seed, seat.id, task * 100 + i * 8 + b) for b in range(8))) % (i + 1)
            order[i], order[j] = order[j], order[i]
        return "".join(map(str, order))
    rows = _run(sql.TALLY, [seat.id, pair])
    d = rows[0][0] if rows else 0
    swapped = d > 0 or (d == 0 and side_coin(seat.seed, seat.id, task))
    step = -1 if swapped else 1
    _change(sql.MOVE_TALLY if rows else sql.NEW_TALLY, [d + step, step, seat.id, pair])
    return "10" if swapped else "01"


def _subtract_side(seat: _Seat, pair: str, order: str) -> None:
    if pair and len(order) == 2:
        _change(sql.SHIFT_TALLY, [1 if order == "10" else -1, seat.id, pair])


# -- submit ---------------------------------------------------------------------------------------------


def _submit(seat: _Seat, s: Submission, now: datetime) -> Outcome:
    replay = _run(sql.REPLAY, [seat.id, s.key])
    if replay:
        digest, _next_id, assignment = replay[0]
        if digest != s.digest:
            return Outcome(status="task", problem="conflict")
        after = _claim(seat, now)
        return _with(after, saved=assignment, replayed=True)
    rows = _run(sql.ASSIGNMENT, [s.public_id, seat.id])
    if not rows:
        return Outcome(status="task", problem="unknown")
    assignment, state, slot, purpose, revisions = rows[0]
    if seat.round_state == "closed":
        return Outcome(status="not_open", problem="closed")
    if seat.state != "active":
        return Outcome(status=f"seat_{seat.state}", problem="paused")
    if state == 1:
        return _revise(seat, s, assignment, revisions, now)
    if state != 0:
        raise _Lost
    late = _close_slot(slot, assignment, now)
    if not _change(sql.JUDGE_ASSIGNMENT, [_at(now), assignment]):
        raise _Lost
    judgment = _insert_judgment(seat, s, assignment, 1, late, now)
    _change(sql.COUNT_JUDGED, [seat.id])
    seat.n_judged += 1
    if purpose == "gold" and (reason := pause_reason(seat.id)):
        _change(sql.PAUSE_SEAT, [reason, seat.id])
        seat.state = "paused"
    outcome = _claim(seat, now)
    _change(sql.SET_NEXT, [outcome.assignment, judgment])
    return _with(outcome, saved=assignment)


def _close_slot(slot: int | None, assignment: int, now: datetime) -> bool:
    """The fence. It uses no clock: whoever holds the slot may close it, however late. Returns lateness."""
    if slot is None:
        return False
    rows = _run(sql.LATENESS, [_at(now), slot])
    if not _change(sql.CLOSE_SLOT, [slot, assignment]):
        raise _Lost
    return bool(rows and rows[0][0])


def _revise(seat: _Seat, s: Submission, assignment: int, revision: int, now: datetime) -> Outcome:
    """A change of mind: a new revision; the slot is untouched and the old revision stays."""
    _change(sql.RETIRE_JUDGMENT, [assignment])
    judgment = _insert_judgment(seat, s, assignment, revision + 1, False, now)
    _change(sql.BUMP_VERSION, [assignment])
    outcome = _claim(seat, now)
    _change(sql.SET_NEXT, [outcome.assignment, judgment])
    return _with(outcome, saved=assignment)


def _insert_judgment(seat: _Seat, s: Submission, assignment: int, revision: int, late: bool, now: datetime) -> int:
    [(judgment,)] = _run(
        sql.INSERT_JUDGMENT,
        [
            assignment,
            seat.id,
            revision,
            s.key,
            s.digest,
            late,
            _at(now),
            s.seconds,
            s.active_seconds,
            json.dumps(s.events),
        ],
    )
    if s.ratings:
        values: list[Any] = []
        for r in s.ratings:
            data = None if r.data is None else json.dumps(r.data)
            values += [judgment, r.criterion, r.target, r.number, r.label, data, r.cannot_judge]
        _change(sql.INSERT_RATINGS + ", ".join([sql.RATING_ROW] * len(s.ratings)), values)
    if s.texts:
        values = []
        for t in s.texts:
            values += [judgment, t.criterion, t.target, t.kind, t.text]
        _change(sql.INSERT_TEXTS + ", ".join([sql.TEXT_ROW] * len(s.texts)), values)
    return int(judgment)


def _with(outcome: Outcome, *, saved: int, replayed: bool = False) -> Outcome:
    return Outcome(
        status=outcome.status,
        assignment=outcome.assignment,
        presentation=outcome.presentation,
        retry_after=outcome.retry_after,
        saved=saved,
        replayed=replayed,
    )


# -- skip -----------------------------------------------------------------------------------------------


def _skip(seat: _Seat, public_id: str, reason: str, now: datetime) -> Outcome:
    rows = _run(sql.ASSIGNMENT, [public_id, seat.id])
    if not rows:
        return Outcome(status="task", problem="unknown")
    assignment, state, slot, *_ = rows[0]
    if state == 0:
        _change(sql.SKIP_ASSIGNMENT, [_at(now), reason[:40], assignment])
        # The lease ends in the past: the slot is free at once, and the skipped row bars this rater.
        _change(sql.FREE_SLOT, [_at(now - timedelta(seconds=1)), slot, assignment])
        [(pair, order)] = _run(sql.SHOWN, [assignment])
        _subtract_side(seat, pair, order)
    return _claim(seat, now)

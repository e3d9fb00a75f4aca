"""The one transaction that takes a slot: claim, submit-and-claim, skip. Plain SQL on both databases.

Lock order, which no code may change: round (shared) → own seat → own slot → assignments; another's slot only
with SKIP LOCKED (PostgreSQL) or behind the write gate (SQLite). Exact overlap rests on slots being rows, on the
fence in `claim_steps.judge` and on the unique constraints. See docs/algorithms/claiming.md.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from annotation import claim_sql as sql
from annotation import claim_steps as steps
from annotation.claim_steps import at, change, run
from annotation.claim_types import NewRating, NewText, Opened, Outcome, SeatNow, Sent, Submission, Taken
from annotation.gold import pause_reason
from annotation.lanes import as_read, lanes_for, own_lane, reads
from annotation.presentation import content_of, present, read_presentation
from annotation.selection import check_due, check_key, side_coin
from annotation.strategies import JUMP, STRATEGIES, WALK, WIN, WINDOW, Strategy, drawn, gap_chance

__all__ = ["NewRating", "NewText", "Outcome", "Submission", "claim", "skip", "submit"]

RETRY_SECONDS = 30
AT_TURNED = -9  # in a row of a task that was found: before its texts
_ASK_FREED_EVERY = 5.0
_REPEAT_GAP = 5  # judged tasks between a task and its repeat, at least
_REPEAT_FROM = 200  # of the latest judged tasks
_DRAWS = 3  # from a window whose slots others hold, until it is walked instead
_LOOK = 256  # open slots at the front that are looked at for a window
_BEFORE_ALL = -(2**62)  # an order worked out anew goes on in front, below 0
_last_asked: dict[int, float] = {}


class _Lost(Exception):
    """The slot went to somebody else."""


def claim(seat_id: int, *, now: datetime | None = None) -> Outcome:
    """The rater's task: the live one with its lease renewed, or the next one."""
    return _attempt(lambda moment: _claim(_open(seat_id, moment).seat, moment), now)


def submit(seat_id: int, submission: Submission, *, now: datetime | None = None) -> Outcome:
    """Record a judgment and bring the next task, in one transaction. Repeating it changes nothing."""
    s = submission
    return _attempt(lambda moment: _submit(_open(seat_id, moment, s.public_id, s.key), s, moment), now)


def skip(seat_id: int, public_id: str, reason: str, *, now: datetime | None = None) -> Outcome:
    """Give the task back for others; this rater does not get it again."""
    return _attempt(lambda moment: _skip(_open(seat_id, moment, public_id), reason, moment), now)


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


def _open(seat_id: int, now: datetime, public_id: str = "", key: str = "") -> Opened:
    """Lock the seat, which puts tabs and double clicks of one rater in order; raters never share it. With it, in the
    same statement, what a submit or a skip is about."""
    rows = run(sql.OPEN, {"seat": seat_id, "now": at(now), "public_id": public_id, "key": key})
    if not rows:
        raise ValueError(f"There is no seat {seat_id}.")
    assignment, state, slot, purpose, revisions, late, digest, judged = rows[0][15:]
    return Opened(
        seat=SeatNow(*rows[0][:15]),
        sent=None if assignment is None else Sent(assignment, state, slot, purpose, revisions, bool(late)),
        replay=None if digest is None else (digest, judged),
    )


# -- claim ----------------------------------------------------------------------------------------------


def _claim(seat: SeatNow, now: datetime) -> Outcome:
    outcome = _task_or_why_not(seat, now)
    steps.finish(seat, outcome.assignment)
    return replace(outcome, n_judged=seat.n_judged)


def _task_or_why_not(seat: SeatNow, now: datetime) -> Outcome:
    live = _settle(seat, now) if seat.unsettled else None
    if seat.round_state != "open":
        return Outcome(status="not_open", assignment=live)
    if seat.state != "active":
        return Outcome(status=f"seat_{seat.state}")
    if live is not None:
        return Outcome(status="task", assignment=live, presentation=read_presentation(live))
    return _next(seat, now)


def _settle(seat: SeatNow, now: datetime) -> int | None:
    """The seat's live assignment, its lease renewed. One whose slot went to another is marked lost and its
    side subtracted; so are those that others took while this rater was away."""
    live: int | None = None
    until = at(now + timedelta(seconds=seat.lease))
    for assignment, state, slot, pair, order, held, turned in run(sql.UNSETTLED, [seat.id]):
        if state == 0 and (slot is None or held):
            live = assignment
            if seat.state != "active":
                continue  # what a removed member holds is on its way back to the queue
            change(sql.RENEW_ASSIGNMENT, [until, assignment])
            if slot is not None:
                change(sql.RENEW_SLOT, [until, slot, assignment])
        else:
            change(sql.CLOSE_ASSIGNMENT, [3, at(now), assignment])
            _subtract_side(seat, pair, order, turned)
    return live


def _next(seat: SeatNow, now: datetime) -> Outcome:
    if seat.cap is not None and seat.n_assigned >= seat.cap:
        return Outcome(status="cap")
    lanes = lanes_for(as_read(seat.eligibility), seat.n_assigned)
    if not lanes:
        return Outcome(status="not_for_you")
    if (check := _check_due(seat)) is not None:
        return _take(seat, check, now)
    taken = _freed(seat, lanes, now) if _time_to_ask(seat.round) else None
    for lane in lanes:
        take = _given if own_lane(lane) is not None else _BY_TAKE[_strategy(seat).take]
        taken = taken or take(seat, lane)
    taken = taken or _freed(seat, lanes, now)
    return _why_nothing(seat, lanes) if taken is None else _take(seat, taken, now)


def _check_due(seat: SeatNow) -> Taken | None:
    """A gold task or a repeat, when the plan of this seat has one at this place and there is one to give."""
    purpose, rate = check_due(seat.seed, seat.id, seat.n_assigned, seat.gold_rate, seat.repeat_rate)
    if purpose == "gold":
        rows = _gold(seat)
    elif purpose == "repeat":
        rows = run(sql.REPEATABLE, [seat.id, _REPEAT_FROM, _REPEAT_GAP])
    else:
        return None
    if not rows:
        return None
    task, item_key = min(rows, key=lambda row: check_key(seat.seed, seat.id, row[0]))
    found = run(sql.CHECK, {"seat": seat.id, "task": task})
    _, _, _, _, pair, tally = found[0][:6]
    turned = found[0][AT_TURNED]
    occasion = 1 if purpose == "repeat" else 0
    return Taken(
        task, item_key, pair, content_of(found), tally, turned, purpose=purpose, occasion=occasion, probability=rate
    )


def _gold(seat: SeatNow) -> list[tuple[Any, ...]]:
    """Gold tasks that this rater has not met, and may judge: gold holds no slot, so no lane keeps it apart."""
    may = as_read(seat.eligibility)
    barred = may.get("barred") or [""]
    names = ", ".join(["%s"] * len(barred))
    rows = run(sql.GOLD.format(barred=names), [seat.id, *barred, seat.round])
    return [
        (task, item_key)
        for task, item_key, language, n_barred in rows
        if not n_barred and ("languages" not in may or reads(may["languages"], language))
    ]


def _time_to_ask(round_id: int) -> bool:
    """A process asks for freed slots every few seconds, and whenever the walk finds nothing: asking at each
    claim is dear when thousands of leases have lapsed."""
    moment = time.monotonic()
    if moment - _last_asked.get(round_id, -_ASK_FREED_EVERY) < _ASK_FREED_EVERY:
        return False
    _last_asked[round_id] = moment
    return True


def _strategy(seat: SeatNow) -> Strategy:
    return STRATEGIES.get(seat.strategy, STRATEGIES["balanced"])


def _walk(seat: SeatNow, lane: str) -> Taken | None:
    """The next open slot after the cursor; then one lap from the start. Nothing is drawn: the chance is 1."""
    for start in (seat.cursor, _BEFORE_ALL) if seat.cursor else (_BEFORE_ALL,):
        rows = run(sql.WALK, {"round": seat.round, "lane": lane, "start": start, "seat": seat.id})
        if rows:
            seat.cursor = rows[0][3]
            return _found(rows)
    return None


def _jump(seat: SeatNow, lane: str) -> Taken | None:
    """The first open slot behind a drawn place; where there is none, the first of all."""
    u = drawn(seat.seed, seat.id, seat.n_assigned)
    rows = run(sql.JUMP, {"round": seat.round, "lane": lane, "u": u, "seat": seat.id})
    if not rows:
        return None
    pos, (before, top) = rows[0][3], rows[0][6:8]
    place = int(u * top)
    # Where the open place before this one is not before the place drawn, others were just taking what was drawn.
    if before > (place if pos > place else place - top):
        return _found(rows, None, "contended")
    return _found(rows, gap_chance(pos, before, top))


def _window(seat: SeatNow, lane: str) -> Taken | None:
    """One of the first open slots, drawn by rank. Beyond them, which is for who has judged nearly all, a walk."""
    for attempt in range(_DRAWS):
        u = drawn(seat.seed, seat.id, seat.n_assigned, attempt)
        draws = [_strategy(seat).draw(u, k) for k in range(1, WINDOW + 1)]
        ranks = "".join(f"{rank:02}" for rank, _ in draws)
        values = {"round": seat.round, "lane": lane, "seat": seat.id, "window": WINDOW, "look": _LOOK, "ranks": ranks}
        if rows := run(sql.WINDOW, values):
            # A second draw means that somebody held what the first gave: what that leaves is not known.
            return _found(rows, None, "contended") if attempt else _found(rows, draws[rows[0][6] - 1][1])
        if connection.vendor == "sqlite":
            break  # nobody holds anything: there is nothing to draw from
    return _walk(seat, lane)


def _given(seat: SeatNow, lane: str) -> Taken | None:
    """What the lead gave to this rater, in the order of the round. It was chosen and not drawn: it has no chance, and
    the walk goes on where it was."""
    rows = run(sql.WALK, {"round": seat.round, "lane": lane, "start": _BEFORE_ALL, "seat": seat.id})
    return _found(rows, None, "given") if rows else None


_BY_TAKE: dict[str, Callable[[SeatNow, str], Taken | None]] = {WALK: _walk, JUMP: _jump, WIN: _window}


def _freed(seat: SeatNow, lanes: list[str], now: datetime) -> Taken | None:
    statement, values = sql.in_lanes(sql.FREED, lanes)
    rows = run(statement, values | {"round": seat.round, "now": at(now), "seat": seat.id})
    if not rows:
        return None
    # The constraint on (slot) needs the old holder closed first. It is left unsettled (closed_at empty), so
    # that its rater hears of it and the side is subtracted under that rater's own seat lock.
    change(sql.LOSE_HOLDER, [rows[0][0]])
    # When a process asks for what came back is no draw: where others are drawn, its chance is not known.
    return _found(rows) if _strategy(seat).take == WALK else _found(rows, None, "returned")


def _found(rows: list[tuple[Any, ...]], probability: float | None = 1.0, note: str = "") -> Taken:
    slot, task, item_key, _pos, pair, tally = rows[0][:6]
    content, turned = content_of(rows), rows[0][AT_TURNED]
    return Taken(task, item_key, pair, content, tally, turned, slot, probability=probability, note=note)


def _why_nothing(seat: SeatNow, lanes: list[str]) -> Outcome:
    statement, values = sql.in_lanes(sql.LEFT, lanes)
    left, mine = run(statement, values | {"round": seat.round, "seat": seat.id})[0]
    if not left:
        return Outcome(status="complete")
    if not mine:
        return Outcome(status="finished")
    return Outcome(status="nothing_now", retry_after=RETRY_SECONDS)


def _take(seat: SeatNow, taken: Taken, now: datetime) -> Outcome:
    order, tally = _sides(seat, taken)
    public_id = secrets.token_urlsafe(12)
    until = now + timedelta(seconds=seat.lease)
    assignment = steps.take(seat, taken, order, tally, public_id, until, now)
    presentation = present(taken.content, assignment=assignment, public_id=public_id, order=order)
    return Outcome(status="task", assignment=assignment, presentation=presentation)


def _sides(seat: SeatNow, taken: Taken) -> tuple[str, tuple[int, int] | None]:
    """The order shown and, for a pair, the new tally with its step. Sides are exactly balanced within seat and pair
    of systems: the tally is (first left) − (second left) of the systems and never leaves −1…1."""
    width, task = len(taken.content.outputs), taken.task
    if width < 2:
        return "0" * width, None
    if width > 2:
        order = list(range(width))
        for i in range(width - 1, 0, -1):  # Fisher–Yates from the seeded coin's bits
            j = int.from_bytes(bytes(side_coin(seat.seed, seat.id, task * 100 + i * 8 + b) for b in range(8))) % (i + 1)
            order[i], order[j] = order[j], order[i]
        return "".join(map(str, order)), None
    d = taken.tally or 0
    first_right = d > 0 or (d == 0 and side_coin(seat.seed, seat.id, task))
    swapped = bool(first_right) != bool(taken.turned)
    step = -1 if first_right else 1
    return "10" if swapped else "01", (d + step, step)


def _subtract_side(seat: SeatNow, pair: str, order: str, turned: int) -> None:
    if pair and len(order) == 2:
        first_right = (order == "10") != bool(turned)
        change(sql.SHIFT_TALLY, [1 if first_right else -1, seat.id, pair])


# -- submit ---------------------------------------------------------------------------------------------


def _submit(opened: Opened, s: Submission, now: datetime) -> Outcome:
    seat, sent = opened.seat, opened.sent
    if opened.replay is not None:
        digest, assignment = opened.replay
        if digest != s.digest:
            return Outcome(status="task", problem="conflict")
        return replace(_claim(seat, now), saved=assignment, saved_id=s.public_id, replayed=True)
    if sent is None:
        return Outcome(status="task", problem="unknown")
    if seat.round_state == "closed":
        return Outcome(status="not_open", problem="closed")
    if seat.state != "active":
        return Outcome(status=f"seat_{seat.state}", problem="paused")
    if sent.state == 1:
        return _revise(seat, sent, s, now)
    if sent.state != 0:
        raise _Lost
    seat.judgment = steps.judge(seat, sent, s, now)
    if seat.judgment is None:
        raise _Lost
    seat.unsettled -= 1
    seat.uncounted += 1
    seat.n_judged += 1
    if sent.purpose == "gold" and (reason := pause_reason(seat.id)):
        change(sql.PAUSE_SEAT, [reason, seat.id])
        seat.state = "paused"
    return replace(_claim(seat, now), saved=sent.id, saved_id=s.public_id)


def _revise(seat: SeatNow, sent: Sent, s: Submission, now: datetime) -> Outcome:
    """A change of mind: a new revision; the slot is untouched and the old revision stays."""
    change(sql.RETIRE_JUDGMENT, [sent.id])
    seat.judgment = steps.insert_revision(seat, sent, s, now)
    change(sql.BUMP_VERSION, [sent.id])
    return replace(_claim(seat, now), saved=sent.id, saved_id=s.public_id)


# -- skip -----------------------------------------------------------------------------------------------


def _skip(opened: Opened, reason: str, now: datetime) -> Outcome:
    seat, sent = opened.seat, opened.sent
    if sent is None:
        return Outcome(status="task", problem="unknown")
    if sent.state == 0:
        if not change(sql.SKIP_ASSIGNMENT, [at(now), reason[:40], sent.id]):
            raise _Lost  # it was submitted from another tab while we waited
        seat.unsettled -= 1
        # The lease ends in the past: the slot is free at once, and the skipped row bars this rater.
        change(sql.FREE_SLOT, [at(now - timedelta(seconds=1)), sent.slot, sent.id])
        [(pair, order, turned)] = run(sql.SHOWN, [sent.id])
        _subtract_side(seat, pair, order, turned)
    return _claim(seat, now)

"""Which open slot a rater gets next: the strategy's way first, then on from the cursor in bounded steps.

A request passes so many open slots that this rater may not have, and no more, however large the round is. Where that
is not all, the cursor is kept, the answer is "looking", and the page asks again. `SeatNow.looked` says how far that is:

- nothing: what stands before the cursor may not have been looked at since it was opened.
- ON_A_LAP: from the first place to the cursor nothing is open for this rater.
- NOTHING_OPEN: nowhere is. Nobody searches again until something is opened, or the rater may have more.

Whatever opens slots or lets a rater have more takes `looked` away (`annotation.services.slots`, `eligibility`,
`renewing`, and `claims` for a task that was lost).
"""

from __future__ import annotations

from typing import Any

from django.db import connection

from annotation import claim_sql as sql
from annotation.claim_steps import run
from annotation.claim_types import SeatNow, Taken
from annotation.lanes import own_lane
from annotation.presentation import content_of
from annotation.strategies import JUMP, STRATEGIES, WALK, WINDOW, Strategy, drawn, gap_chance

ON_A_LAP, NOTHING_OPEN = 1, 2
AT_TURNED = -9  # in a row of a task that was found: before its texts
FIRST_STEP = 64  # open slots passed at first, which is nearly always enough
STEP = 500
STEPS = 4
_LOOK = 256  # open slots that are looked at for a window, and on either side of a place drawn
_DRAWS = 3  # from a window whose slots others hold, until it is walked instead
_BEFORE_ALL = -(2**62)  # an order worked out anew goes on in front, below 0


def strategy_of(seat: SeatNow) -> Strategy:
    return STRATEGIES.get(seat.strategy, STRATEGIES["balanced"])


def open_slot(seat: SeatNow, lanes: list[str]) -> Taken | None:
    for lane in lanes:
        if own_lane(lane) is not None and (given := _step(seat, lane, _BEFORE_ALL, STEP)):
            # What the lead gave to this rater was chosen, not drawn: no chance; and the walk stays where it is.
            return found(given, None, "given")
    if seat.looked == NOTHING_OPEN:
        return None
    lanes = [lane for lane in lanes if own_lane(lane) is None]
    take = strategy_of(seat).take
    for lane in lanes:
        taken = None if take == WALK else _jump(seat, lane) if take == JUMP else _window(seat, lane)
        # Lanes share the cursor. So each is walked by itself first, and those of the rater's own group come first.
        if taken is None and len(lanes) > 1 and seat.looked is None:
            taken = _near(seat, lane)
        if taken is not None:
            return taken
    rows = _on(seat, lanes)
    if rows is None:
        return None
    return found(rows, None, "far") if take == JUMP else found(rows)


def _near(seat: SeatNow, lane: str) -> Taken | None:
    """The next open slot after the cursor, else from the start, if it is not far."""
    for start in (seat.cursor, _BEFORE_ALL) if seat.cursor else (_BEFORE_ALL,):
        if rows := _step(seat, lane, start, STEP):
            _move(seat, rows[0][3], None)
            return _after_a_draw(seat, rows)
    return None


def _after_a_draw(seat: SeatNow, rows: list[tuple[Any, ...]]) -> Taken:
    return found(rows, None, "far") if strategy_of(seat).take == JUMP else found(rows)


def _on(seat: SeatNow, lanes: list[str]) -> list[tuple[Any, ...]] | None:
    """The next open slot after the cursor; then one lap from the start. Nothing is drawn: the chance is 1."""
    if seat.looked is None and not seat.cursor and len(lanes) == 1:
        _move(seat, _BEFORE_ALL, ON_A_LAP)
    for look in (FIRST_STEP, *[STEP] * (STEPS - 1)):
        for lane in lanes:
            if rows := _step(seat, lane, seat.cursor, look):
                if len(lanes) == 1:  # of the others nothing between the cursor and here was looked at
                    _move(seat, rows[0][3], seat.looked)
                return rows
        edges = [run(sql.EDGE, _values(seat, lane, seat.cursor, look))[0] for lane in lanes]
        if any(mine for _, mine in edges):
            seat.contended = True
            return None
        ahead = [pos for pos, _ in edges if pos is not None]
        if ahead:
            _move(seat, min(ahead), seat.looked)
        elif seat.looked == ON_A_LAP:
            _move(seat, seat.cursor, NOTHING_OPEN)
            return None
        else:
            _move(seat, _BEFORE_ALL, ON_A_LAP)
    return None


def _step(seat: SeatNow, lane: str, start: int, look: int) -> list[tuple[Any, ...]]:
    return run(sql.WALK, _values(seat, lane, start, look))


def _values(seat: SeatNow, lane: str, start: int, look: int) -> dict[str, Any]:
    return {"round": seat.round, "lane": lane, "start": start, "seat": seat.id, "look": look}


def _move(seat: SeatNow, cursor: int, looked: int | None) -> None:
    seat.cursor, seat.looked, seat.moved = cursor, looked, True


def _jump(seat: SeatNow, lane: str) -> Taken | None:
    """The first open slot behind a drawn place; where there is none, the first of all."""
    u = drawn(seat.seed, seat.id, seat.n_assigned)
    rows = run(sql.JUMP, {"round": seat.round, "lane": lane, "u": u, "seat": seat.id, "look": _LOOK})
    if not rows:
        return None
    pos, (before, top) = rows[0][3], rows[0][6:8]
    if before is None:
        return found(rows, None, "far")
    place = int(u * top)
    # Where the open place before this one is not before the place drawn, others were just taking what was drawn.
    if before > (place if pos > place else place - top):
        return found(rows, None, "contended")
    return found(rows, gap_chance(pos, before, top))


def _window(seat: SeatNow, lane: str) -> Taken | None:
    """One of the first open slots, drawn by rank. Beyond them, which is for who has judged nearly all, a walk."""
    for attempt in range(_DRAWS):
        u = drawn(seat.seed, seat.id, seat.n_assigned, attempt)
        draws = [strategy_of(seat).draw(u, k) for k in range(1, WINDOW + 1)]
        ranks = "".join(f"{rank:02}" for rank, _ in draws)
        values = {"round": seat.round, "lane": lane, "seat": seat.id, "window": WINDOW, "look": _LOOK, "ranks": ranks}
        if rows := run(sql.WINDOW, values):
            # A second draw means that somebody held what the first gave: what that leaves is not known.
            return found(rows, None, "contended") if attempt else found(rows, draws[rows[0][6] - 1][1])
        if connection.vendor == "sqlite":
            break  # nobody holds anything: there is nothing to draw from
    return None


def found(rows: list[tuple[Any, ...]], probability: float | None = 1.0, note: str = "") -> Taken:
    slot, task, item_key, _pos, pair, tally = rows[0][:6]
    content, turned = content_of(rows), rows[0][AT_TURNED]
    return Taken(task, item_key, pair, content, tally, turned, slot, probability=probability, note=note)

"""What goes into a claim and what comes out of it, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from annotation.presentation import Content, Presentation


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

    `status`: task, nothing_now (leased by others: retry), looking (not all that is open was looked at: ask again),
    finished (this rater), complete (the round),
    not_open, seat_paused, seat_closed, cap, not_for_you (nothing asks for what this rater can do). `problem`: lost,
    conflict, closed, paused or unknown, when a submit was not taken."""

    status: str
    assignment: int | None = None
    presentation: Presentation | None = None
    retry_after: int | None = None
    problem: str = ""
    saved: int | None = None  # the judgment's assignment id
    saved_id: str = ""  # its public id
    n_judged: int | None = None  # of the seat, this submit counted
    replayed: bool = False
    away: bool = False  # a task went to somebody else since this rater was last here, and this is the first word of it


@dataclass(slots=True)
class SeatNow:
    """The locked seat with its round, and what this transaction still has to write on it."""

    id: int
    round: int
    state: str
    eligibility: Any  # a JSON column as raw SQL gives it
    cursor: int
    n_assigned: int
    n_judged: int
    cap: int | None
    round_state: str
    lease: int
    seed: int
    strategy: str
    gold_rate: float
    repeat_rate: float
    # Assignments that are live, or lost without this rater having heard of it.
    unsettled: int
    looked: int | None  # how far the search for an open slot is: see `claim_search`
    uncounted: int = 0  # judgments of this transaction that n_judged in the row lacks
    moved: bool = False  # the cursor or `looked`, and no task was taken since
    contended: bool = False  # others were just taking what this rater may have
    judgment: int | None = None  # of this transaction, to be told which task came next
    lost: bool = False  # a task went to somebody else, of which this rater hears now


@dataclass(frozen=True, slots=True)
class Sent:
    """The assignment that a submit or a skip names. Where the seat had to be waited for, this may be out of
    date; the fence and the constraints notice, and the second attempt reads it afresh."""

    id: int
    state: int
    slot: int | None
    purpose: str
    revisions: int
    late: bool


@dataclass(frozen=True, slots=True)
class Opened:
    seat: SeatNow
    sent: Sent | None
    # Of the judgment with the same key: (digest, assignment).
    replay: tuple[str, int] | None


@dataclass(frozen=True, slots=True)
class Taken:
    """What is handed out: with its slot, or beside the slots as gold or a repeat."""

    task: int
    item_key: int
    pair: str
    content: Content
    # (first system left) − (second left) so far, for the pair; nothing where the pair is new to the seat.
    tally: int | None
    turned: int  # 1: the task's first output is of the pair's second system
    slot: int | None = None
    purpose: str = "normal"
    occasion: int = 0
    probability: float | None = 1.0
    note: str = ""  # why the chance is not known

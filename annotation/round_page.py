"""What the lead's page of a round shows beyond its progress: raters, flags, comments. Reads only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, Q, Subquery, Sum, Window
from django.db.models.functions import Coalesce, RowNumber
from django.utils import timezone

from annotation.gold import GoldResult, gold_results
from annotation.kept_figures import kept
from annotation.models import (
    Assignment,
    Comment,
    Flag,
    FreeText,
    Judgment,
    RaterExclusion,
    Rating,
    Round,
    RoundItem,
    RoundSystem,
    Seat,
    Slot,
)
from annotation.pay import Worked
from projects.models import Item, Output

LISTED = 100


@dataclass(frozen=True, slots=True)
class Sides:
    """How often each shown position was chosen. Without a known order there is nothing to count."""

    a: int = 0
    b: int = 0
    ties: int = 0

    @property
    def n(self) -> int:
        return self.a + self.b + self.ties


@dataclass(frozen=True, slots=True)
class Pace:
    """The median of a rater's judgments whose time is known, and what they add up to."""

    median: float
    worked: Worked


@dataclass(frozen=True, slots=True)
class RaterRow:
    seat: Seat
    judged: int
    imported: int
    seconds: float | None  # the median
    worked: Worked | None  # empty where the time of no judgment is known
    last_seen: datetime | None
    sides: Sides
    gold: tuple[int, int]  # right, of so many gold tasks
    hasty: int  # judgments asked about before they were sent: in no time, or with a long answer unread
    held_since: datetime | None  # the task that others wait for while this rater has it
    excluded: str  # why this rater's work is left out; empty while it counts


@dataclass(frozen=True, slots=True)
class Said:
    """A comment of a rater, whichever way it was sent, or what was written back."""

    at: datetime
    rater: Any
    item: Item
    text: str
    assignment: int
    from_rater: bool = True


@dataclass(frozen=True, slots=True)
class Tally:
    judged: int = 0
    imported: int = 0
    last_seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """By seat, counted over every judgment of the round."""

    tallies: dict[int, Tally]
    paces: dict[int, Pace]
    sides: dict[int, Sides]
    hasty: dict[int, int]


def rater_rows(round: Round, *, judged: int = 0) -> list[RaterRow]:
    """Every seat of the round, the busiest first. The number of queries does not grow with the round.

    `judged`: how many judgments there are; of many, the figures may be a minute old (`annotation.kept_figures`)."""
    seats = list(Seat.objects.filter(round=round).select_related("rater__user"))
    figures = kept("raters", round, judged, lambda: _figures(round))
    standing = RaterExclusion.objects.filter(seat__round=round, lifted_at__isnull=True)
    excluded = dict(standing.values_list("seat_id", "reason"))
    held = dict(
        Slot.objects.filter(round=round, state=Slot.State.LEASED, lease_until__gt=timezone.now())
        .annotate(seat=Subquery(Assignment.objects.filter(pk=OuterRef("holder")).values("seat_id")))
        .annotate(since=Subquery(Assignment.objects.filter(pk=OuterRef("holder")).values("created_at")))
        .values_list("seat", "since")
    )
    gold = gold_results([seat.pk for seat in seats]) if round.gold_rate else {}
    rows = [_row(seat, figures, gold.get(seat.pk, []), held.get(seat.pk), excluded.get(seat.pk, "")) for seat in seats]
    return sorted(rows, key=lambda row: (-row.judged - row.imported, row.seat.pk))


def _row(seat: Seat, figures: Figures, gold: list[GoldResult], held: datetime | None, excluded: str) -> RaterRow:
    tally, pace = figures.tallies.get(seat.pk, Tally()), figures.paces.get(seat.pk)
    return RaterRow(
        seat=seat,
        judged=tally.judged,
        imported=tally.imported,
        seconds=pace.median if pace else None,
        worked=pace.worked if pace else None,
        last_seen=tally.last_seen,
        sides=figures.sides.get(seat.pk, Sides()),
        gold=_tally(gold),
        hasty=figures.hasty.get(seat.pk, 0),
        held_since=held,
        excluded=excluded,
    )


def _figures(round: Round) -> Figures:
    asked = _counted(round).filter(events__has_key="warned").order_by().values_list("seat_id")
    hasty = dict(asked.annotate(n=Count("id")))
    sides = side_counts(round) if round.mode == Round.Mode.COMPARE else {}
    return Figures(_tallies(round), paces(round), sides, hasty)


def _tallies(round: Round) -> dict[int, Tally]:
    imported, judged = Q(purpose=Assignment.Purpose.IMPORTED), Q(state=Assignment.State.JUDGED)
    rows = (
        Assignment.objects.filter(seat__round=round)
        .order_by()
        .values_list("seat_id")
        .annotate(
            judged=Count("id", filter=judged & ~Q(purpose__in=Assignment.APART)),
            imported=Count("id", filter=judged & imported),
            claimed_at=Max("created_at", filter=~imported),
            ended_at=Max("closed_at", filter=~imported),
        )
    )
    return {
        seat: Tally(judged, imported, max((at for at in times if at), default=None))
        for seat, judged, imported, *times in rows
    }


def _tally(results: list[GoldResult]) -> tuple[int, int]:
    return sum(each.passed for each in results), len(results)


def _counted(round: Round) -> Any:
    return Judgment.objects.filter(seat__round=round, current=True).exclude(assignment__purpose__in=Assignment.APART)


def paces(round: Round) -> dict[int, Pace]:
    """By seat. The time measured in the page where there is one, else from claim to submit.

    The database ranks the times, so that one or two rows of each seat are read and not every judgment."""
    timed = (
        _counted(round)
        .annotate(time=Coalesce("active_seconds", "seconds"))
        .filter(time__isnull=False)
        .annotate(
            rank=Window(RowNumber(), partition_by="seat_id", order_by="time"),
            n=Window(Count("id"), partition_by="seat_id"),
            total=Window(Sum("time"), partition_by="seat_id"),
        )
        .filter(rank__gte=F("n") / 2.0, rank__lte=F("n") / 2.0 + 1)
        .values_list("seat_id", "time", "n", "total")
    )
    middle: dict[int, list[float]] = defaultdict(list)
    sums = {}
    for seat, time, n, total in timed:
        middle[seat].append(time)
        sums[seat] = Worked(total, n)
    return {seat: Pace(median(times), sums[seat]) for seat, times in middle.items()}


def all_worked(rows: list[RaterRow]) -> Worked | None:
    known = [row.worked for row in rows if row.worked is not None]
    return Worked(sum(each.seconds for each in known), sum(each.timed for each in known)) if known else None


def median_of_all(rows: list[RaterRow]) -> float | None:
    """The middle one of the raters' medians: one slow afternoon does not move it."""
    values = [row.seconds for row in rows if row.seconds is not None]
    return median(values) if values else None


def side_counts(round: Round) -> dict[int, Sides]:
    """By seat, over preferences by the position shown: negative is the left answer."""
    counted = (
        Rating.objects.filter(
            judgment__seat__round=round,
            judgment__current=True,
            judgment__assignment__order_known=True,
            criterion__type="preference",
            number__isnull=False,
        )
        .exclude(judgment__assignment__purpose=Assignment.Purpose.TRAINING)
        .values("judgment__seat_id")
        .annotate(
            a=Count("id", filter=Q(number__lt=0)),
            b=Count("id", filter=Q(number__gt=0)),
            ties=Count("id", filter=Q(number=0)),
        )
    )
    return {row["judgment__seat_id"]: Sides(row["a"], row["b"], row["ties"]) for row in counted}


def all_sides(rows: list[RaterRow]) -> Sides:
    return Sides(sum(r.sides.a for r in rows), sum(r.sides.b for r in rows), sum(r.sides.ties for r in rows))


def _of(round: Round) -> Exists:
    """Asked of each row from the newest down until the list is full: a join would first gather all assignments."""
    return Exists(Assignment.objects.filter(pk=OuterRef("assignment"), seat__round=round))


def open_flags(round: Round) -> list[Flag]:
    return list(
        Flag.objects.filter(_of(round), resolved_at=None)
        .select_related("assignment__seat__rater__user", "assignment__task__item")
        .order_by("-id")[:LISTED]
    )


def comments(round: Round) -> list[Said]:
    """The newest first: those sent on their own, those sent with a judgment, and what was written back."""
    alone = (
        Comment.objects.filter(_of(round), erased_at=None)
        .select_related("assignment__seat__rater__user", "assignment__task__item")
        .order_by("-id")[:LISTED]
    )
    counting = Judgment.objects.filter(pk=OuterRef("judgment"), current=True, seat__round=round)
    within = (
        FreeText.objects.filter(Exists(counting), kind=FreeText.Kind.COMMENT, erased_at=None)
        .select_related("judgment__seat__rater__user", "judgment__assignment__task__item")
        .order_by("-id")[:LISTED]
    )
    said = [
        Said(c.created_at, c.assignment.seat.rater, c.assignment.task.item, c.text, c.assignment_id, c.from_rater)
        for c in alone
    ]
    said += [
        Said(
            t.judgment.submitted_at,
            t.judgment.seat.rater,
            t.judgment.assignment.task.item,
            t.text,
            t.judgment.assignment_id,
        )
        for t in within
    ]
    return sorted(said, key=lambda s: s.at, reverse=True)[:LISTED]


def new_items(round: Round) -> int:
    """Items with answers of the round's systems that came after it opened.

    Only a census takes them in: what a sample or a tag left out was left out on purpose."""
    if round.design != Round.Design.CENSUS or round.predecessor_id or round.options.get("sample", {}).get("tag"):
        return 0
    systems = RoundSystem.objects.filter(round=round).values("system_id")
    outputs = Output.objects.filter(item=OuterRef("pk"), system__in=systems, has_text=True, error="")
    # Of most items the round's own rows say that they are in it, and their outputs need not be looked up.
    inside = RoundItem.objects.filter(round=round, item=OuterRef("pk"))
    return Item.objects.filter(~Exists(inside), project=round.project_id).filter(Exists(outputs)).count()

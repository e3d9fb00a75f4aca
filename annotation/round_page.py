"""What the lead's page of a round shows beyond its progress: raters, flags, comments. Reads only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from django.db.models import Count, Max, OuterRef, Q, Subquery
from django.utils import timezone

from annotation.gold import GoldResult, gold_results
from annotation.models import (
    Assignment,
    Comment,
    Flag,
    FreeText,
    Judgment,
    RaterExclusion,
    Rating,
    Round,
    RoundSystem,
    Seat,
    Slot,
)
from annotation.pay import Worked
from annotation.services.round_tasks import items_with
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


def rater_rows(round: Round) -> list[RaterRow]:
    """Every seat of the round, the busiest first. The number of queries does not grow with the round."""
    imported = Q(assignments__purpose=Assignment.Purpose.IMPORTED)
    apart = Q(assignments__purpose__in=Assignment.APART)
    judged = Q(assignments__state=Assignment.State.JUDGED)
    seats = (
        Seat.objects.filter(round=round)
        .select_related("rater__user")
        .annotate(
            judged=Count("assignments", filter=judged & ~apart),
            imported=Count("assignments", filter=judged & imported),
            claimed_at=Max("assignments__created_at", filter=~imported),
            closed_at=Max("assignments__closed_at", filter=~imported),
        )
    )
    times = _seconds(round)
    sides = side_counts(round)
    standing = RaterExclusion.objects.filter(seat__round=round, lifted_at__isnull=True)
    excluded = dict(standing.values_list("seat_id", "reason"))
    held = dict(
        Slot.objects.filter(round=round, state=Slot.State.LEASED, lease_until__gt=timezone.now())
        .annotate(seat=Subquery(Assignment.objects.filter(pk=OuterRef("holder")).values("seat_id")))
        .annotate(since=Subquery(Assignment.objects.filter(pk=OuterRef("holder")).values("created_at")))
        .values_list("seat", "since")
    )
    asked = _counted(round).filter(events__has_key="warned").order_by().values_list("seat_id")
    hasty = dict(asked.annotate(n=Count("id")))
    gold = gold_results([seat.pk for seat in seats]) if round.gold_rate else {}
    rows = [
        RaterRow(
            seat=seat,
            judged=seat.judged,
            imported=seat.imported,
            seconds=median(times[seat.pk]) if seat.pk in times else None,
            worked=Worked(sum(times[seat.pk]), len(times[seat.pk])) if seat.pk in times else None,
            last_seen=max((t for t in (seat.claimed_at, seat.closed_at) if t), default=None),
            sides=sides.get(seat.pk, Sides()),
            gold=_tally(gold.get(seat.pk, [])),
            hasty=hasty.get(seat.pk, 0),
            held_since=held.get(seat.pk),
            excluded=excluded.get(seat.pk, ""),
        )
        for seat in seats
    ]
    return sorted(rows, key=lambda row: (-row.judged - row.imported, row.seat.pk))


def _tally(results: list[GoldResult]) -> tuple[int, int]:
    return sum(each.passed for each in results), len(results)


def _counted(round: Round) -> Any:
    return Judgment.objects.filter(seat__round=round, current=True).exclude(assignment__purpose__in=Assignment.APART)


def _seconds(round: Round) -> dict[int, list[float]]:
    """By seat. The time measured in the page where there is one, else from claim to submit."""
    times: dict[int, list[float]] = defaultdict(list)
    for seat, active, elapsed in _counted(round).values_list("seat_id", "active_seconds", "seconds").iterator():
        seconds = active if active is not None else elapsed
        if seconds is not None:
            times[seat].append(seconds)
    return dict(times)


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


def open_flags(round: Round) -> list[Flag]:
    return list(
        Flag.objects.filter(assignment__seat__round=round, resolved_at=None)
        .select_related("assignment__seat__rater__user", "assignment__task__item")
        .order_by("-id")[:LISTED]
    )


def comments(round: Round) -> list[Said]:
    """The newest first: those sent on their own, those sent with a judgment, and what was written back."""
    alone = (
        Comment.objects.filter(assignment__seat__round=round, erased_at=None)
        .select_related("assignment__seat__rater__user", "assignment__task__item")
        .order_by("-id")[:LISTED]
    )
    within = (
        FreeText.objects.filter(
            judgment__seat__round=round, judgment__current=True, kind=FreeText.Kind.COMMENT, erased_at=None
        )
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
    outputs = Output.objects.filter(item__project_id=round.project_id, system__in=systems, has_text=True, error="")
    return items_with(outputs, round.project_id).exclude(id__in=round.round_items.values("item_id")).count()

"""Reads of rounds for their screens."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Value, When
from django.shortcuts import get_object_or_404

from annotation.models import Assignment, Comment, Judgment, RevisionRequest, Round, RoundItem, Seat, Slot, Task
from annotation.review_queue import unanswered
from annotation.selection import capped, with_checks
from annotation.services.eligibility import may_take, requirements_of
from projects.access import Action, visible_projects
from projects.models import Membership, Project
from projects.selectors import count_of
from projects.templatetags.numbers import number

MOST_SENT_BACK = 20  # listed at once; the others follow as these are answered


def round_of(project: Project, slug: str) -> Round:
    """The round behind an address of those who run or read rounds; who may be there has been asked already."""
    rows = Round.objects.select_related("project", "rubric_version__rubric", "guideline", "created_by", "baseline")
    return get_object_or_404(rows, project=project, slug=slug)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A round as its rater sees it on the home page."""

    round: Round
    judged: int
    open_slots: bool
    fits: bool = True  # false: nothing in it asks for what this rater can do
    total: int = 0  # tasks the rater may get, of those there are

    @property
    def minutes_left(self) -> str:
        """2 h 5 min, for all that is left; empty when nothing is."""
        seconds = (self.total - self.judged) * self.round.planned_seconds
        hours, minutes = divmod((seconds + 59) // 60, 60)
        if seconds <= 0:
            return ""
        return f"{number(hours)} h {minutes} min" if hours else f"{minutes} min"


def rounds_for_rater(user: Any) -> list[Waiting]:
    """Rounds the user may rate: open and paused ones, and closed ones in which the user has judged."""
    projects = visible_projects(user, Action.RATE)
    rounds = (
        Round.objects.filter(project__in=projects)
        .exclude(state=Round.State.DRAFT)
        .annotate(
            judged=Count(
                "seats__assignments",
                filter=Q(seats__rater__user=user, seats__assignments__state=Assignment.State.JUDGED)
                & ~Q(seats__assignments__purpose__in=Assignment.APART),
            )
        )
        .order_by("-opened_at", "-id")
    )
    shown = [r for r in rounds if r.state != Round.State.CLOSED or r.judged]
    ids = [r.pk for r in shown]
    waiting = set(
        Slot.objects.filter(round_id__in=ids, state__in=[Slot.State.OPEN, Slot.State.LEASED])
        .values_list("round_id", flat=True)
        .distinct()
    )
    asking = [r for r in shown if requirements_of(r).any]
    members = {m.project_id: m for m in Membership.objects.filter(user=user)} if asking else {}
    closed_to = {r.pk for r in asking if not may_take(r, members.get(r.project_id))}
    totals = _totals(shown, user)
    return [Waiting(r, r.judged, r.pk in waiting, r.pk not in closed_to, max(r.judged, totals[r.pk])) for r in shown]


def _totals(rounds: list[Any], user: Any) -> dict[int, int]:
    """How many tasks the user may meet in each round. Four queries, however many rounds there are."""

    def count(rows: QuerySet[Any]) -> dict[int, int]:
        counted = rows.filter(round__in=rounds).order_by().values_list("round_id")
        return dict(counted.annotate(n=Count("id")))

    normal, gold = count(Task.objects.filter(kind=Task.Kind.NORMAL)), count(Task.objects.filter(kind=Task.Kind.GOLD))
    items = count(RoundItem.objects.all())
    caps = dict(Seat.objects.filter(round__in=rounds, rater__user=user).values_list("round_id", "cap"))
    totals = {}
    for round in rounds:
        of = items if round.one_task_per_item else normal
        total = with_checks(of.get(round.pk, 0), gold.get(round.pk, 0), round.gold_rate, round.repeat_rate)
        totals[round.pk] = capped(total, caps.get(round.pk) or round.cap_per_rater)
    return totals


def messages_for(user: Any, n: int = 5) -> tuple[list[Comment], list[Comment]]:
    """What leads wrote to the user about tasks, where the user may still rate: those that send a judgment back, which
    wait to be answered, and the newest others."""
    waits = unanswered(RevisionRequest.objects.filter(assignment=OuterRef("assignment"), note=OuterRef("text")))
    open_ = ~Q(assignment__seat__round__state=Round.State.CLOSED) & ~Q(assignment__seat__state=Seat.State.CLOSED)
    rows: list[Any] = list(
        Comment.objects.filter(
            assignment__seat__rater__user=user,
            assignment__seat__round__project__in=visible_projects(user, Action.RATE),
            from_rater=False,
            erased_at=None,
        )
        .select_related("assignment__seat__round")
        .annotate(waits=Case(When(Exists(waits) & open_, then=Value(True)), default=Value(False)))
        .order_by("-waits", "-id")[: MOST_SENT_BACK + n]
    )
    sent_back = [row for row in rows if row.waits][:MOST_SENT_BACK]
    return sent_back, [row for row in rows if not row.waits][:n]


def median_seconds(seat: Seat) -> float | None:
    """Of the rater's own judgments: the time measured in the page where there is one, else from showing to sending."""
    rows = Judgment.objects.filter(seat=seat, current=True).exclude(assignment__purpose=Assignment.Purpose.TRAINING)
    pairs = rows.values_list("active_seconds", "seconds")
    times = [active if active is not None else seconds for active, seconds in pairs]
    known = [value for value in times if value is not None]
    return median(known) if known else None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a round is, in counts of slots."""

    wanted: int
    judged: int
    leased: int
    tasks: int
    tasks_done: int
    imported: int

    @property
    def left(self) -> int:
        return self.wanted - self.judged


def progress_of(round: Round) -> Progress:
    slots = round.slots.order_by()
    states = dict(slots.values_list("state").annotate(n=Count("id")))
    tasks = slots.aggregate(n=Count("task", distinct=True))["n"]
    waiting = slots.filter(state__in=[Slot.State.OPEN, Slot.State.LEASED])
    undone = waiting.aggregate(n=Count("task", distinct=True))["n"]
    judged = states.get(Slot.State.JUDGED, 0)
    leased = states.get(Slot.State.LEASED, 0)
    imported = Assignment.objects.filter(
        seat__round=round, purpose=Assignment.Purpose.IMPORTED, state=Assignment.State.JUDGED
    ).count()
    return Progress(
        wanted=judged + leased + states.get(Slot.State.OPEN, 0),
        judged=judged,
        leased=leased,
        tasks=tasks,
        tasks_done=tasks - undone,
        imported=imported,
    )


def rounds_of(project: Project) -> QuerySet[Round]:
    # Subqueries: joined and grouped, every slot would be sorted together with all that its round is.
    return (
        Round.objects.filter(project=project)
        .select_related("rubric_version__rubric")
        .annotate(
            n_wanted=count_of(Slot.objects.exclude(state=Slot.State.WITHDRAWN), "round"),
            n_judged=count_of(Slot.objects.filter(state=Slot.State.JUDGED), "round"),
        )
        .order_by("-id")
    )

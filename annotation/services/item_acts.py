"""What a lead does with many items at once: leave them out of new rounds and bring them back, put them first in a
round, add them to one. Each act has a plan, which a page shows before; the act refuses where that has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Max, Min, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from annotation.models import Round, RoundItem, Slot, Task
from annotation.services.reasons import reason_given
from annotation.services.round_tasks import could_come, sample_of, take_items, wanted_tasks
from annotation.services.rounds import why_no_items
from annotation.services.slots import search_anew
from annotation.strategies import JUMP, STRATEGIES, WALK
from projects import audit
from projects.errors import ServiceError
from projects.models import Item, ItemExclusion, Project
from projects.services.tagging import items_tag

BATCH = 2000
REASON_MAX = 500


# --- Out of new rounds, and back ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Going:
    """A round that has opened with some of the items, and goes on asking for them."""

    round: Round
    items: int
    places: int  # judgments of these items that are still wanted


@dataclass(frozen=True, slots=True)
class Leaving:
    chosen: int
    out: int  # left out already
    going: tuple[Going, ...]
    drafts: int

    @property
    def changed(self) -> int:
        return self.chosen - self.out


def leaving(project: Project, items: QuerySet[Item]) -> Leaving:
    """What leaving the items out means. Five queries."""
    keys = items.order_by().values("pk")
    standing = ItemExclusion.standing().filter(item__in=keys).count()
    rounds = {row.pk: row for row in Round.objects.filter(project=project, state__in=Round.GOING).order_by("-pk")}
    inside = RoundItem.objects.filter(round__in=rounds, item__in=keys).order_by().values("round")
    places = Slot.objects.filter(round__in=rounds, task__item__in=keys, state=Slot.State.OPEN).order_by()
    wanted = dict(places.values_list("round").annotate(n=Count("pk")))
    counts = dict(inside.annotate(n=Count("pk")).values_list("round", "n"))
    return Leaving(
        items.count(),
        standing,
        tuple(Going(row, counts[pk], wanted.get(pk, 0)) for pk, row in rounds.items() if pk in counts),
        Round.objects.filter(project=project, state=Round.State.DRAFT).count(),
    )


@transaction.atomic
def items_exclude(*, project: Project, items: QuerySet[Item], reason: str, agreed: int, actor: Any) -> int:
    """Leave items out of the rounds that open from now on. Returns how many were not out already."""
    reason = reason_given(reason, REASON_MAX, gettext("Say why these items are left out: it stands on their pages."))
    chosen = Item.objects.select_for_update(of=("self",)).filter(project=project, pk__in=items.order_by().values("pk"))
    new = chosen.exclude(pk__in=ItemExclusion.standing().values("item"))
    keys = list(new.order_by("pk").values_list("pk", flat=True))
    _as_agreed(len(keys), agreed)
    ItemExclusion.objects.bulk_create(
        [ItemExclusion(item_id=pk, reason=reason, excluded_by=actor) for pk in keys], batch_size=BATCH
    )
    _record(project, actor, "items.exclude", len(keys))
    return len(keys)


@transaction.atomic
def items_include(*, project: Project, items: QuerySet[Item], actor: Any) -> int:
    """Bring items back: rounds that open from now on take them again. Returns how many were out."""
    out = ItemExclusion.standing().filter(item__project=project, item__in=items.order_by().values("pk"))
    back = out.update(lifted_at=timezone.now(), lifted_by=actor)
    _record(project, actor, "items.include", back)
    return back


# --- Into a round ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Addition:
    """What adding items to a round would do; `why_not`: why nothing can be added."""

    round: Round
    chosen: int
    items: tuple[int, ...] = ()
    inside: int = 0  # of those chosen: in the round already
    tasks: int = 0
    tag: str = ""  # what a draft takes its items by: they get this tag
    why_not: str = ""

    @property
    def added(self) -> int:
        return len(self.items)

    @property
    def unfit(self) -> int:
        """Left out, or without an answer of the round's systems."""
        return self.chosen - self.inside - self.added

    @property
    def judgments(self) -> int:
        return self.tasks * self.round.overlap

    @property
    def hours(self) -> float:
        return self.judgments * self.round.planned_seconds / 3600


def addition(row: Round, items: QuerySet[Item]) -> Addition:
    count, tag = items.count(), sample_of(row).tag if row.state == Round.State.DRAFT else ""
    why = _why_not_added(row, tag)
    if why:
        return Addition(row, count, why_not=why)
    keys = items.order_by().values("pk")
    inside = Item.objects.filter(project=row.project_id, pk__in=keys)
    inside = inside.filter(tags__tag=tag) if tag else inside.filter(pk__in=row.round_items.values("item_id"))
    new = could_come(row).filter(pk__in=keys)
    if tag:
        new = new.exclude(tags__tag=tag)
    found = tuple(new.order_by("pk").values_list("pk", flat=True).distinct())
    return Addition(row, count, found, inside.count(), _tasks_of(row, found), tag)


def _why_not_added(row: Round, tag: str) -> str:
    if row.state == Round.State.CLOSED:
        return gettext("The round is closed: it takes no more judgments.")
    if row.state == Round.State.DRAFT and not (tag or why_no_items(row)):
        return gettext(
            "This draft takes every item that has answers of its systems when it opens, so these come by themselves."
        )
    return why_no_items(row)


def _tasks_of(row: Round, new: Sequence[int]) -> int:
    """How many tasks come that are not there yet."""
    if not new:
        return 0
    known = set(row.tasks.values_list("key", flat=True))
    have = list(row.round_items.values_list("item_id", flat=True))
    return sum(key not in known for key, *_ in wanted_tasks(row, [*have, *new]))


@transaction.atomic
def items_add(*, round: Round, items: QuerySet[Item], agreed: int, actor: Any) -> Addition:
    """Add items to an open or paused census, or to what a draft takes by its tag."""
    row = Round.objects.select_for_update(of=("self",)).select_related("project").get(pk=round.pk)
    plan = addition(row, items)
    if plan.why_not:
        raise ServiceError(plan.why_not)
    _as_agreed(plan.added, agreed)
    new = Item.objects.filter(pk__in=plan.items)
    if plan.tag:
        items_tag(project=row.project, items=new, tag=plan.tag, actor=actor)
    else:
        take_items(row, new)
        search_anew(row)  # what is new stands behind every cursor
    payload = {"items": plan.added, "tasks": plan.tasks}
    audit.record(project=row.project, actor=actor, verb="round.add", target=f"round:{row.pk}", payload=payload)
    return plan


# --- First in a round -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Priority:
    """What putting items first in a round would do; `why_not`: why none can go first there."""

    round: Round
    tasks: int = 0
    places: int = 0  # judgments that would be asked for first
    why_not: str = ""


def priority(row: Round, items: QuerySet[Item]) -> Priority:
    if why := _why_not_first(row):
        return Priority(row, why_not=why)
    of = _places(row, items).filter(state=Slot.State.OPEN)
    found = of.aggregate(tasks=Count("task", distinct=True), places=Count("pk"))
    return Priority(row, found["tasks"], found["places"])


def _why_not_first(row: Round) -> str:
    if row.state not in Round.GOING:
        return gettext("Tasks can be put first while a round is open or paused.")
    take = STRATEGIES[row.strategy].take
    if take == WALK:
        return ""
    if take == JUMP:
        return gettext("This round gives its tasks at random: each is drawn by chance, so none can go first.")
    return gettext(
        "This round gives what is most uncertain first, and works that out anew from the judgments, "
        "so nothing else can go first."
    )


def _places(row: Round, items: QuerySet[Item]) -> QuerySet[Slot]:
    tasks = Task.objects.filter(round=row, kind=Task.Kind.NORMAL, item__in=items.order_by().values("pk"))
    return row.slots.filter(task__in=tasks.values("pk"))


@transaction.atomic
def items_first(*, round: Round, items: QuerySet[Item], agreed: int, actor: Any) -> Priority:
    """The open tasks of these items come before all others, in the order they had among themselves. Each rater walks
    back to them. All places of a task move together, for they share their position."""
    row = Round.objects.select_for_update(of=("self",)).select_related("project").get(pk=round.pk)
    plan = priority(row, items)
    if plan.why_not:
        raise ServiceError(plan.why_not)
    _as_agreed(plan.tasks, agreed)
    opened = _places(row, items).filter(state=Slot.State.OPEN)
    last = opened.aggregate(last=Max("pos"))["last"]
    first = row.slots.aggregate(first=Min("pos"))["first"]
    if last is not None and first is not None:
        tasks = list(opened.order_by().values_list("task_id", flat=True).distinct())
        for start in range(0, len(tasks), BATCH):
            moved = row.slots.filter(task__in=tasks[start : start + BATCH])
            moved.update(pos=F("pos") - (last - first + 1))
        search_anew(row, row.slots.aggregate(first=Min("pos"))["first"])
    payload = {"tasks": plan.tasks}
    audit.record(project=row.project, actor=actor, verb="round.first", target=f"round:{row.pk}", payload=payload)
    return plan


def _as_agreed(now: int, agreed: int) -> None:
    """What is done is what was asked about."""
    if not now:
        raise ServiceError(gettext("None of the items chosen would change, so nothing was done."))
    if now != agreed:
        raise ServiceError(
            gettext("It would be %(now)s now instead of %(agreed)s, so nothing was changed. Look at the plan again.")
            % {"now": f"{now:,}", "agreed": f"{agreed:,}"}
        )


def _record(project: Project, actor: Any, verb: str, items: int) -> None:
    if items:
        audit.record(project=project, actor=actor, verb=verb, target=f"project:{project.pk}", payload={"items": items})

"""What the list of items can be asked about their judging. Reads only; the app puts it where the list finds it."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, Exists, F, FloatField, IntegerField, Max, Min, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Concat, Substr

from annotation.models import Assignment, Flag, RaterExclusion, Rating
from projects.item_filter import WORK, Work
from projects.models import Item, ItemExclusion

# Work on the round's tasks, by people of the round or from files: training and repeats say nothing about an item.
COUNTED = (Assignment.Purpose.NORMAL, Assignment.Purpose.IMPORTED)


def _judged() -> QuerySet[Assignment]:
    return Assignment.objects.filter(task__item=OuterRef("pk"), state=Assignment.State.JUDGED, purpose__in=COUNTED)


def _flagged() -> QuerySet[Flag]:
    return Flag.objects.filter(assignment__task__item=OuterRef("pk"), resolved_at=None)


def apart(within: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    """Items of these projects (as `judgment__assignment__task__item`) about which two raters of one task gave different
    answers to one question about one output, whichever side it was shown on. Not compared: marked passages, and orders
    of several."""
    order, target = F("judgment__assignment__shown_order"), F("target")
    place = Cast(Substr(target, 2, 1), IntegerField()) + 1
    about = Case(
        When(target__startswith="o", then=Concat(Substr(order, place, 1), Substr(target, 3))),
        default=target,
    )
    # A preference counts from the first output; its words follow the sides, so the number stands for it.
    number = Case(
        When(criterion__type="preference", judgment__assignment__shown_order="10", then=-F("number")),
        default=F("number"),
        output_field=FloatField(),
    )
    sided = Q(criterion__type="preference", number__isnull=False) & ~Q(number=0)
    label = Case(When(sided, then=Value("")), default=F("label"))
    left_out = RaterExclusion.objects.filter(lifted_at=None)
    return (
        Rating.objects.filter(
            judgment__assignment__task__item__project__in=within,
            judgment__current=True,
            judgment__assignment__purpose__in=COUNTED,
            judgment__assignment__state=Assignment.State.JUDGED,
            cannot_judge=False,
            data__isnull=True,
        )
        .exclude(judgment__seat__in=left_out.values("seat"))
        .annotate(about=about, answer=number, said=label)
        .order_by()
        .values("judgment__assignment__task__item", "judgment__assignment__task", "criterion", "about")
        .annotate(low=Min("answer"), high=Max("answer"), first=Min("said"), last=Max("said"))
        .filter(Q(low__lt=F("high")) | Q(first__lt=F("last")))
    )


def _disagreed(items: QuerySet[Item]) -> QuerySet[Item]:
    # Worked out once, for the items of the project: asked of each item it would be grouped again and again.
    projects = items.order_by().values("project").distinct()
    return items.filter(pk__in=apart(projects).values("judgment__assignment__task__item"))


WORK.update(
    {
        "none": Work("Not judged yet", lambda items: items.filter(~Exists(_judged()))),
        "judged": Work("Judged", lambda items: items.filter(Exists(_judged()))),
        "apart": Work("Raters answered differently", _disagreed),
        "out": Work(
            "Left out of new rounds",
            lambda items: items.filter(Exists(ItemExclusion.standing().filter(item=OuterRef("pk")))),
        ),
        "flagged": Work("With an open flag", lambda items: items.filter(Exists(_flagged()))),
    }
)

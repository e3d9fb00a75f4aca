"""Reads that join or count. A list page costs the same number of queries at any size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import (
    Avg,
    Case,
    Count,
    Exists,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.formats import date_format

from projects.access import Action, roles_with, visible_projects
from projects.item_filter import WORK, ItemFilter
from projects.models import (
    AutomatedScore,
    ImportBatch,
    Invitation,
    Item,
    ItemExclusion,
    ItemRevision,
    ItemTag,
    Membership,
    Metric,
    Output,
    OutputRevision,
    Project,
    Role,
    System,
)

if TYPE_CHECKING:
    from accounts.models import User

EXCERPT = 160
TAGS_LISTED = 200
BATCHES_LISTED = 100  # the newest
ROLE_ORDER = [Role.LEAD, Role.REVIEWER, Role.RATER, Role.VIEWER]


def count_of(rows: QuerySet[Any], key: str, *, outer: str = "pk") -> Coalesce:
    """How many of `rows` belong to the outer row. A subquery: joins would multiply the counts."""
    counted = rows.filter(**{key: OuterRef(outer)}).order_by().values(key).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def projects_home(user: User) -> QuerySet[Project]:
    """The projects a person sees, each with the person's role and what it holds."""
    role = Membership.objects.filter(project=OuterRef("pk"), user_id=user.pk).values("role")[:1]
    return visible_projects(user).annotate(
        role=Subquery(role),
        n_items=count_of(Item.objects.all(), "project"),
        n_systems=count_of(System.objects.all(), "project"),
        n_members=count_of(Membership.objects.all(), "project"),
    )


def rates_somewhere(user: User) -> bool:
    """Whether the person has anything to do on the rater's side."""
    return Membership.objects.filter(user_id=user.pk, role__in=roles_with(Action.RATE)).exists()


def members(project: Project) -> QuerySet[Membership]:
    order = Case(*[When(role=role, then=Value(n)) for n, role in enumerate(ROLE_ORDER)], default=Value(9))
    return (
        Membership.objects.filter(project=project).select_related("user").order_by(order, "user__name", "user__email")
    )


def invitations_pending(project: Project) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        project=project, accepted_at=None, revoked_at=None, expires_at__gt=timezone.now()
    ).select_related("invited_by")


def excerpt(messages: Sequence[Mapping[str, Any]], limit: int = EXCERPT) -> str:
    """The last thing the user said, in one line: what tells items apart in a list. Of questions in a row the first."""
    said = {n for n, m in enumerate(messages) if isinstance(m, Mapping) and m.get("role") == "user"}
    last = max(said, default=len(messages) - 1)
    while last - 1 in said:
        last -= 1
    content = messages[last].get("content") if messages and isinstance(messages[last], Mapping) else ""
    if isinstance(content, list):
        parts = [p.get("text") if isinstance(p, Mapping) else p for p in content]
        content = " ".join(p for p in parts if isinstance(p, str))
    line = " ".join(str(content or "")[: limit * 4].split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def items(project: Project, asked: ItemFilter | None = None) -> QuerySet[Item]:
    """Items in import order."""
    rows = Item.objects.filter(project=project)
    return (rows if asked is None else asked.of(rows)).order_by("pk")


def items_shown(page: QuerySet[Item]) -> QuerySet[Item]:
    """Those of one page with their tags, outputs counted, whether they are left out, and the text of the current
    revision. Asked of the page alone: PostgreSQL would count the outputs of all that come before it as well."""
    revisions = ItemRevision.objects.filter(current=True).only("item_id", "messages")
    return (
        Item.objects.filter(pk__in=page.values("pk"))
        .annotate(
            n_outputs=count_of(Output.objects.all(), "item"),
            left_out=Exists(ItemExclusion.standing().filter(item=OuterRef("pk"))),
        )
        .prefetch_related("tags", Prefetch("revisions", queryset=revisions))
        .order_by("pk")
    )


def tags(project: Project) -> list[str]:
    rows = ItemTag.objects.filter(item__project=project).values_list("tag", flat=True)
    return list(rows.distinct().order_by("tag")[:TAGS_LISTED])


def filter_choices(project: Project) -> dict[str, list[tuple[str, str]]]:
    """What items of the project can be filtered by beside id, words and tag. Four queries."""
    batches = ImportBatch.objects.filter(project=project, state=ImportBatch.State.DONE)[:BATCHES_LISTED]
    languages = Item.objects.filter(project=project).exclude(language="").order_by("language")
    metrics = Metric.objects.filter(project=project, kind__in=[Metric.Kind.NUMBER, Metric.Kind.BOOL]).order_by("key")
    return {
        "system": [
            (str(row.pk), row.label) for row in System.objects.filter(project=project).order_by("name", "version")
        ],
        "batch": [(str(row.pk), f"{row.file_name}, {date_format(row.created_at)}") for row in batches],
        "language": [(each, each) for each in languages.values_list("language", flat=True).distinct()],
        "metric": [(str(row.pk), row.key) for row in metrics],
        "work": [(key, each.label) for key, each in WORK.items()],
    }


def item_outputs(item: Item) -> QuerySet[Output]:
    """The outputs of one item with systems, revisions (newest first) and scores."""
    scores = AutomatedScore.objects.select_related("metric", "output_b__system").order_by("metric__key", "pk")
    return (
        Output.objects.filter(item=item)
        .select_related("system")
        .prefetch_related(
            Prefetch("revisions", queryset=OutputRevision.objects.order_by("-revision")),
            Prefetch("scores", queryset=scores),
        )
        .order_by("system__name", "system__version", "variant", "repeat", "pk")
    )


@dataclass(frozen=True)
class MetricRow:
    metric: Metric
    n: int
    missing: int
    mean: float | None
    unscored: int | None  # outputs without any row of this metric; None where it scores pairs or whole runs


def metric_rows(project: Project) -> list[MetricRow]:
    """Each metric with how much it covers. A mean is given for numbers and for yes or no (a share) only."""
    value = Q(scores__number__isnull=False) | ~Q(scores__label="")
    single = Q(scores__output__isnull=False, scores__output_b__isnull=True)
    automated = Metric.objects.filter(project=project).exclude(source=Metric.Source.HUMAN)
    rows = automated.annotate(
        n=Count("scores", filter=Q(scores__missing_reason="") & value),
        missing=Count("scores", filter=~Q(scores__missing_reason="")),
        other=Count("scores", filter=~single),
        covered=Count("scores__output", distinct=True, filter=single),
        mean=Avg("scores__number", filter=Q(scores__missing_reason="")),
    )
    outputs = Output.objects.filter(item__project=project).count()
    return [_metric_row(row, outputs) for row in rows]


def answers_of_people(project: Project) -> int:
    """What people answered in the files of tools: it is no automated score, and no judgment until a round takes it."""
    human = Q(metric__project=project, metric__source=Metric.Source.HUMAN, missing_reason="")
    return AutomatedScore.objects.filter(human).count()


def _metric_row(row: Any, outputs: int) -> MetricRow:
    averaged = row.kind in (Metric.Kind.NUMBER, Metric.Kind.BOOL)
    return MetricRow(
        metric=row,
        n=row.n,
        missing=row.missing,
        mean=row.mean if averaged else None,
        unscored=outputs - row.covered if not row.other else None,
    )

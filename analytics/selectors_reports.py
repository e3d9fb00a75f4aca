"""Reads of reports for their list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.urls import reverse

from analytics.digests import short
from analytics.models import Report, ReportRun
from annotation.models import Adjudication, Round
from projects.models import Item, Project
from projects.selectors import count_of


@dataclass(frozen=True)
class RoundLine:
    round: Round
    n_judgments: int
    n_finals: int  # final answers of reviewers
    newest: Report | None
    run: int | None  # of a report that is being built


@dataclass(frozen=True)
class ReportLine:
    report: Report
    round_name: str
    headline: str
    interim: bool
    digest: str


def round_lines(project: Project) -> list[RoundLine]:
    counted = Count("seats__judgments", filter=Q(seats__judgments__current=True))
    finals = count_of(Adjudication.objects.filter(current=True, unsettled=False), "task__round")
    running = ReportRun.objects.filter(round=OuterRef("pk"), state=ReportRun.State.RUNNING).values("pk")
    rows = Round.objects.filter(project=project).annotate(n_judgments=counted, n_finals=finals)
    rounds = list(rows.annotate(run=Subquery(running[:1])).order_by("-id"))
    newest: dict[int, Report] = {}
    for report in Report.objects.filter(round__project=project).defer("body").order_by("number"):
        newest[report.round_id] = report
    return [RoundLine(r, r.n_judgments, r.n_finals, newest.get(r.pk), r.run) for r in rounds]


def report_lines(project: Project) -> list[ReportLine]:
    """Newest first."""
    rows = with_headline(Report.objects.filter(round__project=project).select_related("round", "built_by"))
    return [
        ReportLine(row, row.round.name, str(row.headline), bool(row.interim), short(row.digest))
        for row in rows.order_by("-id")
    ]


def with_headline(rows: QuerySet[Report]) -> QuerySet[Any]:
    """Of each body only the two values that lists show are read: `headline` and `interim`."""
    return rows.defer("body").annotate(
        headline=KeyTextTransform("headline", KeyTransform("answer", "body")),
        interim=KeyTransform("interim", KeyTransform("round", "body")),
    )


def item_places(project: Project, names: set[str]) -> dict[str, str]:
    """The pages of items, by their names; a prompt family is found under the item it is named after."""
    rows = Item.objects.filter(project=project, external_id__in=names).values_list("external_id", "pk")
    return {name: reverse("projects:item", args=[project.slug, pk]) for name, pk in rows}

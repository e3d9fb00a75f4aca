"""The side nav of a project: what this person may open, with counts from one query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import template
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from analytics.models import Report
from annotation.models import Round
from projects.access import Action, allowed, role_of
from projects.models import Item, Membership, Metric, Output, Project
from projects.selectors import count_of
from rubrics.models import Rubric

register = template.Library()


@dataclass(frozen=True)
class Entry:
    key: str
    label: str
    url: str
    count: int | None = None


# key, label, url name, who sees it. The key is what views pass as `nav`.
MAIN = [
    ("overview", gettext_noop("Overview"), "analytics:overview", Action.VIEW),
    ("import", gettext_noop("Import"), "projects:import", Action.IMPORT),
    ("items", gettext_noop("Items"), "projects:items", Action.VIEW),
    ("rubrics", gettext_noop("Rubrics"), "rubrics:list", Action.VIEW),
    ("rounds", gettext_noop("Rounds"), "annotation:rounds", Action.VIEW),
    ("reports", gettext_noop("Reports"), "analytics:reports", Action.VIEW),
]
SET_UP = [
    ("people", gettext_noop("People"), "projects:people", Action.PEOPLE),
    ("metrics", gettext_noop("Automated scores"), "projects:metrics", Action.VIEW),
    ("settings", gettext_noop("Settings"), "projects:settings", Action.SETTINGS),
]


def counts(project: Project) -> dict[str, int]:
    row: Mapping[str, Any] = (
        Project.objects.filter(pk=project.pk)
        .annotate(
            # By their systems, which are few: by their items every item would be looked up.
            import_=count_of(Output.objects.all(), "system__project"),
            items_=count_of(Item.objects.all(), "project"),
            rubrics_=count_of(Rubric.objects.all(), "project"),
            rounds_=count_of(Round.objects.all(), "project"),
            reports_=count_of(Report.objects.all(), "round__project"),
            people_=count_of(Membership.objects.all(), "project"),
            metrics_=count_of(Metric.objects.all(), "project"),
        )
        .values("import_", "items_", "rubrics_", "rounds_", "reports_", "people_", "metrics_")
        .get()
    )
    return {key.rstrip("_"): n for key, n in row.items()}


@register.inclusion_tag("analytics/_sidenav.html", takes_context=True)
def project_nav(context: template.Context) -> dict[str, Any]:
    project, user = context["project"], context["request"].user
    role, found = role_of(user, project), counts(project)

    def entries(rows: list[tuple[str, str, str, Action]]) -> list[Entry]:
        return [
            Entry(key, gettext(label), reverse(name, args=[project.slug]), found.get(key))
            for key, label, name, action in rows
            if allowed(role, action)
        ]

    return {"main": entries(MAIN), "set_up": entries(SET_UP), "nav": context.get("nav", "")}

"""Built-in checks: choose them, set them, watch them run."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from projects.access import Action, get_project
from projects.checks import CHECKS
from projects.errors import ServiceError
from projects.models import ImportBatch, Project, System
from projects.services.checking import FORMAT, checks_cancel, checks_enqueue, wanted_from
from projects.views.telling import telling

_LISTED = 20


@login_required
@require_http_methods(["GET", "POST"])
def checks(request: HttpRequest, project: str) -> HttpResponse:
    row = get_project(request.user, project, Action.IMPORT)
    problem = field = ""
    if request.method == "POST":
        try:
            wanted = wanted_from(_chosen(request.POST))
            checks_enqueue(project=row, checks=wanted, systems=_systems(row, request.POST), actor=request.user)
        except ServiceError as refusal:
            problem, field = refusal.message, refusal.field or ""
        else:
            messages.success(request, gettext("The checks are under way. You can leave this page; the work goes on."))
            return redirect("projects:checks", row.slug)
    context = {
        "project": row,
        "nav": "metrics",
        "checks": [_shown(key, request.POST, field) for key in CHECKS],
        "systems": _listed_systems(row, request.POST),
        "problem": problem,
        **_runs(row),
    }
    if request.htmx:  # type: ignore[attr-defined]  # set by the middleware of django-htmx
        if not context["running"]:
            return HttpResponseClientRefresh()
        return render(request, "projects/_check_runs.html", context)
    return render(request, "projects/checks.html", context, status=422 if problem else 200)


@login_required
@require_POST
def checks_stop(request: HttpRequest, project: str, batch: int) -> HttpResponse:
    row = get_project(request.user, project, Action.IMPORT)
    found = get_object_or_404(ImportBatch, project=row, pk=batch, format=FORMAT)
    with telling(request, gettext("The checks are cancelled. Scores given until then stay.")):
        checks_cancel(batch=found)
    return redirect("projects:checks", row.slug)


def _runs(project: Project) -> dict[str, Any]:
    runs = list(ImportBatch.objects.filter(project=project, format=FORMAT).select_related("created_by")[:_LISTED])
    return {"runs": runs, "running": any(run.state == ImportBatch.State.RUNNING for run in runs)}


def _chosen(post: QueryDict) -> list[dict[str, Any]]:
    return [
        {
            "check": key,
            "name": post.get(f"{key}.name", ""),
            "options": {each.key: post.get(f"{key}.{each.key}", "no" if each.default == "no" else "")
                        for each in CHECKS[key].options},
        }
        for key in post.getlist("check")
        if key in CHECKS
    ]  # fmt: skip


def _systems(project: Project, post: QueryDict) -> list[int]:
    ids = {int(pk) for pk in post.getlist("system") if pk.isdigit() and len(pk) < 19}
    known = set(System.objects.filter(project=project).values_list("pk", flat=True))
    return [] if ids >= known else sorted(ids & known)


def _listed_systems(project: Project, post: QueryDict) -> list[dict[str, Any]]:
    chosen = set(post.getlist("system"))
    return [
        {"system": system, "chosen": not post or str(system.pk) in chosen}
        for system in System.objects.filter(project=project)
    ]


def _shown(key: str, post: QueryDict, field: str) -> dict[str, Any]:
    """A check with its options as the form shows them: as they were sent, else by default."""
    check = CHECKS[key]
    return {
        "check": check,
        "chosen": key in post.getlist("check"),
        "name": post.get(f"{key}.name", ""),
        "name_wrong": field == f"{key}.name",
        "options": [
            {
                "option": each,
                "id": f"{key}.{each.key}",
                "value": post.get(f"{key}.{each.key}", "" if post else each.default),
                "is_yes": each.default == "no",
                "wrong": field == f"{key}.{each.key}",
            }
            for each in check.options
        ],
    }

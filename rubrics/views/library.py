"""The library: rubrics to start from, those of the product and those that other projects share."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from projects.access import Action, can, get_project
from projects.errors import ServiceError
from rubrics import services
from rubrics.library import entries, entry_named
from rubrics.selectors import shared_rubrics, spec_of
from rubrics.views import shared


@login_required
@require_safe
def library(request: HttpRequest, project: str) -> HttpResponse:
    row = get_project(request.user, project, Action.VIEW)
    context = {"project": row, "nav": "rubrics", "tab": "library", "entries": entries(), "shared": shared_rubrics()}
    return render(request, "rubrics/library.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def shared_entry(request: HttpRequest, project: str, shared_rubric: str) -> HttpResponse:
    """A rubric that another project shares (GET); a draft of it in this one (POST)."""
    row = get_project(request.user, project, Action.DESIGN if request.method == "POST" else Action.VIEW)
    found = next((version for version in shared_rubrics() if version.rubric.slug == shared_rubric), None)
    if found is None:
        raise Http404("There is no such page, or you may not see it.")
    if request.method == "POST":
        made = services.rubric_copy(version=found, project=row, actor=request.user, with_examples=True)
        messages.success(request, f"“{made.rubric.name}” is yours now, as a draft. Change what you like.")
        return redirect("rubrics:edit", row.slug, made.rubric.slug)
    spec = spec_of(found)
    context = {
        "project": row,
        "nav": "rubrics",
        "tab": "library",
        "version": found,
        "spec": spec,
        "listed": shared.listed(spec),
        "may_design": can(request.user, Action.DESIGN, row),
    }
    return render(request, "rubrics/library_shared.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def entry(request: HttpRequest, project: str, name: str) -> HttpResponse:
    """One rubric of the library as raters would see it (GET); a draft of it in the project (POST)."""
    row = get_project(request.user, project, Action.DESIGN if request.method == "POST" else Action.VIEW)
    try:
        found = entry_named(name)
    except ServiceError as error:
        raise Http404("There is no such page, or you may not see it.") from error
    if request.method == "POST":
        made = services.rubric_start(project=row, spec=found.rubric, actor=request.user)
        messages.success(request, f"“{made.rubric.name}” is yours now, as a draft. Change what you like.")
        return redirect("rubrics:edit", row.slug, made.rubric.slug)
    context = {
        "project": row,
        "nav": "rubrics",
        "tab": "library",
        "entry": found,
        "spec": found.rubric,
        "listed": shared.listed(found.rubric),
        "may_design": can(request.user, Action.DESIGN, row),
    }
    return render(request, "rubrics/library_entry.html", context)

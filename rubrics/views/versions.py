"""Versions: read one, publish the draft, drop it, begin the next."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from projects.access import Action, can, get_project, may_share
from projects.errors import ServiceError
from projects.views.telling import telling
from rubrics import services
from rubrics.completeness import missing
from rubrics.lints import lint
from rubrics.models import RubricVersion
from rubrics.selectors import spec_of
from rubrics.views import shared
from rubrics.views.desk import whole


@login_required
@require_safe
def versions(request: HttpRequest, project: str, rubric: str) -> HttpResponse:
    row = get_project(request.user, project, Action.VIEW)
    found = shared.rubric_of(row, rubric)
    context = shared.context_of(
        found,
        "versions",
        versions=shared.versions_of(found),
        version=shared.newest_of(found),
        may_design=can(request.user, Action.DESIGN, row),
    )
    return render(request, "rubrics/versions.html", context)


@login_required
@require_safe
def version(request: HttpRequest, project: str, rubric: str, number: int) -> HttpResponse:
    row = get_project(request.user, project, Action.VIEW)
    found = shared.rubric_of(row, rubric)
    one = get_object_or_404(found.versions.select_related("rubric", "published_by"), number=number)
    may_design = can(request.user, Action.DESIGN, row)
    context = shared.context_of(found, "versions", may_design=may_design, **shared.shown_version(one))
    context["may_share"] = may_design and may_share(request.user)
    return render(request, "rubrics/version.html", context)


@login_required
@require_safe
def changes(request: HttpRequest, project: str, rubric: str) -> HttpResponse:
    """Any two versions word by word, and what each change means for comparing figures."""
    row = get_project(request.user, project, Action.VIEW)
    found = shared.rubric_of(row, rubric)
    listed = shared.versions_of(found)
    older, newer = _chosen(request, listed)
    context = shared.context_of(found, "versions", versions=listed, older=older, newer=newer)
    if older is not None and newer is not None:
        context |= shared.shown_changes(spec_of(older), spec_of(newer))
    return render(request, "rubrics/changes.html", context)


def _chosen(request: HttpRequest, listed: list[RubricVersion]) -> tuple[RubricVersion | None, RubricVersion | None]:
    """The two versions that the address names; those it does not name are the newest and the one before."""
    known = {version.number: version for version in listed}
    newer = known.get(whole(request.GET.get("to")), listed[0])
    before = next((version for version in listed if version.number < newer.number), None)
    return known.get(whole(request.GET.get("from")), before), newer


@login_required
@require_POST
def archive(request: HttpRequest, project: str, rubric: str, number: int) -> HttpResponse:
    return _put(request, project, rubric, number, services.version_archive, "archived: no new round can choose it")


@login_required
@require_POST
def restore(request: HttpRequest, project: str, rubric: str, number: int) -> HttpResponse:
    return _put(request, project, rubric, number, services.version_restore, "back: rounds can choose it again")


def _put(
    request: HttpRequest, project: str, rubric: str, number: int, act: Callable[..., object], done: str
) -> HttpResponse:
    row = get_project(request.user, project, Action.DESIGN)
    found = shared.rubric_of(row, rubric)
    one = get_object_or_404(found.versions, number=number)
    with telling(request, f"Version {number} is {done}."):
        act(version=one, actor=request.user)
    return redirect("rubrics:versions", row.slug, found.slug)


@login_required
@require_POST
def draft(request: HttpRequest, project: str, rubric: str) -> HttpResponse:
    """The next version, as a draft that begins with what the newest one says."""
    row = get_project(request.user, project, Action.DESIGN)
    found = shared.rubric_of(row, rubric)
    made = services.draft_open(rubric=found, actor=request.user)
    messages.success(request, f"Version {made.number} is a draft now. Rounds keep the version they began with.")
    return redirect("rubrics:edit", row.slug, found.slug)


@login_required
@require_http_methods(["GET", "POST"])
def publish(request: HttpRequest, project: str, rubric: str) -> HttpResponse:
    """Says what freezes (GET), then publishes exactly what was shown (POST)."""
    row = get_project(request.user, project, Action.DESIGN)
    found = shared.rubric_of(row, rubric)
    one = shared.draft_of(found)
    if one is None:
        messages.error(request, "This rubric has no draft to publish: somebody published or dropped it a moment ago.")
        return redirect("rubrics:edit", row.slug, found.slug)
    if request.method == "POST":
        try:
            if whole(request.POST.get("edit")) != one.edit:
                raise ServiceError("Somebody changed this draft after you opened it. Look at it again, then publish.")
            services.version_publish(version=one, actor=request.user)
        except ServiceError as error:
            messages.error(request, error.message)
            return redirect("rubrics:publish", row.slug, found.slug)
        messages.success(request, f"Version {one.number} is published. Rounds can use it.")
        return redirect("rubrics:version", row.slug, found.slug, one.number)
    before = found.versions.filter(status=RubricVersion.Status.PUBLISHED).first()
    spec = spec_of(one)
    context = shared.context_of(
        found, "criteria", version=one, before=before, spec=spec, listed=shared.listed(spec), may_design=True
    )
    context["missing"] = missing(spec)
    broken = {gap.criterion for gap in context["missing"] if gap.field == "shown_after"}
    context["findings"] = [f for f in lint(spec) if not (f.code == "broken-condition" and f.criterion in broken)]
    if before is not None:
        context |= shared.shown_changes(spec_of(before), spec)
    return render(request, "rubrics/publish.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def drop(request: HttpRequest, project: str, rubric: str) -> HttpResponse:
    """Asks once (GET), then throws the draft away (POST)."""
    row = get_project(request.user, project, Action.DESIGN)
    found = shared.rubric_of(row, rubric)
    one = shared.draft_of(found)
    if one is None:
        messages.error(request, "This rubric has no draft to drop.")
        return redirect("rubrics:edit", row.slug, found.slug)
    only = not found.versions.exclude(pk=one.pk).exists()
    if request.method == "GET":
        context = shared.context_of(found, "criteria", version=one, only=only, listed=shared.listed(spec_of(one)))
        return render(request, "rubrics/drop.html", context)
    try:
        services.draft_drop(version=one, actor=request.user)
    except ServiceError as error:
        messages.error(request, error.message)
        return redirect("rubrics:edit", row.slug, found.slug)
    messages.success(request, f"The draft of version {one.number} is dropped.")
    return redirect("rubrics:list", row.slug) if only else redirect("rubrics:edit", row.slug, found.slug)

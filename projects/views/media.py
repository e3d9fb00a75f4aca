"""Images and sounds of a project for those who see its systems. Raters get theirs by address of their own."""

from __future__ import annotations

from itertools import chain
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from projects.access import Action, can, get_project
from projects.errors import ServiceError
from projects.forms import add_service_error
from projects.forms_import import MediaForm
from projects.media_files import ACCEPTED
from projects.media_response import media_response
from projects.models import ItemRevision, Media, MediaName, OutputRevision, Project
from projects.rendering.references import MARK
from projects.services.media import MediaResult, files_of_upload, media_add
from projects.shown_media import missing_names
from projects.templatetags.numbers import counted

LISTED = 50
NAMED = 10
TEXTS_LOOKED_AT = 5_000


@login_required
@require_http_methods(["GET", "POST"])
def media_list(request: HttpRequest, project: str) -> HttpResponse:
    row = get_project(request.user, project, Action.IMPORT if request.method == "POST" else Action.VIEW)
    form = MediaForm(request.POST, request.FILES) if request.method == "POST" else MediaForm()
    if form.is_bound and form.is_valid():
        try:
            uploads = form.cleaned_data["uploads"]
            found = chain.from_iterable(files_of_upload(each, each.name or "file") for each in uploads)
            result = media_add(project=row, files=found, actor=request.user)
        except ServiceError as error:
            add_service_error(form, error)
        else:
            _say(request, result)
            return redirect("projects:media", row.slug)
    names = MediaName.objects.filter(project=row).select_related("media").order_by("name")
    missing, more = _missing(row)
    context = {
        "project": row,
        "nav": "items",
        "form": form,
        "page": Paginator(names, LISTED).get_page(request.GET.get("page")),
        "missing": missing[:NAMED],
        "more_missing": len(missing) - NAMED,
        "not_all": more,
        "accepted": gettext(ACCEPTED),
        "may_import": can(request.user, Action.IMPORT, row),
    }
    return render(request, "projects/media.html", context, status=422 if form.errors else 200)


def _say(request: HttpRequest, result: MediaResult) -> None:
    if result.added or result.known:
        said = [gettext("%(n)s added.") % {"n": counted(result.added, "file was,files were")}]
        if result.known:
            said.append(counted(result.known, "file was there already.,files were there already."))
        messages.success(request, " ".join(said))
    for name, why in result.refused[:NAMED]:
        messages.error(request, gettext("%(name)s was left out. %(why)s") % {"name": name, "why": why})
    if len(result.refused) > NAMED:
        messages.error(
            request,
            gettext("%(n)s left out.") % {"n": counted(len(result.refused) - NAMED, "more file was,more files were")},
        )


def _missing(project: Project) -> tuple[list[str], bool]:
    """Names in texts that no file stands for; whether there are more texts than were looked at."""
    items = ItemRevision.objects.filter(item__project=project, current=True, html__contains=MARK)
    outputs = OutputRevision.objects.filter(output__item__project=project, current=True, html__contains=MARK)
    htmls: list[str] = []
    for rows in (items, outputs):
        found: Any = rows.order_by("pk").values_list("html", flat=True)[: TEXTS_LOOKED_AT + 1]
        htmls += found
    return missing_names(htmls[:TEXTS_LOOKED_AT], project.pk), len(htmls) > TEXTS_LOOKED_AT


def media_address(project: Project, media: Media) -> str:
    return reverse("projects:media_file", args=[project.slug, media.public_name])


@login_required
@require_safe
def media_file(request: HttpRequest, project: str, media: str) -> HttpResponseBase:
    row = get_project(request.user, project, Action.VIEW)
    return media_response(request, get_object_or_404(Media, project=row, public_name=media))

"""One image or sound: what shows it, and another in its place, or none. For leads."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from annotation.media_uses import uses_of
from annotation.services.media_acts import shown_file_remove
from projects.access import Action, get_project
from projects.errors import ServiceError
from projects.media_files import ACCEPTED, MAX_SOUND_BYTES
from projects.models import Media
from projects.services.media import File, media_replace


@login_required
@require_http_methods(["GET", "POST"])
def media_change(request: HttpRequest, project: str, media: str) -> HttpResponse:
    row = get_project(request.user, project, Action.IMPORT)
    found = get_object_or_404(Media.objects.select_related("project"), project=row, public_name=media)
    refused = ""
    if request.method == "POST":
        try:
            said = _act(request, found)
        except ServiceError as error:
            refused = error.message
        else:
            messages.success(request, said)
            return redirect("projects:media", row.slug)
    context = {
        "project": row,
        "nav": "items",
        "media": found,
        "names": list(found.names.order_by("name").values_list("name", flat=True)),
        "uses": uses_of(found),
        "accepted": gettext(ACCEPTED),
        "refused": refused,
    }
    return render(request, "annotation/media_change.html", context, status=422 if refused else 200)


def _act(request: HttpRequest, media: Media) -> str:
    if request.POST.get("act") == "remove":
        shown_file_remove(media=media, actor=request.user)
        return gettext("The file is removed. Texts show their own words in its place.")
    sent = request.FILES.get("uploads")
    if sent is None:
        raise ServiceError(gettext("Choose the file that takes its place."), field="uploads")
    upload = File(media.original_name, lambda: sent.read(MAX_SOUND_BYTES + 1))
    media_replace(media=media, upload=upload, actor=request.user)
    return gettext("The file is replaced. Whoever looks from now on gets the new one.")

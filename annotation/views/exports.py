"""The export page of a round: its tables, and what people answered in the forms of other tools."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from annotation.exporters.back import BACK, looked_at
from annotation.exporters.back.answers import Choice
from annotation.exporters.downloads import download
from annotation.exporters.files import FORMATS
from annotation.selectors import round_of
from projects.access import Action, get_project
from projects.errors import ServiceError

TABLES_IN_WORDS = {"csv": "CSV", "jsonl": "JSON Lines", "parquet": "Parquet"}


@login_required
@require_safe
def export(request: HttpRequest, project: str, round: str) -> HttpResponse:
    """Names a format to see what its file would hold, before it is downloaded."""
    row = get_project(request.user, project, Action.EXPORT)
    found = round_of(row, round)
    chosen, choice = request.GET.get("format", ""), _choice(request.GET)
    context: dict[str, Any] = {
        "project": row,
        "nav": "rounds",
        "round": found,
        "tables": TABLES_IN_WORDS,
        "formats": BACK,
        "chosen": chosen,
        "choice": choice,
    }
    status = 200
    if chosen in BACK:
        try:
            written, beginning = looked_at(round=found, key=chosen, choice=choice)
        except ServiceError as refusal:
            context["problem"], status = refusal.message, 409
        else:
            context |= {"written": written, "beginning": beginning, "query": _query(choice)}
            context["title"] = gettext(BACK[chosen].TITLE)
    elif chosen:
        words = gettext("There is no format “%(name)s”. Choose one of those below.") % {"name": chosen[:40]}
        context["problem"], status = words, 404
    return render(request, "annotation/export.html", context, status=status)


@login_required
@require_safe
def export_file(request: HttpRequest, project: str, round: str, kind: str) -> HttpResponseBase:
    row = get_project(request.user, project, Action.EXPORT)
    found = round_of(row, round)
    if kind not in FORMATS:
        raise Http404
    try:
        return download(round=found, kind=kind, choice=_choice(request.GET))
    except ServiceError as refusal:
        messages.error(request, refusal.message)
        return redirect("annotation:export", row.slug, found.slug)


def _choice(query: QueryDict) -> Choice:
    return Choice(final_answers="final_answers" in query, texts="texts" in query)


def _query(choice: Choice) -> str:
    return "&".join(name for name in ("final_answers", "texts") if getattr(choice, name))

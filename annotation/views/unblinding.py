"""The key of a round: which system answered what. For those who read figures, after a lead has lifted the blind."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from annotation.models import Round
from annotation.selectors import round_of
from annotation.services.unblinding import expect_unblinded, judged, key_rows, round_unblind
from projects.access import Action, can, get_project
from projects.errors import ServiceError

ROWS = 100


@login_required
@require_http_methods(["GET", "POST"])
def key(request: HttpRequest, project: str, round: str) -> HttpResponse:
    row = get_project(request.user, project, Action.RUN if request.method == "POST" else Action.VIEW)
    found = round_of(row, round)
    context: dict[str, Any] = {"project": row, "nav": "rounds", "round": found}
    try:
        if request.method == "POST":
            round_unblind(round=found, actor=request.user)
            messages.success(request, gettext("The round is unblinded. It is in the audit log."))
            return redirect("annotation:key", row.slug, found.slug)
        context["unblinding"] = expect_unblinded(found)
    except ServiceError as refusal:
        context["problem"] = refusal.message
        context["may_unblind"] = found.state == Round.State.CLOSED and can(request.user, Action.RUN, row)
        return render(request, "annotation/key.html", context, status=409)
    page = Paginator(judged(found), ROWS).get_page(request.GET.get("page"))
    context |= {"page": page, "rows": key_rows(list(page))}
    return render(request, "annotation/key.html", context)

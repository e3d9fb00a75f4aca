"""The rubric doctor: a criterion a card, and its suggested change as a draft."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from annotation.selectors import round_of
from projects.access import Action, can, get_project
from projects.errors import ServiceError
from rubrics.suggestions import Change, draft_suggest


@login_required
@require_safe
def doctor(request: HttpRequest, project: str, round: str) -> HttpResponse:
    # pandas and scipy take over a second to load: only who asks the doctor waits for them.
    from analytics.doctor import rubric_doctor
    from analytics.report_words import say

    row = get_project(request.user, project, Action.VIEW)
    found = round_of(row, round)
    told = rubric_doctor(found)
    cards = [
        (each, say(each.alpha.to_dict()), [(finding, say(finding.estimate.to_dict())) for finding in each.findings])
        for each in told.criteria
    ]
    context = {
        "project": row,
        "nav": "rounds",
        "round": found,
        "doctor": told,
        "cards": cards,
        "may_design": can(request.user, Action.DESIGN, row) and found.rubric_version.rubric.project_id is not None,
    }
    return render(request, "analytics/doctor.html", context)


@login_required
@require_POST
def suggest(request: HttpRequest, project: str, round: str) -> HttpResponse:
    """Opens the designer with the change made in the draft."""
    row = get_project(request.user, project, Action.DESIGN)
    found = round_of(row, round)
    post = request.POST
    change = Change(post.get("kind", ""), post.get("criterion", ""), tuple(post.getlist("level")))
    try:
        made = draft_suggest(version=found.rubric_version, change=change, actor=request.user)
    except ServiceError as error:
        messages.error(request, error.message)
        return redirect("analytics:doctor", row.slug, found.slug)
    if made.words:
        messages.success(request, made.words)
    address = reverse("rubrics:edit", args=[row.slug, found.rubric_version.rubric.slug])
    return HttpResponseRedirect(f"{address}?{urlencode({'criterion': made.key})}" if made.key else address)

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from analytics.recent import recent
from analytics.selectors_overview import overview as overview_of
from projects.access import Action, allowed, get_project, role_of


@login_required
@require_safe
def overview(request: HttpRequest, project: str) -> HttpResponse:
    row = get_project(request.user, project, Action.VIEW)
    role = role_of(request.user, row)
    state = overview_of(row)
    context = {
        "project": row,
        "nav": "overview",
        "overview": state,
        # Somebody who may not do the next thing is not told to.
        "next": state.next if allowed(role, state.next.action) else None,
        "recent": recent(row),
        "may_run": allowed(role, Action.RUN),
    }
    return render(request, "analytics/overview.html", context)

"""The first page and the search: what a person meets before choosing a project."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.requests import person
from analytics import selectors_home, selectors_search
from projects.access import get_project, may_create_project, visible_projects
from projects.selectors import rates_somewhere


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Projects for those who see some. Who only rates goes to the work: project names may name systems."""
    rates = rates_somewhere(person(request))
    if rates and not visible_projects(request.user).exists():
        return redirect("annotation:home")
    context = {
        "home": selectors_home.home(person(request)),
        "rates": rates,
        "may_create": may_create_project(request.user),
    }
    return render(request, "analytics/home.html", context)


@login_required
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Of one project where the address names one, else of all that the person sees."""
    if not visible_projects(request.user).exists():
        return redirect("analytics:home")
    within = get_project(request.user, request.GET["project"]) if request.GET.get("project") else None
    words = request.GET.get("q", "").strip()
    context = {
        "project": within,
        "nav": "search",
        "words": words[: selectors_search.LONGEST],
        "too_short": 0 < len(words) < selectors_search.SHORTEST,
        "too_long": len(words) > selectors_search.LONGEST,
        "found": selectors_search.search(request.user, words, within),
    }
    return render(request, "analytics/search.html", context)

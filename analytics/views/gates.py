"""The gate of a round: registered while it is a draft, decided on demand."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from analytics.gate_services import gate_decide, gate_register
from analytics.report_words import say
from annotation.models import Round
from annotation.selectors import round_of
from projects.access import Action, can, get_project
from projects.errors import ServiceError
from projects.located import load
from projects.models import Project

FORM_NAME = "The gate"


@login_required
@require_http_methods(["GET", "POST"])
def gate(request: HttpRequest, project: str, round: str) -> HttpResponse:
    """POST with `definition` registers it, without decides."""
    registering = request.method == "POST" and "definition" in request.POST
    row = get_project(request.user, project, Action.RUN if registering else Action.VIEW)
    found = round_of(row, round)
    context = _context(request, row, found)
    try:
        if registering:
            context["written"] = request.POST["definition"]
            gate_register(round=found, source=load(request.POST["definition"], FORM_NAME), actor=request.user)
            messages.success(request, "The gate is registered. Opening the round fixes it.")
            return redirect("analytics:gate", row.slug, found.slug)
        if request.method == "POST":
            context |= _decided(found)
    except ServiceError as refusal:
        context["problem"] = refusal.message
        return render(request, "analytics/gate.html", context, status=422)
    return render(request, "analytics/gate.html", context)


def _context(request: HttpRequest, project: Project, round: Round) -> dict[str, Any]:
    draft = round.state == Round.State.DRAFT and round.opened_at is None
    gate = round.gates.filter(preregistered=True).select_related("registered_by").first()
    conditions = gate.definition["conditions"] if gate else []
    return {
        "problem": "",
        "written": "",
        "decision": None,
        "registered": [(each.get("criterion") or each["measure"], each) for each in conditions],
        "project": project,
        "nav": "rounds",
        "round": round,
        "gate": gate,
        "may_register": draft and can(request.user, Action.RUN, project),
        "draft": draft,
    }


def _decided(round: Round) -> dict[str, Any]:
    decision = gate_decide(round=round)
    lines = []
    for each in decision.answer.conditions:
        estimate = each.decision.estimate.to_dict()
        lines.append({"each": each, "decision": each.decision, "said": say(estimate, digits=_digits(estimate))})
    return {"decision": decision, "lines": lines}


def _digits(estimate: dict[str, Any]) -> int:
    return 1 if estimate["unit"] == "share" else 2

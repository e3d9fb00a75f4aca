"""Disagreements, what matters most first, and one of them with all that raters said. Reviewers decide."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from annotation.adjudication_cases import Case, Place, criteria_of, page_order, question_address, said_of
from annotation.adjudication_list import CaseList, Step
from annotation.adjudication_page import about, case_page, final_words, place_of, summary
from annotation.models import Round, TaskOutput
from annotation.selectors import round_of
from annotation.sent_answers import sent_answers
from annotation.services.adjudication import UNSETTLED, Ruling, adjudicate, adjudication_withdraw
from annotation.services.disagreement_order import order_for
from annotation.services.reviewing import judgments_send_back
from projects.access import Action, get_project
from projects.errors import Conflict, ServiceError
from projects.models import Project
from projects.templatetags.numbers import counted
from rubrics.specs import CriterionSpec

LISTED = 100


@login_required
@require_safe
def adjudication(request: HttpRequest, project: str, round: str) -> HttpResponse:
    row = get_project(request.user, project, Action.REVIEW)
    found = round_of(row, round)
    order, of_now = order_for(found)
    every = CaseList(order)
    page = Paginator(every.every, LISTED).get_page(request.GET.get("page"))
    criteria = criteria_of(found)
    context = {
        "project": row,
        "nav": "rounds",
        "round": found,
        "page": page,
        "lines": [_line(found, case, criteria[case.place.criterion]) for case in every.cases(page)],
        "waiting": every.waiting,
        "settled": page.paginator.count - every.waiting,
        "first": every.first(),
        "order": order,
        "of_now": of_now,
    }
    return render(request, "annotation/adjudication.html", context)


def _line(round: Round, case: Case, criterion: CriterionSpec) -> dict[str, Any]:
    order = page_order(round, case.place.task, case.outputs)
    return {
        "case": case,
        "about": about(case, order),
        "said": summary(case, criterion, order),
        "final": final_words(case, criterion, order),
    }


@login_required
@require_http_methods(["GET", "POST"])
def case(request: HttpRequest, project: str, round: str, case: int, question: str) -> HttpResponse:
    row = get_project(request.user, project, Action.REVIEW)
    found = round_of(row, round)
    place = place_of(found, case, question)
    if place is None:
        raise Http404("There is no such page, or you may not see it.")
    if request.method == "GET":
        return _page(request, row, found, place)
    following: Step | None
    try:
        if request.POST.get("act") == "send_back":
            following = _send_back(request, found, place)
        else:
            _decide(request, found, place)
            following = CaseList(order_for(found)[0]).first()
    except Conflict as refusal:
        messages.error(request, refusal.message)
        return redirect(request.path)
    except ServiceError as refusal:
        return _page(request, row, found, place, refusal)
    if following is None:
        return redirect("annotation:adjudication", row.slug, found.slug)
    return redirect("annotation:case", row.slug, found.slug, following.task, following.address)


def _send_back(request: HttpRequest, round: Round, place: Place) -> Step | None:
    """To the raters ticked, with the reason as the note. Nothing is decided: the next disagreement follows."""
    chosen = {int(key) for key in request.POST.getlist("back") if key.isascii() and key.isdigit() and len(key) < 19}
    said = said_of(round, place, criteria_of(round)[place.criterion])
    own = [each.assignment for each in said if each.assignment.pk in chosen]
    n = judgments_send_back(assignments=own, note=request.POST.get("reason", ""), actor=request.user)
    messages.success(
        request,
        gettext("%(n)s sent back. Their raters find them on their first page.")
        % {"n": counted(n, "answer was,answers were")},
    )
    return CaseList(order_for(round)[0]).around(place)[2]


def _decide(request: HttpRequest, round: Round, place: Place) -> None:
    post = request.POST
    raw = post.get("revision", "")
    revision = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else -1
    if post.get("act") == "withdraw":
        reason = post.get("reason", "")
        adjudication_withdraw(round=round, place=place, reason=reason, revision=revision, actor=request.user)
        messages.success(request, gettext("The final answer is taken back."))
        return
    value = UNSETTLED if post.get("act") == UNSETTLED else sent_answers(post).get("value", "")
    order = page_order(round, place.task, TaskOutput.objects.filter(task=place.task).count())
    ruling = Ruling(value=value, reason=post.get("reason", ""), revision=revision, order=order)
    adjudicate(round=round, place=place, ruling=ruling, actor=request.user)
    messages.success(request, gettext("Decided."))


def _page(
    request: HttpRequest, project: Project, round: Round, place: Place, refusal: ServiceError | None = None
) -> HttpResponse:
    sent = sent_answers(request.POST).get("value", "") if refusal else None
    error = refusal.message if refusal and refusal.field == "value" else ""
    every = CaseList(order_for(round)[0])
    n, before, after = every.around(place)
    context = {
        "project": project,
        "nav": "rounds",
        "round": round,
        "page": case_page(round, place, request.user, sent, error),
        "address": question_address(criteria_of(round)[place.criterion].key, place.target),
        "n": n,
        "waiting": every.waiting,
        "before": before,
        "after": after,
        "reason": request.POST.get("reason", "") if refusal else "",
        "problem": refusal.message if refusal and refusal.field != "value" else "",
    }
    return render(request, "annotation/case.html", context, status=422 if refusal else 200)

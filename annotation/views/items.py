"""Acts on many items from the list: each is asked about once, with what it means and for how many."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from annotation.models import Round
from annotation.selectors import round_of
from annotation.services.item_acts import (
    REASON_MAX,
    addition,
    items_add,
    items_exclude,
    items_first,
    items_include,
    leaving,
    priority,
)
from projects.access import Action, get_project
from projects.errors import ServiceError
from projects.item_filter import chosen
from projects.models import Item, Project
from projects.templatetags.numbers import times
from projects.views.items import back_to_list

ROUNDS_LISTED = 200


@login_required
@require_POST
def items_act(request: HttpRequest, project: str) -> HttpResponse:
    """The plan of an act on the items chosen; with `sure`, the act itself."""
    row = get_project(request.user, project, Action.RUN)
    post = request.POST
    items, asked = chosen(row, post)
    back = back_to_list(row, asked, post.get("page", ""))
    act = post.get("act", "")
    if act not in ACTS or not items.exists():
        messages.error(request, "Choose at least one item." if act in ACTS else "Choose what is to be done.")
        return redirect(back)
    refused = ""
    if "sure" in post:
        try:
            messages.success(request, ACTS[act](request, row, items))
        except ServiceError as error:
            refused = error.message
        else:
            return redirect(back)
    context = {
        "project": row,
        "nav": "items",
        "act": act,
        "back": back,
        "refused": refused,
        "found": items.count(),
        "reason": post.get("reason", ""),
        "reason_max": REASON_MAX,
        "kept": [*asked.query().items(), *((name, v) for name in ("items", "all", "page") for v in post.getlist(name))],
        **_plan(row, act, items, post.get("round", "")),
    }
    return render(request, "annotation/items_act.html", context, status=422 if refused else 200)


def _plan(project: Project, act: str, items: QuerySet[Item], slug: str) -> dict[str, Any]:
    if act in ("exclude", "include"):
        return {"plan": leaving(project, items)}
    if slug:
        row = round_of(project, slug)
        return {"round": row, "plan": addition(row, items) if act == "add" else priority(row, items)}
    states = [*Round.GOING, *([Round.State.DRAFT] if act == "add" else [])]
    rounds = Round.objects.filter(project=project, state__in=states).select_related("rubric_version__rubric")
    return {"rounds": rounds[:ROUNDS_LISTED]}


def _agreed(request: HttpRequest) -> int:
    text = request.POST.get("agreed", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _exclude(request: HttpRequest, project: Project, items: QuerySet[Item]) -> str:
    reason = request.POST.get("reason", "")
    count = items_exclude(project=project, items=items, reason=reason, agreed=_agreed(request), actor=request.user)
    return f"{times(count, 'item is,items are')} left out of rounds that open from now on."


def _include(request: HttpRequest, project: Project, items: QuerySet[Item]) -> str:
    return f"{times(items_include(project=project, items=items, actor=request.user), 'item is,items are')} back."


def _add(request: HttpRequest, project: Project, items: QuerySet[Item]) -> str:
    row = round_of(project, request.POST.get("round", ""))
    done = items_add(round=row, items=items, agreed=_agreed(request), actor=request.user)
    return f"{times(done.added, 'item was,items were')} added to “{row.name}”."


def _first(request: HttpRequest, project: Project, items: QuerySet[Item]) -> str:
    row = round_of(project, request.POST.get("round", ""))
    done = items_first(round=row, items=items, agreed=_agreed(request), actor=request.user)
    return f"{times(done.tasks, 'task goes,tasks go')} first in “{row.name}”."


ACTS = {"exclude": _exclude, "include": _include, "add": _add, "first": _first}

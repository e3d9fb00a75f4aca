"""Who takes part in a round: members that are chosen, a list of addresses, links of the round. For leads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from annotation.forms_raters import LinkForm, RaterListForm
from annotation.models import Round, RoundLink
from annotation.selectors import round_of
from annotation.services import round_links as service
from projects.access import Action, get_project
from projects.errors import ServiceError
from projects.forms import add_service_error
from projects.links_file import links_file
from projects.templatetags.numbers import counted
from projects.views.telling import telling

LISTED = 200


@dataclass(frozen=True, slots=True)
class Shown:
    row: RoundLink
    address: str


@login_required
@require_http_methods(["GET", "POST"])
def raters(request: HttpRequest, project: str, round: str) -> HttpResponse:
    row = get_project(request.user, project, Action.PEOPLE)
    found = round_of(row, round)
    if request.method == "GET":
        return _page(request, found)
    acts = {"link": _link, "members": _members, "check": _check, "invite": _invite, "file": _file}
    act = acts.get(request.POST.get("act", ""))
    if act is None:
        raise Http404
    return act(request, found)


def _page(request: HttpRequest, round: Round, status: int = 200, **more: Any) -> HttpResponse:
    links, n_links = _links(request, round)
    context = {
        "project": round.project,
        "nav": "rounds",
        "round": round,
        "links": links,
        "n_links": n_links,
        "outside": service.members_outside(round),
        "link_form": LinkForm(),
        "list_form": RaterListForm(),
        **more,
    }
    return render(request, "annotation/raters.html", context, status=status)


def _links(request: HttpRequest, round: Round) -> tuple[list[Shown], int]:
    """The newest that can be used, and how many there are."""
    rows = service.usable_links(round)
    return [Shown(row, _address(request, row)) for row in rows[:LISTED]], rows.count()


def _address(request: HttpRequest, link: RoundLink) -> str:
    return request.build_absolute_uri(reverse("annotation:round_link", args=[service.token_of(link)]))


def _back(round: Round) -> HttpResponse:
    return redirect("annotation:raters", round.project.slug, round.slug)


def _link(request: HttpRequest, round: Round) -> HttpResponse:
    form = LinkForm(request.POST)
    if form.is_valid():
        try:
            service.link_make(round=round, **form.cleaned_data, actor=request.user)
        except ServiceError as error:
            add_service_error(form, error)
        else:
            messages.success(request, gettext("The link is made. Copy it below and send it yourself."))
            return _back(round)
    return _page(request, round, 422, link_form=form)


def _members(request: HttpRequest, round: Round) -> HttpResponse:
    chosen = [int(value) for value in request.POST.getlist("members") if value.isascii() and value.isdigit()]
    try:
        n = service.members_seat(round=round, members=chosen, actor=request.user)
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(
            request,
            gettext("%(n)s in the round now.") % {"n": counted(n, "member is,members are")},
        )
    return _back(round)


def _check(request: HttpRequest, round: Round) -> HttpResponse:
    form = RaterListForm(request.POST)
    if form.is_valid():
        try:
            plan = service.raters_plan(round=round, text=form.cleaned_data["text"])
        except ServiceError as error:
            add_service_error(form, error)
        else:
            return _page(request, round, list_form=form, plan=plan)
    return _page(request, round, 422, list_form=form)


def _invite(request: HttpRequest, round: Round) -> HttpResponse:
    form = RaterListForm(request.POST)
    if form.is_valid():
        try:
            members, invited = service.raters_invite(round=round, text=form.cleaned_data["text"], actor=request.user)
        except ServiceError as error:
            add_service_error(form, error)
        else:
            messages.success(
                request,
                gettext("Added %(members)s who are members already; made %(invited)s links, which are listed below.")
                % {"members": f"{members:,}", "invited": f"{invited:,}"},
            )
            return _back(round)
    return _page(request, round, 422, list_form=form)


def _file(request: HttpRequest, round: Round) -> HttpResponse:
    """Every link that can be used, as a table."""
    links = service.usable_links(round).reverse()
    return links_file(f"links-{round.slug}", ((link.email, _address(request, link)) for link in links))


@login_required
@require_POST
def link_revoke(request: HttpRequest, project: str, round: str, rater_link: int) -> HttpResponse:
    row = get_project(request.user, project, Action.PEOPLE)
    found = round_of(row, round)
    one = get_object_or_404(RoundLink, round=found, pk=rater_link)
    with telling(request, gettext("The link is revoked: nobody more comes in by it. Who is in stays.")):
        service.link_revoke(link=one, actor=request.user)
    return _back(found)

"""Joining a round by its link, without an account: consent first, then the rating pages of that round only."""

from __future__ import annotations

from typing import Any

from allauth.core import ratelimit
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from annotation.models import JoinLink
from annotation.participants import remember
from annotation.services import crowd
from annotation.services.crowd import Arrival
from projects.errors import ServiceError


@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, join: str) -> HttpResponse:
    """What is asked of a participant, and consent to it. Who consented before goes on where they were."""
    if (refused := ratelimit.consume_or_429(request, action="join")) is not None:
        return refused
    link = crowd.link_at(join)
    if link is None:
        words = _("This link does not lead to a study. Open it again from where you found it.")
        return _said(request, None, words, 404)
    if request.user.is_authenticated:
        return _said(
            request,
            link,
            _("Participants have no account, and you are logged in. Open the link in a private window."),
            409,
        )
    sent = request.POST if request.method == "POST" else request.GET
    try:
        arrival = crowd.arrival_of(link, sent)
    except ServiceError as refusal:
        return _said(request, link, refusal.message, 400)
    known = crowd.participant_known(link, arrival)
    if known is not None and known.erased_at is None:
        return _enter(link, known)
    if said := crowd.why_closed(link):
        return _said(request, link, said, 410)
    if request.method == "POST":
        return _answered(request, link, arrival)
    return _ask(request, link, arrival)


def _ask(request: HttpRequest, link: JoinLink, arrival: Arrival) -> HttpResponse:
    context = {"link": link, "round": link.round, "preview": arrival.session == crowd.PREVIEW}
    names = (link.id_parameter, link.study_parameter, link.session_parameter)
    context["sent"] = [(n, v) for n, v in zip(names, (arrival.id, arrival.study, arrival.session), strict=True) if n]
    return render(request, "annotation/join.html", context)


def _answered(request: HttpRequest, link: JoinLink, arrival: Arrival) -> HttpResponse:
    if request.POST.get("consent") == "no":
        crowd.consent_declined(link=link)
        context = {"link": link, "round": link.round, "code": link.declined_code, "address": link.declined_url}
        return render(request, "annotation/join_declined.html", context)
    if request.POST.get("consent") != "yes" or arrival.session == crowd.PREVIEW:
        return _ask(request, link, arrival)
    if request.POST.get("version") != str(link.consent_version):  # it was changed while they read
        return _ask(request, link, arrival)
    try:
        participant = crowd.participant_join(link=link, arrival=arrival)
    except ServiceError as refusal:
        return _said(request, link, refusal.message, 410)
    return _enter(link, participant)


def _enter(link: JoinLink, participant: Any) -> HttpResponse:
    response = redirect("annotation:rate", link.round.public_id)
    remember(response, participant)
    return response


def _said(request: HttpRequest, link: JoinLink | None, words: str, status: int) -> HttpResponse:
    return render(request, "annotation/join_closed.html", {"link": link, "said": words}, status=status)

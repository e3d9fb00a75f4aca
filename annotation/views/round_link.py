"""Coming into a round by its link: with the account one has, or with a new one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.requests import person
from annotation.models import Round, RoundLink, Seat
from annotation.services import round_links as service
from projects.errors import ServiceError
from projects.views.new_account import new_account


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def round_link(request: HttpRequest, token: str) -> HttpResponse:
    link = service.link_at(token)
    if link is None or not (service.usable(link) or _inside(request, link)):
        # Used up, revoked, expired and never made look alike.
        return render(request, "annotation/round_link_closed.html", status=404)
    if request.user.is_authenticated:
        return _join(request, link, token)
    return _new_account(request, link, token)


def _inside(request: HttpRequest, link: RoundLink) -> bool:
    """Who sits in the round finds it again by the link they have."""
    if not request.user.is_authenticated:
        return False
    seats = Seat.objects.filter(round=link.round_id, rater__user=person(request))
    return seats.exclude(state=Seat.State.CLOSED).exists()


def _start(round: Round) -> str:
    if round.state == Round.State.DRAFT:
        return reverse("annotation:home")
    return reverse("annotation:rate", args=[round.public_id])


def _join(request: HttpRequest, link: RoundLink, token: str) -> HttpResponse:
    if request.method == "POST":
        try:
            round = service.link_use(token=token, user=request.user)
        except ServiceError as error:
            messages.error(request, error.message)
            return redirect("annotation:round_link", token)
        return redirect(_start(round))
    other_address = bool(link.email) and link.email != person(request).email.lower()
    return render(request, "annotation/round_link.html", {"link": link, "token": token, "other_address": other_address})


def _new_account(request: HttpRequest, link: RoundLink, token: str) -> HttpResponse:
    return new_account(
        request,
        email=link.email,
        template="annotation/round_link.html",
        context={"link": link, "token": token},
        join=lambda user: _start(service.link_use(token=token, user=user)),
    )

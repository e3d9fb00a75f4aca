"""Joining a project by its invitation link: with the account one has, or with a new one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.requests import person
from projects.errors import ServiceError
from projects.models import Invitation, Membership, Role
from projects.services.people import INVITATION_DAYS, invitation_accept, invitation_open
from projects.views.new_account import new_account


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    found = invitation_open(token)
    if found is None:
        # Used, revoked, expired and never made look alike.
        return render(request, "projects/invitation_closed.html", {"days": INVITATION_DAYS}, status=404)
    if request.user.is_authenticated:
        return _join(request, found, token)
    return _new_account(request, found, token)


def _start(membership: Membership) -> str:
    if membership.role == Role.RATER:
        return reverse("annotation:home")
    return reverse("analytics:overview", args=[membership.project.slug])


def _join(request: HttpRequest, found: Invitation, token: str) -> HttpResponse:
    if request.method == "POST":
        try:
            membership = invitation_accept(token=token, user=request.user)
        except ServiceError as error:
            messages.error(request, error.message)
            return redirect("projects:invitation", token)
        messages.success(request, _("Welcome. You are a member now."))
        return redirect(_start(membership))
    other_address = bool(found.email) and found.email != person(request).email.lower()
    context = {"invitation": found, "token": token, "other_address": other_address}
    return render(request, "projects/invitation.html", context)


def _new_account(request: HttpRequest, found: Invitation, token: str) -> HttpResponse:
    return new_account(
        request,
        email=found.email,
        template="projects/invitation.html",
        context={"invitation": found, "token": token},
        join=lambda user: _start(invitation_accept(token=token, user=user)),
    )

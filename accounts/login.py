"""Logging in somebody whose account was made a moment ago, with allauth's checks and session rotation."""

from __future__ import annotations

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import complete_signup
from allauth.core import ratelimit
from django.http import HttpRequest, HttpResponse

from accounts.models import User


def signup_refused(request: HttpRequest) -> HttpResponse | None:
    """429 when this address makes accounts too fast, else None."""
    return ratelimit.consume_or_429(request, action="signup")


def log_in_new(request: HttpRequest, *, user: User, redirect_url: str) -> HttpResponse:
    """Log in, or send to e-mail verification where the settings ask for it first."""
    record_authentication(request, user, method="password", email=user.email)
    return complete_signup(request, user=user, email_verification=None, success_url=redirect_url)

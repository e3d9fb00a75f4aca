"""What allauth may do here: log in by e-mail, never open sign-up."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.ratelimit import respond_429
from django.core.exceptions import ValidationError
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Too many wrong passwords end in status 429, not in a form error with status 200: proxies,
        scripts and watchers understand the number."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as error:
            raise ImmediateHttpResponse(respond_429(request)) from error

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Accounts come from an invitation, whose own page makes the account and the membership in one
        transaction (projects.views.invitations). allauth's sign-up page only says so."""
        return False

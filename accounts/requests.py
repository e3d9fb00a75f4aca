from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from accounts.models import User


def person(request: HttpRequest) -> User:
    """The user of a view behind `login_required`, with the type it has there."""
    return cast(User, request.user)

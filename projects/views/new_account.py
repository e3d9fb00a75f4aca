"""A new account of somebody who came by a link, and what the link lets them into: both or neither."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from accounts.forms import NewAccountForm
from accounts.login import log_in_new, signup_refused
from accounts.models import User
from accounts.services import AccountError, user_create
from projects.errors import ServiceError


def new_account(
    request: HttpRequest, *, email: str, template: str, context: dict[str, Any], join: Callable[[User], str]
) -> HttpResponse:
    """The form, and what comes of it. `join` lets the new user in and says where they begin; if it refuses, as where
    somebody else used the link a moment ago, no account is left behind.

    An address that the lead named counts as verified, since only its owner was given the link."""
    form = NewAccountForm(request.POST or None, fixed_email=email)
    if request.method == "POST":
        if (refused := signup_refused(request)) is not None:
            return refused
        if form.is_valid():
            try:
                with transaction.atomic():
                    user = user_create(**form.cleaned_data, email_verified=bool(email))
                    start = join(user)
            except AccountError as error:
                form.add_error(error.field or None, f"{error.message} {gettext('If it is yours, log in to join.')}")
            except ServiceError as error:
                form.add_error(None, error.message)
            else:
                return log_in_new(request, user=user, redirect_url=start)
    return render(request, template, {**context, "form": form})

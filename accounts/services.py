"""Accounts and API tokens: every change of state goes through here."""

from __future__ import annotations

from datetime import timedelta

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import ApiToken, User
from config.refusals import Refusal

TOKEN_MAX_DAYS = 365


class AccountError(Refusal):
    """The act was refused and nothing was changed. The message is a full sentence for the person."""


@transaction.atomic
def user_create(
    *, email: str, password: str | None, name: str = "", email_verified: bool = False, is_demo: bool = False
) -> User:
    """A new account. Without a password nobody can log in to it until one is set by e-mail."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        words = _("“%(email)s” is not an e-mail address. Write one like name@example.org.") % {"email": email}
        raise AccountError(words, field="email") from error
    if User.objects.filter(email=email).exists():
        raise AccountError(_("There is an account for %(email)s already.") % {"email": email}, field="email")
    try:
        # Two people may use one open invitation at once: the unique index decides, in words.
        with transaction.atomic():
            user = User.objects.create_user(email, password, name=name.strip(), is_demo=is_demo)
    except IntegrityError as error:
        raise AccountError(_("There is an account for %(email)s already.") % {"email": email}, field="email") from error
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=email_verified)
    return user


@transaction.atomic
def user_rename(*, user: User, name: str) -> User:
    user.name = name.strip()
    user.full_clean(exclude=["password"])
    user.save(update_fields=["name"])
    return user


@transaction.atomic
def token_create(*, user: User, name: str, can_write: bool, days: int) -> tuple[ApiToken, str]:
    """A token and its secret. Only a hash of the secret is kept, so it can be shown this once."""
    if not name.strip():
        raise AccountError(_("A token needs a name that says what uses it, such as “nightly pipeline”."), field="name")
    if not 1 <= days <= TOKEN_MAX_DAYS:
        raise AccountError(
            _("A token lasts from 1 to %(most)s days; %(days)s was asked for.")
            % {"most": TOKEN_MAX_DAYS, "days": days},
            field="days",
        )
    token, secret = ApiToken.objects.create(
        user=user, expiry=timedelta(days=days), name=name.strip()[:100], can_write=can_write
    )
    return token, secret


def token_revoke(*, user: User, token_key: str) -> bool:
    """End a token at once, named by its public first characters. False: there is none, or it is another's."""
    return ApiToken.objects.filter(user=user, token_key=token_key).delete()[0] > 0

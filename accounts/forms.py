from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.services import TOKEN_MAX_DAYS


class NewAccountForm(forms.Form):
    """Name, e-mail and password of a person who was invited. A fixed e-mail is not read from the request."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=150,
        help_text=_("Leads of your project see it. In exports and reports you appear under a pseudonym."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label=_("E-mail"),
        help_text=_("You log in with it."),
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        help_text=_("At least 10 characters. A few words in a row are easier to keep than signs."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, fixed_email: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if fixed_email:
            email = self.fields["email"]
            email.initial, email.disabled = fixed_email, True
            email.help_text = _("The invitation is for this address. You log in with it.")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        password = data.get("password")
        if password:
            person = User(email=data.get("email", ""), name=data.get("name", ""))
            try:
                password_validation.validate_password(password, person)
            except ValidationError as error:
                self.add_error("password", error)
        return data


class NameForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=150,
        help_text=_("Leads of your projects see it."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class TokenForm(forms.Form):
    name = forms.CharField(label=_("What will use it"), max_length=100, help_text=_("Such as “nightly pipeline”."))
    scope = forms.ChoiceField(
        label=_("What it may do"),
        choices=[("read", _("Read only")), ("write", _("Read and write"))],
        initial="read",
        help_text=_("Never more than you may do yourself."),
    )
    days = forms.IntegerField(
        label=_("Days until it expires"),
        min_value=1,
        max_value=TOKEN_MAX_DAYS,
        initial=90,
        help_text=format_lazy(_("From 1 to {n}."), n=TOKEN_MAX_DAYS),
    )

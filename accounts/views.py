"""A person's own account: name, API tokens. Log-in, password and two-step log-in are allauth's views."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import services
from accounts.forms import NameForm, TokenForm
from accounts.models import ApiToken
from accounts.requests import person


@login_required
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    form = NameForm(request.POST or None, initial={"name": person(request).name})
    if request.method == "POST" and form.is_valid():
        services.user_rename(user=person(request), name=form.cleaned_data["name"])
        messages.success(request, _("Your name is saved."))
        return redirect("accounts:profile")
    return render(request, "accounts/profile.html", {"form": form})


@login_required
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """The list, and a new token. The secret is in this one answer only: a redirect would have to keep it."""
    form = TokenForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        try:
            _, secret = services.token_create(
                user=person(request),
                name=form.cleaned_data["name"],
                can_write=form.cleaned_data["scope"] == "write",
                days=form.cleaned_data["days"],
            )
            form = TokenForm()
        except services.AccountError as error:
            form.add_error(error.field or None, error.message)
    listed = ApiToken.objects.filter(user=person(request))
    context = {"form": form, "secret": secret, "tokens": listed, "now": timezone.now()}
    return render(request, "accounts/tokens.html", context)


@login_required
@require_POST
def token_revoke(request: HttpRequest, token_id: str) -> HttpResponse:
    if not services.token_revoke(user=person(request), token_key=token_id):
        raise Http404("There is no such token.")
    messages.success(request, gettext("The token is revoked. Requests that carry it are refused from now on."))
    return redirect("accounts:tokens")

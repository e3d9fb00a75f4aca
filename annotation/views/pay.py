"""The pay an hour of a round. For leads."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from annotation.forms_raters import PayForm
from annotation.pay import rate_before, rate_of
from annotation.selectors import round_of
from annotation.services.pay import pay_set
from projects.access import Action, get_project
from projects.errors import ServiceError
from projects.forms import add_service_error


@login_required
@require_http_methods(["GET", "POST"])
def pay(request: HttpRequest, project: str, round: str) -> HttpResponse:
    row = get_project(request.user, project, Action.RUN)
    found = round_of(row, round)
    rate = rate_of(found)
    known = rate or rate_before(found)
    initial = {"per_hour": known.per_hour, "currency": known.currency} if known else {}
    form = PayForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            pay_set(round=found, **form.cleaned_data, actor=request.user)
        except ServiceError as error:
            add_service_error(form, error)
        else:
            given = form.cleaned_data["per_hour"] is not None
            messages.success(
                request, gettext("The pay is noted.") if given else gettext("The round has no pay any more.")
            )
            return redirect("annotation:round", row.slug, found.slug)
    context = {"project": row, "nav": "rounds", "round": found, "form": form, "rate": rate}
    return render(request, "annotation/pay.html", context, status=422 if form.errors else 200)

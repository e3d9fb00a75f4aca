"""“Rate again what changed”: the page that plans a successor round."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from annotation import selectors
from annotation.forms import SuccessorForm
from annotation.services.successors import round_succeed, successor_offer
from projects.access import Action, get_project
from projects.errors import ServiceError
from projects.forms import add_service_error


@login_required
@require_http_methods(["GET", "POST"])
def succeed(request: HttpRequest, project: str, round: str) -> HttpResponse:
    """What the newer version changed and which criteria to ask again (GET), then the plan of that round (POST)."""
    row = get_project(request.user, project, Action.RUN)
    found = selectors.round_of(row, round)
    offer = successor_offer(found)
    if offer is None:
        messages.error(
            request, gettext("There is nothing to rate again: the rubric of this round has no newer published version.")
        )
        return redirect("annotation:round", row.slug, found.slug)
    form = SuccessorForm(request.POST or None, round=found, offer=offer)
    if request.method == "POST" and form.is_valid():
        try:
            made = round_succeed(round=found, version=offer.version, actor=request.user, **form.cleaned_data)
        except ServiceError as error:
            add_service_error(form, error)
        except ValidationError as error:
            form.add_error(None, " ".join(error.messages))
        else:
            messages.success(request, gettext("The round is planned. Raters see it once you open it."))
            return redirect("annotation:round", row.slug, made.slug)
    context = {"project": row, "nav": "rounds", "round": found, "offer": offer, "form": form}
    return render(request, "annotation/successor.html", context)

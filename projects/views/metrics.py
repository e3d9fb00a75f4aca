"""Automated scores: which metrics there are, how much they cover, and what they mean."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from projects import selectors
from projects.access import Action, can, get_project
from projects.errors import ServiceError
from projects.forms import MetricForm, add_service_error
from projects.models import Metric
from projects.services.metrics import metric_update


@login_required
@require_safe
def metric_list(request: HttpRequest, project: str) -> HttpResponse:
    row = get_project(request.user, project, Action.VIEW)
    context = {
        "project": row,
        "nav": "metrics",
        "rows": selectors.metric_rows(row),
        "of_people": selectors.answers_of_people(row),
        "may_edit": can(request.user, Action.SETTINGS, row),
        "may_import": can(request.user, Action.IMPORT, row),
    }
    return render(request, "projects/metrics.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def metric_edit(request: HttpRequest, project: str, metric: int) -> HttpResponse:
    row = get_project(request.user, project, Action.SETTINGS)
    found = get_object_or_404(Metric.objects.select_related("project"), project=row, pk=metric)
    form = MetricForm(
        request.POST or None, initial={"direction": found.direction, "criterion_key": found.criterion_key}
    )
    if request.method == "POST" and form.is_valid():
        try:
            metric_update(metric=found, **form.cleaned_data, actor=request.user)
        except ServiceError as error:
            add_service_error(form, error)
        else:
            messages.success(request, gettext("The metric “%(key)s” is saved.") % {"key": found.key})
            return redirect("projects:metrics", row.slug)
    context = {"project": row, "nav": "metrics", "metric": found, "form": form}
    return render(request, "projects/metric.html", context)

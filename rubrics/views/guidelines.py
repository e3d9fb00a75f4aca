"""The instructions raters read beside the task. Each version is kept as it was published."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from projects.access import Action, can, get_project
from projects.errors import ServiceError
from projects.forms import add_service_error
from projects.rendering import render_text
from rubrics import services
from rubrics.forms import GuidelineForm
from rubrics.models import Guideline


def rendered(html: str) -> SafeString:
    return mark_safe(html)  # noqa: S308 - made and sanitised by projects.rendering, never by a person


@login_required
@require_http_methods(["GET", "POST"])
def guidelines(request: HttpRequest, project: str) -> HttpResponse:
    """The newest version, and for those who design: write the next one, look at it, publish it."""
    row = get_project(request.user, project, Action.DESIGN if request.method == "POST" else Action.VIEW)
    versions = list(
        Guideline.objects.filter(project=row)
        .select_related("created_by")
        .annotate(n_rounds=Count("rounds"))
        .order_by("name", "-number")
    )
    newest = next((v for v in versions if v.name == "Guidelines"), None)
    form = GuidelineForm(request.POST or None, initial={"text": newest.text if newest else ""})
    preview = rendered(newest.html) if newest else ""
    if request.method == "POST" and form.is_valid():
        text = form.cleaned_data["text"]
        if request.POST.get("action") != "publish":
            preview = rendered(render_text(text))
        else:
            try:
                made = services.guideline_publish(project=row, text=text, actor=request.user)
            except ServiceError as error:
                add_service_error(form, error)
            else:
                _say(request, made, newest)
                return redirect("rubrics:guidelines", row.slug)
    context = {
        "project": row,
        "nav": "rubrics",
        "tab": "guidelines",
        "versions": versions,
        "newest": newest,
        "next_number": newest.number + 1 if newest else 1,
        "form": form,
        "preview": preview,
        "looking": request.method == "POST",
        "may_design": can(request.user, Action.DESIGN, row),
    }
    return render(request, "rubrics/guidelines.html", context)


def _say(request: HttpRequest, made: Guideline, newest: Guideline | None) -> None:
    if newest is not None and made.pk == newest.pk:
        messages.warning(
            request,
            gettext("This is what version %(number)s says already, so no new version was made.")
            % {"number": made.number},
        )
    else:
        messages.success(
            request, gettext("Version %(number)s of the guidelines is published.") % {"number": made.number}
        )


@login_required
@require_safe
def guideline(request: HttpRequest, project: str, number: int) -> HttpResponse:
    row = get_project(request.user, project, Action.VIEW)
    found = get_object_or_404(Guideline, project=row, name="Guidelines", number=number)
    context = {"project": row, "nav": "rubrics", "guideline": found, "text": rendered(found.html)}
    return render(request, "rubrics/guideline.html", context)

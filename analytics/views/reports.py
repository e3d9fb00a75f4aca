"""Reports: their list, one of them, and its files."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from analytics.builds import report_ask, report_cancel
from analytics.models import Report, ReportRun
from analytics.report_file import report_context
from analytics.report_forms import FORMS, file_of
from analytics.report_reading import names_in
from analytics.selectors_reports import item_places, report_lines, round_lines
from analytics.services import report_look
from annotation.exporters.tables import RATINGS
from annotation.exporters.writers import csv_lines
from annotation.models import Round
from projects.access import Action, can, get_project
from projects.errors import ServiceError
from projects.models import Project


@login_required
@require_safe
def report_list(request: HttpRequest, project: str) -> HttpResponse:
    row = get_project(request.user, project, Action.VIEW)
    context = {
        "project": row,
        "nav": "reports",
        "rounds": round_lines(row),
        "reports": report_lines(row),
        "may_build": can(request.user, Action.REPORT, row),
    }
    return render(request, "analytics/reports.html", context)


@login_required
@require_POST
def build(request: HttpRequest, project: str) -> HttpResponse:
    row = get_project(request.user, project, Action.REPORT)
    rounds = Round.objects.select_related("project", "rubric_version__rubric")
    round_ = get_object_or_404(rounds, project=row, slug=request.POST.get("round", ""))
    known = round_.reports.order_by("-number").values_list("pk", flat=True).first()
    made = report_ask(round=round_, actor=request.user, final_answers="final_answers" in request.POST)
    if isinstance(made, ReportRun):
        return redirect("analytics:report_run", row.slug, made.pk)
    if made.pk == known:
        messages.info(request, f"Nothing has changed since report {made.number}, so it stands.")
    else:
        messages.success(request, f"Report {made.number} of {round_.name} is built.")
    return redirect("analytics:report", row.slug, made.pk)


@login_required
@require_http_methods(["GET", "POST"])
def report_run(request: HttpRequest, project: str, run: int) -> HttpResponse:
    """How far a report is; POST cancels it. A script asks for the part that changes only."""
    row = get_project(request.user, project, Action.REPORT)
    found = get_object_or_404(ReportRun.objects.select_related("round", "report"), round__project=row, pk=run)
    if request.method == "POST":
        try:
            report_cancel(run=found)
            messages.success(request, "The report is no longer being built. Nothing was stored.")
        except ServiceError as refusal:
            messages.error(request, refusal.message)
        return redirect("analytics:report_run", row.slug, found.pk)
    running = found.state == ReportRun.State.RUNNING
    if request.htmx:  # type: ignore[attr-defined]  # set by the middleware of django-htmx
        if not running:
            return HttpResponseClientRefresh()
        return render(request, "analytics/_run_progress.html", {"project": row, "run": found})
    if found.report is not None:
        return redirect("analytics:report", row.slug, found.report.pk)
    context = {"project": row, "nav": "reports", "run": found, "running": running}
    return render(request, "analytics/report_run.html", context)


@login_required
@require_safe
def report_page(request: HttpRequest, project: str, report: int) -> HttpResponse:
    row, found = _found(request, project, report, Action.VIEW)
    links = [_link(row, found, form.key, form.title, form.about) for form in FORMS.values()]
    links.append(_link(row, found, "ratings", "Ratings (CSV)", "what the figures rest on, as it stands now"))
    context = {
        "project": row,
        "nav": "reports",
        "report": found,
        **report_context(found, item_places(row, names_in(found.body))),
    }
    may_export = can(request.user, Action.EXPORT, row)
    context["may_plan"] = can(request.user, Action.RUN, row)
    return render(request, "analytics/report.html", {**context, "links": links if may_export else []})


@login_required
@require_POST
def look(request: HttpRequest, project: str, report: int) -> HttpResponse:
    """Opens the set-up of a round on the items where a judge and people part."""
    row, found = _found(request, project, report, Action.RUN)
    try:
        tag = report_look(report=found, actor=request.user)
    except ServiceError as error:
        messages.error(request, error.message)
        return redirect("analytics:report", row.slug, found.pk)
    messages.success(request, f"The items have the tag “{tag}”, which the set-up below takes them by.")
    return redirect(f"{reverse('annotation:round_new', args=[row.slug])}?{urlencode({'tag': tag})}")


@login_required
@require_safe
def report_form(request: HttpRequest, project: str, report: int, form: str) -> HttpResponse:
    """Always downloaded, never shown from our address: the page among them holds its styles inside."""
    _, found = _found(request, project, report, Action.EXPORT)
    return file_of(found, form)


@login_required
@require_safe
def report_csv(request: HttpRequest, project: str, report: int) -> HttpResponseBase:
    """The round's ratings as they stand now, a chunk at a time."""
    _, found = _found(request, project, report, Action.EXPORT)
    lines = csv_lines(RATINGS, RATINGS.rows(found.round))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{found.round.slug}-ratings.csv"'
    return response


def _found(request: HttpRequest, project: str, report: int, action: Action) -> tuple[Project, Report]:
    """The report, if the user may do this in its project; else the same 404 as for one that is not there."""
    row = get_project(request.user, project, action)
    reports = Report.objects.select_related("round__project", "round__rubric_version__rubric")
    return row, get_object_or_404(reports, round__project=row, pk=report)


def _link(project: Project, report: Report, key: str, title: str, about: str) -> dict[str, str]:
    address = reverse(f"analytics:{_NAMES.get(key, f'report_{key}')}", args=[project.slug, report.pk])
    return {"label": title, "about": about, "url": address}


_NAMES = {"csv": "report_figures", "ratings": "report_csv"}

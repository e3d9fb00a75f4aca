"""A rater's standing in a round: work left out and taken in again (asked once, saying what it means), a pause ended."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from annotation.forms import ExclusionForm, PlaceForm
from annotation.models import Assignment, RaterExclusion, Seat
from annotation.selectors import round_of
from annotation.services.eligibility import groups_open_to
from annotation.services.exclusion import seat_exclude, seat_include
from annotation.services.seats import seat_place, seat_resume, task_free
from projects.access import Action, can, get_project
from projects.errors import ServiceError
from projects.forms import add_service_error
from projects.views.telling import telling


@login_required
@require_http_methods(["GET", "POST"])
def exclusion(request: HttpRequest, project: str, round: str, seat: int) -> HttpResponse:
    row = get_project(request.user, project, Action.RUN)
    found = round_of(row, round)
    one = get_object_or_404(Seat.objects.select_related("rater__user", "round__project"), round=found, pk=seat)
    standing = one.exclusions.filter(lifted_at__isnull=True).select_related("excluded_by").first()
    sent = request.POST if request.method == "POST" else None
    form = ExclusionForm(sent) if standing is None else None
    if request.method == "POST":
        answer = _lift(request, one) if form is None else _leave_out(request, one, form)
        if answer is not None:
            return answer
    context = {
        "project": row,
        "nav": "rounds",
        "round": found,
        "seat": one,
        "standing": standing,
        "form": form,
        "place": PlaceForm(seat=one, groups=groups_open_to(one)),
        "earlier": list(_lifted(one)),
        "judged": Assignment.objects.filter(seat=one, state=Assignment.State.JUDGED, purpose="normal").count(),
        "show_names": can(request.user, Action.REVIEW, row),
    }
    refused = form is not None and bool(form.errors)
    return render(request, "annotation/exclusion.html", context, status=422 if refused else 200)


def _lifted(seat: Seat) -> list[RaterExclusion]:
    return list(seat.exclusions.filter(lifted_at__isnull=False).order_by("-excluded_at"))


def _leave_out(request: HttpRequest, seat: Seat, form: ExclusionForm) -> HttpResponse | None:
    if not form.is_valid():
        return None
    try:
        seat_exclude(seat=seat, reason=form.cleaned_data["reason"], actor=request.user)
    except ServiceError as error:
        add_service_error(form, error)
        return None
    messages.success(request, gettext("This rater's work is left out. Reports show their figures both ways."))
    return redirect("annotation:round", seat.round.project.slug, seat.round.slug)


def _lift(request: HttpRequest, seat: Seat) -> HttpResponse:
    try:
        lifted = seat_include(seat=seat, actor=request.user)
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        words = f"{lifted.back:,} judgments count again."
        if lifted.extra:
            words += f" {lifted.extra:,} do not: others have taken their places."
        messages.success(request, words)
    return redirect("annotation:round", seat.round.project.slug, seat.round.slug)


@login_required
@require_POST
def place(request: HttpRequest, project: str, round: str, seat: int) -> HttpResponse:
    """How many tasks a rater gets at most, and of which group."""
    row = get_project(request.user, project, Action.RUN)
    found = round_of(row, round)
    one = get_object_or_404(Seat.objects.select_related("rater", "round"), round=found, pk=seat)
    form = PlaceForm(request.POST, seat=one, groups=groups_open_to(one))
    if not form.is_valid():
        said = " ".join(str(error) for errors in form.errors.values() for error in errors)
        messages.error(request, gettext("Nothing was changed. %(said)s") % {"said": said})
        return redirect("annotation:exclusion", row.slug, found.slug, one.pk)
    with telling(request, gettext("It is noted, and counts from the rater's next task on.")):
        seat_place(seat=one, cap=form.cleaned_data["cap"], group=form.cleaned_data.get("group"), actor=request.user)
    return redirect("annotation:round", row.slug, found.slug)


@login_required
@require_POST
def resume(request: HttpRequest, project: str, round: str, seat: int) -> HttpResponse:
    """Let a rater whom gold tasks paused go on."""
    row = get_project(request.user, project, Action.RUN)
    one = get_object_or_404(Seat, round__project=row, round__slug=round, pk=seat)
    with telling(request, gettext("The rater can go on.")):
        seat_resume(seat=one, actor=request.user)
    return redirect("annotation:round", row.slug, round)


@login_required
@require_POST
def free(request: HttpRequest, project: str, round: str, seat: int) -> HttpResponse:
    """The task that a rater holds goes back to the others."""
    row = get_project(request.user, project, Action.RUN)
    found = round_of(row, round)
    one = get_object_or_404(Seat.objects.filter(round=found), pk=seat)
    with telling(request, gettext("The task is free: it goes to the next rater who asks. The draft is kept.")):
        task_free(seat=one, actor=request.user)
    return redirect("annotation:round", row.slug, found.slug)

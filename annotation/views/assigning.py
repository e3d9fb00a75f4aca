"""Giving named tasks to a named rater, and moving them, for those who run a round."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from annotation.models import Round, Seat, Slot
from annotation.selectors import round_of
from annotation.services.assigning import place_move, places_of, tasks_give
from annotation.services.eligibility import people_for
from annotation.services.seats import seat_for
from projects.access import Action, can, get_project
from projects.errors import ServiceError
from projects.forms import add_service_error
from projects.templatetags.numbers import counted
from projects.views.telling import telling


class GiveForm(forms.Form):
    rater = forms.ChoiceField(label=gettext_lazy("Rater"))
    items = forms.CharField(
        label=gettext_lazy("Items, one id a line"),
        widget=forms.Textarea(attrs={"rows": 6}),
        max_length=400_000,
        help_text=gettext_lazy("One place of each task of these items is kept for the rater, who gets them first."),
    )


def _choices(round: Round) -> list[tuple[str, str]]:
    """Those who sit in the round, and members who could; each once."""
    seats = list(round.seats.exclude(state=Seat.State.CLOSED).select_related("rater__user").order_by("pk"))
    sitting = {seat.rater.user_id for seat in seats}
    found = [(f"s{s.pk}", s.rater.user.get_full_name() if s.rater.user else s.rater.pseudonym) for s in seats]
    return found + [(f"m{m.pk}", m.user.get_full_name()) for m in people_for(round) if m.user_id not in sitting]


def _seat(round: Round, value: str) -> Seat:
    if value.startswith("s"):
        return get_object_or_404(Seat.objects.select_related("round", "rater"), round=round, pk=int(value[1:]))
    member = next(m for m in people_for(round) if f"m{m.pk}" == value)
    return seat_for(round=round, user=member.user)


@login_required
@require_http_methods(["GET", "POST"])
def assign(request: HttpRequest, project: str, round: str) -> HttpResponse:
    row = get_project(request.user, project, Action.RUN)
    found = round_of(row, round)
    form = GiveForm(request.POST if request.method == "POST" else None)
    choices = _choices(found)
    form.fields["rater"].choices = choices  # type: ignore[attr-defined]
    problems: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            done = tasks_give(
                seat=_seat(found, form.cleaned_data["rater"]),
                items=form.cleaned_data["items"].splitlines(),
                actor=request.user,
            )
        except ServiceError as error:
            add_service_error(form, error)
        else:
            problems = done.problems
            if done.tasks:
                said = counted(done.tasks, "task is,tasks are")
                messages.success(request, gettext("%(said)s kept for this rater, next in turn.") % {"said": said})
            if not problems:
                return redirect("annotation:assign", row.slug, found.slug)
    context: dict[str, Any] = {
        "project": row,
        "nav": "rounds",
        "round": found,
        "form": form,
        "problems": problems,
        "kept": places_of(found),
        "choices": [choice for choice in choices if choice[0].startswith("s")],
        "show_names": can(request.user, Action.REVIEW, row),
    }
    return render(request, "annotation/assign.html", context, status=422 if form.errors or problems else 200)


@login_required
@require_POST
def move(request: HttpRequest, project: str, round: str, slot: int) -> HttpResponse:
    """To another rater, or to all."""
    row = get_project(request.user, project, Action.RUN)
    found = round_of(row, round)
    one = get_object_or_404(Slot, round=found, pk=slot)
    to = request.POST.get("to", "")
    known = dict(_choices(found))
    with telling(request, gettext("Moved. Who had it is told at the next step; a draft is kept and does not count.")):
        if to and to not in known:
            raise ServiceError(gettext("Choose a rater of this round."))
        place_move(slot=one, to=_seat(found, to) if to else None, actor=request.user)
    return redirect("annotation:assign", row.slug, found.slug)

"""Practice before a round: the training tasks with feedback, as one rater goes through them."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from annotation.models import Assignment, Round, Seat
from annotation.places import rater_place, rater_required
from annotation.practice_page import feedback_of, practice_page
from annotation.services import training
from annotation.services.judging import AnswersRefused
from annotation.training import rule_of
from projects.errors import ServiceError


def show(request: HttpRequest, round: Round, seat: Seat, problem: str = "", status: int = 200) -> HttpResponse:
    """The task in hand; or what the practice asks, with how the last try went."""
    standing = training.standing(seat)
    if standing.assignment is None:
        context = {"round": round, "seat": seat, "standing": standing, "rule": rule_of(round), "problem": problem}
        return drawn(request, "annotation/_practice.html", context, status)
    page = practice_page(round, seat, standing, problem=problem)
    return drawn(request, "annotation/_task.html", {"page": page, "round": round}, status)


@rater_required
@require_POST
def begin(request: HttpRequest, public_id: str) -> HttpResponse:
    """Begin a try."""
    place = rater_place(request, public_id)
    if place.seat.state == Seat.State.TRAINING and place.round.state == Round.State.OPEN:
        try:
            training.try_begin(seat=place.seat)
        except ServiceError as refusal:
            return show(request, place.round, place.seat, refusal.message, 409)
    return redirect("annotation:rate", public_id)


def submit(request: HttpRequest, round: Round, seat: Seat, data: dict[str, str]) -> HttpResponse:
    """Records the answers and shows how right they were."""
    task = data.get("task", "")
    try:
        done = training.step_submit(seat=seat, data=data, public_id=task, key=data.get("key", ""))
    except AnswersRefused as refusal:
        page = practice_page(
            round, seat, training.standing(seat), values=data, errors=refusal.fields, problem=refusal.message
        )
        return drawn(request, "annotation/_task.html", {"page": page, "round": round}, 422)
    except ServiceError as refusal:
        return show(request, round, seat, refusal.message, 409)
    if request.headers.get("X-Rate") != "1":
        return redirect("annotation:feedback", round.public_id, done.public_id)
    return _feedback(request, round, seat, done)


@rater_required
@require_GET
def feedback(request: HttpRequest, public_id: str, task: str) -> HttpResponse:
    """How right the answers to one training task were. Stays at hand."""
    place = rater_place(request, public_id)
    done = Assignment.objects.filter(seat=place.seat, public_id=task, purpose=Assignment.Purpose.TRAINING)
    one = done.filter(state=Assignment.State.JUDGED).select_related("training_step__attempt").first()
    if one is None:
        raise Http404("There is no such page, or you may not see it.")
    return _feedback(request, place.round, place.seat, one)


def _feedback(request: HttpRequest, round: Round, seat: Seat, done: Assignment) -> HttpResponse:
    found = feedback_of(round, done, training.standing(seat))
    return drawn(request, "annotation/_feedback.html", {"round": round, "feedback": found}, 200)


def drawn(request: HttpRequest, template: str, context: dict[str, Any], status: int) -> HttpResponse:
    """The fragment for the page's script, else the page around it."""
    if request.headers.get("X-Rate") != "1":
        context["inner"] = template
        template = "annotation/rate.html"
    response = render(request, template, context, status=status)
    response["Vary"] = "X-Rate, Cookie"
    return response

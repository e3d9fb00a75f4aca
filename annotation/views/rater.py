"""The rating screen. A request that comes from its script gets the fragment; any other gets the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_GET, require_POST, require_safe

from annotation import claims, conduct, task_page
from annotation.claims import Outcome
from annotation.models import Assignment, Round, Seat
from annotation.own_figures import may_see, own_agreement
from annotation.own_history import own_history
from annotation.participants import rater_required
from annotation.places import rater_place
from annotation.presentation import read_presentation
from annotation.rating_page import page_of, sanitised
from annotation.selectors import median_seconds, messages_for, rounds_for_rater
from annotation.sent_answers import sent_answers
from annotation.services import judging
from annotation.services.crowd import ended
from annotation.services.judging import AnswersRefused
from annotation.services.seats import instructions_due, instructions_read
from annotation.shown_files import files_of, with_reference
from annotation.views import practice
from projects.errors import ServiceError
from projects.media_response import media_response

FEW = 5  # judgments; of fewer there is no usual time
PROBLEMS = {
    "lost": gettext_noop(
        "Your hold on that task ran out and it went to somebody else, so it was not counted. Here is the next one."
    ),
    "conflict": gettext_noop("This task was submitted from another window with other answers. Those stand."),
    "unknown": gettext_noop("That task is not yours. Here is your next one."),
    "paused": gettext_noop("Your part in this round is paused, so this was not counted. Your draft is kept."),
    "away": gettext_noop(
        "While you were away your hold on a task ran out and it went to somebody else, so it was not counted. "
        "What you had answered is kept with it."
    ),
    "closed": gettext_noop("The round was closed before you submitted, so this judgment was not counted."),
}


def _practises(round: Round, seat: Seat) -> bool:
    return seat.state == Seat.State.TRAINING and round.state == Round.State.OPEN


def _place(request: HttpRequest, public_id: str) -> tuple[Round, Seat]:
    place = rater_place(request, public_id)
    return place.round, place.seat


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    waiting = rounds_for_rater(request.user)
    sent_back, letters = messages_for(request.user)
    context = {"waiting": waiting, "letters": letters, "sent_back": sent_back}
    return render(request, "annotation/home.html", context)


@rater_required
@require_GET
def rate(request: HttpRequest, public_id: str) -> HttpResponse:
    round, seat = _place(request, public_id)
    if instructions_due(round=round, seat=seat):
        return render(request, "annotation/instructions.html", _guideline(round))
    if _practises(round, seat):
        return practice.show(request, round, seat)
    return _show(request, round, seat, claims.claim(seat.pk))


@rater_required
@require_POST
def begin(request: HttpRequest, public_id: str) -> HttpResponse:
    """From the instructions to the first task."""
    round, seat = _place(request, public_id)
    instructions_read(seat=seat)
    return redirect("annotation:rate", round.public_id)


@rater_required
@require_POST
def submit(request: HttpRequest, public_id: str) -> HttpResponse:
    data = sent_answers(request.POST)
    task = data.get("task", "")
    place = rater_place(request, public_id, task)
    round, seat = place.round, place.seat
    if _practises(round, seat):
        return practice.submit(request, round, seat, data)
    try:
        outcome = judging.judgment_submit(
            seat=seat, round=round, data=data, public_id=task, key=data.get("key", ""), assignment=place.assignment
        )
    except AnswersRefused as refusal:
        return _again(request, round, seat, task, data, refusal)
    except ServiceError as refusal:
        return _show(request, round, seat, claims.claim(seat.pk), problem=refusal.message, status=409)
    if outcome.problem:
        problem = gettext(PROBLEMS[outcome.problem])
        return _show(request, round, seat, claims.claim(seat.pk), problem=problem, status=409)
    if not _from_script(request):
        if outcome.saved_id:
            request.session["saved"] = [public_id, outcome.saved_id]
        return redirect("annotation:rate", public_id)
    if outcome.n_judged is not None:
        seat.n_judged = outcome.n_judged
    return _show(request, round, seat, outcome)


@rater_required
@require_POST
def draft(request: HttpRequest, public_id: str) -> JsonResponse:
    """Autosave. Answers with the new version, or with a sentence."""
    _, seat = _place(request, public_id)
    answers = {
        k: v
        for k, v in sent_answers(request.POST).items()
        if k.startswith(("c-", judging.WHY_UNABLE)) or k == "comment" or (k in conduct.FIELDS and v)
    }
    try:
        version = judging.draft_save(
            seat=seat, public_id=request.POST.get("task", ""), data=answers, version=_whole(request, "version")
        )
    except ServiceError as refusal:
        return JsonResponse({"problem": refusal.message}, status=409)
    return JsonResponse({"version": version})


@rater_required
@require_POST
def skip(request: HttpRequest, public_id: str) -> HttpResponse:
    round, seat = _place(request, public_id)
    try:
        outcome = judging.skip(seat=seat, public_id=request.POST.get("task", ""), reason=request.POST.get("reason", ""))
    except ServiceError as refusal:
        return _show(request, round, seat, claims.claim(seat.pk), problem=refusal.message, status=422)
    if not _from_script(request):
        return redirect("annotation:rate", public_id)
    return _show(request, round, seat, outcome)


@rater_required
@require_POST
def flag(request: HttpRequest, public_id: str) -> HttpResponse:
    round, seat = _place(request, public_id)
    post = request.POST
    return _told(
        request,
        round,
        seat,
        lambda: judging.flag_raise(
            seat=seat, public_id=post.get("task", ""), reason=post.get("reason", ""), note=post.get("note", "")
        ),
        gettext("Flagged. Your lead will look at it."),
    )


@rater_required
@require_POST
def comment(request: HttpRequest, public_id: str) -> HttpResponse:
    round, seat = _place(request, public_id)
    post = request.POST
    return _told(
        request,
        round,
        seat,
        lambda: judging.comment_add(seat=seat, public_id=post.get("task", ""), text=post.get("text", "")),
        gettext("Your comment was sent to your lead."),
    )


def _told(request: HttpRequest, round: Round, seat: Seat, act: Callable[[], Any], words: str) -> HttpResponse:
    """Do something beside the task, and say so; the task stays where it is."""
    try:
        act()
    except ServiceError as refusal:
        if _from_script(request):
            return JsonResponse({"problem": refusal.message}, status=422)
        return _show(request, round, seat, claims.claim(seat.pk), problem=refusal.message, status=422)
    if _from_script(request):
        return JsonResponse({"said": words})
    request.session["said"] = [round.public_id, words]
    return redirect("annotation:rate", round.public_id)


@rater_required
@require_GET
def again(request: HttpRequest, public_id: str, task: str) -> HttpResponse:
    """One of the rater's own judged tasks, to look at or to revise."""
    round, seat = _place(request, public_id)
    judged = Assignment.objects.filter(seat=seat, public_id=task, state=Assignment.State.JUDGED)
    assignment = judged.exclude(purpose=Assignment.Purpose.TRAINING).first()
    if assignment is None or round.state == Round.State.CLOSED:
        raise Http404("There is no such page, or you may not see it.")
    return _show(request, round, seat, Outcome(status="task", assignment=assignment.pk))


@rater_required
@require_safe
def shown_file(request: HttpRequest, public_id: str, task: str, n: int) -> HttpResponseBase:
    """The n-th image or sound of a task that the rater has before them, or judged and may look at again."""
    round, seat = _place(request, public_id)
    states = (Assignment.State.LIVE, Assignment.State.JUDGED)
    assignment = Assignment.objects.filter(seat=seat, public_id=task, state__in=states).only("id").first()
    if assignment is None or round.state == Round.State.CLOSED:
        raise Http404("There is no such page, or you may not see it.")
    shown = read_presentation(assignment.pk)
    files = files_of(with_reference(shown) if round.show_reference else shown, round.project_id)
    if not 0 < n <= len(files):
        raise Http404("There is no such page, or you may not see it.")
    return media_response(request, files[n - 1])


@rater_required
@require_GET
def history(request: HttpRequest, public_id: str) -> HttpResponse:
    round, seat = _place(request, public_id)
    context = {
        "round": round,
        "seat": seat,
        "judged": own_history(round, seat),
        "seconds": median_seconds(seat) if seat.n_judged >= FEW else None,
        "agreement": own_agreement(round, seat) if may_see(round) else None,
    }
    return render(request, "annotation/history.html", context)


@rater_required
@require_GET
def guidelines(request: HttpRequest, public_id: str) -> HttpResponse:
    round, _ = _place(request, public_id)
    if round.guideline is None:
        raise Http404("This round has no guidelines.")
    return render(request, "annotation/guidelines.html", _guideline(round))


def _guideline(round: Round) -> dict[str, Any]:
    guideline = round.guideline
    return {"round": round, "guideline": guideline, "text": sanitised(guideline.html if guideline else "")}


def _from_script(request: HttpRequest) -> bool:
    return request.headers.get("X-Rate") == "1"


def _whole(request: HttpRequest, name: str) -> int:
    raw = request.POST.get(name, "")
    return int(raw) if raw.isdigit() and len(raw) < 10 else -1


def _again(
    request: HttpRequest, round: Round, seat: Seat, task: str, data: dict[str, str], refusal: AnswersRefused
) -> HttpResponse:
    """The same task with what was sent, and a sentence at every field that needs one."""
    assignment = Assignment.objects.get(seat=seat, public_id=task)
    outcome = Outcome(status="task", assignment=assignment.pk)
    page = page_of(round, seat, outcome, values=data, errors=refusal.fields, problem=refusal.message)
    return _render(request, {"page": page, "round": round}, 422)


def _show(
    request: HttpRequest, round: Round, seat: Seat, outcome: Outcome, *, problem: str = "", status: int = 200
) -> HttpResponse:
    problem = problem or (gettext(PROBLEMS["away"]) if outcome.away else "")
    if outcome.status != "task":
        context = {"round": round, "seat": seat, "outcome": outcome, "problem": problem, "figures": may_see(round)}
        context |= _end(request, round, seat, outcome)
        return _render(request, context, status)
    outcome = _with_saved(request, round, outcome)
    page = page_of(round, seat, outcome, problem=problem, said=_said(request, round))
    return _render(request, {"page": page, "round": round}, status)


def _end(request: HttpRequest, round: Round, seat: Seat, outcome: Outcome) -> dict[str, Any]:
    """What a participant without an account is told when nothing comes any more: the code for the platform."""
    participant = getattr(request, "participant", None)
    if participant is None:
        return {}
    how = ended(participant, seat, outcome, closed=round.state == Round.State.CLOSED)
    link = participant.link
    code, address = {"done": (link.done_code, link.done_url), "out": (link.out_code, link.out_url)}.get(how, ("", ""))
    return {"ended": how, "code": code, "address": address}


def _with_saved(request: HttpRequest, round: Round, outcome: Outcome) -> Outcome:
    """Without the script the page comes by redirect; what was just saved is said once."""
    saved = request.session.pop("saved", None) if request.method == "GET" and "saved" in request.session else None
    if saved and saved[0] == round.public_id:
        return replace(outcome, saved_id=saved[1])
    return outcome


def _said(request: HttpRequest, round: Round) -> str:
    """What the script would have shown at once: said on the page that the redirect brings."""
    said = request.session.pop("said", None) if request.method == "GET" and "said" in request.session else None
    return said[1] if said and said[0] == round.public_id else ""


def _render(request: HttpRequest, context: dict[str, Any], status: int) -> HttpResponse:
    template = task_page.TEMPLATE if "page" in context else "annotation/_nothing.html"
    if not _from_script(request):
        response = render(request, "annotation/rate.html", {**context, "inner": template}, status=status)
    elif "page" in context:
        response = HttpResponse(task_page.task_html(request, context["page"]), status=status)
    else:
        response = render(request, template, context, status=status)
    # One address serves page and fragment.
    response["Vary"] = "X-Rate, Cookie"
    return response

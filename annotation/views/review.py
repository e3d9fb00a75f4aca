"""The review queue of a round, and one judgment in it as its rater saw it. Reviewers read, answer and send back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from annotation.kept_figures import is_kept, kept
from annotation.models import Assignment, Judgment, Round
from annotation.own_history import answers_in_words
from annotation.presentation import Presentation, read_presentation
from annotation.rating_page import drawn_output, shown_html
from annotation.review_queue import KINDS, counts_of, lines_of, looked_at, queue_of
from annotation.selectors import round_of
from annotation.services.judging import asks_turns, questions, rubric_of
from annotation.services.messages import reply
from annotation.services.reviewing import judgment_send_back, review_done, send_back_withdraw, why_not_back
from annotation.shown_files import with_files, with_reference
from projects.access import Action, get_project
from projects.errors import ServiceError
from projects.models import Project
from projects.views.media import media_address

LISTED = 50


@login_required
@require_safe
def queue(request: HttpRequest, project: str, round: str) -> HttpResponse:
    row = get_project(request.user, project, Action.REVIEW)
    found = round_of(row, round)
    size = looked_at(found)
    counts = kept("review", found, size, lambda: counts_of(found))
    kind = request.GET.get("kind", "")
    if kind not in KINDS:
        kind = next((each for each in KINDS if counts[each]), "flags")
    done = request.GET.get("done") == "1"
    # Keys are put in order, and only what a page shows is read.
    keys = queue_of(found, kind, done=done).values_list("pk", flat=True)
    page = Paginator(keys, LISTED).get_page(request.GET.get("page"))
    shown = Assignment.objects.select_related("seat__rater__user", "task__item").in_bulk(list(page))
    if not done:
        counts = {**counts, kind: page.paginator.count}
    context = {
        "project": row,
        "nav": "rounds",
        "round": found,
        "tabs": [(key, gettext(title), counts[key]) for key, title in KINDS.items()],
        "kind": kind,
        "done": done,
        "page": page,
        "lines": lines_of([shown[pk] for pk in page if pk in shown]),
        "counts_kept": is_kept(size),
    }
    return render(request, "annotation/review.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def judgment(request: HttpRequest, project: str, round: str, assignment: int) -> HttpResponse:
    row = get_project(request.user, project, Action.REVIEW)
    found = round_of(row, round)
    rows = Assignment.objects.filter(seat__round=found).select_related("seat__round__project", "seat__rater__user")
    one = get_object_or_404(rows.select_related("task__item"), pk=assignment)
    problem = ""
    if request.method == "POST":
        try:
            _act(request, one)
        except ServiceError as error:
            problem = error.message
        else:
            return _onward(request, row, found, one)
    return render(request, "annotation/review_one.html", _context(request, row, found, one, problem),
                  status=422 if problem else 200)  # fmt: skip


def _act(request: HttpRequest, one: Assignment) -> None:
    text = request.POST.get("text", "")
    match request.POST.get("act"):
        case "send_back":
            judgment_send_back(assignment=one, note=text, actor=request.user)
            messages.success(request, gettext("Sent back. The rater finds it on their first page."))
        case "message":
            reply(assignment=one, text=text, actor=request.user)
            messages.success(request, gettext("Sent. The rater finds it on their first page."))
        case "withdraw":
            send_back_withdraw(assignment=one, actor=request.user)
            messages.success(request, gettext("The judgment stays as it is."))
        case "done":
            review_done(assignment=one, actor=request.user)
            messages.success(request, gettext("Done."))
        case _:
            raise ServiceError(gettext("The page sent nothing we know. Load it again and choose one of its buttons."))


def _onward(request: HttpRequest, project: Project, round: Round, one: Assignment) -> HttpResponse:
    """After “done” the next of the same kind; else the same page."""
    kind = request.GET.get("kind", "")
    if request.POST.get("act") != "done":
        return redirect(request.get_full_path())
    following = queue_of(round, kind).filter(pk__lt=one.pk).first() if kind in KINDS else None
    query = f"?{urlencode({'kind': kind})}" if kind in KINDS else ""
    if following is None:
        target = redirect("annotation:review", project.slug, round.slug)
    else:
        target = redirect("annotation:review_one", project.slug, round.slug, following.pk)
    target["Location"] += query
    return target


def _context(request: HttpRequest, project: Project, round: Round, one: Assignment, problem: str) -> dict[str, Any]:
    shown = _shown(project, round, one)
    current = Judgment.objects.filter(assignment=one, current=True).prefetch_related("ratings", "texts").first()
    rubric = rubric_of(round)
    asked = list(questions(rubric, len(one.shown_order), round.only_criteria, shown.outputs))
    said = lines_of([one])[0]
    return {
        "project": project,
        "nav": "rounds",
        "round": round,
        "one": one,
        "line": said,
        "kind": request.GET.get("kind", ""),
        "task": shown,
        "prompt": shown_html(shown.prompt_html),
        "outputs": [drawn_output(o, turns=asks_turns(rubric)) for o in shown.outputs],
        "answers": [(q, words) for q in asked for words in (answers_in_words(current, [q]) if current else ())],
        "judgment": current,
        "problem": problem,
        "text": request.POST.get("text", ""),
        "may_send_back": not why_not_back(one),
    }


def _shown(project: Project, round: Round, one: Assignment) -> Presentation:
    """The task in the order in which this rater saw it, and as blind."""
    shown = read_presentation(one.pk)
    if round.show_reference:
        shown = with_reference(shown)
    return with_files(shown, round.project_id, lambda media, _: media_address(project, media))

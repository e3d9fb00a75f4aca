"""Tasks with known answers, for those who run a round: gold and training, from a form, a file or final answers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_http_methods, require_POST

from annotation import known_page
from annotation.forms_known import FinalsForm, KnownFileForm, RuleForm
from annotation.known_page import KnownRefused
from annotation.models import Round, Seat
from annotation.selectors import round_of
from annotation.sent_answers import sent_answers
from annotation.services import training
from annotation.services.gold_sets import COLUMNS, gold_import
from annotation.services.known_answers import KINDS, known_remove, known_set
from annotation.services.known_finals import FromFinals, known_from_finals
from annotation.training import Rule, kept_rule, rule_of
from projects.access import Action, can, get_project
from projects.errors import ServiceError
from projects.forms import add_service_error
from projects.models import Project
from projects.templatetags.numbers import number
from projects.views.telling import telling

TITLES = {"gold": gettext_noop("Gold tasks"), "training": gettext_noop("Training")}


@login_required
@require_http_methods(["GET", "POST"])
def answers(request: HttpRequest, project: str, round: str, kind: str) -> HttpResponse:
    """The list. A POST takes a file, final answers of another round, or what passing the training asks."""
    row = get_project(request.user, project, Action.RUN)
    found = round_of(row, round)
    sent = request.POST.get("act", "") if request.method == "POST" else ""
    forms: dict[str, Any] = {
        "rule": RuleForm(request.POST if sent == "rule" else None, rule=kept_rule(found)),
        "file": KnownFileForm(request.POST if sent == "file" else None, request.FILES if sent == "file" else None),
        "finals": FinalsForm(request.POST if sent == "finals" else None, round=found),
    }
    if request.method == "POST":
        if sent not in _ACTS or (sent == "rule" and kind != "training"):
            raise Http404("There is no such page, or you may not see it.")
        if forms[sent].is_valid() and _act(request, found, kind, sent, forms[sent]):
            return redirect(f"annotation:{kind}", row.slug, found.slug)
    return _page(request, row, found, kind, forms, 422 if sent else 200)


def _act(request: HttpRequest, round: Round, kind: str, sent: str, form: Any) -> bool:
    try:
        messages.success(request, _ACTS[sent](request, round, kind, form.cleaned_data))
    except ServiceError as error:
        add_service_error(form, error)
        return False
    return True


def _rule(request: HttpRequest, round: Round, kind: str, given: dict[str, Any]) -> str:
    rule = Rule(given["pass_mark"] / 100, given["tries"], given["grants"].strip())
    training.training_set(round=round, rule=rule, actor=request.user)
    return gettext("Saved. It counts from the next try that ends.")


def _file(request: HttpRequest, round: Round, kind: str, given: dict[str, Any]) -> str:
    file = given["file"]
    done = gold_import(round=round, stream=file, name=file.name, kind=kind, actor=request.user)
    return gettext(
        "%(name)s: %(rows)s rows; %(tasks)s new tasks, %(answers)s new answers, %(changed)s "
        "changed, %(unchanged)s unchanged."
    ) % {
        "name": file.name,
        "rows": number(done.rows),
        "tasks": number(done.tasks),
        "answers": number(done.answers),
        "changed": number(done.changed),
        "unchanged": number(done.unchanged),
    }


def _finals(request: HttpRequest, round: Round, kind: str, given: dict[str, Any]) -> str:
    taken = known_from_finals(round=round, source=given["source"], kind=kind, actor=request.user)
    return _taken_words(taken)


def _taken_words(taken: FromFinals) -> str:
    said = [
        gettext("%(tasks)s new tasks with %(answers)s known answers.")
        % {"tasks": number(taken.done.tasks), "answers": number(taken.done.answers)}
    ]
    if taken.met:
        said.append(gettext("%(n)s were left: raters of this round have met them.") % {"n": number(taken.met)})
    if taken.other:
        said.append(
            gettext("%(n)s final answers are to questions that this round does not ask in the same way.")
            % {"n": number(taken.other)}
        )
    if taken.silent:
        said.append(gettext("%(n)s reasons were left out, because they name a system.") % {"n": number(taken.silent)})
    return " ".join(said)


_ACTS = {"rule": _rule, "file": _file, "finals": _finals}


def _page(
    request: HttpRequest, project: Project, round: Round, kind: str, forms: dict[str, Any], status: int
) -> HttpResponse:
    q = request.GET.get("q", "").strip()[:300]
    context = {
        "project": project,
        "nav": "rounds",
        "round": round,
        "kind": kind,
        "title": gettext(TITLES[kind]),
        "tasks": known_page.known_tasks(round, kind),
        "forms": forms,
        "columns": COLUMNS,
        "q": q,
        "found": known_page.search_items(round, q) if "q" in request.GET else None,
        "rule": rule_of(round),
        "trained": known_page.trained(round) if kind == "training" else [],
        "show_names": can(request.user, Action.REVIEW, project),
    }
    return render(request, "annotation/known.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def task(request: HttpRequest, project: str, round: str, kind: str) -> HttpResponse:
    """The form of one task: `outputs` names what is judged in it."""
    row = get_project(request.user, project, Action.RUN)
    found = round_of(row, round)
    address = request.GET.get("outputs", "")
    outputs = known_page.outputs_at(found, address)
    if not outputs:
        raise Http404("There is no such page, or you may not see it.")
    sent = sent_answers(request.POST) if request.method == "POST" else None
    wrong: dict[str, str] = {}
    problem = ""
    if sent is not None:
        try:
            known = known_page.read_known(found, outputs, sent)
            known_set(round=found, kind=kind, outputs=outputs, known=known, actor=request.user)
        except KnownRefused as refusal:
            wrong, problem = refusal.fields, refusal.message
        except ServiceError as refusal:
            problem = refusal.message
        else:
            messages.success(
                request,
                gettext("The known answers of “%(external_id)s” are saved.")
                % {"external_id": outputs[0].item.external_id},
            )
            return redirect(f"annotation:{kind}", row.slug, found.slug)
    context = {
        "project": row,
        "nav": "rounds",
        "round": found,
        "kind": kind,
        "title": gettext(TITLES[kind]),
        "form": known_page.known_form(found, outputs, sent, wrong),
        "problem": problem,
    }
    return render(request, "annotation/known_task.html", context, status=422 if problem else 200)


@login_required
@require_POST
def remove(request: HttpRequest, project: str, round: str, case: int, kind: str) -> HttpResponse:
    row = get_project(request.user, project, Action.RUN)
    found = round_of(row, round)
    one = get_object_or_404(found.tasks.filter(kind=kind, kind__in=KINDS).select_related("round"), pk=case)
    with telling(request, gettext("The task is taken out.")):
        known_remove(task=one, actor=request.user)
    return redirect(f"annotation:{kind}", row.slug, found.slug)


@login_required
@require_POST
def decide(request: HttpRequest, project: str, round: str, seat: int) -> HttpResponse:
    """A rater whom the training holds up: another try, or let through."""
    row = get_project(request.user, project, Action.RUN)
    found = round_of(row, round)
    one = get_object_or_404(Seat.objects.select_related("round__project"), round=found, pk=seat)
    act = request.POST.get("act", "")
    with telling(
        request,
        gettext("The rater may go on without having passed.") if act == "wave" else gettext("The rater may try again."),
    ):
        if act == "wave":
            training.seat_wave_through(seat=one, actor=request.user)
        else:
            training.seat_retry(seat=one, actor=request.user)
    return redirect("annotation:training", row.slug, found.slug)

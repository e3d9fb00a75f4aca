"""Rounds for those who run or read them. Raters get 404: these pages name systems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, gettext_noop, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import conduct, round_page, selectors
from annotation.forms import ExtendForm, RoundForm, settings_of
from annotation.kept_figures import is_kept, kept
from annotation.models import Assignment, Flag, Renewal, Round
from annotation.pairing import PAIRINGS_IN_WORDS
from annotation.pay import in_words, rate_of
from annotation.round_head import Asker, head_of
from annotation.services import rounds as service
from annotation.services import upkeep
from annotation.services.draw_facts import draw_facts
from annotation.services.eligibility import groups_progress, requirements_of
from annotation.services.leak_acts import round_open_as_it_is
from annotation.services.leak_scan import open_leaks
from annotation.services.messages import reply
from annotation.services.renewing import renews
from annotation.services.round_plans import round_plan
from annotation.services.round_tasks import pairs_of
from annotation.services.successors import successor_offer
from annotation.services.unblinding import unblinding_of
from annotation.strategies import STRATEGIES
from annotation.training import rule_of
from projects.access import Action, can, get_project
from projects.errors import ServiceError
from projects.forms import add_service_error
from projects.models import Project
from projects.templatetags.words import in_sentence
from projects.views.telling import telling


@login_required
@require_safe
def round_list(request: HttpRequest, project: str) -> HttpResponse:
    row = get_project(request.user, project, Action.VIEW)
    context = {
        "project": row,
        "nav": "rounds",
        "rounds": list(selectors.rounds_of(row)),
        "may_run": can(request.user, Action.RUN, row),
    }
    return render(request, "annotation/rounds.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, project: str) -> HttpResponse:
    """Makes a draft; what it would ask for is shown on its page before it opens. `like` fills the form from another."""
    row = get_project(request.user, project, Action.RUN)
    like = Round.objects.filter(project=row, slug=request.GET.get("like", "")).first()
    initial = settings_of(like) if like else {"tag": request.GET.get("tag", "")}
    form = RoundForm(request.POST or None, project=row, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made = service.round_create(project=row, actor=request.user, **form.settings())
        except ServiceError as error:
            add_service_error(form, error)
        except ValidationError as error:
            form.add_error(None, " ".join(error.messages))
        else:
            messages.success(request, gettext("The round is planned. Raters see it once you open it."))
            return redirect("annotation:round", row.slug, made.slug)
    has_rubric = form.fields["rubric_version"].queryset.exists()  # type: ignore[attr-defined]
    has_systems = form.fields["systems"].queryset.exists()  # type: ignore[attr-defined]
    context = {
        "project": row,
        "nav": "rounds",
        "form": form,
        "has_rubric": has_rubric,
        "has_systems": has_systems,
        "like": like,
    }
    return render(request, "annotation/round_new.html", context)


@login_required
@require_safe
def detail(request: HttpRequest, project: str, round: str) -> HttpResponse:
    row = get_project(request.user, project, Action.VIEW)
    return _page(request, row, selectors.round_of(row, round))


def _page(
    request: HttpRequest, project: Project, round: Round, extend: ExtendForm | None = None, status: int = 200
) -> HttpResponse:
    names = can(request.user, Action.REVIEW, project)
    plan = round_plan(round) if round.state != Round.State.CLOSED else None
    rate = rate_of(round)
    context: dict[str, Any] = {
        "project": project,
        "nav": "rounds",
        "round": round,
        "plan": plan,
        "lease_words": in_words(round.lease_seconds),
        "rate": rate,
        "plan_cost": rate.cost(plan.hours * 3600) if rate and plan else None,
        "draw": plan.draw if plan else draw_facts(round),
        "systems": [rs.system for rs in round.round_systems.select_related("system")],
        "sample": round.options.get("sample", {}),
        "strategy": STRATEGIES.get(round.strategy),
        "renewal": Renewal.objects.filter(round=round).first() if renews(round) else None,
        "wants": requirements_of(round),
        "pairs_words": PAIRINGS_IN_WORDS[pairs_of(round).design],
        "training": rule_of(round),
        "asks_confidence": conduct.asks_confidence(round),
        "break_minutes": conduct.break_minutes(round),
        "warns": conduct.warns(round),
        "may_run": can(request.user, Action.RUN, project),
        "may_review": names,
        "offer": successor_offer(round),
        "unblinding": unblinding_of(round),
        # Viewers read figures; who is behind a pseudonym is for those who work with the raters.
        "show_names": names,
    }
    has_work = round.opened_at is not None or round.seats.exists()
    if has_work:
        context |= _figures(round)
        context["extend"] = extend or ExtendForm(round=round)
    asker = Asker(context["may_run"], names, has_work, bool(context["unblinding"]))
    context["head"] = head_of(round, asker)
    return render(request, "annotation/round.html", context, status=status)


def _figures(round: Round) -> dict[str, Any]:
    progress = selectors.progress_of(round)
    judgments = progress.judged + progress.imported
    raters = round_page.rater_rows(round, judged=judgments)
    typical = round_page.median_of_all(raters)
    left = progress.left * (round.planned_seconds if typical is None else typical)
    worked, rate = round_page.all_worked(raters), rate_of(round)
    return {
        "worked": worked,
        "worked_words": in_words(worked.seconds) if worked else "",
        "counted": sum(row.judged for row in raters),
        "cost_so_far": rate.cost(worked.seconds) if rate and worked else None,
        "cost_left": rate.cost(left) if rate else None,
        "costs": [
            (
                row,
                in_words(row.worked.seconds) if row.worked else "",
                rate.cost(row.worked.seconds) if rate and row.worked else None,
            )
            for row in raters
        ],
        "progress": progress,
        "figures_kept": is_kept(judgments),
        "groups": groups_progress(round),
        "raters": raters,
        "typical": typical,
        "time_left": in_words(max(60.0, left)),
        "sides": round_page.all_sides(raters),
        "flags": round_page.open_flags(round),
        "comments": round_page.comments(round),
        "new_items": kept("new-items", round, judgments, lambda: round_page.new_items(round))
        if round.state in Round.GOING
        else 0,
    }


@dataclass(frozen=True)
class Act:
    """A change of state: what is asked first, and what is said after."""

    title: Any  # in the reader's language when it is shown
    button: str
    done: str
    run: Callable[..., object]
    states: tuple[str, ...]
    danger: bool = False


ACTS = {
    "open": Act(
        pgettext_lazy("act", "Open"),
        gettext_noop("Open round"),
        gettext_noop("The round is open: raters can judge."),
        service.round_open,
        ("draft", "paused"),
    ),
    "pause": Act(
        pgettext_lazy("act", "Pause"),
        gettext_noop("Pause round"),
        gettext_noop("The round is paused."),
        service.round_pause,
        ("open",),
    ),
    "close": Act(
        pgettext_lazy("act", "Close"),
        gettext_noop("Close round"),
        gettext_noop("The round is closed."),
        service.round_close,
        ("open", "paused"),
        True,
    ),
    "reopen": Act(
        pgettext_lazy("act", "Reopen"),
        gettext_noop("Reopen round"),
        gettext_noop("The round is open again."),
        service.round_reopen,
        ("closed",),
    ),
    "drop": Act(
        pgettext_lazy("act", "Drop"),
        gettext_noop("Drop round"),
        gettext_noop("The planned round is dropped."),
        upkeep.round_drop,
        ("draft",),
        True,
    ),
}


@login_required
@require_http_methods(["GET", "POST"])
def act(request: HttpRequest, project: str, round: str, act: str) -> HttpResponse:
    """Asks once, saying what it means (GET), then does it (POST)."""
    row = get_project(request.user, project, Action.RUN)
    found, chosen = selectors.round_of(row, round), ACTS[act]
    if found.state not in chosen.states:
        messages.error(
            request,
            gettext("This round is %(state)s by now, so nothing was changed.")
            % {"state": in_sentence(found.get_state_display())},
        )
        return redirect("annotation:round", row.slug, found.slug)
    if request.method == "GET":
        return _ask(request, row, found, act)
    run = chosen.run
    if act == "open" and found.state == Round.State.DRAFT and "as_it_is" in request.POST:
        run = round_open_as_it_is
    elif act == "open" and found.state == Round.State.DRAFT and open_leaks(found):
        messages.error(request, gettext("Some texts tell which system answered. Decide about them first."))
        return redirect("annotation:leaks", row.slug, found.slug)
    try:
        run(round=found, actor=request.user)
    except ServiceError as error:
        messages.error(request, error.message)
        return redirect("annotation:round", row.slug, found.slug)
    messages.success(request, gettext(chosen.done))
    if act == "drop":
        return redirect("annotation:rounds", row.slug)
    return redirect("annotation:round", row.slug, found.slug)


def _ask(request: HttpRequest, project: Project, round: Round, act: str) -> HttpResponse:
    plan = round_plan(round) if act == "open" and round.state == Round.State.DRAFT else None
    rate = rate_of(round)
    context: dict[str, Any] = {
        "project": project,
        "nav": "rounds",
        "round": round,
        "act": act,
        "chosen": ACTS[act],
        "chosen_title": ACTS[act].title,
        "plan": plan,
        "rate": rate,
        "plan_cost": rate.cost(plan.hours * 3600) if rate and plan else None,
        "progress": selectors.progress_of(round),
        "leaks": open_leaks(round) if act == "open" and round.state == Round.State.DRAFT else 0,
        "held": Assignment.objects.filter(seat__round=round, state=Assignment.State.LIVE).count(),
    }
    return render(request, "annotation/round_act.html", context)


@login_required
@require_POST
def extend(request: HttpRequest, project: str, round: str) -> HttpResponse:
    """More raters for each task, or the items that came since."""
    row = get_project(request.user, project, Action.RUN)
    found = selectors.round_of(row, round)
    add_items = request.POST.get("what") == "items"
    form = ExtendForm(request.POST if not add_items else None, round=found)
    if not add_items and not form.is_valid():
        return _page(request, row, found, form, 422)
    if add_items and not round_page.new_items(found):
        messages.warning(request, gettext("No items have come since, so nothing was added."))
        return redirect("annotation:round", row.slug, found.slug)
    overlap = None if add_items else form.cleaned_data["overlap"]
    try:
        added = service.round_extend(round=found, actor=request.user, overlap=overlap, add_items=add_items)
    except ServiceError as error:
        if not error.field:  # nothing the form could put right, such as a round closed meanwhile
            messages.error(request, error.message)
            return redirect("annotation:round", row.slug, found.slug)
        add_service_error(form, error)
        return _page(request, row, found, form, 422)
    if added:
        messages.success(request, gettext("%(added)s judgments were added to the round.") % {"added": f"{added:,}"})
    else:
        messages.warning(request, gettext("Nothing was added: the round asks for this many already."))
    return redirect("annotation:round", row.slug, found.slug)


@login_required
@require_POST
def flag_resolve(request: HttpRequest, project: str, round: str, flag: int) -> HttpResponse:
    row = get_project(request.user, project, Action.REVIEW)
    found = selectors.round_of(row, round)
    one = get_object_or_404(Flag.objects.filter(assignment__seat__round=found), pk=flag)
    upkeep.flag_resolve(flag=one, actor=request.user)
    messages.success(request, gettext("The flag is resolved."))
    return redirect("annotation:round", row.slug, found.slug)


@login_required
@require_POST
def message(request: HttpRequest, project: str, round: str, assignment: int) -> HttpResponse:
    """A word to the rater about a task."""
    row = get_project(request.user, project, Action.REVIEW)
    found = selectors.round_of(row, round)
    rows = Assignment.objects.filter(seat__round=found).select_related("seat__round__project")
    one = get_object_or_404(rows, pk=assignment)
    with telling(request, gettext("Sent. The rater finds it on their first page.")):
        reply(assignment=one, text=request.POST.get("text", ""), actor=request.user)
    return redirect("annotation:round", row.slug, found.slug)

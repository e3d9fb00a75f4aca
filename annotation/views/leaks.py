"""What in a round's texts tells which system answered, and what is done about it. Raters get 404."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_POST, require_safe

from annotation.forms import LeakTermsForm
from annotation.models import Round
from annotation.selectors import round_of
from annotation.services import leak_acts
from annotation.services.leak_scan import scan
from projects.access import Action, get_project
from projects.errors import ServiceError
from projects.forms import add_service_error
from projects.models import Project
from projects.templatetags.numbers import number


@login_required
@require_safe
def leaks(request: HttpRequest, project: str, round: str) -> HttpResponse:
    row = get_project(request.user, project, Action.RUN)
    return _page(request, row, round_of(row, round))


def _page(
    request: HttpRequest, project: Project, round: Round, form: LeakTermsForm | None = None, status: int = 200
) -> HttpResponse:
    terms = "\n".join(round.options.get("leak_terms", []))
    context = {
        "project": project,
        "nav": "rounds",
        "round": round,
        "scan": scan(round),
        "form": form or LeakTermsForm(initial={"terms": terms}),
    }
    return render(request, "annotation/leaks.html", context, status=status)


@login_required
@require_POST
def leak_terms(request: HttpRequest, project: str, round: str) -> HttpResponse:
    """The lead's own words to look for."""
    row = get_project(request.user, project, Action.RUN)
    found = round_of(row, round)
    form = LeakTermsForm(request.POST)
    if form.is_valid():
        try:
            leak_acts.terms_set(round=found, text=form.cleaned_data["terms"], actor=request.user)
        except ServiceError as error:
            add_service_error(form, error)
    if form.errors:
        return _page(request, row, found, form, 422)
    messages.success(request, gettext("The texts were read again with your list."))
    return redirect("annotation:leaks", row.slug, found.slug)


# What a button does with one word, and what is said after, given how many texts or items it met.
ONE: dict[str, tuple[Callable[..., int], str]] = {
    "accept": (leak_acts.leak_accept, gettext_noop("The word stays, in {} texts.")),
    "redact": (leak_acts.leak_redact, gettext_noop("The word was replaced by “[removed]”, in {} texts.")),
    "exclude": (leak_acts.leak_exclude, gettext_noop("Items left out of the round: {}.")),
    "undo": (leak_acts.leak_undo, gettext_noop("The word waits for a decision again, in {} texts.")),
}
ALL: dict[str, tuple[Callable[..., int], str]] = {
    "unredact": (leak_acts.leak_unredact, gettext_noop("The words are back as they were, in {} texts.")),
    "take_back": (
        leak_acts.leak_take_back,
        gettext_noop("Decisions taken back: {}. The items are in the round again."),
    ),
}


@login_required
@require_POST
def leak_act(request: HttpRequest, project: str, round: str) -> HttpResponse:
    row = get_project(request.user, project, Action.RUN)
    found, what = round_of(row, round), request.POST.get("act", "")
    try:
        if what in ONE:
            done, said = ONE[what]
            n = done(round=found, key=request.POST.get("key", ""), actor=request.user)
        elif what in ALL:
            done, said = ALL[what]
            n = done(round=found, actor=request.user)
        else:
            raise Http404("There is no such act.")
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, gettext(said).format(number(n)))
    return redirect("annotation:leaks", row.slug, found.slug)

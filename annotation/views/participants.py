"""The join link of a round and who came by it, for those who run the round."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_http_methods, require_POST

from annotation.forms_join import JoinForm
from annotation.models import JoinLink, Participant, Round, Seat
from annotation.selectors import round_of
from annotation.services import crowd
from projects.access import Action, get_project
from projects.errors import ServiceError
from projects.forms import add_service_error
from projects.views.telling import telling

_BRACES = {
    "PROLIFIC_PID": "{{%PROLIFIC_PID%}}",
    "STUDY_ID": "{{%STUDY_ID%}}",
    "SESSION_ID": "{{%SESSION_ID%}}",
}


@login_required
@require_http_methods(["GET", "POST"])
def participants(request: HttpRequest, project: str, round: str) -> HttpResponse:
    row = get_project(request.user, project, Action.RUN)
    found = round_of(row, round)
    link = JoinLink.objects.filter(round=found).first()
    act = request.POST.get("act", "save")
    form = JoinForm(request.POST if request.method == "POST" and act == "save" else None, link=link)
    if request.method == "POST" and _acted(request, found, link, act, form):
        return redirect("annotation:participants", row.slug, found.slug)
    if link is not None:
        link.round = found
    context = {
        "project": row,
        "nav": "rounds",
        "round": found,
        "link": link,
        "closed": crowd.why_closed(link) if link else "",
        "address": _address(request, link) if link else "",
        "people": _people(link) if link else [],
        "form": form,
    }
    return render(request, "annotation/participants.html", context, status=422 if form.errors else 200)


def _acted(request: HttpRequest, round: Round, link: JoinLink | None, act: str, form: JoinForm) -> bool:
    if act in ("open", "close") and link is not None:
        crowd.link_switch(round=round, is_open=act == "open", actor=request.user)
        messages.success(
            request,
            gettext("The link is open.") if act == "open" else gettext("The link is closed. Who is in goes on."),
        )
        return True
    if not form.is_valid():
        return False
    try:
        crowd.link_save(round=round, given=form.cleaned_data, actor=request.user)
    except ServiceError as error:
        add_service_error(form, error)
        return False
    except ValidationError as error:
        form.add_error(None, " ".join(error.messages))
        return False
    messages.success(request, gettext("The link is saved."))
    return True


def _address(request: HttpRequest, link: JoinLink) -> str:
    """With what the platform fills in. Mechanical Turk adds its parameters itself."""
    address = request.build_absolute_uri(reverse("annotation:join", args=[link.token]))
    if link.platform == JoinLink.Platform.MTURK:
        return address
    names = [n for n in (link.id_parameter, link.study_parameter, link.session_parameter) if n]
    prolific = link.platform == JoinLink.Platform.PROLIFIC
    preset = crowd.PRESETS[JoinLink.Platform.PROLIFIC]
    own = dict(zip((link.id_parameter, link.study_parameter, link.session_parameter), preset, strict=True))
    return f"{address}?" + "&".join(f"{n}={_BRACES[own[n]]}" if prolific else f"{n}=…" for n in names)


@dataclass(frozen=True, slots=True)
class Shown:
    row: Participant
    name: str
    stands: str
    code: str


_STATES = {
    Seat.State.TRAINING: gettext_noop("In training"),
    Seat.State.FAILED: gettext_noop("Training not passed"),
    Seat.State.PAUSED: gettext_noop("Paused"),
    Seat.State.CLOSED: gettext_noop("Closed"),
}


def _people(link: JoinLink) -> list[Shown]:
    found = []
    for row in link.participants.select_related("seat__rater").order_by("-id"):
        name = (row.seat.rater.external_id or "").removeprefix("join:")
        judging = gettext_noop("Done") if row.outcome == "done" else gettext_noop("Judging")
        stands = gettext(_STATES.get(Seat.State(row.seat.state)) or judging)
        if row.erased_at:
            stands = gettext("Erased")
        code = {"done": link.done_code, "out": link.out_code}.get(row.outcome, "")
        found.append(Shown(row, name, stands, code))
    return found


@login_required
@require_POST
def erase(request: HttpRequest, project: str, round: str, participant: int) -> HttpResponse:
    row = get_project(request.user, project, Action.RUN)
    found = round_of(row, round)
    one = get_object_or_404(Participant.objects.filter(link__round=found), pk=participant)
    with telling(request, gettext("The id and the texts of this participant are gone. The figures are as they were.")):
        crowd.participant_erase(participant=one, actor=request.user)
    return redirect("annotation:participants", row.slug, found.slug)

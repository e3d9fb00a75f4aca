"""The link by which participants of a crowd platform come into a round, and what becomes of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext as _

from annotation.claims import Outcome
from annotation.models import Assignment, Comment, Flag, FreeText, JoinLink, Participant, Round, Seat
from annotation.services.eligibility import settle_seat
from annotation.services.seats import leave
from annotation.training import first_state
from projects import audit
from projects.errors import ServiceError
from projects.models import Rater
from projects.services.people import pseudonym_for

MAX_ID = 100
MAX_CAP = 1_000_000
_ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.:@-]{{0,{MAX_ID - 1}}}")
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
# What the platforms put into the address: the participant, the study, the session; and how they write its place.
PRESETS = {
    JoinLink.Platform.PROLIFIC: ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID"),
    JoinLink.Platform.MTURK: ("workerId", "hitId", "assignmentId"),
    JoinLink.Platform.OTHER: ("participant", "study", "session"),
}
PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"  # Mechanical Turk shows the task before it is accepted
_SETTINGS = (
    "platform", "id_parameter", "study_parameter", "session_parameter", "consent", "expires_at", "cap", "places",
    "done_code", "done_url", "out_code", "out_url", "declined_code", "declined_url",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Arrival:
    """Whom the address names."""

    id: str
    study: str = ""
    session: str = ""


@transaction.atomic
def link_save(*, round: Round, given: dict[str, Any], actor: Any) -> JoinLink:
    """Make the link, or change it. A changed consent text is a new version, which is what later participants accept."""
    row = Round.objects.select_for_update(of=("self",)).select_related("project").get(pk=round.pk)
    if row.state == Round.State.CLOSED:
        raise ServiceError(gettext("This round is closed: nobody can join it."))
    link = JoinLink.objects.filter(round=row).first() or JoinLink(round=row, created_by=actor, consent_version=0)
    before, old = link.consent, PRESETS[JoinLink.Platform(link.platform)]
    for name in _SETTINGS:
        if name in given:
            setattr(link, name, given[name])
    _fill(link, old)
    _check(link)
    if link.consent != before:
        link.consent_version += 1
    link.full_clean(exclude=["created_by"])
    link.save()
    audit.record(project=row.project, actor=actor, verb="join.set", target=f"round:{row.pk}")
    return link


def _fill(link: JoinLink, old: tuple[str, str, str]) -> None:
    """Names that were left empty, or were those of another platform, are the platform's own."""
    preset = PRESETS[JoinLink.Platform(link.platform)]
    names = ("id_parameter", "study_parameter", "session_parameter")
    given = tuple(getattr(link, name) for name in names)
    if not any(given) or (given == old and old != preset):
        for name, value in zip(names, preset, strict=True):
            setattr(link, name, value)
    link.id_parameter = link.id_parameter or preset[0]
    link.consent = link.consent.strip()


def _check(link: JoinLink) -> None:
    names = [link.id_parameter, link.study_parameter, link.session_parameter]
    for name, value in zip(("id_parameter", "study_parameter", "session_parameter"), names, strict=True):
        if value and not _PARAMETER.fullmatch(value):
            raise ServiceError(
                gettext("“%(value)s” cannot name a parameter: letters, digits, _ and -.") % {"value": value[:40]},
                field=name,
            )
    used = [name for name in names if name]
    if len(set(used)) < len(used):
        raise ServiceError(gettext("The parameters need different names."), field="id_parameter")
    if not link.consent:
        raise ServiceError(
            gettext("Write what participants consent to: they read it before anything else."), field="consent"
        )
    for field, most in (("cap", MAX_CAP), ("places", MAX_CAP)):
        value = getattr(link, field)
        if value is not None and not 1 <= value <= most:
            raise ServiceError(
                gettext("A whole number from 1 to %(most)s, or nothing.") % {"most": f"{most:,}"}, field=field
            )


@transaction.atomic
def link_switch(*, round: Round, is_open: bool, actor: Any) -> None:
    """Let people in, or nobody more. Who is in goes on."""
    link = JoinLink.objects.select_for_update(of=("self",)).select_related("round__project").get(round=round)
    link.is_open = is_open
    link.save(update_fields=["is_open"])
    verb = "join.open" if is_open else "join.close"
    audit.record(project=link.round.project, actor=actor, verb=verb, target=f"round:{link.round_id}")


def link_at(token: str) -> JoinLink | None:
    rows = JoinLink.objects.select_related("round__project", "round__guideline")
    return rows.filter(token=token).first()


def why_closed(link: JoinLink) -> str:
    """Why nobody new can come in just now; empty: they can."""
    if link.round.state == Round.State.PAUSED or link.round.state == Round.State.DRAFT:
        return _("This study has not begun, or is paused. Try again later.")
    if link.round.state != Round.State.OPEN or not link.is_open:
        return _("This study takes no more participants.")
    if link.expires_at is not None and link.expires_at <= timezone.now():
        return _("The time to join this study is over.")
    if link.places is not None and link.participants.count() >= link.places:
        return _("All places of this study are taken.")
    return ""


def arrival_of(link: JoinLink, data: Any) -> Arrival:
    """From the parameters of an address, or of the form that repeats them. Refuses what no platform sends."""
    who = data.get(link.id_parameter, "")
    if not who:
        raise ServiceError(_("This address names no participant. Open the study from the platform that sent you."))
    if not _ID.fullmatch(who):
        raise ServiceError(
            _("The participant in this address is not one that a platform gives. Open the study there again.")
        )
    more = [data.get(name, "") if name else "" for name in (link.study_parameter, link.session_parameter)]
    if any(value and not _ID.fullmatch(value) for value in more):
        raise ServiceError(_("The study in this address is not one that a platform gives. Open the study there again."))
    return Arrival(who, *more)


def participant_known(link: JoinLink, arrival: Arrival) -> Participant | None:
    """Who consented before comes back to the same seat."""
    rows = link.participants.select_related("seat__rater", "link__round")
    return rows.filter(seat__rater__external_id=external_id(arrival.id)).first()


def external_id(who: str) -> str:
    """Apart from the ids of raters that came in files."""
    return f"join:{who}"


@transaction.atomic
def participant_join(*, link: JoinLink, arrival: Arrival) -> Participant:
    """Consent given: a rater without an account, with a seat. Locked, so that the places are exact and one participant
    who comes twice at once is one."""
    row = JoinLink.objects.select_for_update(of=("self",)).select_related("round__project").get(pk=link.pk)
    known = participant_known(row, arrival)
    if known is not None:
        return known
    if said := why_closed(row):
        raise ServiceError(said)
    project = row.round.project
    name = external_id(arrival.id)
    rater, _ = Rater.objects.get_or_create(
        project=project, external_id=name, defaults={"pseudonym": pseudonym_for(project, f"external:{name}")}
    )
    fresh = Seat(round=row.round, rater=rater, cap=row.cap, state=first_state(row.round, []))
    settle_seat(fresh, row.round, None)
    given = {name: getattr(fresh, name) for name in ("cap", "state", "group", "eligibility")}
    seat, _ = Seat.objects.get_or_create(round=row.round, rater=rater, defaults=given)
    made = Participant.objects.create(
        link=row,
        seat=seat,
        study=arrival.study,
        session=arrival.session,
        consent_version=row.consent_version,
        consented_at=timezone.now(),
    )
    audit.record(
        project=project, actor=None, verb="participant.join", target=f"seat:{seat.pk}",
        payload={"consent": row.consent_version},
    )  # fmt: skip
    return made


def consent_declined(*, link: JoinLink) -> None:
    JoinLink.objects.filter(pk=link.pk).update(n_declined=F("n_declined") + 1)


_OUT = {"seat_failed", "seat_paused", "seat_closed", "not_for_you"}
_ENDED = {"finished", "complete", "cap"}


def ended(participant: Participant, seat: Seat, outcome: Outcome, *, closed: bool) -> str:
    """How it ends for the participant, if nothing comes any more: "done", "out", or "" while it goes on. Who has judged
    and would only wait for others may end too."""
    how = ""
    if outcome.status in _OUT:
        how = Participant.Outcome.OUT
    elif outcome.status in _ENDED or (outcome.status == "not_open" and closed):
        how = Participant.Outcome.DONE if seat.n_judged else Participant.Outcome.OUT
    elif outcome.status == "nothing_now" and seat.n_judged:
        how = Participant.Outcome.DONE
    if how and participant.outcome != how:
        Participant.objects.filter(pk=participant.pk).update(outcome=how, ended_at=timezone.now())
    return str(how)


@transaction.atomic
def participant_erase(*, participant: Participant, actor: Any) -> None:
    """Take out who it was and every word of theirs. What was chosen stays under the pseudonym, so no figure changes."""
    row = Participant.objects.select_related("link__round__project").get(pk=participant.pk)
    Round.objects.select_for_update(of=("self",)).get(pk=row.link.round_id)
    now = timezone.now()
    rater = Rater.objects.select_for_update().get(seats__participant=row)
    if rater.erased_at is not None:
        raise ServiceError(gettext("This participant has been erased already."))
    seats = list(Seat.objects.select_for_update().filter(rater=rater).order_by("pk"))
    leave(seats)
    Assignment.objects.filter(seat__in=seats).update(draft=None)
    FreeText.objects.filter(judgment__seat__in=seats, erased_at=None).update(text="", erased_at=now)
    Comment.objects.filter(assignment__seat__in=seats, from_rater=True, erased_at=None).update(text="", erased_at=now)
    Flag.objects.filter(assignment__seat__in=seats).update(note="")
    Participant.objects.filter(seat__in=seats).update(study="", session="", erased_at=now)
    Rater.objects.filter(pk=rater.pk).update(external_id=None, erased_at=now)
    audit.record(project=row.link.round.project, actor=actor, verb="participant.erase", target=f"rater:{rater.pk}")

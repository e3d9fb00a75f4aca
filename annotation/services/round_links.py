"""Raters who are brought into a round: members that are chosen, people by a link of the round, addresses of a list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.core import signing
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from annotation.models import Round, RoundLink, Seat
from annotation.services.seats import seat_for
from projects import audit
from projects.access import Action, allowed, role_of, roles_with
from projects.errors import ServiceError
from projects.models import Membership, Role
from projects.services.inviting import InvitePlan, invite_plan
from projects.services.people import INVITATION_DAYS

MAX_PLACES = 1000
MAX_DAYS = 365
_SIGNER = signing.Signer(salt="annotation.round_link", sep=".")


def token_of(link: RoundLink) -> str:
    """What stands in the link's address."""
    return _SIGNER.sign(link.key)


def link_at(token: str) -> RoundLink | None:
    """The link of this address, usable or not."""
    try:
        key = _SIGNER.unsign(token)
    except signing.BadSignature:
        return None
    return RoundLink.objects.select_related("round__project").filter(key=key).first()


def usable(link: RoundLink) -> bool:
    """Whether somebody new can come in by it."""
    ended = link.revoked_at is not None or link.expires_at <= timezone.now() or link.n_used >= link.places
    return not ended and link.round.state != Round.State.CLOSED


def usable_links(round: Round) -> QuerySet[RoundLink]:
    """Those of a round by which somebody can come in, the newest first."""
    if round.state == Round.State.CLOSED:
        return RoundLink.objects.none()
    rows = RoundLink.objects.filter(round=round, revoked_at=None, expires_at__gt=timezone.now())
    return rows.filter(n_used__lt=F("places")).order_by("-pk")


def _not_closed(round: Round) -> Round:
    row = Round.objects.select_for_update(of=("self",)).select_related("project").get(pk=round.pk)
    if row.state == Round.State.CLOSED:
        raise ServiceError(gettext("This round is closed: nobody can join it. Reopen it first."))
    return row


@transaction.atomic
def link_make(*, round: Round, places: int, days: int, actor: Any) -> RoundLink:
    """A link for so many people, for so many days."""
    if not 1 <= places <= MAX_PLACES:
        raise ServiceError(gettext("A link is for 1 to %(most)s people.") % {"most": f"{MAX_PLACES:,}"}, field="places")
    if not 1 <= days <= MAX_DAYS:
        raise ServiceError(gettext("A link lasts from 1 to %(most)s days.") % {"most": MAX_DAYS}, field="days")
    row = _not_closed(round)
    expires = timezone.now() + timedelta(days=days)
    link = RoundLink.objects.create(round=row, places=places, expires_at=expires, created_by=actor)
    audit.record(
        project=row.project, actor=actor, verb="round.link", target=f"round:{row.pk}",
        payload={"places": places, "days": days},
    )  # fmt: skip
    return link


@transaction.atomic
def link_revoke(*, link: RoundLink, actor: Any) -> None:
    """Nobody more comes in by it. Who is in stays."""
    row = RoundLink.objects.select_for_update(of=("self",)).select_related("round__project").get(pk=link.pk)
    if row.revoked_at is not None:
        raise ServiceError(gettext("This link has been revoked already."))
    row.revoked_at = timezone.now()
    row.save(update_fields=["revoked_at"])
    audit.record(project=row.round.project, actor=actor, verb="round.link_revoke", target=f"round:{row.round_id}")


@transaction.atomic
def link_use(*, token: str, user: Any) -> Round:
    """The user becomes a rater of the project, if they were not in it, and sits down in the round. Who sits there
    already takes no place. Locked, so that the places are exact."""
    found = link_at(token)
    link = found and (
        RoundLink.objects.select_for_update(of=("self",)).select_related("round__project").get(pk=found.pk)
    )
    if link is None or (link.email and link.email != user.email.lower()):
        raise ServiceError(gettext("This link is not for you. Ask whoever sent it for one of your own."))
    round, role = link.round, role_of(user, link.round.project)
    if role is not None and not allowed(role, Action.RATE):
        raise ServiceError(gettext("Your role in this project does not judge. Ask its lead to change it."))
    seated = Seat.objects.filter(round=round, rater__user=user).exclude(state=Seat.State.CLOSED).exists()
    if role is not None and seated:
        return round
    if not usable(link):
        raise ServiceError(gettext("This link cannot be used any more. Ask whoever sent it for a new one."))
    if role is None:
        able = {"languages": link.languages, "qualifications": link.qualifications}
        Membership.objects.get_or_create(project=round.project, user=user, defaults={"role": Role.RATER, **able})
        audit.record(
            project=round.project, actor=user, verb="member.join", target=f"user:{user.pk}",
            payload={"role": Role.RATER, "round": round.pk},
        )  # fmt: skip
    RoundLink.objects.filter(pk=link.pk).update(n_used=F("n_used") + 1)
    _sit(round, user)
    return round


def _sit(round: Round, user: Any) -> None:
    """What a seat may take is known once the round is open; before that it is made at the first visit."""
    if round.state in Round.GOING:
        seat_for(round=round, user=user)


# --- Members and lists ------------------------------------------------------------------------------------------


def members_outside(round: Round) -> list[Membership]:
    """Who may judge and has no seat in the round."""
    inside = Seat.objects.filter(round=round, rater__user__isnull=False).exclude(state=Seat.State.CLOSED)
    rows = Membership.objects.filter(project=round.project_id, role__in=roles_with(Action.RATE))
    rows = rows.exclude(user__in=inside.values("rater__user"))
    return list(rows.select_related("user").order_by("user__name", "user__email"))


@transaction.atomic
def members_seat(*, round: Round, members: Sequence[int], actor: Any) -> int:
    """Seats for these members, by the ids of their memberships. Returns how many are new."""
    row = Round.objects.select_related("project").get(pk=round.pk)
    if row.state not in Round.GOING:
        raise ServiceError(gettext("Members sit down in a round that is open or paused. Open it first."))
    chosen = [each for each in members_outside(row) if each.pk in set(members)]
    if not chosen:
        raise ServiceError(gettext("Choose at least one member who is not in the round yet."), field="members")
    for each in chosen:
        seat_for(round=row, user=each.user)
    audit.record(
        project=row.project, actor=actor, verb="raters.add", target=f"round:{row.pk}", payload={"raters": len(chosen)}
    )
    return len(chosen)


@transaction.atomic
def raters_invite(*, round: Round, text: str, actor: Any) -> tuple[int, int]:
    """Members of the list sit down in the round; everybody else gets a link of their own. Returns both counts."""
    plan = raters_plan(round=round, text=text)
    row = _not_closed(round)
    outside = plan.outside
    addresses = [each.email for each in outside]
    members = Membership.objects.filter(
        project=row.project, user__email__in=[each.email for each in plan.members], role__in=roles_with(Action.RATE)
    ).select_related("user")
    if not addresses and not members:
        raise ServiceError(gettext("Nobody in this list can be added, so nothing was changed."), field="text")
    for each in members:
        _sit(row, each.user)
    waiting = RoundLink.objects.filter(round=row, email__in=addresses, n_used=0, revoked_at=None)
    waiting.update(revoked_at=timezone.now())
    expires = timezone.now() + timedelta(days=INVITATION_DAYS)
    RoundLink.objects.bulk_create(
        [
            RoundLink(
                round=row,
                email=each.email,
                languages=list(each.languages),
                qualifications=list(each.qualifications),
                places=1,
                expires_at=expires,
                created_by=actor,
            )
            for each in outside
        ],
        batch_size=200,
    )
    audit.record(
        project=row.project, actor=actor, verb="raters.invite", target=f"round:{row.pk}",
        payload={"members": len(members), "invited": len(addresses)},
    )  # fmt: skip
    return len(members), len(addresses)


def raters_plan(*, round: Round, text: str) -> InvitePlan:
    return invite_plan(project=round.project, text=text)

"""Who may sit in a round, and giving back what somebody held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext

from annotation import claim_sql as sql
from annotation.claim_steps import run
from annotation.models import Assignment, Round, Seat, Slot
from annotation.services.assigning import places_release
from annotation.services.eligibility import SETTLED, settle_seat
from annotation.training import first_state, state_due
from projects import audit
from projects.access import Action, allowed
from projects.errors import ServiceError
from projects.models import Membership, Project
from projects.services import people

MAX_CAP = 1_000_000


def seat_for(*, round: Round, user: Any) -> Seat:
    """The user's seat in the round, made at the first visit."""
    seat = Seat.objects.filter(round=round, rater__user=user).first()
    if seat is not None and seat.state != Seat.State.CLOSED:
        return seat
    with transaction.atomic():
        # Shared, as claims hold it: what the rater can do does not change while their seat is worked out.
        run(sql.SHARE_ROUND, [round.pk])
        return _seat_opened(round, user) if seat is not None else _seat_made(round, user)


def _seat_opened(round: Round, user: Any) -> Seat:
    """It was closed when the member was removed; whoever gets here has been let in again."""
    seat = Seat.objects.get(round=round, rater__user=user)
    excluded = seat.exclusions.filter(lifted_at__isnull=True).exists()
    member = Membership.objects.filter(project=round.project, user=user).first()
    settle_seat(seat, round, member)
    seat.state = Seat.State.PAUSED if excluded else state_due(seat, member.qualifications if member else [])
    Seat.objects.filter(pk=seat.pk).update(**{name: getattr(seat, name) for name in ("state", *SETTLED)})
    return seat


def _seat_made(round: Round, user: Any) -> Seat:
    rater = people.rater_for_user(project=round.project, user=user)
    fresh = Seat(round=round, rater=rater)
    member = Membership.objects.filter(project=round.project, user=user).first()
    settle_seat(fresh, round, member)
    state = first_state(round, member.qualifications if member else [])
    seat, _ = Seat.objects.get_or_create(
        round=round, rater=rater, defaults={"group": fresh.group, "eligibility": fresh.eligibility, "state": state}
    )
    return seat


def instructions_due(*, round: Round, seat: Seat) -> bool:
    """Whether the guideline comes before the next task: once, and only for those who have had no task yet."""
    began = seat.guideline_read_at is not None or seat.n_assigned > 0
    return (
        round.state == Round.State.OPEN
        and seat.state in (Seat.State.ACTIVE, Seat.State.TRAINING)
        and bool(round.guideline_id)
        and not began
    )


def instructions_read(*, seat: Seat) -> None:
    """The rater goes on from the guideline. The first time counts."""
    Seat.objects.filter(pk=seat.pk, guideline_read_at__isnull=True).update(guideline_read_at=timezone.now())


@transaction.atomic
def seat_resume(*, seat: Seat, actor: Any) -> Seat:
    """Let a paused rater go on. Gold judged so far is settled: only later gold can pause again."""
    row = Seat.objects.select_for_update(of=("self",)).select_related("round__project").get(pk=seat.pk)
    if row.exclusions.filter(lifted_at__isnull=True).exists():
        raise ServiceError(gettext("This rater's work is left out of the round. Take it in again first."))
    if row.state != Seat.State.PAUSED:
        raise ServiceError(gettext("This rater is not paused, so nothing was changed."))
    row.state, row.paused_reason = Seat.State.ACTIVE, ""
    row.checked_until = row.assignments.aggregate(last=Max("pk"))["last"] or 0
    row.save(update_fields=["state", "paused_reason", "checked_until"])
    audit.record(project=row.round.project, actor=actor, verb="rater.resume", target=f"seat:{row.pk}")
    return row


@transaction.atomic
def task_free(*, seat: Seat, actor: Any) -> None:
    """Take back the task a rater holds: it goes to whoever asks next. The draft stays, and what the rater sends before
    somebody else has the task still counts."""
    row = Seat.objects.select_for_update(of=("self",)).select_related("round__project").get(pk=seat.pk)
    now = timezone.now()
    held = Assignment.objects.filter(seat=row, state=Assignment.State.LIVE).values("id")
    freed = Slot.objects.filter(state=Slot.State.LEASED, holder__in=held, lease_until__gt=now).update(lease_until=now)
    if not freed:
        raise ServiceError(gettext("This rater holds no task that others wait for, so nothing was changed."))
    audit.record(project=row.round.project, actor=actor, verb="rater.free", target=f"seat:{row.pk}")


@transaction.atomic
def seat_place(*, seat: Seat, cap: int | None, group: str | None, actor: Any) -> Seat:
    """How many tasks this rater gets at most (None: as many as the round says), and whose places: of a group to which
    the rater belongs (None: as it is)."""
    row = Seat.objects.select_for_update(of=("self",)).select_related("round__project", "rater").get(pk=seat.pk)
    if cap is not None and not 1 <= cap <= MAX_CAP:
        raise ServiceError(
            gettext("The most tasks for a rater is a whole number from 1 to %(most)s.") % {"most": f"{MAX_CAP:,}"},
            field="cap",
        )
    if group is not None:
        member = Membership.objects.filter(project=row.round.project, user=row.rater.user).first()
        row.group = group
        settle_seat(row, row.round, member)
        if row.group != group:
            raise ServiceError(
                gettext("This rater does not belong to the group “%(group)s”. See People.") % {"group": group},
                field="group",
            )
    row.cap = cap
    row.save(update_fields=["cap", *SETTLED])
    audit.record(
        project=row.round.project, actor=actor, verb="rater.place", target=f"seat:{row.pk}",
        payload={"cap": cap, "group": row.group},
    )  # fmt: skip
    return row


@transaction.atomic
def member_remove(*, membership: Membership, actor: Any) -> None:
    """Remove a member: the seats close and what they held goes back to the queue. Judgments stay."""
    project, user = membership.project, membership.user
    people.member_remove(membership=membership, actor=actor)
    seats_close(project=project, user=user)


@transaction.atomic
def member_change(*, membership: Membership, role: str, actor: Any) -> Membership:
    """Change the role; whoever may no longer rate gives back what they hold."""
    membership = people.member_change(membership=membership, role=role, actor=actor)
    if not allowed(role, Action.RATE):
        seats_close(project=membership.project, user=membership.user)
    return membership


@transaction.atomic
def seats_close(*, project: Project, user: Any) -> int:
    seats = list(Seat.objects.select_for_update().filter(round__project=project, rater__user=user).order_by("pk"))
    leave(seats)
    return len(seats)


def leave(seats: Sequence[Seat]) -> None:
    """What they hold and what waits for them goes to others. The seats are locked."""
    held = Assignment.objects.filter(seat__in=seats, state=Assignment.State.LIVE).values("id")
    Slot.objects.filter(state=Slot.State.LEASED, holder__in=held).update(lease_until=timezone.now())
    places_release(seats)
    Seat.objects.filter(pk__in=[s.pk for s in seats]).update(state=Seat.State.CLOSED)

"""Leaving a rater's work out of a round, and taking it in again: recorded, with its reason, and reported both ways."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from annotation.lanes import shared_lane
from annotation.models import Assignment, RaterExclusion, Round, Seat, Slot
from annotation.services.assigning import places_release
from annotation.services.eligibility import requirements_of
from annotation.services.reasons import reason_given
from annotation.services.slots import slots_settle
from annotation.training import state_due
from projects import audit
from projects.errors import ServiceError
from projects.models import Membership

REASON_MAX = 500


@dataclass(frozen=True, slots=True)
class Lifted:
    """What came back when an exclusion was lifted."""

    back: int  # judgments that count again
    extra: int  # judgments whose place somebody else has filled or is filling: kept, not counted


@transaction.atomic
def seat_exclude(*, seat: Seat, reason: str, actor: Any) -> RaterExclusion:
    """Leave this rater's work in the round out of its figures. The judgments stay; their places are wanted again, and
    the rater gets no more tasks here."""
    missing = gettext("Say why this rater's work is left out: the report repeats it.")
    reason = reason_given(reason, REASON_MAX, missing)
    row, locked = _locked(seat)
    if locked.exclusions.filter(lifted_at__isnull=True).exists():
        raise ServiceError(gettext("This rater's work is left out already. Lift that first to give another reason."))
    exclusion = RaterExclusion.objects.create(seat=locked, reason=reason, excluded_by=actor)
    _give_back(locked)
    places_release([locked])
    if locked.state in (Seat.State.ACTIVE, Seat.State.TRAINING, Seat.State.FAILED):
        Seat.objects.filter(pk=locked.pk).update(state=Seat.State.PAUSED)
    judged = dict(_judged(locked).values_list("task_id", "slot_id"))
    row.slots.filter(pk__in=judged.values()).update(state=Slot.State.WITHDRAWN)
    wanted = slots_settle(row, list(judged)) if row.state != Round.State.CLOSED else 0
    audit.record(
        project=row.project, actor=actor, verb="rater.exclude", target=f"seat:{locked.pk}", payload={"wanted": wanted}
    )
    return exclusion


@transaction.atomic
def seat_include(*, seat: Seat, actor: Any) -> Lifted:
    """Lift the exclusion. Where others have filled the place meanwhile, the judgment stays out of the count, so that no
    task ever counts more judgments than its overlap."""
    row, locked = _locked(seat)
    exclusion = locked.exclusions.filter(lifted_at__isnull=True).first()
    if exclusion is None:
        raise ServiceError(gettext("This rater's work is not left out, so there is nothing to lift."))
    exclusion.lifted_at, exclusion.lifted_by = timezone.now(), actor
    exclusion.save(update_fields=["lifted_at", "lifted_by"])
    if locked.state == Seat.State.PAUSED:
        member = Membership.objects.filter(project=row.project, user=locked.rater.user_id).first()
        Seat.objects.filter(pk=locked.pk).update(state=state_due(locked, member.qualifications if member else []))
    full = _full(row, locked)
    back = dict(_judged(locked).exclude(task__in=full).values_list("task_id", "slot_id"))
    row.slots.filter(pk__in=back.values()).update(state=Slot.State.JUDGED)
    _judged(locked).filter(task__in=full).update(purpose=Assignment.Purpose.EXTRA, slot=None)
    if row.state != Round.State.CLOSED:
        slots_settle(row, list(back))
    audit.record(project=row.project, actor=actor, verb="rater.include", target=f"seat:{locked.pk}")
    return Lifted(len(back), len(full))


def _locked(seat: Seat) -> tuple[Round, Seat]:
    """The round first: claims hold it shared, so none is under way; then the seat, as claims do after it."""
    row = Round.objects.select_for_update(of=("self",)).select_related("project").get(pk=seat.round_id)
    return row, Seat.objects.select_for_update().get(pk=seat.pk)


def _judged(seat: Seat) -> Any:
    return Assignment.objects.filter(seat=seat, state=Assignment.State.JUDGED, purpose=Assignment.Purpose.NORMAL)


def _give_back(seat: Seat) -> None:
    """The task in hand goes to somebody else at once; the rater hears of it at their next request."""
    held = Assignment.objects.filter(seat=seat, state=Assignment.State.LIVE).values("id")
    Slot.objects.filter(state=Slot.State.LEASED, holder__in=held).update(lease_until=timezone.now())


def _full(row: Round, seat: Seat) -> list[int]:
    """Tasks of this rater that others have judged as often as wanted, or will have when they submit: others of the
    rater's group, where places are kept for groups."""
    wants = requirements_of(row)
    mine = dict(_judged(seat).values_list("task_id", "slot__group"))
    taken = row.slots.filter(task__in=mine, state__in=[Slot.State.JUDGED, Slot.State.LEASED])
    counts: Counter[tuple[int, str]] = Counter()
    for task, lane in taken.values_list("task_id", "group"):
        counts[task, shared_lane(lane)] += 1
    lanes = {task: shared_lane(lane) for task, lane in mine.items()}
    return [
        task for (task, lane), n in counts.items() if lane == lanes[task] and n >= wants.wanted_in(lane, row.overlap)
    ]

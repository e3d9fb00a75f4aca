"""Tasks that the lead gives to a named rater: their places are in a lane of that rater alone.

A claim tries the lanes of its seat, so what is kept for one is never looked at by another, and a claim that has none
asks nothing more. Every act here holds the round alone: no claim is under way, so no place has two takers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from annotation.lanes import code, lanes_for, numbers, own_lane, shared_lane
from annotation.models import Assignment, Round, Seat, Slot, Task
from annotation.services.slots import search_anew
from projects import audit
from projects.errors import ServiceError

MOST = 2_000  # items at once


@dataclass(slots=True)
class Given:
    """What came of it. `problems`: a sentence for each item of which nothing could be given."""

    tasks: int = 0
    problems: list[str] = field(default_factory=list)


@transaction.atomic
def tasks_give(*, seat: Seat, items: Sequence[str], actor: Any) -> Given:
    """Keep one place of each task of these items for this rater. All that can be given is, the rest is said; if nothing
    can, nothing is changed."""
    row, holder = _locked(seat)
    if holder.state in (Seat.State.CLOSED, Seat.State.FAILED):
        raise ServiceError(gettext("This rater gets no tasks here just now, so none can be given."))
    names = list(dict.fromkeys(name.strip() for name in items if name.strip()))
    if not names:
        raise ServiceError(gettext("Name the items, one a line."), field="items")
    if len(names) > MOST:
        raise ServiceError(
            gettext("At most %(most)s items at once; %(n)s were named.")
            % {"most": f"{MOST:,}", "n": f"{len(names):,}"},
            field="items",
        )
    done = Given()
    may = {numbers(lane) for lane in lanes_for(holder.eligibility, 0)}
    for number, name in enumerate(names, start=1):
        tasks = list(row.tasks.filter(kind=Task.Kind.NORMAL, item__external_id=name).order_by("ordinal", "id"))
        said = "" if tasks else "this round has no task of it."
        taken = 0
        for task in tasks:
            why = _keep(holder, task, may)
            said, taken = said or why, taken + (not why)
            if taken and row.one_task_per_item:
                break
        done.tasks += taken
        if not taken:
            done.problems.append(f"Line {number}, “{name[:80]}”: {said}")
    if done.tasks:
        _settle(holder)
        audit.record(
            project=row.project, actor=actor, verb="tasks.give", target=f"seat:{holder.pk}",
            payload={"tasks": done.tasks},
        )  # fmt: skip
    return done


def _keep(seat: Seat, task: Task, may: set[tuple[int, int]]) -> str:
    """Move one open place of the task into the rater's lane. A sentence where there is none."""
    slots = list(Slot.objects.select_for_update().filter(task=task).order_by("n"))
    if any(own_lane(slot.group) == seat.pk and slot.state in (Slot.State.OPEN, Slot.State.LEASED) for slot in slots):
        return gettext("it waits for this rater already.")
    key = slots[0].item_key if slots else task.pk
    if _met(seat, key):
        return gettext("this rater has had it already.")
    free = [slot for slot in slots if _is_free(slot) and own_lane(slot.group) is None]
    fits = [slot for slot in free if numbers(slot.group) in may]
    if not fits:
        return "it asks for what this rater cannot do." if free else "all its places are taken."
    _move(fits[0], seat)
    return ""


def _met(seat: Seat, item_key: int) -> bool:
    mine = Assignment.objects.filter(seat=seat, item_key=item_key, state__lt=Assignment.State.LOST)
    waits = Slot.objects.filter(round=seat.round_id, item_key=item_key, state=Slot.State.OPEN)
    return mine.exists() or waits.filter(group__startswith=f"@{seat.pk}:").exists()


def _is_free(slot: Slot) -> bool:
    """Open, or on its way back: the lease has run out."""
    lapsed = slot.state == Slot.State.LEASED and slot.lease_until is not None and slot.lease_until <= timezone.now()
    return slot.state == Slot.State.OPEN or lapsed


def _move(slot: Slot, seat: Seat | None) -> None:
    """Into the lane of a rater, or back into that of all. Whoever held it hears of it at the next request: the claim
    settles what is lost, and gives its side back."""
    if slot.state == Slot.State.LEASED:
        Assignment.objects.filter(pk=slot.holder or 0, state=Assignment.State.LIVE).update(state=Assignment.State.LOST)
    shared = shared_lane(slot.group)
    lane = code(*numbers(shared)) if seat is None else f"@{seat.pk}:{shared}"
    Slot.objects.filter(pk=slot.pk).update(state=Slot.State.OPEN, lease_until=None, holder=None, group=lane)
    if seat is None:
        search_anew(slot.round, slot.pos)


@transaction.atomic
def place_move(*, slot: Slot, to: Seat | None, actor: Any) -> None:
    """Give a place that waits for a rater, or that a rater holds, to another; or back to all. What the first had
    written stays as a draft, and does not count."""
    row = Round.objects.select_for_update(of=("self",)).select_related("project").get(pk=slot.round_id)
    found = Slot.objects.select_for_update().get(pk=slot.pk)
    holder = own_lane(found.group)
    if found.state not in (Slot.State.OPEN, Slot.State.LEASED) or (holder is None and found.state != Slot.State.LEASED):
        raise ServiceError(gettext("That task is judged or free by now, so nothing was changed."))
    live = Assignment.objects.filter(pk=found.holder or 0).values_list("seat_id", flat=True).first()
    seats = _seats_locked([pk for pk in (holder, live, to.pk if to else None) if pk])
    if to is not None:
        _refuse_unfit(seats[to.pk], found, row)
    _move(found, seats[to.pk] if to else None)
    for seat in seats.values():
        _settle(seat)
    audit.record(
        project=row.project, actor=actor, verb="tasks.move", target=f"seat:{to.pk}" if to else f"round:{row.pk}"
    )


def _refuse_unfit(to: Seat, slot: Slot, row: Round) -> None:
    if to.round_id != row.pk:
        raise ServiceError(gettext("That rater is not in this round."))
    if to.state in (Seat.State.CLOSED, Seat.State.FAILED):
        raise ServiceError(gettext("That rater gets no tasks here just now."))
    if _met(to, slot.item_key):
        raise ServiceError(gettext("That rater has had this task, or has it waiting."))
    if numbers(slot.group) not in {numbers(lane) for lane in lanes_for(to.eligibility, 0)}:
        raise ServiceError(gettext("The task asks for what that rater cannot do."))


def _locked(seat: Seat) -> tuple[Round, Seat]:
    """The round first: claims hold it shared, so none is under way."""
    row = Round.objects.select_for_update(of=("self",)).select_related("project").get(pk=seat.round_id)
    if row.state == Round.State.CLOSED or row.opened_at is None:
        raise ServiceError(gettext("Tasks are given while a round is open or paused."))
    return row, Seat.objects.select_for_update().get(pk=seat.pk)


def _seats_locked(keys: Sequence[int]) -> dict[int, Seat]:
    return {seat.pk: seat for seat in Seat.objects.select_for_update().filter(pk__in=keys).order_by("pk")}


def _settle(seat: Seat) -> None:
    """Which lanes are this rater's own, on the seat, where the claim finds them."""
    waiting = Slot.objects.filter(
        round=seat.round_id, group__startswith=f"@{seat.pk}:", state__in=[Slot.State.OPEN, Slot.State.LEASED]
    )
    lanes = sorted(set(waiting.values_list("group", flat=True)))
    known = {name: value for name, value in seat.eligibility.items() if name != "mine"}
    seat.eligibility = known | ({"mine": lanes} if lanes else {})
    seat.save(update_fields=["eligibility"])


def places_release(seats: Sequence[Seat]) -> None:
    """What waits for raters who are gone goes to all. The round's row need not be locked: a place that a claim has just
    taken is not open any more."""
    for seat in seats:
        waiting = Slot.objects.select_for_update().filter(
            round=seat.round_id, group__startswith=f"@{seat.pk}:", state__in=[Slot.State.OPEN, Slot.State.LEASED]
        )
        freed = list(waiting)
        for slot in freed:
            slot.group = shared_lane(slot.group)
        if freed:
            Slot.objects.bulk_update(freed, ["group"], batch_size=200)
            search_anew(seat.round, min(slot.pos for slot in freed))


@dataclass(frozen=True, slots=True)
class Kept:
    """A place that waits for a rater or is held by one."""

    slot: Slot
    task: Task
    seat: Seat
    live: bool


def places_of(round: Round) -> list[Kept]:
    """Places that wait for a named rater, and those that are held now. Four queries."""
    rows = round.slots.filter(
        Q(state=Slot.State.OPEN, group__startswith="@") | Q(state=Slot.State.LEASED, lease_until__gt=timezone.now())
    )
    slots = list(rows.select_related("task__item").order_by("pos", "n"))
    live = dict(Assignment.objects.filter(pk__in=[s.holder for s in slots if s.holder]).values_list("pk", "seat_id"))
    owners = {s.pk: live.get(s.holder or 0) or own_lane(s.group) for s in slots}
    seats = {seat.pk: seat for seat in round.seats.select_related("rater__user")}
    return [
        Kept(s, s.task, seats[owner], s.state == Slot.State.LEASED)
        for s in slots
        if (owner := owners[s.pk]) is not None and owner in seats
    ]

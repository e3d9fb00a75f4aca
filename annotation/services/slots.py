"""How many judgments of a task are still wanted: the one place that says so when something other than a rater's
submit changes it.

A slot that is judged counts. That of an excluded rater is withdrawn, and keeps its judgment. A task wants as many
slots that count, are leased or are open as its overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Max, Min

from annotation.lanes import Requirements, code, numbers, shared_lane
from annotation.models import Assignment, Round, Slot
from annotation.services.disagreement_order import order_outdated
from annotation.services.eligibility import requirements_of

CHUNK = 2000


def slots_settle(row: Round, tasks: Sequence[int]) -> int:
    """Open, make or withdraw slots until each of these tasks wants exactly what the overlap lacks; new slots are
    walked in the order of `tasks`, behind all others. The round's row must be locked: then no claim is under way.
    Returns by how many the wanted judgments grew (negative: shrank)."""
    change = grown = 0
    reopened: list[int] = []
    pos = row.slots.aggregate(last=Max("pos"))["last"] or 0
    for start in range(0, len(tasks), CHUNK):
        chunk = tasks[start : start + CHUNK]
        plan = _plan(row, chunk, pos)
        row.slots.filter(pk__in=plan.withdrawn).update(state=Slot.State.WITHDRAWN)
        opened = row.slots.filter(pk__in=plan.opened)
        opened.update(state=Slot.State.OPEN)
        reopened += [first for first in [opened.aggregate(first=Min("pos"))["first"]] if first is not None]
        Slot.objects.bulk_create(plan.new, batch_size=CHUNK)
        pos += len(chunk)
        grown += len(plan.opened) + len(plan.new)
        change += len(plan.opened) + len(plan.new) - len(plan.withdrawn)
    if grown:
        search_anew(row, min(reopened, default=None))
    order_outdated(row)
    return change


def search_anew(row: Round, first: int | None = None) -> None:
    """Something was opened: nobody's search is at its end. Whoever was beyond the first place of it goes back there."""
    row.seats.filter(looked__isnull=False).update(looked=None)
    if first is not None:
        row.seats.filter(cursor__gte=first).update(cursor=first - 1)


@dataclass(slots=True)
class _Plan:
    opened: list[int] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)
    new: list[Slot] = field(default_factory=list)


def _plan(row: Round, tasks: Sequence[int], pos: int) -> _Plan:
    slots: dict[int, list[Slot]] = {task: [] for task in tasks}
    kept = set(
        Assignment.objects.filter(
            task__in=tasks, state=Assignment.State.JUDGED, slot__state=Slot.State.WITHDRAWN
        ).values_list("slot_id", flat=True)
    )
    for slot in row.slots.filter(task__in=tasks).order_by("task_id", "n"):
        slots[slot.task_id].append(slot)
    plan, wants = _Plan(), requirements_of(row)
    for place, known in enumerate(slots.values(), start=1):
        if known:  # a task without slots has nothing to judge
            _settle_task(plan, row, wants, known, kept, pos + place)
    return plan


def _settle_task(plan: _Plan, row: Round, wants: Requirements, known: list[Slot], kept: set[int], pos: int) -> None:
    """Each group by itself: a place that is kept for one is not filled by another."""
    asked, last, n = numbers(known[0].group)[1], known[-1], known[-1].n
    for group in range(len(wants.groups) + 1):
        lane = code(group, asked)
        lacking = _settle_lane(
            plan, wants.wanted_in(lane, row.overlap), [s for s in known if shared_lane(s.group) == lane], kept
        )
        for _ in range(lacking):
            n += 1
            plan.new.append(Slot(round=row, task_id=last.task_id, n=n, item_key=last.item_key, pos=pos, group=lane))


def _settle_lane(plan: _Plan, wanted: int, known: list[Slot], kept: set[int]) -> int:
    """How many slots must be made. `kept` slots hold the judgment of an excluded rater: nobody else may take them."""
    of = {state: [slot for slot in known if slot.state == state] for state in Slot.State}
    wanted = max(0, wanted - len(of[Slot.State.JUDGED]) - len(of[Slot.State.LEASED]))
    lacking = wanted - len(of[Slot.State.OPEN])
    if lacking < 0:
        plan.withdrawn += [slot.pk for slot in of[Slot.State.OPEN][lacking:]]
        return 0
    again = [slot for slot in of[Slot.State.WITHDRAWN] if slot.pk not in kept][:lacking]
    plan.opened += [slot.pk for slot in again]
    return lacking - len(again)

"""The order of an open round worked out anew from its judgments: what promises most comes to the front.

A worker does it, again and again while the round is open; a claim only ever reads the order as it stands. Slots are
moved with SKIP LOCKED, so nobody waits: a slot that is just being taken stays where it is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext

from annotation.models import Assignment, RaterExclusion, Rating, Renewal, Round, Slot
from annotation.services.slots import search_anew
from annotation.strategies import STRATEGIES, WIN
from annotation.uncertainty import Judged, by_means, by_strengths, strengths, widest_mean
from config.stopping import point_of_no_return
from projects.errors import ServiceError
from projects.models import System
from rubrics.selectors import spec_of
from rubrics.specs import CriterionSpec, RubricSpec

FRONT = 256  # tasks brought to the front at a time
_LOOK = 4096  # open slots of tasks that nobody has judged, from which the front may be filled
EVERY = timedelta(seconds=60)
MEAN, STRENGTH = "mean", "strength"
INTERVALS = (MEAN, STRENGTH)


def renews(row: Round) -> bool:
    return row.strategy in STRATEGIES and STRATEGIES[row.strategy].take == WIN


@dataclass(frozen=True, slots=True)
class Narrow:
    """The interval that a round wants narrow: of which criterion, and of a mean or of strengths."""

    criterion: str = ""
    interval: str = MEAN


def narrow_of(row: Round) -> Narrow:
    return Narrow(**row.options.get("narrow", {}))


def criterion_to_narrow(rubric: RubricSpec, mode: str, key: str = "") -> CriterionSpec:
    """The criterion whose interval is to get narrow: the one named, or the first that gives a figure."""
    usable = [c for c in rubric.criteria if c.level_of_measurement != "text" and c.scope != "turn"]
    usable = [c for c in usable if (c.type == "preference") == (mode == Round.Mode.COMPARE)]
    chosen = [c for c in usable if c.key == key] if key else usable
    if not chosen:
        accepted = ", ".join(c.key for c in usable) or gettext("none of this rubric")
        refused = gettext("“%(key)s” cannot be narrowed here") % {"key": key}
        named = refused if key else gettext("No criterion can be narrowed here")
        raise ServiceError(
            gettext("%(named)s. Accepted in a round that %(mode)ss: %(accepted)s.")
            % {"named": named, "mode": mode, "accepted": accepted},
            field="strategy",
        )
    return chosen[0]


@dataclass(frozen=True, slots=True)
class _Open:
    """Tasks of which judgments are wanted: those begun, and the first of those that nobody has judged."""

    task: int
    group: str


def order_renew(*, round: Round, now: datetime | None = None) -> Renewal | None:
    """Bring to the front what would narrow the round's chosen interval most. None: this round has no such order, or
    is not open."""
    now = now or timezone.now()
    row = Round.objects.select_related("rubric_version").get(pk=round.pk)
    if not renews(row) or row.state != Round.State.OPEN:
        return None
    answers = _answers(row)
    wanted = _wanted(row)
    front, words = _rank(row, answers, wanted) if answers else ([], "Nobody has judged yet, so the order is balanced.")
    n = sum(len(values) for _, values in answers.values())
    with transaction.atomic():
        search_anew(row)  # seats before slots, as claims take them
        _to_front(row, front)
        # When the next turn is due is the worker’s to say: moved by others, its turn comes too early and is the last.
        told = {"done_at": now, "n_judgments": n, "words": words[:300]}
        renewal, _ = Renewal.objects.update_or_create(round=row, defaults=told, create_defaults={**told, "due_at": now})
        point_of_no_return()
    return renewal


def turn_claimed(round_id: int, now: datetime) -> bool:
    """Of several workers that are due one gets the turn; the others leave it."""
    Renewal.objects.get_or_create(round_id=round_id, defaults={"due_at": now})
    return bool(Renewal.objects.filter(round_id=round_id, due_at__lte=now).update(due_at=now + EVERY))


def _rank(row: Round, answers: dict[int, tuple[str, list[float]]], wanted: list[_Open]) -> tuple[list[int], str]:
    if narrow_of(row).interval == STRENGTH:
        return _rank_pairs(row, answers, wanted)
    open_tasks = {each.task for each in wanted}
    tasks = [_judged(task, group, values, task in open_tasks) for task, (group, values) in answers.items()]
    tasks += [Judged(each.task, each.group) for each in wanted if each.task not in answers]
    widest = widest_mean(tasks)
    words = "There is too little yet to tell what is least sure."
    if widest is not None:
        words = f"Least sure: the mean of {_names(widest[0])} (standard error {widest[1]:.2g})."
    return by_means(tasks, FRONT), words


def _rank_pairs(row: Round, answers: dict[int, tuple[str, list[float]]], wanted: list[_Open]) -> tuple[list[int], str]:
    wins: dict[tuple[int, int], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for pair, values in answers.values():
        for value in values:  # signed towards the second system of the pair
            share = 0.5 if value == 0 else 1.0 if value < 0 else 0.0
            wins[_pair(pair)][0] += share
            wins[_pair(pair)][1] += 1 - share
    open_tasks: dict[tuple[int, int], list[int]] = defaultdict(list)
    for each in sorted(wanted, key=lambda each: each.task in answers):  # a new prompt tells more than a second opinion
        open_tasks[_pair(each.group)].append(each.task)
    systems = sorted({system for pair in [*wins, *open_tasks] for system in pair})
    found = strengths({pair: (a, b) for pair, (a, b) in wins.items()}, systems)
    system, error = found.widest()
    words = f"Least sure: the strength of {_names(str(system))} (standard error {error:.2g})."
    return by_strengths(found, open_tasks, FRONT), words


def _pair(pair: str) -> tuple[int, int]:
    a, b = pair.split("-")
    return int(a), int(b)


def _names(group: str) -> str:
    found = {str(s.pk): s.label for s in System.objects.filter(pk__in=group.split("-"))}
    return " against ".join(found.get(pk, pk) for pk in group.split("-"))


def _judged(task: int, group: str, values: Sequence[float], is_open: bool) -> Judged:
    mean = sum(values) / len(values)
    return Judged(task, group, len(values), mean, sum((v - mean) ** 2 for v in values), is_open)


def _answers(row: Round) -> dict[int, tuple[str, list[float]]]:
    """By task: its system or pair, and what raters who count answered to the chosen criterion, as numbers; those of a
    pair are signed towards its second system."""
    criterion = criterion_to_narrow(spec_of(row.rubric_version), row.mode, narrow_of(row).criterion)
    counted = (Assignment.Purpose.NORMAL, Assignment.Purpose.IMPORTED)
    left_out = RaterExclusion.objects.filter(seat__round=row, lifted_at__isnull=True)
    rows = (
        Rating.objects.filter(judgment__seat__round=row, judgment__current=True, criterion=criterion.id)
        .filter(judgment__assignment__purpose__in=counted, cannot_judge=False)
        .exclude(judgment__seat__in=left_out.values("seat"))
        .values_list("judgment__assignment__task_id", "judgment__assignment__shown_order", "number", "label")
    )
    numbers: dict[int, list[float]] = defaultdict(list)
    labels: dict[int, list[str]] = defaultdict(list)
    for task, order, number, label in rows.iterator(chunk_size=2000):
        if number is not None:
            numbers[task].append(-number if order == "10" else number)
        elif label:
            labels[task].append(label)
    found = numbers or _as_numbers(labels)
    group = _groups(row, list(found))
    return {
        task: (group[task].key, [-v for v in values] if group[task].turned else values)
        for task, values in found.items()
    }


def _as_numbers(labels: dict[int, list[str]]) -> dict[int, list[float]]:
    """Labels count as 1 where they are the most frequent one: the figure is then its share."""
    counts = Counter(label for given in labels.values() for label in given)
    most = max(sorted(counts), key=counts.__getitem__, default="")
    return {task: [float(label == most) for label in given] for task, given in labels.items()}


def _wanted(row: Round) -> list[_Open]:
    open_slots = row.slots.filter(state=Slot.State.OPEN)
    fresh = list(open_slots.order_by("pos", "n").values_list("task_id", flat=True)[:_LOOK])
    judged = Assignment.objects.filter(seat__round=row, state=Assignment.State.JUDGED).values("task_id")
    begun = list(open_slots.filter(task_id__in=judged).values_list("task_id", flat=True).distinct())
    group = _groups(row, tasks := list(dict.fromkeys(fresh + begun)))
    return [_Open(task, group[task].key) for task in tasks]


class _Group(NamedTuple):
    key: str  # the pair of systems, or the system of the one output
    turned: bool  # the pair's first system gave the second output


def _groups(row: Round, tasks: Sequence[int]) -> dict[int, _Group]:
    found: dict[int, _Group] = {}
    for start in range(0, len(tasks), 2000):
        part = row.tasks.filter(pk__in=tasks[start : start + 2000], task_outputs__position=0)
        for pk, pair, system in part.values_list("pk", "pair", "task_outputs__output__system_id"):
            found[pk] = _Group(pair or str(system), bool(pair) and pair.split("-")[0] != str(system))
    return found


def _to_front(row: Round, tasks: Sequence[int]) -> None:
    open_slots = row.slots.filter(state=Slot.State.OPEN)
    place = {task: n for n, task in enumerate(tasks)}
    slots = list(open_slots.filter(task_id__in=tasks).select_for_update(skip_locked=True, of=("self",)))
    first = open_slots.aggregate(first=Min("pos"))["first"] or 0
    for slot in slots:
        slot.pos = first - len(tasks) + place[slot.task_id]
    Slot.objects.bulk_update(slots, ["pos"], batch_size=200)

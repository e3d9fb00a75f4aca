"""Which items a round judges, and the tasks and slots that are made of them."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from django.db.models import Exists, Max, Model, OuterRef, QuerySet, Subquery

from annotation.models import LeakDecision, Round, RoundItem, Slot, Task, TaskOutput
from annotation.selection import STRATEGIES, Candidate
from annotation.task_keys import pair_key, task_key
from projects.errors import ServiceError
from projects.models import Item, Output, System
from projects.planner import note_growth

BATCH = 2000
Progress = Callable[[str, int, int | None], None]  # what is done, how many, of how many


def unseen(what: str, done: int, total: int | None) -> None:
    """The progress of what nobody watches."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How a round's items are drawn: that, not the order of serving, is what inference weights by.

    `size` draws that many of the frame when the round opens. `population` says that the frame itself is a
    sample of so many."""

    design: str = "census"
    size: int | None = None
    population: int | None = None
    tag: str = ""


def judgeable(project_id: int, systems: Sequence[System]) -> QuerySet[Output]:
    """Outputs with a text to judge: an infrastructure error is not a bad answer."""
    return Output.objects.filter(item__project_id=project_id, system__in=systems, has_text=True, error="")


def items_with(outputs: QuerySet[Output], project_id: int) -> QuerySet[Item]:
    """Items that have one of these outputs. EXISTS, for where it is a join SQLite takes a plan that is quadratic:
    minutes for 10,000 items."""
    return Item.objects.filter(Exists(outputs.filter(item=OuterRef("pk"))), project_id=project_id)


def systems_of(row: Round) -> list[System]:
    chosen = [rs.system for rs in row.round_systems.select_related("system")]
    return chosen or list(System.objects.filter(project_id=row.project_id))


def tagged(row: Round) -> dict[str, str]:
    tag = Sample(**row.options.get("sample", {})).tag
    return {"tags__tag": tag} if tag else {}


def choose_items(row: Round) -> tuple[list[int], list[int]]:
    """(the frame, the items drawn from it). The seed makes it the same in the plan and at opening."""
    if row.predecessor_id is not None:
        same = RoundItem.objects.filter(round=row.predecessor_id).exclude(item__in=left_out(row)).order_by("item_id")
        again = list(same.values_list("item_id", flat=True))
        return again, again
    sample = Sample(**row.options.get("sample", {}))
    outputs = judgeable(row.project_id, systems_of(row))
    items = items_with(outputs, row.project_id).filter(**tagged(row)).exclude(pk__in=left_out(row)).distinct()
    frame = list(items.order_by("id").values_list("id", flat=True))
    if sample.size is None or sample.size >= len(frame):
        return frame, frame
    return frame, sorted(random.Random(row.seed).sample(frame, sample.size))  # noqa: S311 - a seeded draw


def left_out(row: Round) -> QuerySet[Item]:
    """Items that the lead keeps out because their texts tell which system answered: not part of the frame."""
    decided = LeakDecision.objects.filter(round=row, decision=LeakDecision.Decision.EXCLUDE)
    return Item.objects.filter(pk__in=decided.values("item"))


def shown_by(row: Round) -> tuple[list[int], list[int]]:
    """(items, outputs) whose texts raters meet in this round: those of its tasks, or those it would draw."""
    if row.state != Round.State.DRAFT:
        outputs = TaskOutput.objects.filter(task__round=row).order_by("output_id").values_list("output_id", flat=True)
        return list(row.round_items.order_by("item_id").values_list("item_id", flat=True)), list(outputs.distinct())
    items = choose_items(row)[1]
    return items, sorted({o for *_, outputs in wanted_tasks(row, items) for o in outputs})


def _draw_the_same(row: Round, before: Round) -> None:
    """A successor judges its predecessor's items, each with the chance it had to be drawn then."""
    chosen = set(choose_items(row)[1])
    row.design, row.frame_size, row.frame_digest = before.design, before.frame_size, before.frame_digest
    kept = before.round_items.filter(item_id__in=chosen).order_by("item_id")
    RoundItem.objects.bulk_create(
        [
            RoundItem(round=row, item_id=k.item_id, inclusion_probability=k.inclusion_probability, stratum=k.stratum)
            for k in kept
        ],
        batch_size=BATCH,
        ignore_conflicts=True,
    )


def draw_items(row: Round) -> None:
    if row.predecessor is not None:
        _draw_the_same(row, row.predecessor)
        return
    frame, chosen = choose_items(row)
    sample = Sample(**row.options.get("sample", {}))
    if row.design == Round.Design.CENSUS and len(chosen) < len(frame):
        row.design = Round.Design.RANDOM
    row.frame_size = sample.population or len(frame)
    if row.frame_size < len(chosen):
        raise ServiceError(
            f"The population ({row.frame_size}) cannot be smaller than the sample ({len(chosen)}).", field="sample"
        )
    row.frame_digest = hashlib.sha256(",".join(map(str, frame)).encode()).hexdigest()
    chance: float | None = None
    if row.design == Round.Design.CENSUS:
        chance = 1.0
    elif row.design == Round.Design.RANDOM and chosen:
        chance = len(chosen) / row.frame_size
    RoundItem.objects.bulk_create(
        [RoundItem(round=row, item_id=i, inclusion_probability=chance) for i in chosen],
        batch_size=BATCH,
        ignore_conflicts=True,  # items that imported judgments brought in stand already
    )


def wanted_tasks(row: Round, items: Sequence[int]) -> list[tuple[str, int, str, list[int]]]:
    """(key, item, pair, outputs in canonical order) of every task the items and systems give. A successor has
    the tasks of its predecessor, and none of what came since."""
    made = _made_tasks(row, items)
    if row.predecessor_id is None:
        return made
    same = Task.objects.filter(round=row.predecessor_id, kind=Task.Kind.NORMAL)
    known = set(same.values_list("key", flat=True))
    return [task for task in made if task[0] in known]


def _made_tasks(row: Round, items: Sequence[int]) -> list[tuple[str, int, str, list[int]]]:
    chosen = set(items)
    outputs = [
        o
        for o in judgeable(row.project_id, systems_of(row))
        .order_by("item_id", "id")
        .values_list("id", "item_id", "system_id", "repeat", "variant")
        if o[1] in chosen
    ]
    if row.mode == Round.Mode.SCORE:
        return [(task_key([o]), item, "", [o]) for o, item, _, _, _ in outputs]
    groups: dict[tuple[int, int, str], list[tuple[int, int]]] = defaultdict(list)
    for output, item, system, repeat, variant in outputs:
        groups[item, repeat, variant].append((output, system))
    wanted = []
    for (item, _, _), members in groups.items():
        for (a, sa), (b, sb) in combinations(sorted(members), 2):
            if row.baseline_id and row.baseline_id not in (sa, sb):
                continue
            wanted.append((task_key([a, b]), item, pair_key([sa, sb]), [a, b]))
    return wanted


def _insert(rows: Sequence[Model], what: str, told: Progress) -> None:
    """The keys that the database gives are set on the rows."""
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        type(part[0])._default_manager.bulk_create(part)
        told(what, start + len(part), len(rows))


def make_tasks(row: Round, told: Progress = unseen) -> int:
    known = set(row.tasks.values_list("key", flat=True))
    start = row.tasks.aggregate(last=Max("ordinal"))["last"] or 0
    items = list(row.round_items.values_list("item_id", flat=True))
    new = [w for w in wanted_tasks(row, items) if w[0] not in known]
    tasks = [
        Task(round=row, item_id=item, pair=pair, key=key, ordinal=start + n)
        for n, (key, item, pair, _) in enumerate(new, start=1)
    ]
    _insert(tasks, "Making tasks", told)
    shown = [
        TaskOutput(task=task, position=position, output_id=output)
        for task, (_, _, _, outputs) in zip(tasks, new, strict=True)
        for position, output in enumerate(outputs)
    ]
    _insert(shown, "Giving tasks their outputs", told)
    return len(tasks)


def make_slots(row: Round, told: Progress = unseen) -> int:
    """The wanted judgments of every normal task that has outputs with a text and no slot yet."""
    order = task_order(row, with_slots=False)
    items = dict(row.tasks.values_list("id", "item_id")) if row.one_task_per_item else {}
    start = row.slots.aggregate(last=Max("pos"))["last"] or 0
    slots = [
        Slot(round=row, task_id=task, n=n, pos=start + pos, item_key=items.get(task, task))
        for pos, task in enumerate(order, start=1)
        for n in range(1, row.overlap + 1)
    ]
    _insert(slots, "Making a place for each judgment", told)
    note_growth(len(slots), RoundItem, Task, TaskOutput, Slot)
    return len(slots)


def task_order(row: Round, *, with_slots: bool) -> list[int]:
    """Normal tasks in the order of the round's strategy: those that have slots, or those that have texts to judge
    and none yet."""
    first_output = TaskOutput.objects.filter(task=OuterRef("pk"), position=0)
    tasks = row.tasks.filter(kind=Task.Kind.NORMAL)
    has = Exists(Slot.objects.filter(task=OuterRef("pk")))
    rows = tasks.filter(has if with_slots else ~has).annotate(system=Subquery(first_output.values("output__system_id")))
    blank = TaskOutput.objects.filter(task__round=row).exclude(output__has_text=True)
    silent = set() if with_slots else set(blank.values_list("task_id", flat=True))
    found = rows.order_by("id").values_list("id", "ordinal", "pair", "system")
    candidates = [Candidate(task, n, pair or str(system)) for task, n, pair, system in found if task not in silent]
    return STRATEGIES[row.strategy](candidates, row.seed)


def add_new_items(row: Round) -> int:
    """What was imported since, into a census."""
    have = row.round_items.values("item_id")
    outputs = judgeable(row.project_id, systems_of(row))
    new = items_with(outputs, row.project_id).filter(**tagged(row)).exclude(id__in=have).exclude(id__in=left_out(row))
    RoundItem.objects.bulk_create(
        [RoundItem(round=row, item=item, inclusion_probability=1.0) for item in new.distinct().order_by("id")],
        batch_size=BATCH,
    )
    row.frame_size = row.round_items.count()
    row.save(update_fields=["frame_size"])
    make_tasks(row)
    return make_slots(row)

"""Which items a round judges, and the tasks and slots that are made of them."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from django.db.models import Exists, Max, Model, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext

from annotation.lanes import code
from annotation.models import LeakDecision, Round, RoundItem, Slot, Task, TaskOutput
from annotation.pairing import PAIRINGS, Group, Pair, Pairs
from annotation.ranked_sets import Pool, Sets, balanced_sets
from annotation.sampling import BY_LANGUAGE, CannotDraw, Drawn, Sample, Unit, draw, stratum_of
from annotation.services.eligibility import (
    asked_of,
    lanes_kept,
    lanes_of,
    lanes_with,
    requirements_of,
    seats_settle,
)
from annotation.strategies import STRATEGIES, Candidate
from annotation.task_keys import pair_key, task_key
from projects.errors import ServiceError
from projects.models import Item, ItemExclusion, ItemTag, Output, System
from projects.planner import note_growth

BATCH = 2000
Progress = Callable[[str, int, int | None], None]  # what is done, how many, of how many


def unseen(what: str, done: int, total: int | None) -> None:
    """The progress of what nobody watches."""


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


def sample_of(row: Round) -> Sample:
    return Sample(**row.options.get("sample", {}))


def tagged(row: Round) -> dict[str, str]:
    tag = sample_of(row).tag
    return {"tags__tag": tag} if tag else {}


def frame_of(row: Round) -> list[Unit]:
    """Every item that the round could judge, with what its sample design asks about it."""
    sample = sample_of(row)
    outputs = judgeable(row.project_id, systems_of(row))
    items = items_with(outputs, row.project_id).filter(**tagged(row)).exclude(pk__in=left_out(row)).distinct()
    return _units(items.order_by("id"), sample)


def _units(items: QuerySet[Item], sample: Sample) -> list[Unit]:
    tags: dict[int, list[str]] = defaultdict(list)
    if sample.strata and sample.strata != BY_LANGUAGE:
        chosen = ItemTag.objects.filter(item__in=items.values("id"), tag__startswith=f"{sample.strata}:")
        for item, tag in chosen.values_list("item_id", "tag"):
            tags[item].append(tag)
    columns = ("id", "language", "external_id", *(["metadata"] if sample.weight else []))
    return [
        Unit(
            item,
            stratum_of(sample.strata, language, tags.get(item, ())),
            _weight(name, rest[0], sample.weight) if rest else 1.0,
        )
        for item, language, name, *rest in items.values_list(*columns)
    ]


def _weight(item: str, metadata: dict[str, Any], key: str) -> float:
    try:
        weight = float(metadata[key])
    except (KeyError, TypeError, ValueError):
        said = "no" if metadata.get(key) in (None, "") else f"“{metadata[key]}” as its"
        raise CannotDraw(f"The item “{item}” has {said} “{key}”. A weighted sample needs a number above 0.") from None
    if not 0 < weight < math.inf:
        raise CannotDraw(
            f"The item “{item}” has the weight {weight:g}. Every item needs one above 0, or it has no chance."
        )
    return weight


def draw_of(row: Round) -> tuple[list[Unit], list[Drawn]]:
    """(the frame, what is drawn from it). The seed makes it the same in the plan and at opening."""
    if row.predecessor_id is not None:
        return _drawn_before(row)
    try:
        frame = frame_of(row)
        return frame, draw(frame, sample_of(row), row.seed)
    except CannotDraw as error:
        raise ServiceError(str(error), field="sample") from error


def _drawn_before(row: Round) -> tuple[list[Unit], list[Drawn]]:
    """A successor judges its predecessor's items, each with the chance it had to be drawn then."""
    same = RoundItem.objects.filter(round=row.predecessor_id).exclude(item__in=left_out(row)).order_by("item_id")
    drawn = [Drawn(*each) for each in same.values_list("item_id", "stratum", "inclusion_probability")]
    return [Unit(each.item, each.stratum) for each in drawn], drawn


def left_out(row: Round) -> QuerySet[Item]:
    """Items that the lead keeps out, of the round because their texts tell which system answered, or of all rounds: not
    part of the frame. Of a round that has opened: those that were out then."""
    if row.opened_at is None:
        return _kept_out(row, ItemExclusion.standing())
    then = ItemExclusion.objects.filter(excluded_at__lte=row.opened_at).exclude(lifted_at__lte=row.opened_at)
    return _kept_out(row, then)


def _kept_out(row: Round, exclusions: QuerySet[ItemExclusion]) -> QuerySet[Item]:
    standing = exclusions.filter(item__project=row.project_id)
    decided = LeakDecision.objects.filter(round=row, decision=LeakDecision.Decision.EXCLUDE)
    return Item.objects.filter(Q(pk__in=decided.values("item")) | Q(pk__in=standing.values("item")))


def shown_by(row: Round) -> tuple[list[int], list[int]]:
    """(items, outputs) whose texts raters meet in this round: those of its tasks, or those it would draw."""
    if row.state != Round.State.DRAFT:
        outputs = TaskOutput.objects.filter(task__round=row).order_by("output_id").values_list("output_id", flat=True)
        return list(row.round_items.order_by("item_id").values_list("item_id", flat=True)), list(outputs.distinct())
    try:
        items = [each.item for each in draw_of(row)[1]]
    except ServiceError:  # it cannot be drawn as things stand: then every text may be met
        items = [
            unit.item
            for unit in _units(items_with(judgeable(row.project_id, systems_of(row)), row.project_id), Sample())
        ]
    return items, sorted({o for *_, outputs in wanted_tasks(row, items) for o in outputs})


def draw_items(row: Round) -> None:
    frame, drawn = draw_of(row)
    if row.predecessor is not None:
        before = row.predecessor
        row.design, row.frame_size, row.frame_digest = before.design, before.frame_size, before.frame_digest
    else:
        _note_frame(row, frame, drawn)
    RoundItem.objects.bulk_create(
        [RoundItem(round=row, item_id=d.item, inclusion_probability=d.chance, stratum=d.stratum) for d in drawn],
        batch_size=BATCH,
        ignore_conflicts=True,  # items that imported judgments brought in stand already
    )


def _note_frame(row: Round, frame: Sequence[Unit], drawn: Sequence[Drawn]) -> None:
    sample = sample_of(row)
    if row.design == Round.Design.CENSUS and len(drawn) < len(frame):
        row.design = Round.Design.RANDOM
    row.frame_size = sample.population or len(frame)
    if row.frame_size < len(drawn):
        raise ServiceError(
            gettext("The population (%(frame_size)s) cannot be smaller than the sample (%(n)s).")
            % {"frame_size": row.frame_size, "n": len(drawn)},
            field="sample",
        )
    row.frame_digest = hashlib.sha256(",".join(str(unit.item) for unit in frame).encode()).hexdigest()


def pairs_of(row: Round) -> Pairs:
    return Pairs(**row.options.get("pairs", {"design": "baseline" if row.baseline_id else "all"}))


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
    members: dict[tuple[int, int, str], list[tuple[int, int]]] = defaultdict(list)
    for output, item, system, repeat, variant in outputs:
        members[item, repeat, variant].append((output, system))
    if row.mode == Round.Mode.RANK:
        return _ranked(row, members)
    # Of a successor every pair is formed, for those that the round before had to be among them.
    pairs = pairs_of(row) if row.predecessor_id is None else Pairs()
    known = _pairs_made(row)
    groups = []
    for (item, repeat, variant), each in members.items():
        kept = tuple(pair for pair in combinations(sorted(each), 2) if key_of(pair) in known)
        groups.append(Group(f"{item}:{repeat}:{variant}", tuple(each), kept))
    found = PAIRINGS[pairs.design](groups, pairs, row.baseline_id, row.seed)
    return [
        (key_of(pair), item, pair_key([pair[0][1], pair[1][1]]), [pair[0][0], pair[1][0]])
        for (item, _, _), chosen_pairs in zip(members, found, strict=True)
        for pair in chosen_pairs
    ]


def sets_of(row: Round) -> Sets:
    return Sets(**row.options.get("sets", {}))


def _ranked(
    row: Round, members: dict[tuple[int, int, str], list[tuple[int, int]]]
) -> list[tuple[str, int, str, list[int]]]:
    """Sets that stand already stay as they are; those of a successor are the predecessor's."""
    before = row if row.predecessor_id is None else row.predecessor
    standing = _sets_made(before) if before is not None else {}
    pools = [
        Pool(f"{item}:{repeat}:{variant}", tuple(each), tuple(_kept(each, standing.get(item, ()))))
        for (item, repeat, variant), each in members.items()
    ]
    found = balanced_sets(pools, sets_of(row), row.seed)
    return [
        (task_key([o for o, _ in chosen]), item, pair_key([s for _, s in chosen]), [o for o, _ in chosen])
        for (item, _, _), sets in zip(members, found, strict=True)
        for chosen in sets
    ]


def _sets_made(row: Round) -> dict[int, list[list[int]]]:
    """By item: the outputs of each task of a round that ranks, in canonical order."""
    if row.state == Round.State.DRAFT:
        return {}
    tasks: dict[tuple[int, int], list[int]] = defaultdict(list)
    rows = TaskOutput.objects.filter(task__round=row, task__kind=Task.Kind.NORMAL).order_by("task_id", "position")
    for item, task, output in rows.values_list("task__item_id", "task_id", "output_id"):
        tasks[item, task].append(output)
    found: dict[int, list[list[int]]] = defaultdict(list)
    for (item, _), outputs in tasks.items():
        found[item].append(outputs)
    return found


def _kept(outputs: Sequence[tuple[int, int]], standing: Sequence[list[int]]) -> list[tuple[tuple[int, int], ...]]:
    system = dict(outputs)
    return [tuple((o, system[o]) for o in each) for each in standing if all(o in system for o in each)]


def key_of(pair: Pair) -> str:
    return task_key([pair[0][0], pair[1][0]])


def _pairs_made(row: Round) -> set[str]:
    """Pairs that stand already: a round that grows leaves them as they are."""
    if row.state == Round.State.DRAFT:
        return set()
    return set(row.tasks.filter(kind=Task.Kind.NORMAL).values_list("key", flat=True))


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
    items = dict(row.tasks.values_list("id", "item_id"))
    start = row.slots.aggregate(last=Max("pos"))["last"] or 0
    groups, lanes = requirements_of(row).places(row.overlap), _number_lanes(row, order, items)
    slots = [
        Slot(
            round=row,
            task_id=task,
            n=n,
            pos=start + pos,
            item_key=items[task] if row.one_task_per_item else task,
            group=code(group, lanes.get(task, 0)),
        )
        for pos, task in enumerate(order, start=1)
        for n, group in enumerate(groups, start=1)
    ]
    _insert(slots, "Making a place for each judgment", told)
    seats_settle(row)
    note_growth(len(slots), RoundItem, Task, TaskOutput, Slot)
    return len(slots)


def _number_lanes(row: Round, tasks: Sequence[int], items: dict[int, int]) -> dict[int, int]:
    """Which lane each task is in; lanes that come new are numbered and kept with the round."""
    if not requirements_of(row).any:
        return {}
    asked = asked_of(row, sorted({items[task] for task in tasks}))
    lanes = lanes_with(lanes_of(row), [asked[items[task]] for task in tasks])
    row.options = {**row.options, "lanes": lanes_kept(lanes)}
    row.save(update_fields=["options"])
    number = {lane.asked: n for n, lane in enumerate(lanes)}
    return {task: number[asked[items[task]]] for task in tasks}


def task_order(row: Round, *, with_slots: bool) -> list[int]:
    """Normal tasks in the order of the round's strategy: those that have slots, or those that have texts to judge
    and none yet."""
    first_output = TaskOutput.objects.filter(task=OuterRef("pk"), position=0)
    tasks = row.tasks.filter(kind=Task.Kind.NORMAL)
    has = Exists(Slot.objects.filter(task=OuterRef("pk")))
    rows = tasks.filter(has if with_slots else ~has).annotate(system=Subquery(first_output.values("output__system_id")))
    blank = TaskOutput.objects.filter(task__round=row).exclude(output__has_text=True)
    silent = set() if with_slots else set(blank.values_list("task_id", flat=True))
    found = rows.order_by("id").values_list("id", "ordinal", "pair", "system", "item_id")
    strata = dict(row.round_items.exclude(stratum="").values_list("item_id", "stratum"))
    candidates = [
        Candidate(task, n, pair or str(system), strata.get(item, ""))
        for task, n, pair, system, item in found
        if task not in silent
    ]
    return STRATEGIES[row.strategy].order(candidates, row.seed)


def could_come(row: Round) -> QuerySet[Item]:
    """Items that a round which has opened does not judge and could: with outputs of its systems, and not left out."""
    out = _kept_out(row, ItemExclusion.standing())
    items = items_with(judgeable(row.project_id, systems_of(row)), row.project_id)
    return items.exclude(id__in=row.round_items.values("item_id")).exclude(id__in=out)


def add_new_items(row: Round) -> int:
    """What was imported since, into a census."""
    return take_items(row, could_come(row).filter(**tagged(row)))


def take_items(row: Round, items: QuerySet[Item]) -> int:
    """These items of those that could come, into a census. Returns how many judgments they ask for."""
    RoundItem.objects.bulk_create(
        [
            RoundItem(round=row, item_id=unit.item, inclusion_probability=1.0, stratum=unit.stratum)
            for unit in _units(items.distinct().order_by("id"), sample_of(row))
        ],
        batch_size=BATCH,
    )
    row.frame_size = row.round_items.count()
    row.save(update_fields=["frame_size"])
    make_tasks(row)
    return make_slots(row)

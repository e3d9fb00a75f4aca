"""A round from draft to closed. Opening makes the tasks and one slot for every wanted judgment."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Subquery
from django.utils import timezone

from annotation.models import Assignment, Round, RoundItem, RoundSystem, Slot, Task, TaskOutput
from annotation.selection import STRATEGIES, Candidate
from annotation.task_keys import pair_key, task_key
from projects import audit
from projects.access import Action, roles_with
from projects.errors import ServiceError
from projects.models import Item, Membership, Output, Project, System
from projects.planner import note_growth
from projects.services.projects import unique_slug
from rubrics.criteria import CRITERIA
from rubrics.models import Guideline, RubricVersion
from rubrics.selectors import spec_of

BATCH = 2000


@dataclass(frozen=True, slots=True)
class Plan:
    """What a round would ask for, in plain numbers."""

    items: int
    tasks: int
    judgments: int
    hours: float
    raters: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """How a round's items are drawn: that, not the order of serving, is what inference weights by.

    `size` draws that many of the frame when the round opens. `population` says that the frame itself is a
    sample of so many."""

    design: str = "census"
    size: int | None = None
    population: int | None = None
    tag: str = ""


@transaction.atomic
def round_create(
    *,
    project: Project,
    name: str,
    mode: str,
    rubric_version: RubricVersion,
    systems: Sequence[System],
    overlap: int,
    actor: Any,
    title: str = "",
    slug: str = "",
    guideline: Guideline | None = None,
    strategy: str = "balanced",
    sample: Sample | None = None,
    seed: int | None = None,
    **settings: Any,
) -> Round:
    """A round in draft. Its items are drawn when it opens, from what has been imported by then; no systems
    means all of the project's at that moment. Extra settings are fields of Round, such as `lease_seconds`."""
    sample = sample or Sample()
    _check_round(project, name, mode, rubric_version, systems, overlap, strategy)
    _check_sample(sample)
    settings["options"] = {**settings.get("options", {}), "sample": asdict(sample)}
    taken = Round.objects.filter(project=project)
    if slug and taken.filter(slug=slug).exists():
        raise ServiceError(f"This project has a round “{slug}” already. Choose another name.", field="name")
    row = Round(
        project=project,
        slug=slug or unique_slug(name, taken, "round"),
        name=name.strip(),
        title=_blind_title(title.strip() or name.strip(), systems),
        mode=mode,
        rubric_version=rubric_version,
        guideline=guideline,
        overlap=overlap,
        strategy=strategy,
        design=sample.design,
        created_by=actor,
        **settings,
    )
    if seed is not None:
        row.seed = seed
    row.full_clean(exclude=["created_by"])
    row.save()
    RoundSystem.objects.bulk_create(RoundSystem(round=row, system=s) for s in systems)
    audit.record(project=project, actor=actor, verb="round.create", target=f"round:{row.pk}")
    return row


def _check_round(
    project: Project,
    name: str,
    mode: str,
    version: RubricVersion,
    systems: Sequence[System],
    overlap: int,
    strategy: str,
) -> None:
    if not name.strip():
        raise ServiceError("A round needs a name.", field="name")
    if mode not in (Round.Mode.SCORE, Round.Mode.COMPARE):
        raise ServiceError(f"“{mode}” is not a mode. Accepted: score, compare.", field="mode")
    if strategy not in STRATEGIES:
        raise ServiceError(f"“{strategy}” is not a strategy. Accepted: {', '.join(STRATEGIES)}.", field="strategy")
    if not 1 <= overlap <= 100:
        raise ServiceError("Raters for each task must be a whole number from 1 to 100.", field="overlap")
    if not version.is_frozen:
        raise ServiceError(
            "Publish the rubric version before a round uses it, so that it cannot change.", field="rubric_version"
        )
    if version.rubric.project_id not in (None, project.pk) or any(s.project_id != project.pk for s in systems):
        raise ServiceError("The rubric and the systems must belong to this project.")
    if mode == Round.Mode.COMPARE and len(systems) == 1:
        raise ServiceError("Choose at least two systems to compare.", field="systems")
    _check_criteria(version, mode)


def _check_sample(sample: Sample) -> None:
    if sample.design not in Round.Design.values:
        raise ServiceError(
            f"“{sample.design}” is not a sample design. Accepted: {', '.join(Round.Design.values)}.", field="sample"
        )
    if sample.size is not None and sample.size < 1:
        raise ServiceError("A sample needs at least one item.", field="sample")


def _check_criteria(version: RubricVersion, mode: str) -> None:
    for criterion in spec_of(version).criteria:
        if mode not in CRITERIA[criterion.type].modes:
            raise ServiceError(
                f"The criterion “{criterion.key}” needs two answers side by side, so the round's mode must be compare.",
                field="mode",
            )


def _blind_title(title: str, systems: Sequence[System]) -> str:
    """Raters see the title, so it must name no system."""
    for system in systems:
        for word in (system.name, system.label):
            if len(word) > 1 and word.casefold() in title.casefold():
                raise ServiceError(
                    f"The title raters see names the system “{word}”. Give the round a title for raters without it.",
                    field="title",
                )
    return title


def _judgeable(project_id: int, systems: Sequence[System]) -> Any:
    """Outputs with a text to judge: an infrastructure error is not a bad answer."""
    return Output.objects.filter(item__project_id=project_id, system__in=systems, has_text=True, error="")


def _systems_of(row: Round) -> list[System]:
    chosen = [rs.system for rs in row.round_systems.select_related("system")]
    return chosen or list(System.objects.filter(project_id=row.project_id))


def _tagged(row: Round) -> dict[str, str]:
    tag = Sample(**row.options.get("sample", {})).tag
    return {"tags__tag": tag} if tag else {}


def _choose_items(row: Round) -> tuple[list[int], list[int]]:
    """(the frame, the items drawn from it). The seed makes it the same in the plan and at opening."""
    sample = Sample(**row.options.get("sample", {}))
    outputs = _judgeable(row.project_id, _systems_of(row))
    items = Item.objects.filter(project_id=row.project_id, outputs__in=outputs).order_by("id")
    items = items.filter(**_tagged(row))
    frame = list(items.distinct().values_list("id", flat=True))
    if sample.size is None or sample.size >= len(frame):
        return frame, frame
    return frame, sorted(random.Random(row.seed).sample(frame, sample.size))  # noqa: S311 - a seeded draw


def _draw_items(row: Round) -> None:
    frame, chosen = _choose_items(row)
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


def round_plan(row: Round) -> Plan:
    """What opening would make: read only."""
    items = (
        _choose_items(row)[1]
        if row.state == Round.State.DRAFT
        else list(row.round_items.values_list("item_id", flat=True))
    )
    wanted = {key for key, *_ in _wanted_tasks(row, items)} | set(row.tasks.values_list("key", flat=True))
    judgments = len(wanted) * row.overlap
    raters = Membership.objects.filter(project_id=row.project_id, role__in=roles_with(Action.RATE)).count()
    warnings = []
    if not wanted:
        warnings.append("No item has outputs of the chosen systems, so there is nothing to judge.")
    if raters < row.overlap:
        warnings.append(
            f"Each task wants {row.overlap} raters, and the project has {raters}: "
            f"the round cannot finish until {row.overlap - raters} more join."
        )
    if row.cap_per_rater and raters * row.cap_per_rater < judgments:
        warnings.append(
            f"{raters} raters with at most {row.cap_per_rater} tasks each give {raters * row.cap_per_rater:,} "
            f"of {judgments:,} judgments."
        )
    return Plan(
        items=len(items),
        tasks=len(wanted),
        judgments=judgments,
        hours=judgments * row.planned_seconds / 3600,
        raters=raters,
        warnings=tuple(warnings),
    )


def _wanted_tasks(row: Round, items: Sequence[int]) -> list[tuple[str, int, str, list[int]]]:
    """(key, item, pair, outputs in canonical order) of every task the items and systems give."""
    chosen = set(items)
    outputs = [
        o
        for o in _judgeable(row.project_id, _systems_of(row))
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


@transaction.atomic
def round_open(*, round: Round, actor: Any, now: datetime | None = None) -> Round:
    """Make tasks and slots and let raters in. Opening an open round changes nothing."""
    row = Round.objects.select_for_update().get(pk=round.pk)
    if row.state == Round.State.CLOSED:
        raise ServiceError("This round is closed. Reopen it, or make a new one.")
    if row.state == Round.State.OPEN:
        return row
    if row.state == Round.State.DRAFT:
        _settle_systems(row)
        _draw_items(row)
        _make_tasks(row)
        if not row.tasks.filter(kind=Task.Kind.NORMAL).exists():
            raise ServiceError(
                "There is nothing to judge: no item of the round has outputs of the chosen systems. "
                "Import outputs first, or choose other systems."
            )
        _make_slots(row, 1, row.overlap)
        row.opened_at = now or timezone.now()
    row.state = Round.State.OPEN
    row.save(update_fields=["state", "opened_at", "design", "frame_size", "frame_digest"])
    audit.record(project=row.project, actor=actor, verb="round.open", target=f"round:{row.pk}")
    return row


def _settle_systems(row: Round) -> None:
    """Fix which systems the round judges, and see that the title raters read names none of them."""
    systems = _systems_of(row)
    RoundSystem.objects.bulk_create([RoundSystem(round=row, system=s) for s in systems], ignore_conflicts=True)
    _blind_title(row.title, systems)


def _make_tasks(row: Round) -> int:
    known = set(row.tasks.values_list("key", flat=True))
    start = row.tasks.aggregate(last=Max("ordinal"))["last"] or 0
    items = list(row.round_items.values_list("item_id", flat=True))
    new = [w for w in _wanted_tasks(row, items) if w[0] not in known]
    tasks = Task.objects.bulk_create(
        [
            Task(round=row, item_id=item, pair=pair, key=key, ordinal=start + n)
            for n, (key, item, pair, _) in enumerate(new, start=1)
        ],
        batch_size=BATCH,
    )
    TaskOutput.objects.bulk_create(
        [
            TaskOutput(task=task, position=position, output_id=output)
            for task, (_, _, _, outputs) in zip(tasks, new, strict=True)
            for position, output in enumerate(outputs)
        ],
        batch_size=BATCH,
    )
    return len(tasks)


def _make_slots(row: Round, first: int, last: int) -> int:
    """Slots `first`…`last` of every normal task that has outputs with a text and no such slot yet."""
    first_output = TaskOutput.objects.filter(task=OuterRef("pk"), position=0)
    tasks = list(
        row.tasks.filter(kind=Task.Kind.NORMAL)
        .filter(~Exists(Slot.objects.filter(task=OuterRef("pk"), n__gte=first)))
        .annotate(system=Subquery(first_output.values("output__system_id")))
        .values_list("id", "ordinal", "pair", "item_id", "system")
    )
    blank = set(
        TaskOutput.objects.filter(task__round=row).exclude(output__has_text=True).values_list("task_id", flat=True)
    )
    tasks = [t for t in tasks if t[0] not in blank]
    candidates = [Candidate(task, ordinal, pair or str(system)) for task, ordinal, pair, _, system in tasks]
    items = {task: item for task, _, _, item, _ in tasks}
    start = row.slots.aggregate(last=Max("pos"))["last"] or 0
    order = STRATEGIES[row.strategy](candidates, row.seed)
    slots = [
        Slot(round=row, task_id=task, n=n, pos=start + pos, item_key=items[task] if row.one_task_per_item else task)
        for pos, task in enumerate(order, start=1)
        for n in range(first, last + 1)
    ]
    Slot.objects.bulk_create(slots, batch_size=BATCH)
    note_growth(len(slots), RoundItem, Task, TaskOutput, Slot)
    return len(slots)


@transaction.atomic
def round_pause(*, round: Round, actor: Any) -> Round:
    row = Round.objects.select_for_update().get(pk=round.pk)
    if row.state != Round.State.OPEN:
        raise ServiceError(f"Only an open round can be paused; this one is {row.get_state_display().lower()}.")
    return _set_state(row, Round.State.PAUSED, "round.pause", actor)


@transaction.atomic
def round_close(*, round: Round, actor: Any, now: datetime | None = None) -> Round:
    """End the round: open slots are withdrawn; live drafts are kept but take no judgment any more."""
    row = Round.objects.select_for_update().get(pk=round.pk)
    if row.state == Round.State.CLOSED:
        return row
    if row.state == Round.State.DRAFT:
        raise ServiceError("This round was never opened, so there is nothing to close.")
    row.slots.filter(state__in=[Slot.State.OPEN, Slot.State.LEASED]).update(
        state=Slot.State.WITHDRAWN, lease_until=None, holder=None
    )
    Assignment.objects.filter(seat__round=row, state=Assignment.State.LIVE).update(
        state=Assignment.State.LOST, lease_until=None
    )
    row.closed_at = now or timezone.now()
    return _set_state(row, Round.State.CLOSED, "round.close", actor)


@transaction.atomic
def round_reopen(*, round: Round, actor: Any) -> Round:
    """Take withdrawn slots back into the queue; every rater walks once more from the start."""
    row = Round.objects.select_for_update().get(pk=round.pk)
    if row.state != Round.State.CLOSED:
        raise ServiceError("Only a closed round can be reopened.")
    row.slots.filter(state=Slot.State.WITHDRAWN).update(state=Slot.State.OPEN)
    row.seats.update(cursor=0)
    row.closed_at = None
    return _set_state(row, Round.State.OPEN, "round.reopen", actor)


def _set_state(row: Round, state: str, verb: str, actor: Any) -> Round:
    row.state = state
    row.save(update_fields=["state", "closed_at"])
    audit.record(project=row.project, actor=actor, verb=verb, target=f"round:{row.pk}")
    return row


@transaction.atomic
def round_extend(*, round: Round, actor: Any, overlap: int | None = None, add_items: bool = False) -> int:
    """More raters for each task, or the items imported since. Returns how many judgments were added."""
    row = Round.objects.select_for_update().get(pk=round.pk)
    if row.state not in (Round.State.OPEN, Round.State.PAUSED):
        raise ServiceError("Only an open or paused round can be extended.")
    if add_items and row.design != Round.Design.CENSUS:
        raise ServiceError(
            "This round judges a sample. Items added to it would have had another chance of being drawn, "
            "so its figures would no longer speak for the whole. Make a new round for them."
        )
    if overlap is not None and overlap < row.overlap:
        raise ServiceError(
            f"Raters for each task may rise above {row.overlap}, but not fall: judgments were asked for already.",
            field="overlap",
        )
    added = 0
    if add_items:
        added += _add_new_items(row)
    if overlap is not None and overlap > row.overlap:
        added += _make_slots(row, row.overlap + 1, overlap)
        row.overlap = overlap
        row.save(update_fields=["overlap"])
    if added:
        row.seats.update(cursor=0)
    audit.record(
        project=row.project, actor=actor, verb="round.extend", target=f"round:{row.pk}", payload={"added": added}
    )
    return added


def _add_new_items(row: Round) -> int:
    """What was imported since, into a census."""
    have = row.round_items.values("item_id")
    outputs = _judgeable(row.project_id, _systems_of(row))
    new = (
        Item.objects.filter(project_id=row.project_id, outputs__in=outputs, **_tagged(row))
        .exclude(id__in=have)
        .distinct()
        .order_by("id")
    )
    RoundItem.objects.bulk_create(
        [RoundItem(round=row, item=item, inclusion_probability=1.0) for item in new], batch_size=BATCH
    )
    row.frame_size = row.round_items.count()
    row.save(update_fields=["frame_size"])
    _make_tasks(row)
    return _make_slots(row, 1, row.overlap)

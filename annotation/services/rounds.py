"""A round from draft to closed. Opening makes the tasks and one slot for every wanted judgment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotation.models import Assignment, Round, RoundSystem, Slot, Task
from annotation.selection import STRATEGIES
from annotation.services.round_tasks import (
    Progress,
    Sample,
    add_new_items,
    choose_items,
    draw_items,
    make_slots,
    make_tasks,
    systems_of,
    task_order,
    unseen,
    wanted_tasks,
)
from annotation.services.slots import slots_settle
from projects import audit
from projects.access import Action, roles_with
from projects.errors import ServiceError
from projects.models import Membership, Project, System
from projects.services.projects import unique_slug
from rubrics.criteria import CRITERIA
from rubrics.models import Guideline, RubricVersion
from rubrics.selectors import spec_of


@dataclass(frozen=True, slots=True)
class Plan:
    """What a round would ask for, in plain numbers."""

    items: int
    tasks: int
    judgments: int
    hours: float
    raters: int
    warnings: tuple[str, ...]


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
    if version.status == RubricVersion.Status.ARCHIVED:
        raise ServiceError(
            f"Version {version.number} of “{version.rubric.name}” is archived. Bring it back, or choose another.",
            field="rubric_version",
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


def round_plan(row: Round) -> Plan:
    """What opening would make: read only."""
    items = (
        choose_items(row)[1]
        if row.state == Round.State.DRAFT
        else list(row.round_items.values_list("item_id", flat=True))
    )
    kinds = dict(row.tasks.values_list("key", "kind"))
    wanted = {key for key, *_ in wanted_tasks(row, items)} | set(kinds)
    wanted -= {key for key, kind in kinds.items() if kind != Task.Kind.NORMAL}
    gold = sum(kind == Task.Kind.GOLD for kind in kinds.values())
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
    if row.gold_rate and not gold:
        warnings.append("Gold tasks are asked for, and the round has none: see `import_gold`.")
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


@transaction.atomic
def round_open(*, round: Round, actor: Any, now: datetime | None = None, progress: Progress = unseen) -> Round:
    """Make tasks and slots and let raters in. Opening an open round changes nothing."""
    row = Round.objects.select_for_update().get(pk=round.pk)
    if row.state == Round.State.CLOSED:
        raise ServiceError("This round is closed. Reopen it, or make a new one.")
    if row.state == Round.State.OPEN:
        return row
    if row.state == Round.State.DRAFT:
        _settle_systems(row)
        draw_items(row)
        make_tasks(row, progress)
        if not row.tasks.filter(kind=Task.Kind.NORMAL).exists():
            raise ServiceError(
                "There is nothing to judge: no item of the round has outputs of the chosen systems. "
                "Import outputs first, or choose other systems."
            )
        make_slots(row, progress)
        row.opened_at = now or timezone.now()
    row.state = Round.State.OPEN
    row.save(update_fields=["state", "opened_at", "design", "frame_size", "frame_digest"])
    audit.record(project=row.project, actor=actor, verb="round.open", target=f"round:{row.pk}")
    return row


def _settle_systems(row: Round) -> None:
    """Fix which systems the round judges, and see that the title raters read names none of them."""
    systems = systems_of(row)
    RoundSystem.objects.bulk_create([RoundSystem(round=row, system=s) for s in systems], ignore_conflicts=True)
    _blind_title(row.title, systems)


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
    """What the overlap lacks is wanted again; every rater walks once more from the start."""
    row = Round.objects.select_for_update().get(pk=round.pk)
    if row.state != Round.State.CLOSED:
        raise ServiceError("Only a closed round can be reopened.")
    slots_settle(row, task_order(row, with_slots=True))
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
    if add_items and (new := add_new_items(row)):
        added += new
        row.seats.update(cursor=0)
    if overlap is not None and overlap > row.overlap:
        row.overlap = overlap
        row.save(update_fields=["overlap"])
        added += slots_settle(row, task_order(row, with_slots=True))
    audit.record(
        project=row.project, actor=actor, verb="round.extend", target=f"round:{row.pk}", payload={"added": added}
    )
    return added

"""A round from draft to closed. Opening makes the tasks and one slot for every wanted judgment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from annotation.lanes import Requirements
from annotation.models import Assignment, Round, RoundSystem, Slot, Task, Unblinding
from annotation.pairing import Pairs
from annotation.ranked_sets import Sets
from annotation.sampling import Sample
from annotation.services.eligibility import seats_settle
from annotation.services.renewing import Narrow
from annotation.services.renewing_tasks import renew_while_open
from annotation.services.round_checks import (
    blind_title,
    check_narrow,
    check_pairs,
    check_requirements,
    check_round,
    check_sample,
    check_sets,
)
from annotation.services.round_tasks import (
    Progress,
    add_new_items,
    draw_items,
    make_slots,
    make_tasks,
    sample_of,
    systems_of,
    task_order,
    unseen,
)
from annotation.services.slots import search_anew, slots_settle
from projects import audit
from projects.errors import ServiceError
from projects.models import Project, System
from projects.services.projects import unique_slug
from projects.templatetags.words import in_sentence
from rubrics.models import Guideline, RubricVersion


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
    pairs: Pairs | None = None,
    sets: Sets | None = None,
    narrow: Narrow | None = None,
    requirements: Requirements | None = None,
    seed: int | None = None,
    **settings: Any,
) -> Round:
    """A round in draft. Its items are drawn when it opens, from what has been imported by then; no systems
    means all of the project's at that moment. Extra settings are fields of Round, such as `lease_seconds`."""
    sample = sample or Sample()
    check_round(project, name, mode, rubric_version, systems, overlap, strategy)
    check_sample(sample)
    pairs = pairs or Pairs(design="baseline" if settings.get("baseline") else "all")
    check_pairs(pairs, mode, settings.get("baseline"), strategy)
    check_sets(sets or Sets(), mode)
    requirements = requirements or Requirements()
    check_requirements(requirements, overlap)
    chosen: dict[str, Any] = {
        "requirements": requirements if requirements.any else None,
        "sample": sample,
        "pairs": pairs,
        "sets": sets if sets != Sets() else None,
        "narrow": check_narrow(narrow, rubric_version, mode, strategy, pairs),
    }
    settings["options"] = settings.get("options", {}) | {k: asdict(v) for k, v in chosen.items() if v is not None}
    taken = Round.objects.filter(project=project)
    if slug and taken.filter(slug=slug).exists():
        raise ServiceError(
            gettext("This project has a round “%(slug)s” already. Choose another name.") % {"slug": slug}, field="name"
        )
    row = Round(
        project=project,
        slug=slug or unique_slug(name, taken, "round"),
        name=name.strip(),
        title=blind_title(title.strip() or name.strip(), systems),
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


@transaction.atomic
def round_open(*, round: Round, actor: Any, now: datetime | None = None, progress: Progress = unseen) -> Round:
    """Make tasks and slots and let raters in. Opening an open round changes nothing."""
    row = Round.objects.select_for_update().get(pk=round.pk)
    if row.state == Round.State.CLOSED:
        raise ServiceError(gettext("This round is closed. Reopen it, or make a new one."))
    if row.state == Round.State.OPEN:
        return row
    if row.state == Round.State.DRAFT:
        _settle_systems(row)
        draw_items(row)
        make_tasks(row, progress)
        if not row.tasks.filter(kind=Task.Kind.NORMAL).exists():
            raise ServiceError(
                gettext(
                    "There is nothing to judge: no item of the round has outputs of the chosen systems. "
                    "Import outputs first, or choose other systems."
                )
            )
        make_slots(row, progress)
        row.opened_at = now or timezone.now()
    row.state = Round.State.OPEN
    row.save(update_fields=["state", "opened_at", "design", "frame_size", "frame_digest"])
    renew_while_open(row)
    audit.record(project=row.project, actor=actor, verb="round.open", target=f"round:{row.pk}")
    return row


def _settle_systems(row: Round) -> None:
    """Fix which systems the round judges, and see that the title raters read names none of them."""
    systems = systems_of(row)
    RoundSystem.objects.bulk_create([RoundSystem(round=row, system=s) for s in systems], ignore_conflicts=True)
    blind_title(row.title, systems)


@transaction.atomic
def round_pause(*, round: Round, actor: Any) -> Round:
    row = Round.objects.select_for_update().get(pk=round.pk)
    if row.state != Round.State.OPEN:
        raise ServiceError(
            gettext("Only an open round can be paused; this one is %(state)s.")
            % {"state": in_sentence(row.get_state_display())}
        )
    return _set_state(row, Round.State.PAUSED, "round.pause", actor)


@transaction.atomic
def round_close(*, round: Round, actor: Any, now: datetime | None = None) -> Round:
    """End the round: open slots are withdrawn; live drafts are kept but take no judgment any more."""
    row = Round.objects.select_for_update().get(pk=round.pk)
    if row.state == Round.State.CLOSED:
        return row
    if row.state == Round.State.DRAFT:
        raise ServiceError(gettext("This round was never opened, so there is nothing to close."))
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
        raise ServiceError(gettext("Only a closed round can be reopened."))
    if Unblinding.objects.filter(round=row).exists():
        raise ServiceError(
            gettext(
                "This round was unblinded, so it cannot be reopened: whoever judges now could know which "
                "system answered. Make a new round."
            )
        )
    slots_settle(row, task_order(row, with_slots=True))
    row.closed_at = None
    renew_while_open(row)
    return _set_state(row, Round.State.OPEN, "round.reopen", actor)


def _set_state(row: Round, state: str, verb: str, actor: Any) -> Round:
    row.state = state
    row.save(update_fields=["state", "closed_at"])
    audit.record(project=row.project, actor=actor, verb=verb, target=f"round:{row.pk}")
    return row


def why_no_items(row: Round) -> str:
    """Why items cannot be added to the round; empty where they can."""
    if row.predecessor_id is not None:
        return gettext("This round rates again the tasks of an earlier one, so nothing can be added to them.")
    if row.design != Round.Design.CENSUS or (row.state == Round.State.DRAFT and sample_of(row).draws):
        return gettext(
            "This round judges a sample. Items added to it would have had another chance of being "
            "drawn, so its figures would no longer speak for the whole. Make a new round for them."
        )
    return ""


@transaction.atomic
def round_extend(*, round: Round, actor: Any, overlap: int | None = None, add_items: bool = False) -> int:
    """More raters for each task, or the items imported since. Returns how many judgments were added."""
    row = Round.objects.select_for_update().get(pk=round.pk)
    if row.state not in Round.GOING:
        raise ServiceError(gettext("Only an open or paused round can be extended."))
    if add_items and (why := why_no_items(row)):
        raise ServiceError(why)
    if overlap is not None and overlap < row.overlap:
        raise ServiceError(
            gettext("Raters for each task may rise above %(overlap)s, but not fall: judgments were asked for already.")
            % {"overlap": row.overlap},
            field="overlap",
        )
    added = 0
    if add_items and (new := add_new_items(row)):
        added += new
        search_anew(row)  # what is new stands behind every cursor
    if overlap is not None and overlap > row.overlap:
        row.overlap = overlap
        row.save(update_fields=["overlap"])
        added += slots_settle(row, task_order(row, with_slots=True))
        seats_settle(row)
    audit.record(
        project=row.project, actor=actor, verb="round.extend", target=f"round:{row.pk}", payload={"added": added}
    )
    return added

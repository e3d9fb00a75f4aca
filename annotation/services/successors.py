"""Rating again what a new rubric version changed: a successor round over the same tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from annotation.models import Round
from annotation.services.eligibility import requirements_of
from annotation.services.rounds import round_create
from annotation.strategies import STRATEGIES, WIN
from projects import audit
from projects.errors import ServiceError
from rubrics.changes import Verdict, to_rate_again, verdicts
from rubrics.models import RubricVersion
from rubrics.selectors import newer_published, spec_of
from rubrics.specs import RubricSpec

# What a successor takes over as it stands. Gold answers speak of the old criteria, so gold is not among it.
SAME = (
    "baseline",
    "lease_seconds",
    "repeat_rate",
    "cap_per_rater",
    "one_task_per_item",
    "show_reference",
    "raters_see_own_figures",
    "planned_seconds",
)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a newer version of the round's rubric would mean for it."""

    version: RubricVersion
    verdicts: tuple[Verdict, ...]
    to_rate: list[str]  # the criteria that cannot simply be taken over


def successor_offer(round: Round) -> Offer | None:
    """None where the round was never opened, or its rubric has no newer version in force."""
    version = newer_published(round.rubric_version) if round.opened_at is not None else None
    if version is None:
        return None
    before, after = spec_of(round.rubric_version), spec_of(version)
    again = to_rate_again(before, after)
    return Offer(version, verdicts(before, after), with_conditions(after, again))


def with_conditions(rubric: RubricSpec, keys: Sequence[str]) -> list[str]:
    """The criteria named, and those they wait for: a question that is shown after another needs it on the page."""
    wanted = set(keys)
    asked_after = {c.key: c.shown_if["criterion"] for c in rubric.criteria if c.shown_if}
    while more := {asked_after[key] for key in wanted if key in asked_after} - wanted:
        wanted |= more
    return [c.key for c in rubric.criteria if c.key in wanted]


@transaction.atomic
def round_succeed(
    *,
    round: Round,
    version: RubricVersion,
    criteria: Sequence[str],
    name: str,
    actor: Any,
    title: str = "",
    overlap: int | None = None,
) -> Round:
    """A planned round over the same tasks with a newer version, asking these criteria only. It opens as any round."""
    if round.opened_at is None:
        raise ServiceError(
            gettext("This round was never opened, so there is nothing to rate again. Change its plan instead.")
        )
    if version.rubric_id != round.rubric_version.rubric_id:
        raise ServiceError(gettext("The new version must be one of the rubric that the round used."), field="version")
    if version.number <= round.rubric_version.number:
        raise ServiceError(
            gettext("Version %(number)s is not newer than version %(number2)s, which the round used.")
            % {"number": version.number, "number2": round.rubric_version.number},
            field="version",
        )
    spec = spec_of(version)
    known = [c.key for c in spec.criteria]
    unknown = [key for key in criteria if key not in known]
    if unknown:
        raise ServiceError(
            gettext("“%(unknown)s” is not a criterion of version %(number)s. Accepted: %(join)s.")
            % {"unknown": unknown[0], "number": version.number, "join": ", ".join(known)},
            field="criteria",
        )
    if not criteria:
        raise ServiceError(gettext("Choose at least one criterion to rate again."), field="criteria")
    asked = with_conditions(spec, criteria)
    made = round_create(
        project=round.project,
        name=name,
        title=title.strip() or round.title,
        mode=round.mode,
        rubric_version=version,
        systems=[rs.system for rs in round.round_systems.select_related("system")],
        overlap=overlap or round.overlap,
        actor=actor,
        guideline=round.guideline,
        # An order that narrows an interval would narrow one of the earlier questions.
        strategy="balanced" if STRATEGIES[round.strategy].take == WIN else round.strategy,
        requirements=requirements_of(round),
        predecessor=round,
        only_criteria=[] if len(asked) == len(known) else asked,
        **{field: getattr(round, field) for field in SAME},
    )
    audit.record(
        project=round.project,
        actor=actor,
        verb="round.succeed",
        target=f"round:{made.pk}",
        payload={"predecessor": round.pk, "criteria": asked},
    )
    return made

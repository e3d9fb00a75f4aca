"""Changes of a criterion that a pilot suggests, made in a draft for the lead to go on from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction

from projects.errors import ServiceError
from rubrics import services
from rubrics.criteria import CRITERIA
from rubrics.criteria.base import plain as plain_number
from rubrics.drafts import find, without
from rubrics.models import RubricVersion
from rubrics.selectors import spec_of
from rubrics.specs import CriterionSpec, LevelSpec, RubricSpec

KINDS = ("merge", "drop", "open")


@dataclass(frozen=True, slots=True)
class Change:
    """`merge` two levels into one, `drop` the criterion, or only `open` it."""

    kind: str
    criterion: str
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggested:
    draft: RubricVersion
    words: str
    key: str  # the criterion to open; empty where it is gone


def merged(spec: CriterionSpec, low: str, high: str) -> CriterionSpec:
    """The two levels as one, in the place of the first. Numbers of a scale are counted anew from its lowest."""
    a = next(level for level in spec.levels if level.code == low)
    b = next(level for level in spec.levels if level.code == high)
    both = LevelSpec(
        code=a.code,
        number=a.number,
        label=f"{a.label} / {b.label}"[:120],
        anchor=" ".join(filter(None, (a.anchor, b.anchor))),
        example=" ".join(filter(None, (a.example, b.example))),
    )
    levels = [both if level is a else level for level in spec.levels if level is not b]
    if CRITERIA[spec.type].graded and all(level.number is not None for level in levels):
        first = min(level.number or 0 for level in levels)
        levels = [replace(x, number=first + n, code=plain_number(first + n)) for n, x in enumerate(levels)]
    return replace(spec, levels=tuple(levels))


@transaction.atomic
def draft_suggest(*, version: RubricVersion, change: Change, actor: Any) -> Suggested:
    """Make the change in the rubric's draft, which is begun where there is none. What the draft already asks
    otherwise is left as it is, and said."""
    if change.kind not in KINDS:
        raise ServiceError(f"“{change.kind}” is not a change. Accepted: {', '.join(KINDS)}.")
    if version.rubric.project_id is None:
        raise ServiceError("This rubric is shared by all projects. Copy it into this one, then change the copy.")
    draft = services.draft_open(rubric=version.rubric, actor=actor)
    now, then = spec_of(draft), spec_of(version)
    here, there = find(now, change.criterion), find(then, change.criterion)
    if here is None:
        return Suggested(draft, f"The newest version does not ask “{change.criterion}” any more.", "")
    if change.kind == "open":
        return Suggested(draft, "", here.key)
    if there is None or replace(here, id=None) != replace(there, id=None):
        return Suggested(
            draft, "The draft asks it otherwise than that round did, so nothing was changed for you.", here.key
        )
    spec = _made(now, here, change)
    services.draft_save(version=draft, spec=spec, edit=draft.edit, actor=actor)
    if change.kind == "drop":
        return Suggested(draft, f"“{here.question}” is taken out of the draft. Published versions keep it.", "")
    return Suggested(draft, "The two levels are one in the draft. Look at its words, then publish.", here.key)


def _made(spec: RubricSpec, criterion: CriterionSpec, change: Change) -> RubricSpec:
    if change.kind == "drop":
        if len(spec.criteria) == 1:
            raise ServiceError("It is the only criterion, and a rubric without one asks nothing.")
        return without(spec, criterion.key)
    codes = [level.code for level in criterion.levels]
    if len(change.levels) != 2 or len(set(change.levels) & set(codes)) != 2:
        raise ServiceError("Those levels are not two levels of this criterion.")
    new = merged(criterion, *change.levels)
    return replace(spec, criteria=tuple(new if c is criterion else c for c in spec.criteria))

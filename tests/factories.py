"""Small makers of rows with sensible defaults. Alice leads, Bob rates, Charlie belongs elsewhere."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from accounts.models import User
from annotation.models import Round
from annotation.services.rounds import round_create, round_open
from projects.models import Item, ItemRevision, Membership, Output, OutputRevision, Project, System
from projects.services.projects import project_create
from rubrics.models import RubricVersion
from rubrics.services import rubric_create, version_publish
from rubrics.specs import CriterionSpec, LevelSpec, RubricSpec

_count = itertools.count(1)
PASSWORD = "correct horse battery"

LEVELS = tuple(LevelSpec(str(n), f"Level {n}", float(n), f"Anchor {n}.") for n in (1, 2, 3))
CORRECT = CriterionSpec("correct", "scale", "Is every claim true?", "ordinal", levels=LEVELS, allow_cannot_judge=True)
OVERALL = CriterionSpec(
    "overall", "preference", "Which answer is better?", "ordinal", config={"points": 5, "ties": ["tie", "both_bad"]}
)


def user_factory(name: str = "", **extra: Any) -> User:
    name = name or f"Person {next(_count)}"
    email = extra.pop("email", f"{name.lower().replace(' ', '.')}.{next(_count)}@example.org")
    return User.objects.create_user(email, extra.pop("password", PASSWORD), name=name, **extra)


def project_factory(name: str = "", lead: User | None = None) -> Project:
    return project_create(name=name or f"Project {next(_count)}", creator=lead)


def member(project: Project, role: str, name: str = "") -> User:
    user = user_factory(name)
    Membership.objects.create(project=project, user=user, role=role)
    return user


def system_factory(project: Project, name: str = "", version: str = "") -> System:
    return System.objects.create(project=project, name=name or f"system-{next(_count)}", version=version)


def item_factory(project: Project, external_id: str = "", text: str = "What is it?") -> Item:
    external_id = external_id or f"item-{next(_count)}"
    item = Item.objects.create(project=project, external_id=external_id, cluster=external_id)
    ItemRevision.objects.create(
        item=item, messages=[{"role": "user", "content": text}], digest=f"{next(_count):064d}", html=f"<p>{text}</p>"
    )
    return item


def output_factory(item: Item, system: System, text: str = "An answer.") -> Output:
    output = Output.objects.create(item=item, system=system)
    OutputRevision.objects.create(output=output, text=text, digest=f"{next(_count):064d}", html=f"<p>{text}</p>")
    return output


def rubric_factory(project: Project, criteria: Sequence[CriterionSpec] = (CORRECT,)) -> RubricVersion:
    spec = RubricSpec(name=f"Rubric {next(_count)}", criteria=tuple(criteria))
    return version_publish(version=rubric_create(project=project, spec=spec, actor=None), actor=None)


def round_factory(
    project: Project | None = None,
    *,
    mode: str = "score",
    items: int = 3,
    systems: int = 2,
    overlap: int = 2,
    criteria: Sequence[CriterionSpec] | None = None,
    opened: bool = True,
    turned: int = 0,
    **settings: Any,
) -> Round:
    """A round over fresh items and systems, open unless told otherwise. Of the first `turned` items the outputs came
    in from the last system to the first."""
    project = project or project_factory()
    chosen = [system_factory(project) for _ in range(systems)]
    for n in range(items):
        item = item_factory(project)
        for system in chosen[::-1] if n < turned else chosen:
            output_factory(item, system)
    criteria = criteria or ((CORRECT,) if mode == "score" else (OVERALL,))
    row = round_create(
        project=project,
        name=f"Round {next(_count)}",
        mode=mode,
        rubric_version=rubric_factory(project, criteria),
        systems=chosen,
        overlap=overlap,
        actor=None,
        **settings,
    )
    return round_open(round=row, actor=None) if opened else row

"""Reads. A frozen version never changes, so its spec is kept in memory."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from django.db.models import QuerySet

from projects.models import Project
from rubrics.changes import Verdict, verdict
from rubrics.models import Criterion, Rubric, RubricVersion
from rubrics.specs import CriterionSpec, LevelSpec, RubricSpec

_KEPT = 200
_specs: OrderedDict[tuple[int, str], RubricSpec] = OrderedDict()
_lock = Lock()


def spec_of(version: RubricVersion) -> RubricSpec:
    """The version as plain values. Kept per process once it is frozen (keyed by digest as well, so that
    another database in the same process, as in tests, cannot be mistaken for this one)."""
    if not version.is_frozen:
        return _load(version)
    key = (version.pk, version.digest)
    with _lock:
        if key in _specs:
            _specs.move_to_end(key)
            return _specs[key]
    spec = _load(version)
    with _lock:
        _specs[key] = spec
        while len(_specs) > _KEPT:
            _specs.popitem(last=False)
    return spec


def forget_specs() -> None:
    """For tests, which reuse primary keys."""
    with _lock:
        _specs.clear()


def _load(version: RubricVersion) -> RubricSpec:
    criteria = Criterion.objects.filter(version=version).prefetch_related("levels").order_by("position", "id")
    return RubricSpec(
        name=version.rubric.name,
        slug=version.rubric.slug,
        description=version.rubric.description,
        notes=version.notes,
        criteria=tuple(_criterion(c) for c in criteria),
    )


def _criterion(row: Criterion) -> CriterionSpec:
    levels = sorted(row.levels.all(), key=lambda level: (level.position, level.pk))
    return CriterionSpec(
        id=row.pk,
        key=row.key,
        type=row.type,
        question=row.question,
        guidance=row.guidance,
        level_of_measurement=row.level_of_measurement,
        scope=row.scope,
        required=row.required,
        allow_cannot_judge=row.allow_cannot_judge,
        weight=row.weight,
        shown_if=row.shown_if,
        examples=tuple(row.examples),
        config=row.config,
        levels=tuple(
            LevelSpec(code=x.code, number=x.number, label=x.label, anchor=x.anchor, example=x.example) for x in levels
        ),
    )


def rubrics_of(project: Project) -> QuerySet[Rubric]:
    """The project's own rubrics, newest version first in each."""
    return Rubric.objects.filter(project=project).prefetch_related("versions")


def shared_rubrics() -> list[RubricVersion]:
    """The published versions that all projects may read and use."""
    versions = RubricVersion.objects.filter(rubric__project=None, status=RubricVersion.Status.PUBLISHED)
    return list(versions.select_related("rubric").order_by("rubric__name", "rubric_id"))


def latest_published(rubric: Rubric) -> RubricVersion | None:
    return rubric.versions.filter(status=RubricVersion.Status.PUBLISHED).order_by("-number").first()


def comparable(version_a: RubricVersion, version_b: RubricVersion, criterion: str) -> Verdict:
    """Whether figures of this criterion from rounds over these versions may stand side by side, and why not."""
    return verdict(spec_of(version_a), spec_of(version_b), criterion)


def newer_published(version: RubricVersion) -> RubricVersion | None:
    """The version that took this one's place, if there is one."""
    rubric_versions = RubricVersion.objects.filter(rubric_id=version.rubric_id, number__gt=version.number)
    return rubric_versions.filter(status=RubricVersion.Status.PUBLISHED).order_by("-number").first()

"""Every change of a rubric or a guideline. Draft → published (frozen) → superseded, archived."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from projects import audit
from projects.errors import Conflict, ServiceError
from projects.models import Project
from projects.rendering import render_text
from projects.services.projects import unique_slug
from rubrics.completeness import missing
from rubrics.models import Criterion, Guideline, Level, Rubric, RubricVersion
from rubrics.schema import rubric_digest
from rubrics.selectors import spec_of
from rubrics.specs import CriterionSpec, RubricSpec


@transaction.atomic
def rubric_create(*, project: Project | None, spec: RubricSpec, actor: Any) -> RubricVersion:
    """A new rubric with a first draft. Without a project it is shared by all."""
    taken = Rubric.objects.filter(project=project)
    if spec.slug and taken.filter(slug=spec.slug).exists():
        raise ServiceError(f"This project has a rubric “{spec.slug}” already. Choose another name.", field="slug")
    rubric = Rubric(
        project=project,
        slug=spec.slug or unique_slug(spec.name, taken, "rubric"),
        name=spec.name,
        description=spec.description,
    )
    rubric.full_clean()
    rubric.save()
    version = RubricVersion.objects.create(rubric=rubric, number=1, notes=spec.notes)
    _write_criteria(version, spec)
    audit.record(project=project, actor=actor, verb="rubric.create", target=f"rubric:{rubric.pk}")
    return version


def rubric_start(*, project: Project, spec: RubricSpec, actor: Any) -> RubricVersion:
    """A new draft that begins with what another rubric says: from the library, or a copy. Its short name is new."""
    return rubric_create(project=project, spec=replace(spec, slug=""), actor=actor)


@transaction.atomic
def rubric_copy(*, version: RubricVersion, project: Project, actor: Any, with_examples: bool = False) -> RubricVersion:
    """A draft in another project that asks the same. Examples, guidance and notes may quote the first project's
    prompts and outputs, so they stay behind unless somebody says otherwise."""
    spec = spec_of(version)
    if not spec.criteria:
        raise ServiceError("This version asks nothing yet, so there is nothing to copy.")
    made = rubric_start(project=project, spec=spec if with_examples else bare(spec), actor=actor)
    audit.record(
        project=version.rubric.project,
        actor=actor,
        verb="rubric.copy",
        target=f"rubricversion:{version.pk}",
        payload={"to": made.pk, "with_examples": with_examples},
    )
    return made


@transaction.atomic
def rubric_share(*, version: RubricVersion, actor: Any, with_examples: bool = False) -> RubricVersion:
    """A published copy that every project of the site may read and use. What is shared already is not shared twice;
    a rubric of the same name that says something else, perhaps of another project, is never touched."""
    if not version.is_frozen:
        raise ServiceError(f"Version {version.number} is a draft and may still change. Publish it, then share it.")
    spec = spec_of(version)
    spec = replace(spec if with_examples else bare(spec), slug="")
    same = RubricVersion.objects.filter(rubric__project=None, rubric__name=spec.name, digest=rubric_digest(spec))
    shared = same.filter(status=RubricVersion.Status.PUBLISHED).first()
    if shared is not None:
        return shared
    shared = version_publish(version=rubric_create(project=None, spec=spec, actor=actor), actor=actor)
    audit.record(
        project=version.rubric.project,
        actor=actor,
        verb="rubric.share",
        target=f"rubricversion:{version.pk}",
        payload={"to": shared.pk, "with_examples": with_examples},
    )
    return shared


def bare(spec: RubricSpec) -> RubricSpec:
    """What is asked, without what may quote a project's own material."""
    criteria = tuple(
        replace(c, examples=(), guidance="", levels=tuple(replace(level, example="") for level in c.levels))
        for c in spec.criteria
    )
    return replace(spec, notes="", description="", criteria=criteria)


@transaction.atomic
def draft_open(*, rubric: Rubric, actor: Any) -> RubricVersion:
    """The rubric's draft; made from the newest version when there is none."""
    draft = rubric.versions.filter(status=RubricVersion.Status.DRAFT).first()
    if draft is not None:
        return draft
    newest = rubric.versions.order_by("-number").first()
    version = RubricVersion.objects.create(rubric=rubric, number=newest.number + 1 if newest else 1)
    if newest is not None:
        _write_criteria(version, spec_of(newest))
    audit.record(project=rubric.project, actor=actor, verb="rubric.draft", target=f"rubricversion:{version.pk}")
    return version


@transaction.atomic
def draft_save(*, version: RubricVersion, spec: RubricSpec, edit: int, actor: Any) -> RubricVersion:
    """Replace the draft's content. `edit` is the edit the writer started from: whoever saves second
    hears of it and nothing of theirs or the other's is overwritten in silence."""
    version = RubricVersion.objects.select_for_update().select_related("rubric").get(pk=version.pk)
    if version.is_frozen:
        raise ServiceError(f"Version {version.number} is published and never changes. Make a new version.")
    if version.edit != edit:
        raise Conflict("Somebody else saved this draft after you opened it. Load it again and repeat your change.")
    version.edit += 1
    version.notes = spec.notes
    version.save(update_fields=["edit", "notes"])
    rubric = version.rubric
    rubric.name, rubric.description = spec.name, spec.description
    rubric.full_clean()
    rubric.save(update_fields=["name", "description"])
    version.criteria.all().delete()
    _write_criteria(version, spec)
    return version


def _write_criteria(version: RubricVersion, spec: RubricSpec) -> None:
    rows = [_criterion_row(version, index, c) for index, c in enumerate(spec.criteria)]
    for row in rows:
        row.full_clean(validate_unique=False, validate_constraints=False)
    Criterion.objects.bulk_create(rows)
    levels = []
    for row, c in zip(rows, spec.criteria, strict=True):
        levels += [
            Level(
                criterion=row,
                position=n,
                code=level.code,
                number=level.number,
                label=level.label,
                anchor=level.anchor,
                example=level.example,
            )
            for n, level in enumerate(c.levels)
        ]
    for level in levels:
        level.clean_fields(exclude=["criterion"])  # bulk_create would leave a text that is too long to the database
    Level.objects.bulk_create(levels)


def _criterion_row(version: RubricVersion, position: int, c: CriterionSpec) -> Criterion:
    return Criterion(
        version=version,
        position=position,
        key=c.key,
        type=c.type,
        question=c.question,
        guidance=c.guidance,
        level_of_measurement=c.level_of_measurement,
        scope=c.scope,
        required=c.required,
        allow_cannot_judge=c.allow_cannot_judge,
        weight=c.weight,
        shown_if=c.shown_if,
        examples=list(c.examples),
        config=c.config,
    )


@transaction.atomic
def version_publish(*, version: RubricVersion, actor: Any) -> RubricVersion:
    """Freeze the draft. From now on service and database refuse any change to it."""
    version = RubricVersion.objects.select_for_update().select_related("rubric").get(pk=version.pk)
    if version.is_frozen:
        raise ServiceError(f"Version {version.number} is published already.")
    spec = spec_of(version)
    if gaps := missing(spec):
        raise ServiceError(" ".join(gap.sentence for gap in gaps))
    version.rubric.versions.filter(status=RubricVersion.Status.PUBLISHED).update(status=RubricVersion.Status.SUPERSEDED)
    version.status = RubricVersion.Status.PUBLISHED
    version.digest = rubric_digest(spec)
    version.published_at = timezone.now()
    version.published_by = actor
    version.save(update_fields=["status", "digest", "published_at", "published_by"])
    audit.record(
        project=version.rubric.project,
        actor=actor,
        verb="rubric.publish",
        target=f"rubricversion:{version.pk}",
        payload={"digest": version.digest},
    )
    return version


@transaction.atomic
def version_archive(*, version: RubricVersion, actor: Any) -> RubricVersion:
    """Take a version out of use: no new round may choose it. Rounds that have it keep it."""
    version = RubricVersion.objects.select_for_update().select_related("rubric").get(pk=version.pk)
    if not version.is_frozen:
        raise ServiceError(
            f"Version {version.number} is a draft. Publish it or drop it; only published ones are archived."
        )
    if version.status == RubricVersion.Status.ARCHIVED:
        return version
    return _set_status(version, RubricVersion.Status.ARCHIVED, "rubric.archive", actor)


@transaction.atomic
def version_restore(*, version: RubricVersion, actor: Any) -> RubricVersion:
    """Bring an archived version back: published if it is the newest, else superseded as it was."""
    version = RubricVersion.objects.select_for_update().select_related("rubric").get(pk=version.pk)
    if version.status != RubricVersion.Status.ARCHIVED:
        raise ServiceError(f"Version {version.number} is not archived, so there is nothing to bring back.")
    later = version.rubric.versions.filter(number__gt=version.number).exclude(status=RubricVersion.Status.DRAFT)
    in_force = version.rubric.versions.filter(status=RubricVersion.Status.PUBLISHED).exists()
    superseded = in_force or later.exists()
    status = RubricVersion.Status.SUPERSEDED if superseded else RubricVersion.Status.PUBLISHED
    return _set_status(version, status, "rubric.restore", actor)


def _set_status(version: RubricVersion, status: str, verb: str, actor: Any) -> RubricVersion:
    version.status = status
    version.save(update_fields=["status"])
    audit.record(project=version.rubric.project, actor=actor, verb=verb, target=f"rubricversion:{version.pk}")
    return version


@transaction.atomic
def rubric_ensure(*, project: Project, spec: RubricSpec, actor: Any) -> tuple[RubricVersion, bool]:
    """The published version that says exactly this, made if it is not there. Idempotent."""
    rubric = (
        Rubric.objects.filter(project=project, slug=spec.slug).first()
        if spec.slug
        else Rubric.objects.filter(project=project, name=spec.name).first()
    )
    if rubric is None:
        draft = rubric_create(project=project, spec=spec, actor=actor)
        return version_publish(version=draft, actor=actor), True
    digest = rubric_digest(spec)
    frozen = rubric.versions.filter(digest=digest).exclude(status=RubricVersion.Status.DRAFT).order_by("-number")
    same = frozen.exclude(status=RubricVersion.Status.ARCHIVED).first() or frozen.first()
    if same is not None:
        return same, False
    if rubric.versions.filter(status=RubricVersion.Status.DRAFT).exists():
        raise ServiceError(
            f"The rubric “{rubric.name}” has an unpublished draft. Publish it or drop it, then apply the file again."
        )
    draft = draft_open(rubric=rubric, actor=actor)
    draft = draft_save(version=draft, spec=spec, edit=draft.edit, actor=actor)
    return version_publish(version=draft, actor=actor), True


@transaction.atomic
def draft_drop(*, version: RubricVersion, actor: Any) -> None:
    """Throw the draft away; a rubric that has nothing else goes with it."""
    if version.is_frozen:
        raise ServiceError(f"Version {version.number} is published and cannot be dropped.")
    rubric = version.rubric
    audit.record(project=rubric.project, actor=actor, verb="rubric.drop", target=f"rubricversion:{version.pk}")
    version.delete()
    if not rubric.versions.exists():
        rubric.delete()


@transaction.atomic
def guideline_publish(*, project: Project, text: str, name: str = "Guidelines", actor: Any) -> Guideline:
    """A new version of the instructions; the same text again is the same version."""
    text = text.strip()
    if not text:
        raise ServiceError("Guidelines need some text.", field="text")
    digest = hashlib.sha256(text.encode()).hexdigest()
    newest = Guideline.objects.filter(project=project, name=name).order_by("-number").first()
    if newest is not None and newest.digest == digest:
        return newest
    guideline = Guideline.objects.create(
        project=project,
        name=name,
        number=newest.number + 1 if newest else 1,
        text=text,
        html=render_text(text),
        digest=digest,
        published_at=timezone.now(),
        created_by=actor,
    )
    audit.record(project=project, actor=actor, verb="guideline.publish", target=f"guideline:{guideline.pk}")
    return guideline

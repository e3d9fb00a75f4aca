"""Study-as-code: one YAML file makes or updates project, rubric version, systems, metrics and round."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from annotation.services.round_tasks import Progress, unseen
from annotation.services.study_round import Applied, find_system, round_from, round_move
from config.stopping import point_of_no_return
from projects.errors import ServiceError
from projects.located import Path, Source
from projects.models import Membership, Metric, Project, Role, System
from projects.services import people
from projects.services.checking import checks_enqueue, checks_stand, wanted_from
from projects.services.projects import project_create
from rubrics.models import Guideline, Rubric, RubricVersion
from rubrics.schema import rubric_from
from rubrics.services import guideline_publish, rubric_ensure
from rubrics.specs import RubricSpec

TOP = ("project", "rubric", "systems", "metrics", "checks", "alt_test", "sample", "round", "guidelines")
METRIC_KEYS = ("key", "source", "criterion", "kind", "scale", "direction", "threshold")


class _DryRun(Exception):
    """Rolls the transaction back."""


def study_apply(
    *, source: Source, actor: Any = None, lead: Any = None, dry_run: bool = False, progress: Progress = unseen
) -> Applied:
    """Apply a study file. Idempotent; with `dry_run` everything is tried and nothing is kept.

    `lead` is made lead of the project: for the command line, where whoever can run it can do everything.
    A door for logged-in people must never pass it."""
    applied = Applied()
    try:
        with transaction.atomic():
            project = _apply(source, actor, applied, progress)
            if lead is not None and not Membership.objects.filter(project=project, user=lead).exists():
                people.member_add(project=project, user=lead, role=Role.LEAD, actor=lead)
                applied.changes.append(f"project {project.slug}: lead added")
            if dry_run:
                raise _DryRun
            point_of_no_return()
    except _DryRun:
        pass
    except ValidationError as error:
        # A field is too long or malformed; nothing was kept.
        raise ServiceError(f"{source.name}: {' '.join(error.messages)}") from None
    return applied


def _apply(source: Source, actor: Any, applied: Applied, progress: Progress) -> Project:
    data = source.mapping(source.value, (), TOP, required=("project",))
    project = _project(source, data["project"], actor, applied)
    applied.project = project.slug
    version = _rubric(source, data.get("rubric"), project, actor, applied) if "rubric" in data else None
    guideline = _guideline(source, data, project, actor, applied)
    systems = _systems(source, data.get("systems"), project, applied)
    _metrics(source, data.get("metrics"), project, applied)
    _checks(source, data.get("checks"), project, actor, applied)
    if data.get("round") is None:
        for key in ("sample", "alt_test"):
            if key in data:
                source.fail((key,), f"“{key}” says something about a round, but the file has no “round”.")
        return project
    round_, state = round_from(source, data, project, version, guideline, systems, actor, applied)
    if state is not None:
        round_move(round_, state, actor, applied, progress)
    return project


def _project(source: Source, value: Any, actor: Any, applied: Applied) -> Project:
    if isinstance(value, dict):
        given = source.mapping(value, ("project",), ("slug", "name", "description"), required=("name",))
    else:
        given = {"name": source.text(value, ("project",))}
    name = source.text(given["name"], ("project",))
    slug = source.text(given.get("slug"), ("project",))
    found = Project.objects.filter(slug=slug or name).first() or Project.objects.filter(name=name).first()
    if found is None:
        applied.changes.append(f"project {slug or name}: made")
        found = project_create(
            name=name, slug=slug, description=source.text(given.get("description"), ("project",)), creator=actor
        )
    return found


def _rubric(source: Source, value: Any, project: Project, actor: Any, applied: Applied) -> RubricVersion:
    if isinstance(value, str):
        return _named_rubric(source, value, project)
    spec: RubricSpec = rubric_from(source, value, ("rubric",))
    version, made = rubric_ensure(project=project, spec=spec, actor=actor)
    if made:
        applied.changes.append(f"rubric {version.rubric.slug}: version {version.number} published")
    applied.rubric_version = version.number
    return version


def _named_rubric(source: Source, value: str, project: Project) -> RubricVersion:
    """`slug`, `slug@3` or `shared/slug@3`."""
    name, _, number = value.partition("@")
    shared = name.startswith("shared/")
    rubrics = Rubric.objects.filter(project=None if shared else project, slug=name.removeprefix("shared/"))
    versions = RubricVersion.objects.filter(rubric__in=rubrics).exclude(status=RubricVersion.Status.DRAFT)
    if number:
        if not number.isdigit():
            source.fail(("rubric",), f"“{value}” is not a rubric. Accepted: NAME, NAME@VERSION or shared/NAME@VERSION.")
        versions = versions.filter(number=int(number))
    newest = versions.order_by("-number")
    version = newest.exclude(status=RubricVersion.Status.ARCHIVED).first() or newest.first()
    if version is None:
        source.fail(("rubric",), f"There is no published rubric “{value}” for this project.")
    return version


def _guideline(
    source: Source, data: dict[str, Any], project: Project, actor: Any, applied: Applied
) -> Guideline | None:
    text = source.text(data.get("guidelines"), ("guidelines",))
    if not text:
        return None
    before = Guideline.objects.filter(project=project).count()
    guideline = guideline_publish(project=project, text=text, actor=actor)
    if Guideline.objects.filter(project=project).count() > before:
        applied.changes.append(f"guidelines: version {guideline.number} published")
    return guideline


def _systems(source: Source, value: Any, project: Project, applied: Applied) -> list[System]:
    made: list[System] = []
    for index, row in enumerate(source.items(value, ("systems",)) if value is not None else []):
        at: Path = ("systems", index)
        row = {"name": row} if isinstance(row, str) else row
        given = source.mapping(row, at, ("name", "version", "replaces", "description"), required=("name",))
        name, version = source.text(given["name"], (*at, "name")), source.text(given.get("version"), (*at, "version"))
        system, created = System.objects.get_or_create(project=project, name=name, version=version)
        if created:
            applied.changes.append(f"system {system.label}: made")
        _describe_system(source, system, given, at, applied)
        made.append(system)
    return made


def _describe_system(source: Source, system: System, given: dict[str, Any], at: Path, applied: Applied) -> None:
    wanted: dict[str, Any] = {}
    if "description" in given:
        wanted["description"] = source.text(given["description"], (*at, "description"))
    if given.get("replaces") is not None:
        older = find_system(system.project, source.text(given["replaces"], (*at, "replaces")), name=system.name)
        if older is None:
            source.fail(
                (*at, "replaces"),
                f"“{given['replaces']}” is not a system of this project. Write an earlier version or NAME@VERSION.",
            )
        wanted["replaces"] = older
    changed = [k for k, v in wanted.items() if getattr(system, k) != v]
    for key in changed:
        setattr(system, key, wanted[key])
    if changed:
        system.full_clean()
        system.save(update_fields=changed)
        applied.changes.append(f"system {system.label}: {', '.join(changed)} set")


def _metrics(source: Source, value: Any, project: Project, applied: Applied) -> None:
    for index, row in enumerate(source.items(value, ("metrics",)) if value is not None else []):
        at: Path = ("metrics", index)
        given = source.mapping(row, at, METRIC_KEYS, required=("key",))
        wanted: dict[str, Any] = {"key": source.text(given["key"], (*at, "key"))}
        choices = {"source": Metric.Source, "kind": Metric.Kind, "direction": Metric.Direction}
        for name, accepted in choices.items():
            if name in given:
                wanted[name] = source.one_of(given[name], (*at, name), accepted.values)
        if "criterion" in given:
            wanted["criterion_key"] = source.text(given["criterion"], (*at, "criterion"))
        if "threshold" in given:
            wanted["threshold"] = source.number(given["threshold"], (*at, "threshold"))
        if "scale" in given:
            wanted["scale_min"], wanted["scale_max"] = _scale(source, given["scale"], (*at, "scale"))
        metric = Metric.objects.filter(project=project, key=wanted["key"]).first()
        if metric is None:
            Metric.objects.create(project=project, **wanted)
            applied.changes.append(f"metric {wanted['key']}: made")
            continue
        changed = [k for k, v in wanted.items() if getattr(metric, k) != v]
        for key in changed:
            setattr(metric, key, wanted[key])
        if changed:
            metric.save(update_fields=changed)
            applied.changes.append(f"metric {metric.key}: {', '.join(changed)} set")


def _checks(source: Source, value: Any, project: Project, actor: Any, applied: Applied) -> None:
    """Asks a worker for a run, unless one like it has seen every output that is there."""
    if value is None:
        return
    wanted = []
    for index, row in enumerate(source.items(value, ("checks",))):
        try:
            wanted += wanted_from([row])
        except ServiceError as error:
            source.fail(("checks", index), error.message)
    if wanted and not checks_stand(project=project, checks=wanted):
        checks_enqueue(project=project, checks=wanted, actor=actor)
        applied.changes.append(f"checks: {', '.join(each.metric for each in wanted)} asked for")
        applied.notes.append("A worker runs the checks; run_checks does it here and now.")


def _scale(source: Source, value: Any, at: Path) -> tuple[float, float]:
    ends = source.items(value, at)
    if len(ends) != 2:
        source.fail(at, "“scale” needs two numbers, the smallest and the largest, such as [1, 5].")
    low, high = (source.number(v, (*at, i)) for i, v in enumerate(ends))
    if low >= high:
        source.fail(at, f"“scale” must rise: {low:g} is not below {high:g}.")
    return low, high

"""Study-as-code: one YAML file makes or updates project, rubric version, systems, metrics and round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from annotation import conduct
from annotation.models import Round
from annotation.selection import STRATEGIES
from annotation.services import rounds
from annotation.services.leak_scan import open_leaks
from annotation.services.round_tasks import Progress, Sample, unseen
from config.stopping import point_of_no_return
from projects.errors import ServiceError
from projects.located import Path, Source
from projects.models import Membership, Metric, Project, Role, System
from projects.services import people
from projects.services.projects import project_create
from rubrics.models import Guideline, Rubric, RubricVersion
from rubrics.schema import rubric_from
from rubrics.services import guideline_publish, rubric_ensure
from rubrics.specs import RubricSpec

TOP = ("project", "rubric", "systems", "metrics", "alt_test", "sample", "round", "guidelines")
ROUND_KEYS = (
    "name", "slug", "title", "mode", "overlap", "strategy", "gold_rate", "repeat_rate", "lease_minutes", "systems",
    "gold_pause_below", "gold_at_least",
    "baseline", "cap_per_rater", "one_task_per_item", "show_reference", "pilot", "planned_seconds", "seed", "state",
    "ask_confidence", "warn", "break_minutes", "raters_see_own_figures",
)  # fmt: skip
STATES = ("draft", "open", "paused", "closed")
METRIC_KEYS = ("key", "source", "criterion", "kind", "scale", "direction", "threshold")


@dataclass
class Applied:
    """What a study file made or changed; empty when everything stood already."""

    changes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    project: str = ""
    round: str = ""
    rubric_version: int | None = None


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
    if data.get("round") is None:
        for key in ("sample", "alt_test"):
            if key in data:
                source.fail((key,), f"“{key}” says something about a round, but the file has no “round”.")
        return project
    round_, state = _round(source, data, project, version, guideline, systems, actor, applied)
    if state is not None:
        _move(round_, state, actor, applied, progress)
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
    version = versions.order_by("-number").first()
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


def find_system(project: Project, text: str, name: str = "") -> System | None:
    """A system by `name@version`, by version of `name`, or by its bare name where that is unique."""
    systems = System.objects.filter(project=project)
    exact = [s for s in systems if s.label == text] or [
        s for s in systems if name and s.name == name and s.version == text
    ]
    bare = exact or [s for s in systems if s.name == text]
    return bare[0] if len(bare) == 1 else None


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


def _scale(source: Source, value: Any, at: Path) -> tuple[float, float]:
    ends = source.items(value, at)
    if len(ends) != 2:
        source.fail(at, "“scale” needs two numbers, the smallest and the largest, such as [1, 5].")
    low, high = (source.number(v, (*at, i)) for i, v in enumerate(ends))
    if low >= high:
        source.fail(at, f"“scale” must rise: {low:g} is not below {high:g}.")
    return low, high


def _sample(source: Source, value: Any) -> Sample:
    if value is None:
        return Sample()
    at: Path = ("sample",)
    given = source.mapping(value, at, ("design", "population", "size", "tag"))
    whole = {
        k: source.integer(given[k], (*at, k), 1, 100_000_000)
        for k in ("population", "size")
        if given.get(k) is not None
    }
    return Sample(
        design=source.one_of(given.get("design", "census"), (*at, "design"), Round.Design.values),
        tag=source.text(given.get("tag"), (*at, "tag")),
        **whole,
    )


def _round_settings(source: Source, given: dict[str, Any]) -> dict[str, Any]:
    at: Path = ("round",)
    rates: dict[str, Any] = {}
    for key in ("gold_rate", "repeat_rate"):
        if key in given:
            rates[key] = source.number(given[key], (*at, key))
            if not 0 <= rates[key] <= 0.5:
                source.fail((*at, key), f"“{key}” must be from 0 to 0.5, not {given[key]!r}.")
    whole: dict[str, tuple[str, Callable[[int], int], int, int]] = {
        "lease_minutes": ("lease_seconds", lambda m: m * 60, 1, 10_080),
        "cap_per_rater": ("cap_per_rater", int, 1, 1_000_000),
        "planned_seconds": ("planned_seconds", int, 1, 36_000),
        "seed": ("seed", int, 0, 2**31),
    }
    numbers = {
        field: turn(source.integer(given[key], (*at, key), low, high))
        for key, (field, turn, low, high) in whole.items()
        if given.get(key) is not None
    }
    flags = {"pilot": "is_pilot"} | {
        key: key for key in ("one_task_per_item", "show_reference", "raters_see_own_figures")
    }
    switches = {f: source.flag(given[k], (*at, k)) for k, f in flags.items() if k in given}
    return {**rates, **numbers, **switches}


def _gold_rule(source: Source, given: dict[str, Any]) -> dict[str, Any]:
    """When gold tasks pause a rater: the share right that is too low, and from how many on."""
    at: Path = ("round",)
    rule: dict[str, Any] = {}
    if given.get("gold_pause_below") is not None:
        rule["pause_below"] = source.number(given["gold_pause_below"], (*at, "gold_pause_below"))
        if not 0 < rule["pause_below"] <= 1:
            source.fail(
                (*at, "gold_pause_below"),
                f"“gold_pause_below” must be above 0 and at most 1, not {given['gold_pause_below']!r}.",
            )
    if given.get("gold_at_least") is not None:
        rule["at_least"] = source.integer(given["gold_at_least"], (*at, "gold_at_least"), 1, 1000)
    return {"gold": rule} if rule else {}


def _conduct(source: Source, given: dict[str, Any]) -> dict[str, Any]:
    """What raters are asked and told beside the rubric. A file that says nothing of it leaves it as it is."""
    at: Path = ("round",)
    if not given.keys() & {"ask_confidence", "warn", "break_minutes"}:
        return {}
    flags = {k: source.flag(given[k], (*at, k)) for k in ("ask_confidence", "warn") if k in given}
    minutes = given.get("break_minutes")
    if minutes is not None:
        minutes = source.integer(minutes, (*at, "break_minutes"), 5, 480)
    said = conduct.options(
        ask_confidence=flags.get("ask_confidence", False), warn=flags.get("warn", True), break_minutes=minutes
    )
    return {"rating": said.get("rating", {})}


def _alt_test(source: Source, value: Any) -> dict[str, Any]:
    at: Path = ("alt_test",)
    given = source.mapping(value, at, ("epsilon", "scoring"))
    if "epsilon" in given:
        epsilon = source.number(given["epsilon"], (*at, "epsilon"))
        if not 0 <= epsilon <= 1:
            source.fail((*at, "epsilon"), f"“epsilon” must be from 0 to 1, not {epsilon:g}.")
    if "scoring" in given:
        source.one_of(given["scoring"], (*at, "scoring"), ("auto", "accuracy", "neg_rmse"))
    return dict(given)


def _round(
    source: Source,
    data: dict[str, Any],
    project: Project,
    version: RubricVersion | None,
    guideline: Guideline | None,
    systems: list[System],
    actor: Any,
    applied: Applied,
) -> tuple[Round, str | None]:
    """The round, and the state that it is to be in."""
    at: Path = ("round",)
    given = source.mapping(data["round"], at, ROUND_KEYS, required=("name", "mode"))
    name = source.text(given["name"], (*at, "name"))
    state = source.one_of(given["state"], (*at, "state"), STATES) if "state" in given else None
    found = (
        Round.objects.filter(project=project, slug=source.text(given.get("slug"), at) or name).first()
        or Round.objects.filter(project=project, name=name).first()
    )
    settings = _round_settings(source, given)
    options = _gold_rule(source, given) | _conduct(source, given)
    if "alt_test" in data:
        options["alt_test"] = _alt_test(source, data["alt_test"])
    if options:
        settings["options"] = options
    if found is None:
        if version is None:
            source.fail(at, "A new round needs a “rubric” in the file.")
        found = rounds.round_create(
            project=project,
            name=name,
            slug=source.text(given.get("slug"), (*at, "slug")),
            title=source.text(given.get("title"), (*at, "title")),
            mode=source.one_of(given["mode"], (*at, "mode"), ("score", "compare")),
            rubric_version=version,
            guideline=guideline,
            systems=_round_systems(source, given, project) or systems,
            overlap=source.integer(given.get("overlap", 1), (*at, "overlap"), 1, 100),
            strategy=source.one_of(given.get("strategy", "balanced"), (*at, "strategy"), STRATEGIES),
            baseline=_baseline(source, given, project),
            sample=_sample(source, data.get("sample")),
            actor=actor,
            **settings,
        )
        applied.changes.append(f"round {found.slug}: made")
    else:
        _update_round(source, given, data, found, version, guideline, settings, actor, applied)
    applied.round = f"{project.slug}/{found.slug}"
    if found.gold_rate and not found.tasks.filter(kind="gold").exists():
        applied.notes.append(
            f"gold_rate is set, and the round has no gold tasks: `import_gold {applied.round} FILE` adds them."
        )
    return found, state


def _round_systems(source: Source, given: dict[str, Any], project: Project) -> list[System]:
    chosen = []
    for index, text in enumerate(source.items(given.get("systems", []), ("round", "systems"))):
        system = find_system(project, source.text(text, ("round", "systems", index)))
        if system is None:
            source.fail(
                ("round", "systems", index), f"“{text}” is not one system of this project. Write NAME or NAME@VERSION."
            )
        chosen.append(system)
    return chosen


def _baseline(source: Source, given: dict[str, Any], project: Project) -> System | None:
    if given.get("baseline") is None:
        return None
    system = find_system(project, source.text(given["baseline"], ("round", "baseline")))
    if system is None:
        source.fail(("round", "baseline"), f"“{given['baseline']}” is not one system of this project.")
    return system


def _update_round(
    source: Source,
    given: dict[str, Any],
    data: dict[str, Any],
    row: Round,
    version: RubricVersion | None,
    guideline: Guideline | None,
    settings: dict[str, Any],
    actor: Any,
    applied: Applied,
) -> None:
    """Bring an existing round in step. What an open round has fixed is refused in words."""
    mode = source.one_of(given["mode"], ("round", "mode"), ("score", "compare"))
    wanted: dict[str, Any] = {**settings, "mode": mode}
    wanted["options"] = {**row.options, **settings.get("options", {})}
    if version is not None:
        wanted["rubric_version"] = version
    if guideline is not None:
        wanted["guideline"] = guideline
    if "strategy" in given:
        wanted["strategy"] = source.one_of(given["strategy"], ("round", "strategy"), STRATEGIES)
    if "title" in given:
        wanted["title"] = source.text(given["title"], ("round", "title"))
    fixed = ("mode", "rubric_version", "guideline", "seed", "one_task_per_item", "strategy")
    changed = [k for k, v in wanted.items() if getattr(row, k) != v]
    if row.opened_at is not None and (stuck := [k for k in changed if k in fixed]):
        source.fail(
            ("round", stuck[0]),
            f"The round “{row.slug}” has been opened, so its {stuck[0].replace('_', ' ')} cannot change. "
            "Give the round another name to make a new one.",
        )
    for key in changed:
        setattr(row, key, wanted[key])
    if changed:
        row.full_clean()
        row.save(update_fields=changed)
        applied.changes.append(f"round {row.slug}: {', '.join(changed)} set")
    if "overlap" in given:
        overlap = source.integer(given["overlap"], ("round", "overlap"), 1, 100)
        if overlap != row.overlap:
            _raise_overlap(row, overlap, actor)
            applied.changes.append(f"round {row.slug}: overlap {overlap}")


def _raise_overlap(row: Round, overlap: int, actor: Any) -> None:
    if row.state == Round.State.DRAFT:
        row.overlap = overlap
        row.save(update_fields=["overlap"])
    else:
        rounds.round_extend(round=row, overlap=overlap, actor=actor)


def _move(row: Round, state: str, actor: Any, applied: Applied, progress: Progress) -> None:
    """Bring the round into the state named, through the states between."""
    opening = partial(rounds.round_open, progress=progress)
    ways: dict[tuple[str, str], list[Callable[..., Round]]] = {
        ("draft", "open"): [opening],
        ("draft", "paused"): [opening, rounds.round_pause],
        ("draft", "closed"): [opening, rounds.round_close],
        ("open", "paused"): [rounds.round_pause],
        ("open", "closed"): [rounds.round_close],
        ("paused", "open"): [opening],
        ("paused", "closed"): [rounds.round_close],
        ("closed", "open"): [rounds.round_reopen],
        ("closed", "paused"): [rounds.round_reopen, rounds.round_pause],
    }
    steps = ways.get((row.state, state), [])
    if steps and row.state == Round.State.DRAFT and (places := open_leaks(row)):
        applied.notes.append(
            f"{places:,} places in the texts of round {row.slug} may tell raters which system answered: "
            f"see `manage.py leaks {applied.round}`."
        )
    for step in steps:
        row = step(round=row, actor=actor)
    if steps:
        applied.changes.append(f"round {row.slug}: {state}")

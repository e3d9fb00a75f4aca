"""The round of a study file: its settings read, and an existing round brought in step with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from annotation import conduct
from annotation.lanes import Requirements
from annotation.models import Round
from annotation.pairing import PAIRINGS, Pairs
from annotation.ranked_sets import MOST, Sets
from annotation.sampling import ALLOCATIONS, Sample
from annotation.services import rounds
from annotation.services.eligibility import requirements_of
from annotation.services.leak_scan import open_leaks
from annotation.services.renewing import INTERVALS, Narrow, narrow_of, renews
from annotation.services.round_checks import (
    MOST_SETS,
    check_narrow,
    check_pairs,
    check_requirements,
    check_sample,
    check_sets,
)
from annotation.services.round_tasks import Progress, pairs_of, sample_of, sets_of
from annotation.strategies import STRATEGIES
from projects.errors import ServiceError
from projects.located import Path, Source
from projects.models import Project, System
from rubrics.models import Guideline, RubricVersion

ROUND_KEYS = (
    "name", "slug", "title", "mode", "overlap", "strategy", "gold_rate", "repeat_rate", "lease_minutes", "systems",
    "gold_pause_below", "gold_at_least",
    "pairs", "pairs_per_item", "set_size", "sets_per_item", "narrow", "groups", "eligible",
    "baseline", "cap_per_rater", "one_task_per_item", "show_reference", "pilot", "planned_seconds", "seed", "state",
    "ask_confidence", "warn", "break_minutes", "raters_see_own_figures",
)  # fmt: skip
SAMPLE_KEYS = ("design", "population", "size", "tag", "strata", "allocation", "sizes", "weight")
STATES = ("draft", "open", "paused", "closed")


@dataclass
class Applied:
    """What a study file made or changed; empty when everything stood already."""

    changes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    project: str = ""
    round: str = ""
    rubric_version: int | None = None


def find_system(project: Project, text: str, name: str = "") -> System | None:
    """A system by `name@version`, by version of `name`, or by its bare name where that is unique."""
    systems = System.objects.filter(project=project)
    exact = [s for s in systems if s.label == text] or [
        s for s in systems if name and s.name == name and s.version == text
    ]
    bare = exact or [s for s in systems if s.name == text]
    return bare[0] if len(bare) == 1 else None


def _sample(source: Source, value: Any) -> Sample:
    if value is None:
        return Sample()
    at: Path = ("sample",)
    given = source.mapping(value, at, SAMPLE_KEYS)
    whole: dict[str, Any] = {
        k: source.integer(given[k], (*at, k), 1, 100_000_000)
        for k in ("population", "size")
        if given.get(k) is not None
    }
    words: dict[str, Any] = {k: source.text(given.get(k), (*at, k)) for k in ("tag", "strata", "weight")}
    sizes = given.get("sizes") or {}
    if not isinstance(sizes, dict):
        source.fail((*at, "sizes"), '“sizes” needs a number for each stratum, such as {"topic:returns": 40}.')
    sample = Sample(
        design=source.one_of(given.get("design", "census"), (*at, "design"), Round.Design.values),
        allocation=source.one_of(given.get("allocation", "proportional"), (*at, "allocation"), ALLOCATIONS),
        sizes={str(k): source.integer(n, (*at, "sizes", k), 1, 100_000_000) for k, n in sizes.items()},
        **words,
        **whole,
    )
    try:
        check_sample(sample)
    except ServiceError as error:
        source.fail(at, error.message)
    return sample


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


def round_from(
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
            mode=source.one_of(given["mode"], (*at, "mode"), Round.Mode.values),
            rubric_version=version,
            guideline=guideline,
            systems=_round_systems(source, given, project) or systems,
            overlap=source.integer(given.get("overlap", 1), (*at, "overlap"), 1, 100),
            strategy=source.one_of(given.get("strategy", "balanced"), (*at, "strategy"), STRATEGIES),
            baseline=_baseline(source, given, project),
            sample=_sample(source, data.get("sample")),
            pairs=_pairs(source, given),
            sets=_sets(source, given),
            narrow=_narrow(source, given),
            requirements=_requirements(source, given),
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
    mode = source.one_of(given["mode"], ("round", "mode"), Round.Mode.values)
    wanted: dict[str, Any] = {**settings, "mode": mode}
    wanted["options"] = {**row.options, **settings.get("options", {})}
    if "sample" in data:
        sample = _sample(source, data["sample"])
        if row.opened_at is not None and sample != sample_of(row):
            source.fail(
                ("sample",),
                f"The round “{row.slug}” has been opened, so its sample cannot change. "
                "Give the round another name to make a new one.",
            )
        if sample != sample_of(row):
            wanted["options"]["sample"], wanted["design"] = asdict(sample), sample.design
    if version is not None:
        wanted["rubric_version"] = version
    if guideline is not None:
        wanted["guideline"] = guideline
    if "strategy" in given:
        wanted["strategy"] = source.one_of(given["strategy"], ("round", "strategy"), STRATEGIES)
    if "title" in given:
        wanted["title"] = source.text(given["title"], ("round", "title"))
    _update_designs(source, given, row, wanted)
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


def _pairs(source: Source, given: dict[str, Any]) -> Pairs | None:
    at: Path = ("round",)
    if given.get("pairs") is None:
        if given.get("pairs_per_item") is not None:
            source.fail((*at, "pairs_per_item"), "“pairs_per_item” belongs to “pairs: balanced”.")
        return None
    per_item = given.get("pairs_per_item")
    return Pairs(
        design=source.one_of(given["pairs"], (*at, "pairs"), PAIRINGS),
        per_item=None if per_item is None else source.integer(per_item, (*at, "pairs_per_item"), 1, 1000),
    )


def _sets(source: Source, given: dict[str, Any]) -> Sets | None:
    """How many outputs are ranked at a time; None where the file says nothing about it."""
    if given.get("set_size") is None and given.get("sets_per_item") is None:
        return None
    most = {"set_size": MOST, "sets_per_item": MOST_SETS}
    size, per_item = (
        None if given.get(key) is None else source.integer(given[key], ("round", key), 2 if key == "set_size" else 1, n)
        for key, n in most.items()
    )
    return Sets(size, per_item)


def _narrow(source: Source, given: dict[str, Any]) -> Narrow | None:
    at: Path = ("round", "narrow")
    if given.get("narrow") is None:
        return None
    named = source.mapping(given["narrow"], at, ("criterion", "interval"))
    interval = (
        {"interval": source.one_of(named["interval"], (*at, "interval"), INTERVALS)} if "interval" in named else {}
    )
    return Narrow(criterion=source.text(named.get("criterion"), (*at, "criterion")), **interval)


def _requirements(source: Source, given: dict[str, Any]) -> Requirements | None:
    """Who may judge what; None where the file says nothing about it."""
    if given.get("groups") is None and given.get("eligible") is None:
        return None
    at: Path = ("round", "eligible")
    groups = _words(source, given.get("groups") or {}, ("round", "groups"), "a number of raters for each group")
    eligible = source.mapping(given.get("eligible") or {}, at, ("qualification", "language", "tags"))
    tags = _words(source, eligible.get("tags") or {}, (*at, "tags"), "a qualification for each tag")
    wants = Requirements(
        groups=tuple((name, source.integer(n, ("round", "groups", name), 1, 100)) for name, n in groups.items()),
        qualification=source.text(eligible.get("qualification"), (*at, "qualification")),
        language=source.flag(eligible.get("language", False), (*at, "language")),
        tags={tag: source.text(name, (*at, "tags", tag)) for tag, name in tags.items()},
    )
    overlap = source.integer(given.get("overlap", 1), ("round", "overlap"), 1, 100)
    try:
        check_requirements(wants, overlap)
    except ServiceError as error:
        source.fail(("round", "groups"), error.message)
    return wants


def _words(source: Source, value: Any, at: Path, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        source.fail(at, f"“{at[-1]}” needs {what}.")
    return {str(key).strip(): each for key, each in value.items()}


def _update_designs(source: Source, given: dict[str, Any], row: Round, wanted: dict[str, Any]) -> None:
    """Pairs and the interval to narrow of an existing round, checked with all that goes along with them."""
    pairs = _pairs(source, given) or pairs_of(row)
    strategy, version = wanted.get("strategy", row.strategy), wanted.get("rubric_version", row.rubric_version)
    check_pairs(pairs, wanted["mode"], row.baseline, strategy)
    sets = _sets(source, given) or sets_of(row)
    check_sets(sets, wanted["mode"])
    named = _narrow(source, given) or (narrow_of(row) if renews(row) and strategy == row.strategy else None)
    narrow = check_narrow(named, version, wanted["mode"], strategy, pairs)
    wants = _requirements(source, given) or requirements_of(row)
    if row.opened_at is not None:
        for key, what, now, then in (
            ("pairs", "pairs", pairs, pairs_of(row)),
            ("set_size", "sets that are ranked", sets, sets_of(row)),
            ("narrow", "interval to narrow", narrow, narrow_of(row) if narrow else None),
            ("groups", "groups and who is eligible", wants, requirements_of(row)),
        ):
            if now != then:
                source.fail(
                    ("round", key),
                    f"The round “{row.slug}” has been opened, so its {what} cannot change. "
                    "Give the round another name to make a new one.",
                )
        return
    if wants != requirements_of(row):
        wanted["options"]["requirements"] = asdict(wants)
    if pairs != pairs_of(row):
        wanted["options"]["pairs"] = asdict(pairs)
    if sets != sets_of(row):
        wanted["options"]["sets"] = asdict(sets)
    if narrow is not None and (narrow != narrow_of(row) or not renews(row)):
        wanted["options"]["narrow"] = asdict(narrow)


def _raise_overlap(row: Round, overlap: int, actor: Any) -> None:
    if row.state == Round.State.DRAFT:
        row.overlap = overlap
        row.save(update_fields=["overlap"])
    else:
        rounds.round_extend(round=row, overlap=overlap, actor=actor)


def round_move(row: Round, state: str, actor: Any, applied: Applied, progress: Progress) -> None:
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

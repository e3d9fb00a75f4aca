"""Rubric ↔ plain values (YAML, JSON, API body, form). Reading is strict; writing is canonical."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from projects.located import Path, Source
from rubrics.criteria import CRITERIA
from rubrics.criteria.base import as_number, plain
from rubrics.specs import CriterionSpec, LevelSpec, RubricSpec

RUBRIC_KEYS = ("name", "slug", "description", "notes", "criteria")
CRITERION_KEYS = (
    "key",
    "question",
    "type",
    "level_of_measurement",
    "guidance",
    "scope",
    "required",
    "cannot_judge",
    "weight",
    "shown_if",
    "examples",
    "levels",
)
LEVEL_KEYS = ("value", "label", "anchor", "example")
SCOPES = ("task", "output", "turn")
_KEY = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$")
# Widths of the columns they end in.
MAX_NAME, MAX_QUESTION, MAX_VALUE, MAX_LABEL = 200, 500, 60, 120
MAX_CRITERIA = 50
MAX_ROWS = 200  # levels, or examples, of one criterion: what the designer shows as well


def rubric_from(source: Source, value: Any, path: Path = ()) -> RubricSpec:
    """A checked rubric. Fails by line and column with what is accepted."""
    data = source.mapping(value, path, RUBRIC_KEYS, required=("name", "criteria"))
    rows = source.items(data["criteria"], (*path, "criteria"))
    if not rows:
        source.fail((*path, "criteria"), "A rubric needs at least one criterion.")
    if len(rows) > MAX_CRITERIA:
        source.fail((*path, "criteria"), f"A rubric has at most {MAX_CRITERIA} criteria, not {len(rows)}.")
    criteria: list[CriterionSpec] = []
    for index, row in enumerate(rows):
        at = (*path, "criteria", index)
        spec = criterion_from(source, row, at)
        if any(spec.key == other.key for other in criteria):
            source.fail((*at, "key"), f"There are two criteria with the key “{spec.key}”. Keys must differ.")
        criteria.append(spec)
    return RubricSpec(
        name=source.text(data["name"], (*path, "name"), most=MAX_NAME),
        slug=source.text(data.get("slug"), (*path, "slug")),
        description=source.text(data.get("description"), (*path, "description")),
        notes=source.text(data.get("notes"), (*path, "notes")),
        criteria=tuple(criteria),
    )


def criterion_from(source: Source, value: Any, path: Path) -> CriterionSpec:
    named = CRITERIA.get(str(value.get("type"))) if isinstance(value, dict) else None
    extra = named.config_keys if named else ()
    data = source.mapping(value, path, (*CRITERION_KEYS, *extra), required=("key", "question", "type"))
    kind = CRITERIA[source.one_of(data["type"], (*path, "type"), CRITERIA)]
    key = source.text(data["key"], (*path, "key"))
    if not _KEY.match(key):
        source.fail((*path, "key"), f"“{key[:60]}” is not a key. Accepted: letters, digits, - and _, at most 60.")
    shown_if = data.get("shown_if")
    if shown_if is not None:
        shown_if = _condition(source, shown_if, (*path, "shown_if"))
    for name in set(extra) & set(data):
        _check_setting(source, data[name], (*path, name), kind.config_schema[name])
    spec = CriterionSpec(
        key=key,
        type=kind.key,
        question=source.text(data["question"], (*path, "question"), most=MAX_QUESTION),
        level_of_measurement=source.text(
            data.get("level_of_measurement"), (*path, "level_of_measurement"), kind.default_measurement
        ),
        guidance=source.text(data.get("guidance"), (*path, "guidance")),
        scope=source.one_of(data.get("scope", "task"), (*path, "scope"), SCOPES),
        required=source.flag(data.get("required", not kind.in_words), (*path, "required")),
        allow_cannot_judge=source.flag(data.get("cannot_judge", False), (*path, "cannot_judge")),
        weight=source.number(data.get("weight", 1), (*path, "weight")),
        shown_if=shown_if,
        examples=_examples(source, data.get("examples"), (*path, "examples")),
        config={k: data[k] for k in extra if k in data},
        levels=_levels(source, data.get("levels"), (*path, "levels")),
    )
    spec = kind.normalise(spec)
    for field, sentence in kind.problems(spec):
        source.fail((*path, field), sentence)
    return spec


def _condition(source: Source, value: Any, path: Path) -> dict[str, Any]:
    found = source.mapping(value, path, ("criterion", "is"), required=("criterion", "is"))
    wanted = found["is"] if isinstance(found["is"], list) else [found["is"]]
    if not all(isinstance(each, str | int | float) for each in (found["criterion"], *wanted)):
        source.fail(path, "“shown_if” needs a criterion's key, and in “is” one of its answers or a list of them.")
    return found


_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "text"),
    "integer": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "boolean": ((bool,), "true or false"),
    "array": ((list,), "a list"),
    "object": ((dict,), "names with values"),
    "null": ((type(None),), ""),
}


def _check_setting(source: Source, value: Any, path: Path, schema: dict[str, Any]) -> None:
    """Of the kind that the type declares for what only it has; whether it fits is for the type to say."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    given = "boolean" if isinstance(value, bool) else ""
    if not any(kind == given if given else isinstance(value, _KINDS[kind][0]) for kind in kinds):
        accepted = " or ".join(filter(None, (_KINDS[kind][1] for kind in kinds)))
        source.fail(path, f"“{path[-1]}” must be {accepted}.")
    for text in value if isinstance(value, list | dict) else [value]:
        if isinstance(text, str):
            source.text(text, path)


def _examples(source: Source, value: Any, path: Path) -> tuple[dict[str, Any], ...]:
    found = []
    for index, row in enumerate(_rows(source, value, path, "examples")):
        data = source.mapping(row, (*path, index), ("text", "why", "positive"), required=("text",))
        found.append(
            {
                "text": source.text(data["text"], (*path, index, "text")),
                "why": source.text(data.get("why"), (*path, index, "why")),
                "positive": source.flag(data.get("positive", True), (*path, index, "positive")),
            }
        )
    return tuple(found)


def _rows(source: Source, value: Any, path: Path, what: str) -> list[Any]:
    rows = source.items(value, path) if value is not None else []
    if len(rows) > MAX_ROWS:
        source.fail((*path, MAX_ROWS), f"A criterion has at most {MAX_ROWS} {what}, not {len(rows):,}.")
    return rows


def _levels(source: Source, value: Any, path: Path) -> tuple[LevelSpec, ...]:
    levels: list[LevelSpec] = []
    for index, row in enumerate(_rows(source, value, path, "levels")):
        at = (*path, index)
        # A bare value is a level whose label is the value.
        data = source.mapping(row, at, LEVEL_KEYS, required=("value",)) if isinstance(row, dict) else {"value": row}
        if isinstance(data["value"], bool):
            data["value"] = "yes" if data["value"] else "no"  # YAML reads a bare yes as true
        number = as_number(data["value"])
        code = plain(number) if number is not None else source.text(data["value"], (*at, "value"), most=MAX_VALUE)
        if any(code == other.code for other in levels):
            source.fail((*at, "value"), f"The value {code} stands twice. Values of levels must differ.")
        levels.append(
            LevelSpec(
                code=code,
                number=number,
                label=source.text(data.get("label"), (*at, "label"), code, most=MAX_LABEL) or code,
                anchor=source.text(data.get("anchor"), (*at, "anchor")),
                example=source.text(data.get("example"), (*at, "example")),
            )
        )
    return tuple(levels)


def criterion_to(spec: CriterionSpec) -> dict[str, Any]:
    """Canonical plain values: everything that differs from the default, in a fixed order."""
    data: dict[str, Any] = {
        "key": spec.key,
        "question": spec.question,
        "type": spec.type,
        "level_of_measurement": spec.level_of_measurement,
        "guidance": spec.guidance,
        "scope": spec.scope,
        "required": spec.required,
        "cannot_judge": spec.allow_cannot_judge,
        "weight": spec.weight,
        "shown_if": spec.shown_if,
        "examples": [dict(e) for e in spec.examples],
        **spec.config,
        "levels": [_level_to(level) for level in spec.levels],
    }
    defaults: dict[str, Any] = {
        "guidance": "", "scope": "task", "required": not CRITERIA[spec.type].in_words, "cannot_judge": False,
        "weight": 1.0, "shown_if": None, "examples": [], "levels": [],
    }  # fmt: skip
    return {k: v for k, v in data.items() if k not in defaults or v != defaults[k]}


def _level_to(level: LevelSpec) -> dict[str, Any]:
    value: Any = level.code
    if level.number is not None and level.code == plain(level.number):
        value = int(level.number) if level.number == int(level.number) else level.number
    data = {"value": value, "label": level.label, "anchor": level.anchor, "example": level.example}
    return {k: v for k, v in data.items() if v != ""}


def rubric_to(spec: RubricSpec) -> dict[str, Any]:
    data = {
        "name": spec.name,
        "slug": spec.slug,
        "description": spec.description,
        "notes": spec.notes,
        "criteria": [criterion_to(c) for c in spec.criteria],
    }
    return {k: v for k, v in data.items() if v != ""}


def rubric_digest(spec: RubricSpec) -> str:
    """Of what raters see and statistics use: the criteria, not the name or the notes."""
    text = json.dumps([criterion_to(c) for c in spec.criteria], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()

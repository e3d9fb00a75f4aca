"""The JSON Schema of a rubric's file, made from the same tables as the reader. Editors complete and check by it."""

from __future__ import annotations

from typing import Any

from rubrics.criteria import CRITERIA
from rubrics.criteria.base import CriterionType
from rubrics.schema import MAX_CRITERIA, MAX_LABEL, MAX_NAME, MAX_QUESTION, MAX_ROWS, MAX_VALUE

_TEXT = {"type": ["string", "number", "null"]}
_NAMED = {"type": ["string", "number"], "minLength": 1}
_KEY = {"type": ["string", "integer"], "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$"}


def rubric_schema() -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://adjudge.example/rubric.schema.json",
        "title": "A rubric",
        "description": "Questions about an answer, as in docs/study-file.md.",
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "criteria"],
        "properties": {
            "name": {**_NAMED, "maxLength": MAX_NAME},
            "slug": _TEXT,
            "description": _TEXT,
            "notes": {**_TEXT, "description": "What changed in this version and why."},
            "criteria": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_CRITERIA,
                "items": {"oneOf": [{"$ref": f"#/$defs/{key}"} for key in CRITERIA]},
            },
        },
        "$defs": {
            **{key: _criterion(kind) for key, kind in CRITERIA.items()},
            "level": _level(),
            "example": {
                "type": "object",
                "additionalProperties": False,
                "required": ["text"],
                "properties": {"text": _NAMED, "why": _TEXT, "positive": {"type": "boolean", "default": True}},
            },
        },
    }


def _criterion(kind: CriterionType) -> dict[str, Any]:
    needed = ["key", "question", "type", *(["levels"] if kind.needs_levels else [])]
    return {
        "title": kind.title,
        "type": "object",
        "additionalProperties": False,
        "required": needed,
        "properties": {
            "key": {**_KEY, "description": "Its name in files and reports."},
            "question": {**_NAMED, "maxLength": MAX_QUESTION},
            "type": {"const": kind.key},
            "level_of_measurement": {"enum": [*kind.measurements, None], "default": kind.default_measurement},
            "guidance": _TEXT,
            "scope": {"enum": list(kind.scopes), "default": kind.scopes[0]},
            "required": {"type": "boolean", "default": not kind.in_words},
            "cannot_judge": {"type": "boolean", "default": False},
            "weight": {"type": "number", "minimum": 0, "default": 1},
            "shown_if": {
                "type": ["object", "null"],
                "additionalProperties": False,
                "required": ["criterion", "is"],
                "properties": {"criterion": _KEY, "is": {}},
                "description": "Asked only where the other criterion was answered so.",
            },
            "examples": {"type": ["array", "null"], "maxItems": MAX_ROWS, "items": {"$ref": "#/$defs/example"}},
            **kind.config_schema,
            "levels": _levels(kind),
        },
    }


def _levels(kind: CriterionType) -> dict[str, Any]:
    rows: dict[str, Any] = {"items": {"$ref": "#/$defs/level"}}
    if kind.needs_levels:
        return {"type": "array", "minItems": 2, "maxItems": MAX_ROWS, **rows}
    return {"type": ["array", "null"], "maxItems": MAX_ROWS, **rows}


def _level() -> dict[str, Any]:
    value = {"type": ["string", "number", "boolean"], "minLength": 1, "maxLength": MAX_VALUE}
    label = {**_TEXT, "maxLength": MAX_LABEL}
    return {
        "anyOf": [
            value,
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["value"],
                "properties": {"value": value, "label": label, "anchor": _TEXT, "example": _TEXT},
            },
        ],
        "description": "An answer: its value, its label, what an answer at this level is like, and an example.",
    }

"""A rubric version as plain values: what forms, files, criterion types and statistics work on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class LevelSpec:
    code: str
    label: str
    number: float | None = None
    anchor: str = ""
    example: str = ""


@dataclass(frozen=True, slots=True)
class CriterionSpec:
    key: str
    type: str
    question: str
    level_of_measurement: str
    guidance: str = ""
    scope: str = "task"
    required: bool = True
    allow_cannot_judge: bool = False
    weight: float = 1.0
    shown_if: dict[str, Any] | None = None
    examples: tuple[dict[str, Any], ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    levels: tuple[LevelSpec, ...] = ()
    id: int | None = None
    # What it is asked about, set when it is asked: how many outputs, and of one output the text and its digest.
    outputs: int = 0
    text: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class RubricSpec:
    name: str
    criteria: tuple[CriterionSpec, ...]
    slug: str = ""
    description: str = ""
    notes: str = ""

    def criterion(self, key: str) -> CriterionSpec:
        return next(c for c in self.criteria if c.key == key)


@dataclass(frozen=True, slots=True)
class Answer:
    """A rater's answer to one criterion, as it is stored. `text` goes to the erasable table."""

    number: float | None = None
    label: str = ""
    data: Any = None
    cannot_judge: bool = False
    text: str = ""

    @property
    def is_empty(self) -> bool:
        return self == Answer()


class AnswerError(ValueError):
    """An answer that the criterion does not accept; the message says what it accepts."""

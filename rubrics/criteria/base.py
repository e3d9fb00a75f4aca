"""What every criterion type declares. One small module a type; `CRITERIA` in `__init__` lists them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from rubrics.specs import Answer, AnswerError, CriterionSpec, LevelSpec

CANNOT_JUDGE = "x"
ORDERED = ("ordinal", "interval", "ratio")


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing a rater can choose: what the form sends, the key that chooses it, and what it says."""

    value: str
    label: str
    key: str = ""
    anchor: str = ""
    css: str = ""


class CriterionType:
    """Base of the types. `template` draws it; `measurements` are the levels of measurement that fit."""

    key: str
    title: str
    template: str
    measurements: tuple[str, ...]
    default_measurement: str
    needs_levels = False
    modes: tuple[str, ...] = ("score", "compare", "rank")
    # What only this type's file may say, as JSON Schema by key.
    config_schema: dict[str, dict[str, Any]] = {}

    @property
    def config_keys(self) -> tuple[str, ...]:
        return tuple(self.config_schema)

    def problems(self, spec: CriterionSpec) -> list[tuple[str, str]]:
        """What is wrong with the definition: (key, sentence)."""
        found: list[tuple[str, str]] = []
        if spec.level_of_measurement not in self.measurements:
            found.append(
                (
                    "level_of_measurement",
                    f"“{spec.key}” is {spec.level_of_measurement}; "
                    f"a criterion of type {self.key} can be {', '.join(self.measurements)}.",
                )
            )
        if self.needs_levels and len(spec.levels) < 2:
            found.append(("levels", f"“{spec.key}” needs at least two levels."))
        return found

    def normalise(self, spec: CriterionSpec) -> CriterionSpec:
        """Fill what the type implies, such as the two levels of yes/no."""
        return spec

    def choices(self, spec: CriterionSpec) -> list[Choice]:
        return []

    def chosen(self, value: str) -> set[str]:
        """The values of the choices that a form's value stands for: one, except where several may be chosen."""
        return {value}

    def cannot_judge_choice(self, spec: CriterionSpec) -> Choice | None:
        return Choice(CANNOT_JUDGE, "Cannot judge", CANNOT_JUDGE) if spec.allow_cannot_judge else None

    def read(self, spec: CriterionSpec, raw: str) -> Answer:
        """The answer a form sends. An empty string is no answer."""
        raw = raw.strip()
        if not raw:
            return Answer()
        if raw == CANNOT_JUDGE and spec.allow_cannot_judge:
            return Answer(cannot_judge=True)
        return self.accept(spec, raw)

    def accept(self, spec: CriterionSpec, value: Any) -> Answer:
        """The answer a file or an API body gives. Raises AnswerError naming what is accepted."""
        raise NotImplementedError

    def form_value(self, spec: CriterionSpec, answer: Answer) -> str:
        """The inverse of `read`: what the form shows as chosen."""
        return CANNOT_JUDGE if answer.cannot_judge else ""

    def domain(self, spec: CriterionSpec) -> list[Any] | None:
        """The declared values in order, for statistics that count unused ones. None: open-ended."""
        return None


def as_number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def plain(number: float) -> str:
    """3 for 3.0, 2.5 for 2.5."""
    return str(int(number)) if number == int(number) else repr(number)


def find_level(spec: CriterionSpec, value: Any) -> LevelSpec:
    """The level that a value names by number, code or label."""
    text = str(value).strip()
    number = as_number(value)
    for level in spec.levels:
        if level.code == text or (number is not None and level.number == number):
            return level
    for level in spec.levels:
        if level.label.casefold() == text.casefold():
            return level
    accepted = ", ".join(level.code for level in spec.levels)
    raise AnswerError(f"{text!r} is not a level of “{spec.key}”. Accepted: {accepted}.")

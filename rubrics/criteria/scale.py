"""A scale with anchored levels."""

from __future__ import annotations

from typing import Any

from django.utils.text import slugify

from rubrics.criteria.base import ORDERED, PLACEHOLDERS, Choice, CriterionType, find_level
from rubrics.specs import Answer, CriterionSpec, LevelSpec

MAX_LEVELS = 20


class Scale(CriterionType):
    key = "scale"
    title = "Scale with anchors"
    template = "rubrics/criteria/levels.html"
    measurements: tuple[str, ...] = ("nominal", *ORDERED)
    default_measurement = "ordinal"
    needs_levels = True
    levels_title = "Levels, lowest first"
    level_word = "level"
    numbered_levels = True
    starting = tuple(LevelSpec(str(n), word, float(n)) for n, word in enumerate(("Poor", "Fair", "Good"), start=1))

    def problems(self, spec: CriterionSpec) -> list[tuple[str, str]]:
        found = super().problems(spec)
        if len(spec.levels) > MAX_LEVELS:
            found.append(("levels", f"“{spec.key}” has {len(spec.levels)} levels; at most {MAX_LEVELS} fit a scale."))
        if spec.level_of_measurement in ORDERED:
            numbers = [level.number for level in spec.levels]
            if any(n is None for n in numbers):
                found.append(("levels", f"Every level of “{spec.key}” needs a number, because its order counts."))
            elif sorted(numbers) != numbers or len(set(numbers)) < len(numbers):  # type: ignore[type-var]
                found.append(("levels", f"The levels of “{spec.key}” must rise: write the lowest number first."))
        if spec.level_of_measurement == "ratio" and any((level.number or 0) < 0 for level in spec.levels):
            found.append(("levels", f"“{spec.key}” is a ratio scale, so its levels cannot be negative."))
        return found

    def choices(self, spec: CriterionSpec) -> list[Choice]:
        return [
            Choice(level.code, level.label, str(i) if i <= 9 else "", level.anchor)
            for i, level in enumerate(spec.levels, start=1)
        ]

    def accept(self, spec: CriterionSpec, value: Any) -> Answer:
        level = find_level(spec, value)
        if spec.level_of_measurement in ORDERED:
            return Answer(number=level.number)
        return Answer(number=level.number, label=level.code)

    def form_value(self, spec: CriterionSpec, answer: Answer) -> str:
        if answer.cannot_judge or answer.is_empty:
            return super().form_value(spec, answer)
        return find_level(spec, answer.label or answer.number).code

    def score_kind(self, spec: CriterionSpec) -> str:
        ordered = spec.level_of_measurement != "nominal" and all(level.number is not None for level in spec.levels)
        return "number" if ordered else "label"

    def score_bounds(self, spec: CriterionSpec) -> tuple[float | None, float | None]:
        numbers = [level.number for level in spec.levels if level.number is not None]
        return (min(numbers), max(numbers)) if self.score_kind(spec) == "number" else (None, None)

    def domain(self, spec: CriterionSpec) -> list[Any]:
        if spec.level_of_measurement in ORDERED:
            return [level.number for level in spec.levels]
        return [level.code for level in spec.levels]


class OneOf(Scale):
    """One of several labels without an order."""

    key = "one_of"
    title = "One of several labels"
    levels_title = "Labels"
    level_word = "label"
    numbered_levels = False
    starting = tuple(LevelSpec(slugify(word), word) for word in PLACEHOLDERS)
    measurements = ("nominal",)
    default_measurement = "nominal"

    def score_kind(self, spec: CriterionSpec) -> str:
        return "label"

"""A scale with anchored levels."""

from __future__ import annotations

from typing import Any

from rubrics.criteria.base import ORDERED, Choice, CriterionType, find_level
from rubrics.specs import Answer, CriterionSpec

MAX_LEVELS = 20


class Scale(CriterionType):
    key = "scale"
    title = "Scale with anchors"
    template = "rubrics/criteria/levels.html"
    measurements: tuple[str, ...] = ("nominal", *ORDERED)
    default_measurement = "ordinal"
    needs_levels = True

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

    def domain(self, spec: CriterionSpec) -> list[Any]:
        if spec.level_of_measurement in ORDERED:
            return [level.number for level in spec.levels]
        return [level.code for level in spec.levels]


class OneOf(Scale):
    """One of several labels without an order."""

    key = "one_of"
    title = "One of several labels"
    measurements = ("nominal",)
    default_measurement = "nominal"

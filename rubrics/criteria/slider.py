"""A number from 0 to 100 on a line, with described marks. Nothing stands on the line before the rater chooses:
a handle in the middle would be an answer."""

from __future__ import annotations

from dataclasses import replace

from rubrics.criteria.number import Number
from rubrics.specs import CriterionSpec

LOW, HIGH = 0, 100
MAX_MARKS = 11


class Slider(Number):
    key = "slider"
    title = "Slider from 0 to 100"
    template = "rubrics/criteria/slider.html"
    measurements = ("interval", "ordinal", "ratio")
    default_measurement = "interval"
    config_schema = {}

    def normalise(self, spec: CriterionSpec) -> CriterionSpec:
        return replace(spec, config={})

    def bounds(self, spec: CriterionSpec) -> tuple[float | None, float | None]:
        return LOW, HIGH

    def problems(self, spec: CriterionSpec) -> list[tuple[str, str]]:
        found = super().problems(spec)
        numbers = [level.number for level in spec.levels]
        if any(n is None or not LOW <= n <= HIGH for n in numbers):
            found.append(("levels", f"The marks of “{spec.key}” must be numbers from {LOW} to {HIGH}."))
        elif sorted(numbers) != numbers:  # type: ignore[type-var]
            found.append(("levels", f"The marks of “{spec.key}” must rise: write the lowest number first."))
        if len(numbers) > MAX_MARKS:
            found.append(("levels", f"“{spec.key}” has {len(numbers)} marks; at most {MAX_MARKS} fit the line."))
        return found

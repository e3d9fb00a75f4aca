"""A number from 0 to 100 on a line, with described marks. Nothing stands on the line before the rater chooses:
a handle in the middle would be an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from rubrics.criteria.base import as_number, plain
from rubrics.criteria.number import Number
from rubrics.specs import CriterionSpec, LevelSpec

LOW, HIGH = 0, 100
MAX_MARKS = 11


class Slider(Number):
    key = "slider"
    title = "Slider from 0 to 100"
    template = "rubrics/criteria/slider.html"
    measurements = ("interval", "ordinal", "ratio")
    default_measurement = "interval"
    config_schema = {}
    levels_title = f"Marks on the line, from {LOW} to {HIGH}"
    level_word = "mark"
    numbered_levels = True
    levels_are_marks = True
    starting = tuple(LevelSpec(str(n), word, float(n)) for n, word in ((0, "Lowest"), (50, "Middle"), (100, "Highest")))

    def normalise(self, spec: CriterionSpec) -> CriterionSpec:
        return replace(spec, config={})

    def bounds(self, spec: CriterionSpec) -> tuple[float | None, float | None]:
        return LOW, HIGH

    def new_level(self, values: Sequence[str]) -> tuple[int, str]:
        """In the middle of the widest part of the line that has no mark."""
        numbers = [as_number(value) for value in values]
        known = [n for n in numbers if n is not None]
        if len(known) < len(numbers) or sorted(known) != known:
            return len(values), ""
        ends = [*([] if LOW in known else [float(LOW)]), *known, *([] if HIGH in known else [float(HIGH)])]
        gap, low = max((b - a, -a) for a, b in pairwise(ends))
        middle = float(int(-low + gap / 2))
        return (sum(n < middle for n in known), plain(middle)) if gap >= 2 else (len(values), "")  # noqa: PLR2004

    def problems(self, spec: CriterionSpec) -> list[tuple[str, str]]:
        found = super().problems(spec)
        numbers = [level.number for level in spec.levels]
        if any(n is None or not LOW <= n <= HIGH for n in numbers):
            found.append(("levels", f"The marks of “{spec.key}” must be numbers from {LOW} to {HIGH}."))
        elif sorted(set(numbers)) != numbers:  # type: ignore[type-var]
            found.append(("levels", f"The marks of “{spec.key}” must rise: write the lowest number first."))
        if len(numbers) > MAX_MARKS:
            found.append(("levels", f"“{spec.key}” has {len(numbers)} marks; at most {MAX_MARKS} fit the line."))
        return found

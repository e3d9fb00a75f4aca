"""A number with a unit and bounds."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext

from rubrics.criteria.base import CriterionType, as_number, plain
from rubrics.specs import Answer, AnswerError, CriterionSpec


class Number(CriterionType):
    key = "number"
    title = "Number"
    template = "rubrics/criteria/number.html"
    measurements = ("interval", "ratio", "ordinal")
    default_measurement = "interval"
    config_schema = {
        "min": {"type": ["number", "null"]},
        "max": {"type": ["number", "null"]},
        "unit": {"type": "string"},
    }

    def normalise(self, spec: CriterionSpec) -> CriterionSpec:
        return replace(spec, levels=())

    def problems(self, spec: CriterionSpec) -> list[tuple[str, str]]:
        found = super().problems(spec)
        low, high = spec.config.get("min"), spec.config.get("max")
        for key, bound in (("min", low), ("max", high)):
            if bound is not None and as_number(bound) is None:
                found.append((key, f"“{key}” of “{spec.key}” must be a number, not {bound!r}."))
        if not found and low is not None and high is not None and low >= high:
            found.append(("min", f"The smallest value of “{spec.key}” must be below the largest."))
        return found

    def bounds(self, spec: CriterionSpec) -> tuple[float | None, float | None]:
        return spec.config.get("min"), spec.config.get("max")

    def score_kind(self, spec: CriterionSpec) -> str:
        return "number"

    def judge_lines(self, spec: CriterionSpec) -> list[str]:
        low, high = self.bounds(spec)
        bounds = [f"at least {low}" if low is not None else "", f"at most {high}" if high is not None else ""]
        unit = f" in {spec.config['unit']}" if spec.config.get("unit") else ""
        return [", ".join(["a number" + unit, *filter(None, bounds)])]

    def judge_schema(self, spec: CriterionSpec) -> dict[str, Any] | None:
        bounds = zip(("minimum", "maximum"), self.bounds(spec), strict=True)
        return {"type": "number", **{name: bound for name, bound in bounds if bound is not None}}

    def judged(self, spec: CriterionSpec, value: Any) -> Any:
        low, high = self.bounds(spec)
        good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not good or (low is not None and value < low) or (high is not None and value > high):
            raise AnswerError(f"“{value}” is not a number that “{spec.key}” accepts.")
        return value

    def bracket(self, spec: CriterionSpec) -> str:
        return plain(next((n for n in reversed(self.bounds(spec)) if n is not None), 1))

    def from_bracket(self, spec: CriterionSpec, text: str) -> Any:
        return as_number(text)

    def grades(self, spec: CriterionSpec) -> list[str]:
        return []

    def chosen(self, value: str) -> set[str]:
        return set(value.split("|"))

    def read(self, spec: CriterionSpec, raw: str) -> Answer:
        """The number and the box of “cannot judge” are sent under one name."""
        parts = list(dict.fromkeys(filter(None, raw.strip().split("|"))))
        return super().read(spec, parts[0] if len(parts) == 1 else raw.strip(" |"))

    def accept(self, spec: CriterionSpec, value: Any) -> Answer:
        number = as_number(value)
        low, high = self.bounds(spec)
        if number is None or (low is not None and number < low) or (high is not None and number > high):
            bounds = f" {gettext('and')} ".join(
                word
                for word in (
                    gettext("at least %(n)s") % {"n": low} if low is not None else "",
                    gettext("at most %(n)s") % {"n": high} if high is not None else "",
                )
                if word
            )
            raise AnswerError(
                gettext("%(value)s is not an answer to “%(key)s”. Accepted: a number%(n)s.")
                % {"value": f"{value!r}", "key": spec.key, "n": ", " + bounds if bounds else ""}
            )
        return Answer(number=number)

    def form_value(self, spec: CriterionSpec, answer: Answer) -> str:
        return plain(answer.number) if answer.number is not None else super().form_value(spec, answer)

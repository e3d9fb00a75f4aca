"""Any number of several labels, or none of them.

The label is the set in the order of the rubric ("billing|refund"; "none"), so that two raters agree where they chose
exactly the same; `data` is the list, for those who count each label apart."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext

from rubrics.criteria.base import CANNOT_JUDGE, SEPARATOR, Choice, CriterionType, find_level
from rubrics.criteria.scale import OneOf
from rubrics.specs import Answer, AnswerError, CriterionSpec

NONE = "none"
MAX_LEVELS = 20
MAX_LABEL = 120  # the column of the label


def as_sent(values: Iterable[str]) -> str:
    """What a form sent under one name, as one value. Several boxes of a question come as several values."""
    return SEPARATOR.join(filter(None, values))


class SeveralOf(CriterionType):
    key = "several_of"
    title = "Several of these labels"
    template = "rubrics/criteria/several_of.html"
    measurements = ("nominal",)
    default_measurement = "nominal"
    needs_levels = True
    levels_title = "Labels"
    starting = OneOf.starting
    config_schema = {"at_most": {"type": ["integer", "null"], "minimum": 1}}

    def problems(self, spec: CriterionSpec) -> list[tuple[str, str]]:
        found = super().problems(spec)
        codes = [level.code for level in spec.levels]
        if len(codes) > MAX_LEVELS:
            found.append(("levels", f"“{spec.key}” has {len(codes)} labels; at most {MAX_LEVELS} fit."))
        taken = [code for code in codes if SEPARATOR in code or code in (NONE, CANNOT_JUDGE)]
        if taken:
            found.append(
                (
                    "levels",
                    f"“{taken[0]}” cannot be a value of “{spec.key}”: “{NONE}” and “{CANNOT_JUDGE}” have a meaning of "
                    f"their own, and “{SEPARATOR}” stands between values.",
                )
            )
        if len(SEPARATOR.join(codes)) > MAX_LABEL:
            found.append(
                ("levels", f"The values of “{spec.key}” together have more than {MAX_LABEL} characters. Shorten them.")
            )
        most = spec.config.get("at_most")
        if most is not None and (isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= len(codes)):
            found.append(("at_most", f"“at_most” of “{spec.key}” must be a whole number from 1 to {len(codes)}."))
        return found

    def choices(self, spec: CriterionSpec) -> list[Choice]:
        offered = [
            Choice(level.code, level.label, str(i) if i <= 9 else "", level.anchor)
            for i, level in enumerate(spec.levels, start=1)
        ]
        return [*offered, Choice(NONE, gettext("None of these"), "0", css="alone")]

    def cannot_judge_choice(self, spec: CriterionSpec) -> Choice | None:
        return (
            Choice(CANNOT_JUDGE, gettext("Cannot judge"), CANNOT_JUDGE, css="alone")
            if spec.allow_cannot_judge
            else None
        )

    def chosen(self, value: str) -> set[str]:
        return set(value.split(SEPARATOR))

    def accept(self, spec: CriterionSpec, value: Any) -> Answer:
        wanted = self._values(spec, value)
        if wanted == [NONE]:
            return Answer(label=NONE, data=[])
        try:
            codes = {find_level(spec, one).code for one in wanted}
        except AnswerError:
            codes = set()
        most = spec.config.get("at_most")
        if not codes or (most is not None and len(codes) > most):
            raise AnswerError(
                gettext("%(value)s is not an answer to “%(key)s”. Accepted: %(accepted)s.")
                % {"value": f"{value!r}", "key": spec.key, "accepted": self._accepted(spec)}
            )
        chosen = [level.code for level in spec.levels if level.code in codes]
        return Answer(label=SEPARATOR.join(chosen), data=chosen)

    def _values(self, spec: CriterionSpec, value: Any) -> list[str]:
        """A list, a list as JSON, or values with “|” between them. An empty list is “none of these”."""
        if isinstance(value, str) and value.lstrip().startswith("["):
            try:
                value = json.loads(value)
            except ValueError:
                return []
        if isinstance(value, list | tuple):
            return [str(one).strip() for one in value] or [NONE]
        return [part.strip() for part in str(value).split(SEPARATOR)]

    def _accepted(self, spec: CriterionSpec) -> str:
        most = spec.config.get("at_most")
        how_many = f"at most {most}" if most else "one or more"
        codes = ", ".join(level.code for level in spec.levels)
        return f"{how_many} of {codes}, with “{SEPARATOR}” between them, or {NONE} alone"

    def judge_lines(self, spec: CriterionSpec) -> list[str]:
        return ["a list of all that hold, which may be empty:"]

    def judge_schema(self, spec: CriterionSpec) -> dict[str, Any] | None:
        return {"type": "array", "uniqueItems": True, "items": {"enum": [x.code for x in spec.levels]}}

    def judged(self, spec: CriterionSpec, value: Any) -> Any:
        codes = [level.code for level in spec.levels]
        if not isinstance(value, list) or any(each not in codes for each in value):
            raise AnswerError(f"Accepted: a list of {', '.join(codes)}.")
        return SEPARATOR.join(sorted(value, key=codes.index)) or NONE

    def bracket(self, spec: CriterionSpec) -> str:
        return ", ".join(level.code for level in spec.levels[:2])

    def from_bracket(self, spec: CriterionSpec, text: str) -> Any:
        said = [part.strip() for part in text.split(",")]
        return [] if said == [NONE] else said if all(each in {x.code for x in spec.levels} for each in said) else None

    def grades(self, spec: CriterionSpec) -> list[str]:
        return []

    def form_value(self, spec: CriterionSpec, answer: Answer) -> str:
        return answer.label or super().form_value(spec, answer)

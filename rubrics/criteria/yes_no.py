"""Yes or no."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils.translation import gettext

from rubrics.criteria.base import Choice, CriterionType
from rubrics.specs import Answer, AnswerError, CriterionSpec, LevelSpec

_YES = {"yes", "y", "true", "1", "1.0"}
_NO = {"no", "n", "false", "0", "0.0"}


class YesNo(CriterionType):
    key = "yes_no"
    title = "Yes or no"
    template = "rubrics/criteria/levels.html"
    measurements = ("nominal", "ordinal")
    default_measurement = "nominal"
    levels_title = "What yes and no mean"
    fixed_levels = True

    def normalise(self, spec: CriterionSpec) -> CriterionSpec:
        said = {level.code: level for level in spec.levels}
        levels = tuple(
            LevelSpec(
                code,
                label,
                number,
                said[code].anchor if code in said else "",
                said[code].example if code in said else "",
            )
            for code, label, number in (("no", "No", 0.0), ("yes", "Yes", 1.0))
        )
        return replace(spec, levels=levels)

    def choices(self, spec: CriterionSpec) -> list[Choice]:
        anchors = {level.code: level.anchor for level in spec.levels}
        return [
            Choice("yes", gettext("Yes"), "y", anchors.get("yes", "")),
            Choice("no", gettext("No"), "n", anchors.get("no", "")),
        ]

    def accept(self, spec: CriterionSpec, value: Any) -> Answer:
        text = str(value).strip().casefold()
        if text in _YES:
            return Answer(number=1.0, label="yes")
        if text in _NO:
            return Answer(number=0.0, label="no")
        raise AnswerError(
            gettext("%(value)s is not an answer to “%(key)s”. Accepted: yes, no (or true, false, 1, 0).")
            % {"value": f"{value!r}", "key": spec.key}
        )

    def form_value(self, spec: CriterionSpec, answer: Answer) -> str:
        return answer.label or super().form_value(spec, answer)

    def score_kind(self, spec: CriterionSpec) -> str:
        return "bool"

    def figure(self, spec: CriterionSpec, answer: Answer) -> Any:
        return answer.label or None

    def domain(self, spec: CriterionSpec) -> list[Any]:
        return ["no", "yes"]

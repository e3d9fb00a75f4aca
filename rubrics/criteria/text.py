"""Words: a reason, a correction. Kept in the erasable table, never in a figure."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext

from rubrics.criteria.base import CriterionType
from rubrics.specs import Answer, AnswerError, CriterionSpec

MAX_LENGTH = 20_000
MAX_ROWS = 40


class Text(CriterionType):
    key = "text"
    title = "Text"
    template = "rubrics/criteria/text.html"
    measurements = ("text",)
    default_measurement = "text"
    settles = False
    answers = "words"
    config_schema = {"rows": {"type": "integer", "minimum": 1, "maximum": MAX_ROWS}}

    def problems(self, spec: CriterionSpec) -> list[tuple[str, str]]:
        rows = spec.config.get("rows", 1)
        found = super().problems(spec)
        if not 1 <= rows <= MAX_ROWS:
            found.append(("rows", f"“rows” of “{spec.key}” must be a whole number from 1 to {MAX_ROWS}."))
        return found

    def read(self, spec: CriterionSpec, raw: str) -> Answer:
        return self.accept(spec, raw) if raw.strip() else Answer()

    def accept(self, spec: CriterionSpec, value: Any) -> Answer:
        text = str(value).strip()
        if len(text) > MAX_LENGTH:
            raise AnswerError(
                gettext("The answer to “%(key)s” has %(n)s characters; at most %(most)s fit.")
                % {"key": spec.key, "n": f"{len(text):,}", "most": f"{MAX_LENGTH:,}"}
            )
        return Answer(text=text)

    def form_value(self, spec: CriterionSpec, answer: Answer) -> str:
        return answer.text

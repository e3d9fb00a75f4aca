"""The best and the worst of the answers of a task (maximum difference). What stands between them is left open.

`data` names positions shown: {"best": 1, "worst": 3}. A form sends "best:B|worst:D"; a file may write "B > D"."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext, gettext_noop

from rubrics.criteria.base import LETTERS, SEPARATOR, Choice, CriterionType, Row, positions_of
from rubrics.criteria.ranking import MOST
from rubrics.specs import Answer, AnswerError, CriterionSpec

ENDS = ("best", "worst")
_ROWS = {"best": gettext_noop("The best"), "worst": gettext_noop("The worst")}
_CHOICES = {
    "best": gettext_noop("Answer %(letter)s is the best"),
    "worst": gettext_noop("Answer %(letter)s is the worst"),
}


class BestWorst(CriterionType):
    key = "best_worst"
    title = "Best and worst of several answers"
    template = "rubrics/criteria/places.html"
    measurements = ("ordinal",)
    default_measurement = "ordinal"
    modes = ("rank",)
    scopes = ("task",)
    structured = True
    tolerance = gettext_noop("of the best and the worst, how many")
    answers = "pairs"

    def normalise(self, spec: CriterionSpec) -> CriterionSpec:
        return replace(spec, config={}, levels=())

    def rows(self, spec: CriterionSpec) -> list[Row]:
        """A row for the best and one for the worst, with a choice for each answer."""
        letters = LETTERS[: spec.outputs]
        return [
            Row(
                end,
                gettext(_ROWS[end]),
                tuple(
                    Choice(f"{end}:{letter}", gettext(_CHOICES[end]) % {"letter": letter}, str(n))
                    for n, letter in enumerate(letters, start=1)
                ),
            )
            for end in ENDS
        ]

    def columns(self, spec: CriterionSpec) -> list[str]:
        return list(LETTERS[: spec.outputs])

    def apart(self, spec: CriterionSpec) -> bool:
        return True

    def chosen(self, value: str) -> set[str]:
        return set(value.split(SEPARATOR))

    def accept(self, spec: CriterionSpec, value: Any) -> Answer:
        best, worst = _ends(value)
        most = spec.outputs or MOST
        if best == worst or not 0 <= best < most or not 0 <= worst < most:
            raise AnswerError(
                gettext(
                    "“%(key)s” needs the best answer and another one as the worst. Accepted: two different "
                    "letters from A to %(letters)s."
                )
                % {"key": spec.key, "letters": LETTERS[most - 1]}
            )
        return Answer(data={"best": best, "worst": worst})

    def form_value(self, spec: CriterionSpec, answer: Answer) -> str:
        if not answer.data:
            return super().form_value(spec, answer)
        return SEPARATOR.join(f"{end}:{LETTERS[answer.data[end]]}" for end in ENDS)

    def moved(self, answer: Answer, to: Sequence[int]) -> Answer:
        if answer.data is None:
            return answer
        return replace(answer, data={end: to[answer.data[end]] for end in ENDS})

    def words(self, spec: CriterionSpec, answer: Answer) -> str:
        if not answer.data:
            return super().words(spec, answer)
        return gettext("%(best)s the best, %(worst)s the worst") % {e: LETTERS[answer.data[e]] for e in ENDS}

    def off(self, known: Answer, given: Answer) -> float:
        """How many of the two ends are another answer."""
        if not known.data or not given.data:
            return math.inf
        return float(sum(known.data[end] != given.data[end] for end in ENDS))

    def distance(self, one: Any, other: Any) -> float:
        return self.off(Answer(data=one), Answer(data=other)) / len(ENDS)

    def judge_lines(self, spec: CriterionSpec) -> list[str]:
        return ['the letters of the best answer and of the worst: `{"best": "C", "worst": "A"}`']

    def judge_schema(self, spec: CriterionSpec) -> dict[str, Any] | None:
        letter = {"enum": list(LETTERS[:MOST])}
        ends = dict.fromkeys(ENDS, letter)
        return {"type": "object", "additionalProperties": False, "required": list(ENDS), "properties": ends}

    def judged(self, spec: CriterionSpec, value: Any) -> Any:
        """The order itself, by the letters of the prompt; what it says of each two is stored."""
        if not isinstance(value, dict):
            raise AnswerError(f"“{value}” is no answer of “{spec.key}”.")
        return self.accept(spec, value).data

    def score_kind(self, spec: CriterionSpec) -> str:
        return "preference"

    def comparisons(self, data: Any, n: int) -> list[tuple[int, int, bool]]:
        """The best is ahead of all others, and they of the worst; of two others nothing is said."""
        best, worst = data["best"], data["worst"]
        others = [position for position in range(n) if position not in (best, worst)]
        return [
            (best, worst, False),
            *((best, other, False) for other in others),
            *((other, worst, False) for other in others),
        ]

    def standings(self, data: Any, n: int) -> list[tuple[int, float]]:
        """1 for the best, −1 for the worst: their mean is how often best less how often worst."""
        return [(position, float((position == data["best"]) - (position == data["worst"]))) for position in range(n)]

    def domain(self, spec: CriterionSpec) -> list[Any]:
        """Of what an answer says of two outputs."""
        return [-1.0, 1.0]


def _ends(value: Any) -> tuple[int, int]:
    """The positions of best and worst, −1 where nothing is named."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return -1, -1
    if isinstance(value, dict):
        named = [value[end] for end in ENDS] if set(value) == set(ENDS) else []
    else:
        text = str(value)
        if ":" in text:
            parts = text.split(SEPARATOR)
            said = dict(part.partition(":")[::2] for part in parts)
            named = [said[end] for end in ENDS] if set(said) == set(ENDS) and len(parts) == 2 else []
        else:
            named = text.split(">")
    found = positions_of(named)
    return (found[0], found[1]) if len(found) == 2 else (-1, -1)

"""The answers of a task from best to worst, with ties if the rubric allows them.

`data` lists the positions shown from best to worst, what stands equal together: [[2], [0, 1]] is C first, then A and
B. A form sends a place for each answer ("A:2|B:2|C:1"); a file may write the order ("C > A = B")."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from django.utils.translation import gettext, gettext_noop

from rubrics.criteria.base import LETTERS, SEPARATOR, Choice, CriterionType, Row, place_words, positions_of
from rubrics.specs import Answer, AnswerError, CriterionSpec

MOST = 6
Groups = list[list[int]]


class Ranking(CriterionType):
    key = "ranking"
    title = "Ranking of several answers"
    template = "rubrics/criteria/places.html"
    measurements = ("ordinal",)
    default_measurement = "ordinal"
    modes = ("rank",)
    scopes = ("task",)
    structured = True
    tolerance = gettext_noop("pairs of answers that stand in the other order, an equal place half")
    answers = "pairs"
    ranks = True
    config_schema = {"allow_ties": {"type": "boolean", "default": True}}

    def normalise(self, spec: CriterionSpec) -> CriterionSpec:
        return replace(spec, config={"allow_ties": spec.config.get("allow_ties", True)}, levels=())

    def problems(self, spec: CriterionSpec) -> list[tuple[str, str]]:
        found = super().problems(spec)
        if not isinstance(spec.config.get("allow_ties"), bool):
            found.append(("allow_ties", f"“allow_ties” of “{spec.key}” must be true or false."))
        return found

    def rows(self, spec: CriterionSpec) -> list[Row]:
        """A row for each answer, with a choice for each place."""
        letters = LETTERS[: spec.outputs]
        place = gettext("%(letter)s: place %(n)s of %(total)s")
        return [
            Row(
                letter,
                gettext("Answer %(letter)s") % {"letter": letter},
                tuple(
                    Choice(
                        f"{letter}:{n}",
                        place % {"letter": letter, "n": n, "total": len(letters)},
                        str(n),
                    )
                    for n in range(1, len(letters) + 1)
                ),
            )
            for letter in letters
        ]

    def columns(self, spec: CriterionSpec) -> list[str]:
        return [place_words(n, spec.outputs) for n in range(1, spec.outputs + 1)]

    def apart(self, spec: CriterionSpec) -> bool:
        return not spec.config["allow_ties"]

    def chosen(self, value: str) -> set[str]:
        return set(value.split(SEPARATOR))

    def accept(self, spec: CriterionSpec, value: Any) -> Answer:
        groups = _groups(value)
        ranked = [position for group in groups for position in group]
        whole = sorted(ranked) == list(range(spec.outputs or len(ranked)))
        if not groups or not whole or len(ranked) > MOST:
            raise AnswerError(
                gettext("The ranking “%(key)s” does not give each answer one place. %(accepted)s")
                % {"key": spec.key, "accepted": self._accepted(spec)}
            )
        if not spec.config["allow_ties"] and any(len(group) > 1 for group in groups):
            tied = " and ".join(LETTERS[p] for p in next(g for g in groups if len(g) > 1))
            raise AnswerError(
                gettext("“%(key)s” takes no ties, and %(tied)s have the same place. %(accepted)s")
                % {"key": spec.key, "tied": tied, "accepted": self._accepted(spec)}
            )
        return Answer(data=groups)

    def _accepted(self, spec: CriterionSpec) -> str:
        ties = "; answers may share a place" if spec.config["allow_ties"] else ", all different"
        return gettext("Accepted: a place for every answer, 1 for the best%(ties)s.") % {"ties": ties}

    def form_value(self, spec: CriterionSpec, answer: Answer) -> str:
        if not answer.data:
            return super().form_value(spec, answer)
        places = {p: n for n, group in enumerate(answer.data, start=1) for p in group}
        return SEPARATOR.join(f"{LETTERS[p]}:{places[p]}" for p in sorted(places))

    def moved(self, answer: Answer, to: Sequence[int]) -> Answer:
        if answer.data is None:
            return answer
        return replace(answer, data=[sorted(to[position] for position in group) for group in answer.data])

    def words(self, spec: CriterionSpec, answer: Answer) -> str:
        if not answer.data:
            return super().words(spec, answer)
        return " > ".join(" = ".join(LETTERS[position] for position in group) for group in answer.data)

    def off(self, known: Answer, given: Answer) -> float:
        """How many two answers stand in the other order; half for two of which one of the orders says that they are
        equal (Kendall's distance with ties)."""
        one, other = _places(known.data), _places(given.data)
        if set(one) != set(other):
            return math.inf
        return sum(abs(_sign(one[a] - one[b]) - _sign(other[a] - other[b])) / 2 for a, b in combinations(one, 2))

    def distance(self, one: Any, other: Any) -> float:
        """The same, of all the pairs that there are."""
        n = len(_places(one))
        return min(1.0, self.off(Answer(data=one), Answer(data=other)) / max(1, n * (n - 1) // 2))

    def judge_lines(self, spec: CriterionSpec) -> list[str]:
        ties = "answers that are equal stand together" if spec.config["allow_ties"] else "one letter in each list"
        return [f'a list of lists of letters, the best first, with every answer once: `[["C"], ["A"], ["B"]]`; {ties}']

    def judge_schema(self, spec: CriterionSpec) -> dict[str, Any] | None:
        most = {} if spec.config["allow_ties"] else {"maxItems": 1}
        group = {"type": "array", "minItems": 1, "items": {"enum": list(LETTERS[:MOST])}, **most}
        return {"type": "array", "minItems": 1, "maxItems": MOST, "items": group}

    def judged(self, spec: CriterionSpec, value: Any) -> Any:
        """The order itself, by the letters of the prompt; what it says of each two is stored."""
        if not isinstance(value, list):
            raise AnswerError(f"“{value}” is no answer of “{spec.key}”.")
        return self.accept(spec, value).data

    def score_kind(self, spec: CriterionSpec) -> str:
        return "preference"

    def comparisons(self, data: Any, n: int) -> list[tuple[int, int, bool]]:
        pairs = [(a, b, True) for group in data for a, b in combinations(group, 2)]
        return pairs + [(a, b, False) for ahead, behind in combinations(data, 2) for a in ahead for b in behind]

    def standings(self, data: Any, n: int) -> list[tuple[int, float]]:
        """Ranks, 1 for the best; who stands equal has the mean of the ranks they take up."""
        found, before = [], 0
        for group in data:
            found += [(position, before + (len(group) + 1) / 2) for position in group]
            before += len(group)
        return found

    def domain(self, spec: CriterionSpec) -> list[Any]:
        """Of what a ranking says of each two answers."""
        return [-1.0, 0.0, 1.0] if spec.config["allow_ties"] else [-1.0, 1.0]


def _places(groups: Groups | None) -> dict[int, int]:
    return {position: n for n, group in enumerate(groups or []) for position in group}


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _groups(value: Any) -> Groups:
    """From what a form, a file or the API says; empty where it cannot be read."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    if isinstance(value, list):
        return [sorted(positions_of(each if isinstance(each, list) else [each])) for each in value]
    text = str(value).strip()
    if ":" in text:
        return _by_places(text)
    return [sorted(positions_of(group.split("="))) for group in text.split(">")]


def _by_places(text: str) -> Groups:
    places: dict[int, list[int]] = {}
    for part in filter(None, text.split(SEPARATOR)):
        letter, _, place = part.partition(":")
        if not place.isascii() or not place.isdigit() or len(place) > 2:
            return []
        places.setdefault(int(place), []).extend(positions_of([letter]))
    return [sorted(places[n]) for n in sorted(places)]

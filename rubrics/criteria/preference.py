"""Which of two answers is better: 2 to 7 points, with tie, both good and both bad as the rubric chooses.

The number is signed towards the answer shown second (B): −2 is “A much better” on five points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext, gettext_noop

from rubrics.criteria.base import Choice, CriterionType, as_number, plain
from rubrics.specs import Answer, AnswerError, CriterionSpec

TIES = ("tie", "both_good", "both_bad")
_TURNED = {"a": "b", "b": "a"}
_BETTER = gettext_noop("%(letter)s better")
_MUCH = gettext_noop("%(letter)s much better")
_WORDS = {
    1: {1: _BETTER},
    2: {1: _BETTER, 2: _MUCH},
    3: {1: gettext_noop("%(letter)s slightly better"), 2: _BETTER, 3: _MUCH},
}
_KEYS = {
    1: {1: ("←", "→")},
    2: {1: ("←", "→"), 2: ("⇧←", "⇧→")},
    3: {1: ("←", "→"), 2: ("⇧←", "⇧→"), 3: ("⌥←", "⌥→")},
}


class Preference(CriterionType):
    key = "preference"
    title = "Preference between two"
    template = "rubrics/criteria/preference.html"
    measurements = ("ordinal", "nominal", "interval")
    default_measurement = "ordinal"
    modes = ("compare",)
    scopes = ("task",)
    docked = True
    answers = "pairs"
    config_schema = {
        "points": {"type": "integer", "minimum": 2, "maximum": 7, "default": 5},
        "ties": {"type": "array", "items": {"enum": list(TIES)}, "default": ["tie"]},
    }

    def normalise(self, spec: CriterionSpec) -> CriterionSpec:
        config = {"points": spec.config.get("points", 5), "ties": list(spec.config.get("ties", ["tie"]))}
        if isinstance(config["points"], int) and config["points"] % 2 and "tie" not in config["ties"]:
            config["ties"].insert(0, "tie")  # the middle of an odd number of points is the tie
        return replace(spec, config=config, levels=())

    def problems(self, spec: CriterionSpec) -> list[tuple[str, str]]:
        found = super().problems(spec)
        points = spec.config.get("points")
        if isinstance(points, bool) or not isinstance(points, int) or not 2 <= points <= 7:
            found.append(("points", f"“{spec.key}” has {points!r} points; a preference has 2 to 7."))
        unknown = [t for t in spec.config.get("ties", []) if t not in TIES]
        if unknown:
            found.append(("ties", f"“{unknown[0]}” is not a kind of tie. Accepted: {', '.join(TIES)}."))
        return found

    @staticmethod
    def strength(spec: CriterionSpec) -> int:
        """The largest distance from the middle: 2 for five points."""
        return int(spec.config["points"]) // 2

    def choices(self, spec: CriterionSpec) -> list[Choice]:
        """The row from A to B, the tie in the middle; then both good, both bad."""
        most = self.strength(spec)
        words = {k: gettext(each) for k, each in _WORDS[most].items()}
        left = [
            Choice(
                str(-k),
                words[k] % {"letter": "A"},
                _KEYS[most][k][0],
                css="a-much" if k == most > 1 else "a-some",
            )
            for k in range(most, 0, -1)
        ]
        right = [
            Choice(
                str(k),
                words[k] % {"letter": "B"},
                _KEYS[most][k][1],
                css="b-much" if k == most > 1 else "b-some",
            )
            for k in range(1, most + 1)
        ]
        middle = [Choice("tie", gettext("Tie"), "0", css="pref-tie")] if "tie" in spec.config["ties"] else []
        return left + middle + right

    def both_choices(self, spec: CriterionSpec) -> list[Choice]:
        said = {
            "both_good": Choice("both_good", gettext("Both good"), "v"),
            "both_bad": Choice("both_bad", gettext("Both bad"), "b"),
        }
        return [said[t] for t in ("both_good", "both_bad") if t in spec.config["ties"]]

    def accept(self, spec: CriterionSpec, value: Any) -> Answer:
        text = str(value).strip().casefold()
        if text in {"a", "b"}:
            return Answer(number=-1.0 if text == "a" else 1.0, label=text)
        if text in TIES:
            if text not in spec.config["ties"]:
                raise AnswerError(
                    gettext("“%(key)s” does not offer %(text)s. Accepted: %(accepted)s.")
                    % {"key": spec.key, "text": f"{text!r}", "accepted": self._accepted(spec)}
                )
            return Answer(number=0.0, label=text)
        number = as_number(value)
        most = self.strength(spec)
        if (
            number is None
            or number != int(number)
            or abs(number) > most
            or (number == 0 and "tie" not in spec.config["ties"])
        ):
            raise AnswerError(
                gettext("%(value)s is not an answer to “%(key)s”. Accepted: %(accepted)s.")
                % {"value": f"{value!r}", "key": spec.key, "accepted": self._accepted(spec)}
            )
        return Answer(number=number, label="tie" if number == 0 else ("a" if number < 0 else "b"))

    def _accepted(self, spec: CriterionSpec) -> str:
        most = self.strength(spec)
        return f"a, b, {', '.join(spec.config['ties'])} or a whole number from {-most} to {most} towards b"

    def form_value(self, spec: CriterionSpec, answer: Answer) -> str:
        if answer.label in TIES:
            return answer.label
        return plain(answer.number) if answer.number is not None else super().form_value(spec, answer)

    def summary(self, spec: CriterionSpec) -> list[str]:
        return [f"{spec.config['points']} points"]

    def judge_lines(self, spec: CriterionSpec) -> list[str]:
        most = self.strength(spec)
        words = {"tie": "neither is better", "both_good": "both are good, neither better", "both_bad": "both are bad"}
        return [
            f"`{-most}` to `-1`: A is better; the further from 0, the more",
            f"`1` to `{most}`: B is better; the further from 0, the more",
            *(f"`{tie}`: {words[tie]}" for tie in spec.config["ties"]),
        ]

    def judge_values(self, spec: CriterionSpec) -> list[Any]:
        most = self.strength(spec)
        return [n for n in range(-most, most + 1) if n] + list(spec.config["ties"])

    def judged(self, spec: CriterionSpec, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | str) or value not in self.judge_values(spec):
            most, ties = self.strength(spec), "".join(f", {tie}" for tie in spec.config["ties"])
            said = f"“{value}” is no answer of “{spec.key}”"
            raise AnswerError(f"{said}. Its answers are: -{most} to {most} without 0{ties}.")
        return value

    def score_kind(self, spec: CriterionSpec) -> str:
        return "preference"

    def moved(self, answer: Answer, to: Sequence[int]) -> Answer:
        """A preference as said about the other order of the two. Its own inverse."""
        if list(to) != [1, 0]:
            return answer
        number = None if answer.number is None else -answer.number + 0.0
        return replace(answer, number=number, label=_TURNED.get(answer.label, answer.label))

    def words(self, spec: CriterionSpec, answer: Answer) -> str:
        value = self.form_value(spec, answer)
        offered = [*self.choices(spec), *self.both_choices(spec)]
        label = next((choice.label for choice in offered if choice.value == value), "")
        return label or super().words(spec, answer)

    def of_figure(self, value: Any) -> Answer:
        if isinstance(value, str):
            return Answer(number={"a": -1.0, "b": 1.0}.get(value, 0.0), label=value)
        return Answer(number=value, label="tie" if value == 0 else "a" if value < 0 else "b")

    def domain(self, spec: CriterionSpec) -> list[Any]:
        most = self.strength(spec)
        numbers = [float(k) for k in range(-most, most + 1)]
        return numbers if spec.config["ties"] else [n for n in numbers if n]

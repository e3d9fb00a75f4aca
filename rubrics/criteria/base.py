"""What every criterion type declares. One small module a type; `CRITERIA` in `__init__` lists them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from rubrics.specs import Answer, AnswerError, CriterionSpec, LevelSpec

CANNOT_JUDGE = "x"
SEPARATOR = "|"  # between the values that a form sends under one name
LETTERS = "ABCDEFGHI"  # what raters call the outputs of a task, in the order shown
ORDERED = ("ordinal", "interval", "ratio")
# What the designer puts into a new list of labels, for the lead to replace.
PLACEHOLDERS = ("First label", "Second label")
_ABOUT_ONE = "is about the text of an output, so its scope is each output."
_ABOUT_ALL = "compares the answers of a task, so its scope is the whole task."


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing a rater can choose: what the form sends, the key that chooses it, and what it says."""

    value: str
    label: str
    key: str = ""
    anchor: str = ""
    css: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One of several rows of choices that together are one answer, such as the place of one output."""

    name: str
    label: str
    choices: tuple[Choice, ...]


class CriterionType:
    """Base of the types. `template` draws it; `measurements` are the levels of measurement that fit."""

    key: str
    title: str
    template: str
    measurements: tuple[str, ...]
    default_measurement: str
    needs_levels = False
    # What its levels are, over their rows in the designer; empty: it has none.
    levels_title = ""
    # What one of them is called.
    level_word = "label"
    # It has the same levels always, and only what they mean is said.
    fixed_levels = False
    # They carry the numbers of an order, which stay in their places when the words beside them move.
    numbered_levels = False
    # They are marks beside the answers, and no answers themselves.
    levels_are_marks = False
    # What a new criterion begins with, for the lead to replace.
    starting: tuple[LevelSpec, ...] = ()
    modes: tuple[str, ...] = ("score", "compare", "rank")
    scopes: tuple[str, ...] = ("task", "output", "turn")
    # Whether its answers point into the text of the output they are about.
    reads_text = False
    # Whether there is one right answer that a reviewer or a lead can name: a final answer, or a known one.
    settles = True
    # Whether an answer is its `data`, an order or a list of marks, and no number or label says the same.
    structured = False
    # What the tolerance of a known answer counts, where it is no difference of numbers.
    tolerance = ""
    # Whether an order gives each output its rank, 1 for the best; else who stands higher has the larger number.
    ranks = False
    # Whether it stands at the foot of the page, under two answers side by side, and not among the questions.
    docked = False
    # What figures are made of: its values, words (none), or the pairs of outputs that an answer sets in order.
    answers = "value"
    # What only this type's file may say, as JSON Schema by key.
    config_schema: dict[str, dict[str, Any]] = {}

    @property
    def config_keys(self) -> tuple[str, ...]:
        return tuple(self.config_schema)

    def problems(self, spec: CriterionSpec) -> list[tuple[str, str]]:
        """What is wrong with the definition: (key, sentence)."""
        found: list[tuple[str, str]] = []
        if spec.level_of_measurement not in self.measurements:
            found.append(
                (
                    "level_of_measurement",
                    f"“{spec.key}” is {spec.level_of_measurement}; "
                    f"a criterion of type {self.key} can be {', '.join(self.measurements)}.",
                )
            )
        if spec.scope not in self.scopes:
            found.append(("scope", f"“{spec.key}” {_ABOUT_ALL if self.scopes == ('task',) else _ABOUT_ONE}"))
        if self.needs_levels and len(spec.levels) < 2:
            found.append(("levels", f"“{spec.key}” needs at least two levels."))
        return found

    def normalise(self, spec: CriterionSpec) -> CriterionSpec:
        """Fill what the type implies, such as the two levels of yes/no."""
        return spec

    @property
    def in_words(self) -> bool:
        return self.answers == "words"

    @property
    def graded(self) -> bool:
        """One of several steps that rise."""
        return self.numbered_levels and not self.levels_are_marks

    def new_level(self, values: Sequence[str]) -> tuple[int, str]:
        """Where a level that is added stands among those there, and its value: one more than the last."""
        last = values[-1] if values else "0"
        return len(values), str(int(last) + 1) if last.isdigit() and len(last) < 6 else ""

    def summary(self, spec: CriterionSpec) -> list[str]:
        """What a list of criteria says beside the title: “5 levels”."""
        if not spec.levels or self.fixed_levels:
            return []
        return [f"{len(spec.levels)} {self.level_word}{'s' if len(spec.levels) > 1 else ''}"]

    def choices(self, spec: CriterionSpec) -> list[Choice]:
        return []

    def both_choices(self, spec: CriterionSpec) -> list[Choice]:
        """Choices that stand apart from the row of the others."""
        return []

    def marks(self, spec: CriterionSpec, value: str) -> list[dict[str, Any]]:
        """The passages that a form's value marks, with their words."""
        return []

    def quotes(self, value: str) -> list[dict[str, Any]]:
        """Rows of the form to quote a passage in."""
        return []

    def severities(self, spec: CriterionSpec) -> list[tuple[str, float]]:
        """What a mark can be, with its points."""
        return []

    def rows(self, spec: CriterionSpec) -> list[Row]:
        """Where an answer is a choice in each of several rows; a form sends them under the question's name, `~` and
        the name of the row."""
        return []

    def columns(self, spec: CriterionSpec) -> list[str]:
        """What stands over the choices of the rows."""
        return []

    def apart(self, spec: CriterionSpec) -> bool:
        """Whether no two rows can have the choice of one column."""
        return False

    def chosen(self, value: str) -> set[str]:
        """The values of the choices that a form's value stands for: one, except where several may be chosen."""
        return {value}

    def cannot_judge_choice(self, spec: CriterionSpec) -> Choice | None:
        return Choice(CANNOT_JUDGE, gettext("Cannot judge"), CANNOT_JUDGE) if spec.allow_cannot_judge else None

    def read(self, spec: CriterionSpec, raw: str) -> Answer:
        """The answer a form sends. An empty string is no answer."""
        raw = raw.strip()
        if not raw:
            return Answer()
        if raw == CANNOT_JUDGE and spec.allow_cannot_judge:
            return Answer(cannot_judge=True)
        return self.accept(spec, raw)

    def accept(self, spec: CriterionSpec, value: Any) -> Answer:
        """The answer a file or an API body gives. Raises AnswerError naming what is accepted."""
        raise NotImplementedError

    def form_value(self, spec: CriterionSpec, answer: Answer) -> str:
        """The inverse of `read`: what the form shows as chosen."""
        return CANNOT_JUDGE if answer.cannot_judge else ""

    def moved(self, answer: Answer, to: Sequence[int]) -> Answer:
        """The same about outputs that stand elsewhere: what names the position n names `to[n]`."""
        return answer

    def words(self, spec: CriterionSpec, answer: Answer) -> str:
        """An answer as people read it in a list: “1 Wrong”."""
        if answer.cannot_judge:
            return gettext("cannot judge")
        value = self.form_value(spec, answer)
        chosen = self.chosen(value)
        label = ", ".join(choice.label for choice in self.choices(spec) if choice.value in chosen)
        return f"{value} {label}" if label and value[:1].isdigit() else label or value

    def figure(self, spec: CriterionSpec, answer: Answer) -> Any:
        """What distances are measured of: a label where there is no order, else the number. None: there is nothing."""
        if self.structured:
            return answer.data
        return (answer.label or None) if spec.level_of_measurement == "nominal" else answer.number

    def of_figure(self, value: Any) -> Answer:
        """The inverse of `figure`, as far as it tells."""
        if self.structured:
            return Answer(data=value)
        return Answer(label=value) if isinstance(value, str) else Answer(number=value)

    def off(self, known: Answer, given: Answer) -> float:
        """How far an answer is from the known one, in what the tolerance of a known answer counts."""
        if known.number is None:
            return 0.0 if given.label == known.label else math.inf
        return math.inf if given.number is None else abs(given.number - known.number)

    def distance(self, one: Any, other: Any) -> float:
        """How far two structured answers are apart, by their data: from 0 (alike) to 1."""
        return float(one != other)

    def bounds(self, spec: CriterionSpec) -> tuple[float | None, float | None]:
        """The smallest and the largest number that is accepted, where that is declared without levels."""
        return None, None

    def judge_lines(self, spec: CriterionSpec) -> list[str]:
        """What an LLM judge is told of the answers, where the levels do not say it."""
        return []

    def judge_values(self, spec: CriterionSpec) -> list[Any]:
        """The answers of which a judge gives one."""
        return [int(v) if isinstance(v, float) and v.is_integer() else v for v in self.domain(spec) or []]

    def judge_schema(self, spec: CriterionSpec) -> dict[str, Any] | None:
        """JSON Schema of a judge's answer; None: one of `judge_values`, as for most types."""
        return None

    def judged(self, spec: CriterionSpec, value: Any) -> Any:
        """A judge's answer as a score is stored. Strict: what no schema of ours allows is refused, never guessed."""
        level = next(
            (x for x in spec.levels if str(value) == x.code or (x.number is not None and value == x.number)), None
        )
        codes = [str(v) for v in self.domain(spec) or []]
        if isinstance(value, bool) or (level is None and str(value) not in codes):
            known = ", ".join([x.code for x in spec.levels] or codes)
            raise AnswerError(f"“{value}” is no answer of “{spec.key}”. Its answers are: {known}.")
        if level is None:
            return str(value)
        return level.number if self.score_kind(spec) == "number" else level.code

    def score_kind(self, spec: CriterionSpec) -> str:
        """What an automated score of it is: number, bool, label or preference."""
        return "label"

    def score_bounds(self, spec: CriterionSpec) -> tuple[float | None, float | None]:
        return self.bounds(spec)

    def score_direction(self, spec: CriterionSpec) -> str:
        return "higher" if self.score_kind(spec) in ("number", "bool") else ""

    def shares(self, spec: CriterionSpec) -> list[tuple[str, float]]:
        """Each level with its share of the way from the lowest to the highest, where an order was declared."""
        numbers = [level.number for level in spec.levels if level.number is not None]
        if self.score_kind(spec) not in ("number", "bool") or self.levels_are_marks or len(numbers) < 2:
            return []
        low, high = min(numbers), max(numbers)
        return [(x.code, round(((x.number or 0) - low) / (high - low), 4)) for x in spec.levels]

    def bracket(self, spec: CriterionSpec) -> str:
        """An example of an answer that is told in brackets; empty: it takes more than that."""
        return spec.levels[0].code if spec.levels else ""

    def from_bracket(self, spec: CriterionSpec, text: str) -> Any:
        """The judge's answer told so; None where it is none."""
        return text if any(level.code == text for level in spec.levels) else None

    def grades(self, spec: CriterionSpec) -> list[str]:
        """The answers, where an answer is one of a short list."""
        return [level.code for level in spec.levels]

    def comparisons(self, data: Any, n: int) -> list[tuple[int, int, bool]]:
        """What an order of n outputs says of two of them, by position shown: (ahead, behind, whether equal)."""
        return []

    def standings(self, data: Any, n: int) -> list[tuple[int, float]]:
        """How each of n outputs stands, by position shown."""
        return []

    def domain(self, spec: CriterionSpec) -> list[Any] | None:
        """The declared values in order, for statistics that count unused ones. None: open-ended."""
        return None


def positions_of(letters: Iterable[Any]) -> list[int]:
    """The positions that letters, or positions themselves, name; −1 for what names none."""
    found = []
    for each in letters:
        text = str(each).strip().upper()
        if isinstance(each, int) and not isinstance(each, bool):
            found.append(each)
        else:
            found.append(LETTERS.index(text) if len(text) == 1 and text in LETTERS else -1)
    return found


def place_words(n: int, of: int) -> str:
    """1 (best), 2, 3 (worst)."""
    return gettext("%(n)s (best)") % {"n": n} if n == 1 else gettext("%(n)s (worst)") % {"n": n} if n == of else str(n)


def as_number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def plain(number: float) -> str:
    """3 for 3.0, 2.5 for 2.5."""
    return str(int(number)) if number == int(number) else repr(number)


def find_level(spec: CriterionSpec, value: Any) -> LevelSpec:
    """The level that a value names by number, code or label."""
    text = str(value).strip()
    number = as_number(value)
    for level in spec.levels:
        if level.code == text or (number is not None and level.number == number):
            return level
    for level in spec.levels:
        if level.label.casefold() == text.casefold():
            return level
    accepted = ", ".join(level.code for level in spec.levels)
    raise AnswerError(
        gettext("%(text)s is not a level of “%(key)s”. Accepted: %(accepted)s.")
        % {"text": f"{text!r}", "key": spec.key, "accepted": accepted}
    )

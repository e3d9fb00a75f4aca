"""What often goes wrong in a rubric: found in its words, said with the reason and the place. Pure.

These are advice, not rules: nothing here refuses a rubric. Wording is looked at in English only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

from projects.located import Path
from rubrics.criteria import CRITERIA
from rubrics.specs import CriterionSpec, LevelSpec, RubricSpec

MOST_CRITERIA = 8
MOST_LEVELS = 7
MOST_QUESTION = 200
ALIKE = 0.75  # share of words that two anchors have in common
FEW_YES_NO = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """`path` leads to the place in the rubric's plain values, as in its file."""

    code: str
    criterion: str
    path: Path
    sentence: str
    why: str

    @property
    def place(self) -> str:
        """criteria[0].levels[2].anchor"""
        words = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        return words.removeprefix(".")


def lint(rubric: RubricSpec) -> list[Finding]:
    """Everything worth another look, in the order of the rubric."""
    found = [*_too_many(rubric), *_all_positive(rubric)]
    for index, criterion in enumerate(rubric.criteria):
        at: Path = ("criteria", index)
        for check in CHECKS:
            found += check(criterion, at)
        found += _condition(rubric, index, at)
    return found


# --- The whole rubric ---------------------------------------------------------------------------------------


def _too_many(rubric: RubricSpec) -> Iterator[Finding]:
    asked = [c for c in rubric.criteria if not CRITERIA[c.type].in_words]
    if len(asked) > MOST_CRITERIA:
        yield Finding(
            "too-many-criteria",
            "",
            ("criteria",),
            f"The rubric asks {len(asked)} questions; more than {MOST_CRITERIA} tire raters.",
            "The later questions are answered after the first impression. Split it into two rounds, or drop what no "
            "decision hangs on.",
        )


_FAULT = re.compile(
    r"\b(not|no|never|without|fail\w*|wrong\w*|error\w*|mistake\w*|false\w*|miss\w*|omit\w*|contradict\w*|harm\w*|"
    r"unsafe|toxic\w*|invent\w*|fabricat\w*|leak\w*|break\w*|broke\w*|violat\w*|ignor\w*|irrelevant|offen\w*|"
    r"mislead\w*|unsupported|repeat\w*|drift\w*|refus\w*|unnecessar\w*|insult\w*|bias\w*|stereotyp\w*|forget\w*|lose\w*)\b"
)


def _all_positive(rubric: RubricSpec) -> Iterator[Finding]:
    asked = [(n, c) for n, c in enumerate(rubric.criteria) if CRITERIA[c.type].fixed_levels]
    if len(asked) < FEW_YES_NO or any(_FAULT.search(c.question.casefold()) for _, c in asked):
        return
    index, last = asked[-1]
    yield Finding(
        "all-positive",
        last.key,
        ("criteria", index, "question"),
        f"All {len(asked)} yes-or-no questions are worded so that yes is the good answer.",
        "Some people say yes to whatever is asked. Ask at least one so that yes is the fault, such as: “Does it "
        "contradict itself?”",
    )


def _condition(rubric: RubricSpec, index: int, at: Path) -> Iterator[Finding]:
    """A question that is never shown, because what it waits for cannot happen."""
    criterion = rubric.criteria[index]
    rule = criterion.shown_if
    if not rule:
        return
    other = next((c for c in rubric.criteria if c.key == rule.get("criterion")), None)
    if other is None:
        known = ", ".join(c.key for c in rubric.criteria if c.key != criterion.key) or "none"
        sentence = f"“{criterion.key}” waits for “{rule.get('criterion')}”, which the rubric does not ask."
        yield Finding(
            "broken-condition",
            criterion.key,
            (*at, "shown_if"),
            sentence,
            f"It may never be shown. There are: {known}.",
        )
        return
    wanted = rule.get("is")
    accepted = {str(value) for value in (wanted if isinstance(wanted, list) else [wanted])}
    codes = {level.code for level in other.levels}
    if codes and not CRITERIA[other.type].levels_are_marks and not accepted & (codes | {"x", "none"}):
        yield Finding(
            "broken-condition",
            criterion.key,
            (*at, "shown_if"),
            f"“{criterion.key}” waits for an answer to “{other.key}” that it does not have.",
            f"It is never shown. The answers are: {', '.join(level.code for level in other.levels)}.",
        )


# --- One criterion ------------------------------------------------------------------------------------------

# Pairs that are one thing, or where "or" gives examples of one thing.
_ONE_THING = re.compile(
    r"\b(whether or not|and/or|and so on|or so|black and white|pros and cons|terms and conditions|dos and don'?ts|"
    r"step by step|between \w+ and \w+|more or less|one or more|two or more|at least one or|question and answer|"
    r"back and forth|bread and butter|names? and addresses|before and after|yes or no|now and then)\b"
)
_JOINS = re.compile(r"\b(and|as well as)\b")


def _double_barrelled(criterion: CriterionSpec, at: Path) -> Iterator[Finding]:
    if CRITERIA[criterion.type].in_words:
        return
    question = _ONE_THING.sub(" ", criterion.question.casefold())
    question = re.sub(r"\([^)]*\)|“[^”]*”|\"[^\"]*\"", " ", question)
    join = _JOINS.search(question)
    if join is None and question.count("?") < 2:
        return
    what = f"joins two things with “{join.group()}”" if join else "asks two questions"
    yield Finding(
        "double-barrelled",
        criterion.key,
        (*at, "question"),
        f"The question of “{criterion.key}” {what}.",
        "An answer that is right about one and wrong about the other has no level. Ask them apart.",
    )


def _long_question(criterion: CriterionSpec, at: Path) -> Iterator[Finding]:
    if len(criterion.question) > MOST_QUESTION:
        yield Finding(
            "long-question",
            criterion.key,
            (*at, "question"),
            f"The question of “{criterion.key}” has {len(criterion.question)} characters.",
            f"It is read with every task. Keep it below {MOST_QUESTION} and move the rest to the guidance.",
        )


def _anchors(criterion: CriterionSpec, at: Path) -> Iterator[Finding]:
    kind = CRITERIA[criterion.type]
    if kind.fixed_levels:
        if not criterion.guidance and not any(level.anchor for level in criterion.levels):
            yield Finding(
                "missing-anchors",
                criterion.key,
                (*at, "guidance"),
                f"“{criterion.key}” says nowhere when the answer is yes.",
                "Where yes begins is left to each rater. Give it guidance, or say what yes and no mean.",
            )
        return
    if kind.levels_are_marks and not criterion.levels:
        yield Finding(
            "missing-anchors",
            criterion.key,
            (*at, "levels"),
            f"The slider “{criterion.key}” has no mark.",
            "Without a described end nobody knows what 30 is. Describe at least 0, 50 and 100.",
        )
    bare = [level.code for level in criterion.levels if not level.anchor]
    if not bare:
        return
    first = next(n for n, level in enumerate(criterion.levels) if not level.anchor)
    which = f"level {bare[0]}" if len(bare) == 1 else f"levels {', '.join(bare)}"
    yield Finding(
        "missing-anchors",
        criterion.key,
        (*at, "levels", first),
        f"“{criterion.key}” does not describe {which}.",
        "A label alone means something else to everybody. Say what such an answer is like, so that two raters agree.",
    )


_EMPTY = {
    *("a", "an", "the", "is", "are", "of", "to", "in", "it", "its", "and", "or", "that", "this", "with", "be", "has"),
    *("have", "for", "on", "as", "by", "at", "one", "answer"),
}


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold())) - _EMPTY


def _overlap(criterion: CriterionSpec, at: Path) -> Iterator[Finding]:
    for (_, one), (n, two) in combinations(enumerate(criterion.levels), 2):
        labels = one.label.casefold() == two.label.casefold()
        if not labels and not _alike(one, two):
            continue
        what = "have the same label" if labels else "are described in nearly the same words"
        yield Finding(
            "overlapping-levels",
            criterion.key,
            (*at, "levels", n, "label" if labels else "anchor"),
            f"Levels {one.code} and {two.code} of “{criterion.key}” {what}.",
            "Raters will split over them by chance. Say what the one has that the other has not, or make them one.",
        )


def _alike(one: LevelSpec, two: LevelSpec) -> bool:
    a, b = _words(one.anchor), _words(two.anchor)
    if not a or not b:
        return False
    if a == b:
        return True
    apart = a ^ b
    # One number or one "not" can be all that tells two levels apart, and says enough.
    telling = {"not", "no", "none", "never", "without", "all", "some", "most", "few", "many", "both", "only", "every"}
    if apart & telling or any(word.isdigit() for word in apart):
        return False
    return len(a & b) / len(a | b) >= ALIKE


_GOOD = {
    *("good", "great", "excellent", "perfect", "outstanding", "superb", "very good", "fair", "satisfactory", "fine"),
    *("strong", "clear", "correct", "right", "helpful", "useful", "accurate", "polite", "safe", "complete", "faithful"),
}
_BAD = {
    *("bad", "poor", "terrible", "awful", "very bad", "wrong", "weak", "unclear", "incorrect", "useless", "inaccurate"),
    *("rude", "unsafe", "incomplete", "unfaithful", "misleading", "unacceptable", "failed", "broken"),
}


def _side(label: str) -> int:
    words = re.findall(r"\w+", label.casefold())
    turned = any(w in ("not", "no", "hardly", "barely", "never") for w in words)
    good, bad = any(w in _GOOD for w in words), any(w in _BAD for w in words)
    if good == bad:
        return 0
    side = 1 if good else -1
    return -side if turned else side


def _unbalanced(criterion: CriterionSpec, at: Path) -> Iterator[Finding]:
    if not CRITERIA[criterion.type].graded or len(criterion.levels) < 3:
        return
    sides = [_side(level.label) for level in criterion.levels]
    up, down = sides.count(1), sides.count(-1)
    if abs(up - down) >= 2 and min(up, down) == 0:
        which, other = ("good", "bad") if up else ("bad", "good")
        yield Finding(
            "unbalanced-scale",
            criterion.key,
            (*at, "levels"),
            f"“{criterion.key}” has {max(up, down)} {which} levels and no {other} one.",
            f"Raters spread over what is offered, so figures look {'better' if up else 'worse'} than the answers are. "
            f"Offer as many steps down as up.",
        )


def _steps(criterion: CriterionSpec, at: Path) -> Iterator[Finding]:
    numbers = [level.number for level in criterion.levels if level.number is not None]
    equal = CRITERIA[criterion.type].graded and criterion.level_of_measurement in ("interval", "ratio")
    if not equal or len(numbers) < 3:
        return
    gaps = {round(b - a, 9) for a, b in pairwise(numbers)}
    if len(gaps) > 1:
        yield Finding(
            "uneven-steps",
            criterion.key,
            (*at, "levels"),
            f"“{criterion.key}” is declared {criterion.level_of_measurement}, and its steps are not equal.",
            "Means are taken of these numbers as they stand. Make the steps equal, or declare it ordinal.",
        )


def _many_levels(criterion: CriterionSpec, at: Path) -> Iterator[Finding]:
    if CRITERIA[criterion.type].graded and len(criterion.levels) > MOST_LEVELS:
        yield Finding(
            "too-many-levels",
            criterion.key,
            (*at, "levels"),
            f"“{criterion.key}” has {len(criterion.levels)} levels; people tell about {MOST_LEVELS} apart.",
            "Neighbouring levels are then chosen by chance, which looks like disagreement.",
        )


CHECKS: tuple[Callable[[CriterionSpec, Path], Iterator[Finding]], ...] = (
    _double_barrelled, _long_question, _anchors, _overlap, _unbalanced, _steps, _many_levels,
)  # fmt: skip
TITLES = {
    "missing-anchors": "a level, or a yes, that is not described",
    "overlapping-levels": "two levels with the same label or nearly the same words",
    "double-barrelled": "a question that asks two things",
    "all-positive": "yes-or-no questions that all have yes as the good answer",
    "unbalanced-scale": "a scale with good steps and no bad ones, or the other way about",
    "uneven-steps": "an interval or ratio scale whose numbers do not rise by equal steps",
    "too-many-criteria": f"more than {MOST_CRITERIA} questions",
    "too-many-levels": f"a scale of more than {MOST_LEVELS} levels",
    "long-question": f"a question longer than {MOST_QUESTION} characters",
    "broken-condition": "a question that waits for an answer nobody can give",
}

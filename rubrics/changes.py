"""What changed between two versions of a rubric, and what that means for comparing figures. Pure.

A figure over two rounds is only as comparable as its question: the same words with another scale are another
measurement. The rules stand in `docs/how-to/rubrics.md`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

from rubrics.criteria import CRITERIA
from rubrics.specs import CriterionSpec, LevelSpec, RubricSpec


class Kind(StrEnum):
    WORDING = "wording"  # the question, its guidance, its examples
    ANCHOR = "anchor"  # what a level says
    SCALE = "scale"  # which answers there are, and what they are worth
    ASKING = "asking"  # when and of whom it is asked, and how it counts in a total
    ADDED = "added"
    REMOVED = "removed"


class Meaning(StrEnum):
    COMPARABLE = "comparable"
    WITH_CARE = "with_care"
    NOT_COMPARABLE = "not_comparable"


ORDER = list(Meaning)
TITLES = {
    Meaning.COMPARABLE: "Comparable",
    Meaning.WITH_CARE: "Comparable with care",
    Meaning.NOT_COMPARABLE: "Not comparable",
}
KIND_TITLES = {
    Kind.WORDING: "Wording",
    Kind.ANCHOR: "Anchor",
    Kind.SCALE: "Scale",
    Kind.ASKING: "How it is asked",
    Kind.ADDED: "Added",
    Kind.REMOVED: "Removed",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs. `before` and `after` are what people read, for the word diff."""

    criterion: str
    kind: Kind
    place: str
    before: str
    after: str
    meaning: Meaning
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """May figures of this criterion from both versions stand side by side?"""

    criterion: str
    meaning: Meaning
    changes: tuple[Change, ...] = ()

    @property
    def title(self) -> str:
        return TITLES[self.meaning]

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(change.why for change in self.changes))


@dataclass(frozen=True, slots=True)
class Piece:
    """Words that stand in both texts ("same"), only in the second ("added") or only in the first ("removed")."""

    op: str
    text: str


# --- Which answers there are ------------------------------------------------------------------------------

_SETTINGS = {
    "type": "the kind of answer",
    "level_of_measurement": "the level of measurement",
    "scope": "what it is asked about",
}
_OTHER_ANSWERS = "The answers that can be given differ, so a figure of one version says nothing about the other."
_REMARKED = "The numbers that can be given are the same, and raters read other marks beside them."
_OTHER_THING = "It is asked about something else, so its figures count other things."


def _scale(old: CriterionSpec, new: CriterionSpec) -> Iterator[Change]:
    for name, place in _SETTINGS.items():
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            why = _OTHER_THING if name == "scope" else _OTHER_ANSWERS
            yield Change(new.key, Kind.SCALE, place, _word(before), _word(after), Meaning.NOT_COMPARABLE, why)
    before, after = _values(old.levels), _values(new.levels)
    if old.type == new.type and CRITERIA[new.type].levels_are_marks:
        yield from _marks(old, new)
    elif set(before) != set(after):
        yield Change(
            new.key, Kind.SCALE, "the levels", _listed(before), _listed(after), Meaning.NOT_COMPARABLE, _OTHER_ANSWERS
        )
    elif before != after:
        why = "The levels stand in another order. People lean towards what is read first."
        yield Change(
            new.key, Kind.SCALE, "the order of the levels", _listed(before), _listed(after), Meaning.WITH_CARE, why
        )
    if old.type != new.type:
        return
    for name in sorted({*old.config, *new.config}):
        if old.config.get(name) == new.config.get(name):
            continue
        meaning, why = (
            (Meaning.COMPARABLE, "Only the size of the box differs.")
            if name == "rows"
            else (Meaning.NOT_COMPARABLE, _OTHER_ANSWERS)
        )
        yield Change(
            new.key, Kind.SCALE, f"“{name}”", _word(old.config.get(name)), _word(new.config.get(name)), meaning, why
        )


def _marks(old: CriterionSpec, new: CriterionSpec) -> Iterator[Change]:
    """Marks are no answers: where there are others, the same numbers mean something else."""
    before, after = _values(old.levels), _values(new.levels)
    if before != after:
        yield Change(new.key, Kind.ANCHOR, "the marks", _listed(before), _listed(after), Meaning.WITH_CARE, _REMARKED)


def _values(levels: Sequence[LevelSpec]) -> list[tuple[str, float | None]]:
    return [(level.code, level.number) for level in levels]


def _listed(values: Sequence[tuple[str, float | None]]) -> str:
    return ", ".join(code for code, _ in values)


def _word(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_word, value)) or "nothing"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_word(item)}" for key, item in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


# --- What raters read -------------------------------------------------------------------------------------

_REWORDED = "Raters read other words, so they may answer otherwise. Re-rate some tasks with both before you compare."
_RESPACED = "Only spaces, capitals or punctuation differ."
_GUIDED = "The rule of judging differs, though the question is the same."
_ANCHORED = "A level means something else to raters, so its share may move without any change in the answers judged."


def _plain_words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _text(key: str, kind: Kind, place: str, before: str, after: str, why: str) -> Iterator[Change]:
    if before == after:
        return
    same = _plain_words(before) == _plain_words(after) != ""
    meaning = Meaning.COMPARABLE if same else Meaning.WITH_CARE
    yield Change(key, kind, place, before, after, meaning, _RESPACED if same else why)


def _wording(old: CriterionSpec, new: CriterionSpec) -> Iterator[Change]:
    yield from _text(new.key, Kind.WORDING, "the question", old.question, new.question, _REWORDED)
    yield from _text(new.key, Kind.WORDING, "the guidance", old.guidance, new.guidance, _GUIDED)
    before, after = _examples(old), _examples(new)
    yield from _text(new.key, Kind.WORDING, "the examples", before, after, _GUIDED)


def _examples(spec: CriterionSpec) -> str:
    lines = []
    for example in spec.examples:
        fits = "Fits" if example.get("positive", True) else "Does not fit"
        why = f" ({example['why']})" if example.get("why") else ""
        lines.append(f"{fits}: {example['text']}{why}")
    return "\n".join(lines)


def _anchors(old: CriterionSpec, new: CriterionSpec) -> Iterator[Change]:
    known = {level.code: level for level in old.levels}
    for level in new.levels:
        was = known.get(level.code)
        if was is None:
            continue
        for name, words in (("label", "the label"), ("anchor", "the anchor"), ("example", "the example")):
            place = f"{words} of {level.code}"
            yield from _text(new.key, Kind.ANCHOR, place, getattr(was, name), getattr(level, name), _ANCHORED)


# --- When and how it is asked -----------------------------------------------------------------------------


def _asking(old: CriterionSpec, new: CriterionSpec) -> Iterator[Change]:
    asked = (
        ("shown_if", "when it is asked", Meaning.NOT_COMPARABLE, "It is asked of other tasks, so its figures are of "
         "another population."),
        ("required", "whether it needs an answer", Meaning.WITH_CARE, "Other tasks may go without an answer."),
        ("allow_cannot_judge", "whether “cannot judge” is offered", Meaning.WITH_CARE,
         "Raters in doubt had to choose a level in one version and not in the other."),
        ("weight", "its weight", Meaning.COMPARABLE, "Its own figures are comparable; a weighted total is not."),
    )  # fmt: skip
    for name, place, meaning, why in asked:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield Change(new.key, Kind.ASKING, place, _word(before), _word(after), meaning, why)


def _moved(a: RubricSpec, b: RubricSpec) -> Iterator[Change]:
    """The criteria that changed their place among those in both versions."""
    before = [c.key for c in a.criteria if any(c.key == o.key for o in b.criteria)]
    after = [c.key for c in b.criteria if c.key in before]
    stayed = {
        after[block.b + n]
        for block in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
        for n in range(block.size)
    }
    for key in after:
        if key not in stayed:
            why = "It is asked at another place. An answer leans on those given just before it."
            yield Change(
                key, Kind.ASKING, "its place", str(before.index(key) + 1), str(after.index(key) + 1),
                Meaning.WITH_CARE, why,
            )  # fmt: skip


# --- The whole --------------------------------------------------------------------------------------------


def changes(a: RubricSpec, b: RubricSpec) -> tuple[Change, ...]:
    """Everything that differs, in the order of the second version; what it no longer has comes last."""
    old = {c.key: c for c in a.criteria}
    moved = {change.criterion: change for change in _moved(a, b)}
    found: list[Change] = []
    for criterion in b.criteria:
        was = old.get(criterion.key)
        if was is None:
            found.append(_added(criterion, _twin(criterion, a, b)))
            continue
        for part in (_wording, _anchors, _scale, _asking):
            found += part(was, criterion)
        if criterion.key in moved:
            found.append(moved[criterion.key])
    kept = {c.key for c in b.criteria}
    found += [_removed(c, _twin(c, b, a)) for c in a.criteria if c.key not in kept]
    return tuple(found)


def _added(criterion: CriterionSpec, twin: str) -> Change:
    why = (
        f"It asks the same as “{twin}” did, under another key. Give it the old key to compare them."
        if twin
        else "The first version did not ask it."
    )
    return Change(criterion.key, Kind.ADDED, "the criterion", "", criterion.question, Meaning.NOT_COMPARABLE, why)


def _removed(criterion: CriterionSpec, twin: str) -> Change:
    why = f"“{twin}” asks the same under another key." if twin else "The second version does not ask it any more."
    return Change(criterion.key, Kind.REMOVED, "the criterion", criterion.question, "", Meaning.NOT_COMPARABLE, why)


def _twin(criterion: CriterionSpec, others: RubricSpec, own: RubricSpec) -> str:
    """A criterion of the other version that is the same but for its key."""
    taken = {c.key for c in own.criteria}
    bare = replace(criterion, id=None, key="")
    return next((c.key for c in others.criteria if c.key not in taken and replace(c, id=None, key="") == bare), "")


def verdict(a: RubricSpec, b: RubricSpec, criterion: str) -> Verdict:
    """Whether figures of one criterion may be compared over the two versions, with every reason."""
    found = tuple(change for change in changes(a, b) if change.criterion == criterion)
    if not found and not any(c.key == criterion for c in b.criteria):
        why = "Neither version asks it."
        nothing = Change(criterion, Kind.REMOVED, "the criterion", "", "", Meaning.NOT_COMPARABLE, why)
        return Verdict(criterion, Meaning.NOT_COMPARABLE, (nothing,))
    return Verdict(criterion, worst(change.meaning for change in found), found)


def verdicts(a: RubricSpec, b: RubricSpec) -> tuple[Verdict, ...]:
    """One for every criterion of either version, those of the second first."""
    found = changes(a, b)
    keys = [c.key for c in b.criteria]
    keys += [c.key for c in a.criteria if c.key not in keys]
    own = [tuple(change for change in found if change.criterion == key) for key in keys]
    return tuple(Verdict(key, worst(c.meaning for c in mine), mine) for key, mine in zip(keys, own, strict=True))


def worst(meanings: Iterable[Meaning]) -> Meaning:
    return max(meanings, key=ORDER.index, default=Meaning.COMPARABLE)


def to_rate_again(a: RubricSpec, b: RubricSpec) -> list[str]:
    """The criteria of the second version whose figures cannot simply be taken from the first."""
    kept = {c.key for c in b.criteria}
    return [v.criterion for v in verdicts(a, b) if v.criterion in kept and v.meaning != Meaning.COMPARABLE]


# --- Words ------------------------------------------------------------------------------------------------

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
MOST_WORK = 4_000_000  # pairs of words; beyond that only the ends that are equal are found


def word_diff(before: str, after: str) -> list[Piece]:
    """The two texts as one, word by word. Taking the removed out gives the second, the added out the first."""
    a, b = _TOKEN.findall(before), _TOKEN.findall(after)
    pieces: list[Piece] = []
    for op, a0, a1, b0, b1 in _operations(a, b):
        if op == "equal":
            _add(pieces, "same", a[a0:a1])
            continue
        _add(pieces, "removed", a[a0:a1])
        _add(pieces, "added", b[b0:b1])
    return pieces


def _operations(a: list[str], b: list[str]) -> Iterator[tuple[str, int, int, int, int]]:
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    a_end, b_end = len(a) - end, len(b) - end
    yield "equal", 0, start, 0, start
    if (a_end - start) * (b_end - start) > MOST_WORK:
        yield "replace", start, a_end, start, b_end
    else:
        inner = SequenceMatcher(None, a[start:a_end], b[start:b_end], autojunk=False)
        for op, a0, a1, b0, b1 in inner.get_opcodes():
            yield op, a0 + start, a1 + start, b0 + start, b1 + start
    yield "equal", a_end, len(a), b_end, len(b)


def _add(pieces: list[Piece], op: str, tokens: list[str]) -> None:
    text = "".join(tokens)
    if not text:
        return
    if pieces and pieces[-1].op == op:
        pieces[-1] = Piece(op, pieces[-1].text + text)
    else:
        pieces.append(Piece(op, text))

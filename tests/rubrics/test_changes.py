"""What differs between two versions, and what that means for comparing figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubrics.changes import ORDER, Kind, Meaning, changes, to_rate_again, verdict, verdicts, word_diff
from rubrics.specs import CriterionSpec, LevelSpec, RubricSpec
from tests.factories import CORRECT, OVERALL

POLITE = CriterionSpec("polite", "yes_no", "Is it polite?", "nominal", guidance="Please and thanks are enough.")
MINUTES = CriterionSpec("minutes", "number", "How long?", "ratio", config={"min": 0, "unit": "minutes"})
SURE = CriterionSpec("sure", "slider", "How sure?", "interval", levels=(LevelSpec("0", "Not at all", 0.0),))
BEFORE = RubricSpec(name="A", criteria=(CORRECT, POLITE, MINUTES, SURE))


def after(which: str, **fields: Any) -> RubricSpec:
    return replace(BEFORE, criteria=tuple(replace(c, **fields) if c.key == which else c for c in BEFORE.criteria))


def levels(n: int, **fields: Any) -> tuple[LevelSpec, ...]:
    return tuple(replace(x, **fields) if i == n else x for i, x in enumerate(CORRECT.levels))


MORE = (*CORRECT.levels, LevelSpec("4", "Level 4", 4.0))
CASES: dict[str, tuple[RubricSpec, str, Kind, Meaning]] = {
    "another question": (after("correct", question="Is any claim true?"), "correct", Kind.WORDING, Meaning.WITH_CARE),
    "other capitals": (after("correct", question="Is EVERY claim true"), "correct", Kind.WORDING, Meaning.COMPARABLE),
    "guidance": (after("polite", guidance="Thanks are enough."), "polite", Kind.WORDING, Meaning.WITH_CARE),
    "an example": (after("polite", examples=({"text": "Bye."},)), "polite", Kind.WORDING, Meaning.WITH_CARE),
    "an anchor": (after("correct", levels=levels(1, anchor="Other.")), "correct", Kind.ANCHOR, Meaning.WITH_CARE),
    "a label": (after("correct", levels=levels(0, label="Bad")), "correct", Kind.ANCHOR, Meaning.WITH_CARE),
    "one level more": (after("correct", levels=MORE), "correct", Kind.SCALE, Meaning.NOT_COMPARABLE),
    "a mark more": (
        after("sure", levels=(*SURE.levels, LevelSpec("50", "Half", 50.0))), "sure", Kind.ANCHOR, Meaning.WITH_CARE,
    ),
    "one level less": (after("correct", levels=MORE[:2]), "correct", Kind.SCALE, Meaning.NOT_COMPARABLE),
    "a level renumbered": (after("correct", levels=levels(2, number=9.0)), "correct", Kind.SCALE, ORDER[2]),
    "levels turned round": (after("correct", levels=MORE[2::-1]), "correct", Kind.SCALE, Meaning.WITH_CARE),
    "another type": (after("polite", type="text"), "polite", Kind.SCALE, Meaning.NOT_COMPARABLE),
    "measurement": (
        after("correct", level_of_measurement="interval"), "correct", Kind.SCALE, Meaning.NOT_COMPARABLE,
    ),
    "a unit": (after("minutes", config={"min": 0, "unit": "hours"}), "minutes", Kind.SCALE, Meaning.NOT_COMPARABLE),
    "of each output": (after("polite", scope="output"), "polite", Kind.SCALE, Meaning.NOT_COMPARABLE),
    "optional": (after("polite", required=False), "polite", Kind.ASKING, Meaning.WITH_CARE),
    "cannot judge": (after("correct", allow_cannot_judge=False), "correct", Kind.ASKING, Meaning.WITH_CARE),
    "a condition": (
        after("minutes", shown_if={"criterion": "polite", "is": "no"}), "minutes", Kind.ASKING, Meaning.NOT_COMPARABLE,
    ),
    "a weight": (after("polite", weight=2.0), "polite", Kind.ASKING, Meaning.COMPARABLE),
    "a new criterion": (
        replace(BEFORE, criteria=(*BEFORE.criteria, OVERALL)), "overall", Kind.ADDED, Meaning.NOT_COMPARABLE,
    ),
    "one left out": (
        replace(BEFORE, criteria=(CORRECT, POLITE, SURE)), "minutes", Kind.REMOVED, Meaning.NOT_COMPARABLE,
    ),
    "another place": (
        replace(BEFORE, criteria=(MINUTES, CORRECT, POLITE, SURE)), "minutes", Kind.ASKING, Meaning.WITH_CARE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_change_is_classified_and_says_what_it_means(case: str) -> None:
    newer, key, kind, meaning = CASES[case]
    [change] = changes(BEFORE, newer)
    assert (change.criterion, change.kind, change.meaning) == (key, kind, meaning)
    assert change.why.endswith(".")
    assert change.place
    found = verdict(BEFORE, newer, key)
    assert (found.meaning, found.changes) == (meaning, (change,))
    others = {c.key for c in BEFORE.criteria} - {key}
    assert all(verdict(BEFORE, newer, other).meaning == Meaning.COMPARABLE for other in others)


def test_every_kind_is_among_the_cases() -> None:
    assert {kind for _, _, kind, _ in CASES.values()} == set(Kind)


def test_the_worst_change_decides() -> None:
    newer = after("correct", weight=3.0, question="Is it so?", levels=MORE)
    assert [c.meaning for c in changes(BEFORE, newer)] == ["with_care", "not_comparable", "comparable"]
    assert verdict(BEFORE, newer, "correct").meaning == Meaning.NOT_COMPARABLE


def test_a_version_is_comparable_with_itself_and_row_ids_do_not_matter() -> None:
    stored = replace(BEFORE, criteria=tuple(replace(c, id=n) for n, c in enumerate(BEFORE.criteria)))
    assert changes(BEFORE, stored) == ()
    assert {v.meaning for v in verdicts(BEFORE, stored)} == {Meaning.COMPARABLE}
    assert to_rate_again(BEFORE, stored) == []


def test_what_neither_version_asks_is_not_comparable() -> None:
    found = verdict(BEFORE, BEFORE, "length")
    assert found.meaning == Meaning.NOT_COMPARABLE
    assert found.reasons == ("Neither version asks it.",)


def test_a_renamed_key_is_recognised() -> None:
    added, removed = changes(BEFORE, after("polite", key="manners"))
    assert "It asks the same as “polite” did" in added.why
    assert "“manners” asks the same" in removed.why


def test_what_must_be_rated_again_leaves_out_what_is_gone_or_only_weighs_otherwise() -> None:
    newer = replace(
        after("correct", weight=2.0), criteria=(replace(CORRECT, weight=2.0), replace(POLITE, scope="output"), OVERALL)
    )
    assert to_rate_again(BEFORE, newer) == ["polite", "overall"]


def test_words_are_compared_and_not_letters() -> None:
    pieces = word_diff("Is every claim true?", "Is any claim really true?")
    assert [(p.op, p.text) for p in pieces] == [
        ("same", "Is "), ("removed", "every"), ("added", "any"), ("same", " claim"), ("added", " really"),
        ("same", " true?"),
    ]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.text(" ab.\n", max_size=40), st.text(" ab.\n", max_size=40))
def test_the_diff_holds_both_texts(before: str, after: str) -> None:
    pieces = word_diff(before, after)
    assert "".join(p.text for p in pieces if p.op != "added") == before
    assert "".join(p.text for p in pieces if p.op != "removed") == after
    assert all(one.op != two.op for one, two in zip(pieces, pieces[1:], strict=False))


def test_huge_texts_cost_little() -> None:
    before, after = "a b " * 50_000, "c d " * 50_000
    assert [p.op for p in word_diff(before + "end", after + "end")] == ["removed", "added", "same"]

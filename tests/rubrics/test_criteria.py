"""The contract of every criterion type: what it reads it gives back, and nonsense is refused in a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.template.loader import get_template

from rubrics.criteria import CANNOT_JUDGE, CRITERIA
from rubrics.criteria.preference import Preference
from rubrics.criteria.text import MAX_LENGTH
from rubrics.specs import Answer, AnswerError, CriterionSpec, LevelSpec

NUMBERED = tuple(LevelSpec(str(n), f"Level {n}", float(n)) for n in (1, 2, 3))
HALVES = tuple(LevelSpec(c, f"Level {c}", n) for c, n in (("-1.5", -1.5), ("0", 0.0), ("2.25", 2.25)))
WORDS = (LevelSpec("billing", "Billing"), LevelSpec("refund", "A refund"))


def spec(type: str, **fields: Any) -> CriterionSpec:
    fields.setdefault("level_of_measurement", CRITERIA[type].default_measurement)
    made = CriterionSpec(key="k", type=type, question="Is it?", allow_cannot_judge=True, **fields)
    return CRITERIA[type].normalise(made)


# Name, definition, what a form may send, what a file may say as well, nonsense.
CASES: dict[str, tuple[CriterionSpec, list[str], list[Any], list[Any]]] = {
    "scale": (spec("scale", levels=NUMBERED), ["1", "2", "3"], [1, 2.0, "3.0", "level 2"], ["4", "0", "", "one", 1.5]),
    "scale of halves": (
        spec("scale", levels=HALVES, level_of_measurement="interval"), ["-1.5", "0", "2.25"], [-1.5], ["2", None],
    ),
    "nominal scale": (
        spec("scale", levels=NUMBERED, level_of_measurement="nominal"), ["1", "3"], [1, "Level 1"], ["nan"],
    ),
    "one of": (spec("one_of", levels=WORDS), ["billing", "refund"], ["BILLING", "A refund"], ["1", "bill", True]),
    "yes or no": (
        spec("yes_no"), ["yes", "no"], [True, False, 1, 0, "Y", "1.0", "False"], ["maybe", "2", None, "ja"],
    ),
    "preference": (
        spec("preference", config={"points": 5, "ties": ["tie", "both_bad"]}),
        ["-2", "-1", "tie", "1", "2", "both_bad"], ["a", "B", 2, -1.0, "TIE", 0], ["3", "-3", 1.5, "both_good", "c"],
    ),
    "preference of four points without ties": (
        spec("preference", config={"points": 4, "ties": []}), ["-2", "1"], ["a"], ["tie", "0", 0, "both_bad"],
    ),
    "preference of seven points": (
        spec("preference", config={"points": 7, "ties": ["both_good"]}), ["-3", "3", "tie", "both_good"], [], ["4"],
    ),
    "number": (
        spec("number", config={"min": 0, "max": 10, "unit": "s"}), ["0", "2.5", "10"], [7, "1e1"],
        ["-1", "10.01", "nan", "inf", "1e999", "ten", True, None],
    ),
    "number without bounds": (spec("number"), ["-5", "1000000"], [0.25], ["-inf", "x y"]),
    "several of": (
        spec("several_of", levels=WORDS, config={"at_most": 2}), ["billing", "refund", "billing|refund", "none"],
        ["refund | billing", ["billing"], [], '["A refund"]', "BILLING"], ["", "tone", "none|billing", "[x"],
    ),
    "one of several": (spec("several_of", levels=WORDS, config={"at_most": 1}), ["refund"], [], ["billing|refund"]),
    "ranking": (
        replace(spec("ranking"), outputs=3), ["A:1|B:2|C:3", "A:1|B:1|C:2", "A:1|B:1|C:1"],
        ["C > A = B", [[2], [0, 1]], '[["A"], ["B", "C"]]', [2, 0, 1], "a>b>c"],
        ["", "A:1|B:2", "A > B", "A > A > B > C", "A:1|B:2|C:3|D:4", [[0], [1], [True]], "A:x|B:1|C:2", "[", "A:1|x"],
    ),
    "ranking without ties": (
        replace(spec("ranking", config={"allow_ties": False}), outputs=2), ["A:2|B:1"], ["B>A"], ["A = B", "A:1|B:1"],
    ),
    "best and worst": (
        replace(spec("best_worst"), outputs=4), ["best:A|worst:D", "best:C|worst:B"],
        ["B > D", {"best": "C", "worst": 0}, '{"best": "A", "worst": "B"}'],
        ["", "best:A", "best:A|worst:A", "A", "A > B > C", "best:A|worst:E", {"best": "A"}, "{",
         "best:A|best:B|worst:C"],
    ),
    "spans": (
        replace(spec("spans", config={"categories": ["tone"], "severities": {"minor": 1}}), text="A few words."),
        ["0-1:tone:minor", "0-1:tone:minor|2-5:tone:minor", "none"],
        [[], [{"start": 2, "end": 5, "category": "tone", "severity": "minor"}],
         '[{"quote": "few", "category": "tone", "severity": "minor"}]'],
        ["", "0-1", "0-99:tone:minor", "1-0:tone:minor", "0-1:style:minor", "0-1:tone:dire", "none|0-1:tone:minor",
         '[{"quote": "many", "category": "tone", "severity": "minor"}]', [{"start": True, "end": 2}], "[1", "{"],
    ),
    "slider": (spec("slider"), ["0", "73", "100"], [50, 0.5, "1e1"], ["-1", "101", "nan", "", None, "half"]),
    "text": (spec("text"), ["Because.", "x", "two\nlines"], [5], ["w" * (MAX_LENGTH + 1)]),
}  # fmt: skip


def test_every_type_is_in_the_contract() -> None:
    assert {definition.type for definition, *_ in CASES.values()} == set(CRITERIA)


@pytest.mark.parametrize("case", CASES)
def test_the_definition_is_accepted(case: str) -> None:
    definition = CASES[case][0]
    kind = CRITERIA[definition.type]
    assert kind.problems(definition) == []
    assert kind.normalise(definition) == definition
    assert get_template(kind.template)


@pytest.mark.parametrize("case", CASES)
def test_what_a_form_sends_comes_back_as_chosen(case: str) -> None:
    definition, sent, _, _ = CASES[case]
    kind = CRITERIA[definition.type]
    for value in sent:
        answer = kind.read(definition, value)
        assert not answer.is_empty
        assert kind.form_value(definition, answer) == value


@pytest.mark.parametrize("case", CASES)
def test_everything_offered_can_be_chosen(case: str) -> None:
    definition = CASES[case][0]
    kind = CRITERIA[definition.type]
    offered = list(kind.choices(definition))
    if isinstance(kind, Preference):
        offered += kind.both_choices(definition)
    values = [choice.value for choice in offered]
    keys = [choice.key for choice in offered if choice.key]
    assert len(set(values)) == len(values)
    assert len(set(keys)) == len(keys)
    for value in values:
        assert kind.form_value(definition, kind.read(definition, value)) == value


@pytest.mark.parametrize("case", CASES)
def test_no_answer_is_none_and_shows_none(case: str) -> None:
    definition = CASES[case][0]
    kind = CRITERIA[definition.type]
    for nothing in ("", "  ", "\n"):
        assert kind.read(definition, nothing) == Answer()
    assert kind.form_value(definition, Answer()) == ""


def test_several_labels_are_a_set_in_the_order_of_the_rubric() -> None:
    definition = CASES["several of"][0]
    both = CRITERIA["several_of"].read(definition, "refund|billing")
    assert both == Answer(label="billing|refund", data=["billing", "refund"])
    assert CRITERIA["several_of"].read(definition, "none") == Answer(label="none", data=[])
    assert CRITERIA["several_of"].chosen("billing|refund") == {"billing", "refund"}


def test_a_slider_with_a_number_and_cannot_judge_is_refused() -> None:
    definition = CASES["slider"][0]
    assert CRITERIA["slider"].read(definition, "x|x") == Answer(cannot_judge=True)
    with pytest.raises(AnswerError):
        CRITERIA["slider"].read(definition, "73|x")


@pytest.mark.parametrize("case", [c for c in CASES if c != "text"])
def test_cannot_judge_is_a_flag_and_only_where_offered(case: str) -> None:
    definition = CASES[case][0]
    kind = CRITERIA[definition.type]
    answer = kind.read(definition, CANNOT_JUDGE)
    assert answer == Answer(cannot_judge=True)
    assert kind.form_value(definition, answer) == CANNOT_JUDGE
    without = replace(definition, allow_cannot_judge=False)
    assert kind.cannot_judge_choice(without) is None
    with pytest.raises(AnswerError):
        kind.read(without, CANNOT_JUDGE)


def test_a_text_of_one_letter_is_words() -> None:
    definition = CASES["text"][0]
    assert CRITERIA["text"].read(definition, CANNOT_JUDGE) == Answer(text="x")


@pytest.mark.parametrize("case", CASES)
def test_a_file_says_the_same_in_other_ways(case: str) -> None:
    definition, _, said, _ = CASES[case]
    kind = CRITERIA[definition.type]
    for value in said:
        answer = kind.accept(definition, value)
        assert kind.read(definition, kind.form_value(definition, answer)) == answer


@pytest.mark.parametrize("case", CASES)
def test_nonsense_is_refused_with_what_is_accepted(case: str) -> None:
    definition, _, _, nonsense = CASES[case]
    kind = CRITERIA[definition.type]
    assert nonsense
    for value in nonsense:
        with pytest.raises(AnswerError) as refused:
            kind.accept(definition, value)
        sentence = str(refused.value)
        assert definition.key in sentence
        assert sentence.endswith(".")
        assert "Accepted:" in sentence or "at most" in sentence


@pytest.mark.parametrize("case", CASES)
def test_answers_lie_in_the_declared_domain(case: str) -> None:
    definition, sent, said, _ = CASES[case]
    kind = CRITERIA[definition.type]
    domain = kind.domain(definition)
    if domain is None:
        assert definition.type in ("number", "slider", "several_of", "text", "spans")
        return
    answers = [kind.read(definition, v) for v in sent] + [kind.accept(definition, v) for v in said]
    for answer in answers:
        if definition.outputs:  # the domain is of what an order says of two
            said_of_two = kind.comparisons(answer.data, definition.outputs)
            assert {0.0 if tied else 1.0 for _, _, tied in said_of_two} <= set(domain)
        else:
            assert answer.number in domain or answer.label in domain
    assert len(set(domain)) == len(domain)


def test_the_domain_of_a_preference_has_no_middle_where_no_tie_is_offered() -> None:
    assert CRITERIA["preference"].domain(CASES["preference of four points without ties"][0]) == [-2, -1, 1, 2]
    assert CRITERIA["preference"].domain(CASES["preference"][0]) == [-2, -1, 0, 1, 2]


@pytest.mark.parametrize(
    ("sent", "number", "label"),
    [("-2", -2.0, "a"), ("1", 1.0, "b"), ("tie", 0.0, "tie"), ("both_bad", 0.0, "both_bad")],
)
def test_a_preference_is_signed_towards_b(sent: str, number: float, label: str) -> None:
    assert CRITERIA["preference"].read(CASES["preference"][0], sent) == Answer(number=number, label=label)


def test_an_odd_number_of_points_has_its_tie() -> None:
    assert spec("preference", config={"points": 3, "ties": []}).config["ties"] == ["tie"]
    assert spec("preference", config={"points": 4, "ties": []}).config["ties"] == []


@pytest.mark.parametrize(
    ("made", "field", "words"),
    [
        (spec("scale", levels=NUMBERED[:1]), "levels", "at least two levels"),
        (spec("scale", levels=NUMBERED[::-1]), "levels", "must rise"),
        (spec("scale", levels=WORDS), "levels", "needs a number"),
        (spec("scale", levels=HALVES, level_of_measurement="ratio"), "levels", "cannot be negative"),
        (spec("scale", levels=NUMBERED, level_of_measurement="text"), "level_of_measurement", "can be"),
        (spec("scale", levels=tuple(LevelSpec(str(n), "x", n) for n in range(21))), "levels", "at most 20"),
        (spec("one_of", levels=NUMBERED, level_of_measurement="ordinal"), "level_of_measurement", "can be nominal"),
        (spec("preference", config={"points": 8}), "points", "2 to 7"),
        (spec("preference", config={"points": True}), "points", "2 to 7"),
        (spec("preference", config={"ties": ["draw"]}), "ties", "Accepted: tie, both_good, both_bad"),
        (spec("preference", scope="output"), "scope", "whole task"),
        (spec("number", config={"min": 3, "max": 3}), "min", "below the largest"),
        (spec("number", config={"min": "low"}), "min", "must be a number"),
        (spec("several_of", levels=WORDS[:1]), "levels", "at least two levels"),
        (spec("several_of", levels=(LevelSpec("none", "None"), *WORDS)), "levels", "a meaning of their own"),
        (spec("several_of", levels=(LevelSpec("a|b", "AB"), *WORDS)), "levels", "stands between values"),
        (
            spec("several_of", levels=tuple(LevelSpec(f"label-{n:02}", "x") for n in range(15))),
            "levels",
            "120 characters",
        ),
        (spec("several_of", levels=WORDS, config={"at_most": 3}), "at_most", "from 1 to 2"),
        (spec("several_of", levels=WORDS, config={"at_most": True}), "at_most", "from 1 to 2"),
        (spec("slider", levels=(LevelSpec("101", "High", 101.0),)), "levels", "numbers from 0 to 100"),
        (spec("slider", levels=(LevelSpec("low", "Low"),)), "levels", "numbers from 0 to 100"),
        (spec("slider", levels=NUMBERED[::-1]), "levels", "must rise"),
        (spec("slider", levels=(NUMBERED[0], NUMBERED[0])), "levels", "must rise"),
    ],
)
def test_a_wrong_definition_is_refused_at_its_field(made: CriterionSpec, field: str, words: str) -> None:
    problems = CRITERIA[made.type].problems(made)
    assert [f for f, _ in problems] == [field]
    assert words in problems[0][1]

"""Rubric files: read strictly, by line and column; written so that they read back the same."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from projects.located import MAX_BYTES, MAX_DEPTH, SourceError, load, of_value
from rubrics.criteria import CRITERIA
from rubrics.schema import rubric_digest, rubric_from, rubric_to
from rubrics.specs import RubricSpec
from rubrics.yaml_form import yaml_of

NO_TEXT = "".join(map(chr, [*range(9), 11, 12, *range(14, 32), 127]))
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=NO_TEXT), max_size=30).map(str.strip)
NAMED = WORDS.filter(bool)
KEYS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True)
CODES = NAMED.filter(lambda text: len(text) <= 60)


def level(value: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"value": st.just(value)}, optional=dict.fromkeys(("label", "anchor", "example"), WORDS)
    )


def levels(values: Any, **size: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(values, unique=True, **size).flatmap(lambda found: st.tuples(*(level(v) for v in found)).map(list))


NUMBERS = st.integers(-50, 50) | st.sampled_from([0.5, 1.25, -2.75])
OWN: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "scale": levels(NUMBERS, min_size=2, max_size=7).map(
        lambda rows: {"levels": sorted(rows, key=lambda row: row["value"])}
    ),
    "one_of": levels(KEYS.filter(str.isalpha), min_size=2, max_size=5).map(lambda rows: {"levels": rows}),
    "yes_no": st.just({}),
    "several_of": levels(
        KEYS.filter(lambda key: key.isalpha() and key not in ("none", "x")), min_size=2, max_size=5
    ).map(lambda rows: {"levels": rows, "at_most": 2}),
    "slider": levels(st.integers(0, 100), max_size=4).map(
        lambda rows: {"levels": sorted(rows, key=lambda row: row["value"])}
    ),
    "preference": st.fixed_dictionaries(
        {"points": st.integers(2, 7), "ties": st.lists(st.sampled_from(["tie", "both_good", "both_bad"]), unique=True)}
    ),
    "spans": st.fixed_dictionaries(
        {},
        optional={
            "categories": st.builds(lambda: ["accuracy", "style/tone"]),
            "severities": st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 9), min_size=1),
        },
    ),
    "best_worst": st.just({}),
    "ranking": st.fixed_dictionaries({}, optional={"allow_ties": st.booleans()}),
    "number": st.fixed_dictionaries({}, optional={"min": st.integers(-9, 0), "max": st.integers(1, 9), "unit": WORDS}),
    "text": st.just({}),
}


@st.composite
def criteria(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(CRITERIA)))
    example = st.fixed_dictionaries({"text": NAMED}, optional={"why": WORDS, "positive": st.booleans()})
    made = draw(
        st.fixed_dictionaries(
            {"key": KEYS, "question": NAMED, "type": st.just(kind)},
            optional={
                "guidance": WORDS,
                "required": st.booleans(),
                "cannot_judge": st.booleans(),
                "weight": st.sampled_from([0, 0.5, 1, 3]),
                "examples": st.lists(example, max_size=2),
                "level_of_measurement": st.just(CRITERIA[kind].default_measurement),
                "shown_if": st.just({"criterion": "other", "is": ["yes", "1"]}),
            },
        )
    )
    if draw(st.booleans()):
        made["scope"] = draw(st.sampled_from(CRITERIA[kind].scopes))
    return {**made, **draw(OWN[kind])}


@st.composite
def rubrics(draw: st.DrawFn) -> RubricSpec:
    rows = draw(st.lists(criteria(), min_size=1, max_size=4, unique_by=lambda row: row["key"]))
    value = {"name": draw(NAMED), "description": draw(WORDS), "notes": draw(WORDS), "criteria": rows}
    return rubric_from(of_value(value, "test"), value)


@settings(max_examples=150, deadline=None)
@given(rubrics())
def test_a_rubric_written_as_yaml_reads_back_the_same(spec: RubricSpec) -> None:
    source = load(yaml_of(spec), "rubric.yaml")
    back = rubric_from(source, source.value)
    assert back == spec
    assert rubric_digest(back) == rubric_digest(spec)
    assert rubric_to(back) == rubric_to(spec)


def test_the_digest_is_of_what_is_asked_and_not_of_the_name() -> None:
    one = read("name: A\ncriteria: [{key: k, question: Q, type: yes_no}]")
    assert rubric_digest(one) == rubric_digest(
        read("name: B\nnotes: n\ncriteria: [{key: k, question: Q, type: yes_no}]")
    )
    assert rubric_digest(one) != rubric_digest(read("name: A\ncriteria: [{key: k, question: Q2, type: yes_no}]"))


def test_yaml_is_canonical() -> None:
    """What stands at its default is not written, and the order is fixed."""
    text = yaml_of(read("criteria: [{type: yes_no, weight: 1, question: Q, required: true, key: k}]\nname: A"))
    assert list(yaml.safe_load(text)) == ["name", "criteria"]
    assert list(yaml.safe_load(text)["criteria"][0]) == ["key", "question", "type", "level_of_measurement", "levels"]


def read(text: str) -> RubricSpec:
    source = load(text, "r.yaml")
    return rubric_from(source, source.value)


GOOD = """\
name: Support answers
criteria:
  - key: correct
    question: Is every claim true?
    type: scale
    levels:
      - {value: 1, label: Wrong}
      - {value: 2, label: Right}
  - key: overall
    question: Which is better?
    type: preference
    points: 5
"""


def test_the_good_file_is_good() -> None:
    assert [c.key for c in read(GOOD).criteria] == ["correct", "overall"]


# Replace, by, and the refusal: line, column, words.
WRONG = {
    "unknown key at the top": ("name: Support", "nmae: Support", 1, 1, "“nmae” is not a known key"),
    "unknown key of a criterion": ("    points: 5", "    pionts: 5", 12, 5, "“pionts” is not a known key"),
    "a key of another type": ("    type: scale", "    type: scale\n    points: 5", 6, 5, "“points” is not a known key"),
    "unknown key of a level": ("label: Right", "lable: Right", 8, 20, "“lable” is not a known key"),
    "the same key twice": ("    points: 5", "    points: 5\n    points: 7", 13, 5, "“points” stands here twice"),
    "two criteria with one key": ("key: overall", "key: correct", 9, 5, "two criteria with the key “correct”"),
    "two levels with one value": ("value: 2", "value: 1.0", 8, 10, "The value 1 stands twice"),
    "an unknown type": ("type: scale", "type: stars", 5, 5, "Accepted: scale, yes_no"),
    "no question": ("    question: Is every claim true?\n", "", 3, 5, "needs “question”"),
    "a key with a space": ("key: correct", "key: not correct", 3, 5, "is not a key"),
    "levels that fall": ("value: 2", "value: 0", 6, 5, "must rise"),
    "too many points": ("points: 5", "points: 9", 12, 5, "2 to 7"),
    "a level of measurement of another type": (
        "    type: scale", "    type: scale\n    level_of_measurement: text", 6, 5, "can be nominal, ordinal",
    ),
    "text where a list belongs": ("points: 5", "points: 5\n    examples: none", 13, 5, "must be a list"),
    "a word for yes": ("points: 5", "points: 5\n    required: maybe", 13, 5, "must be true or false"),
    "a weight that is no number": ("points: 5", "points: 5\n    weight: .nan", 13, 5, "must be a number"),
    "a question too long": ("Is every claim true?", "Is it? " * 80, 4, 5, "559 characters; at most 500"),
    "a label too long": ("label: Right", f"label: {'R' * 121}", 8, 20, "at most 120"),
    "a value too long": ("value: 2", f"value: {'v' * 61}", 8, 10, "at most 60"),
    "a sign that is no text": ("Is every claim true?", '"Is it\\0?"', 4, 5, "U+0000"),
    "half a sign": ("label: Right", 'label: "\\ud800"', 8, 20, "U+D800"),
    "a number without end": ("value: 2", f"value: {'9' * 5000}", 8, 10, "more than 300 digits"),
    "a setting of another kind": ("points: 5", "points: '5'", 12, 5, "“points” must be a whole number"),
    "a list that is none": ("points: 5", "ties: tie", 12, 5, "“ties” must be a list"),
    "a condition of another kind": (
        "points: 5", "shown_if: {criterion: [1], is: x}", 12, 5, "needs a criterion's key",
    ),
    "a broken line": ("name: Support", "name: [Support", 2, 9, "not valid YAML"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_by_line_and_column(case: str) -> None:
    old, new, line, column, words = WRONG[case]
    assert old in GOOD
    with pytest.raises(SourceError) as refused:
        read(GOOD.replace(old, new, 1))
    assert refused.value.message.startswith(f"r.yaml, line {line}, column {column}: "), refused.value.message
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("   \n\n", "is empty"),
        ("- a\n- b", "must hold keys and values"),
        ("just words", "must hold keys and values"),
        ("name: A\ncriteria: []", "needs “criteria”|at least one criterion"),
        ("a: &x [1]\nb: *x", "aliases"),
        ("a: !!python/object/apply:os.system [ls]", "not valid YAML"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), f"more than {MAX_DEPTH} deep"),
        ("[" * 10_000, f"more than {MAX_DEPTH} deep"),
        ("? [a, b]\n: c", "must hold|not a known key|not valid YAML"),
        ("a: \x07", "not valid YAML"),
    ],
)
def test_files_that_are_no_rubric_are_refused(text: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        read(text)


def test_an_alias_bomb_costs_nothing() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{new}: &{new} [*{old},*{old},*{old},*{old},*{old},*{old},*{old},*{old},*{old}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(SourceError, match=r"line 2: aliases"):
        read(bomb)


def test_ten_thousand_criteria_are_refused_before_they_are_read() -> None:
    rows = "".join(f"- {{key: c{n}, question: Is it {n}?, type: yes_no}}\n" for n in range(10_000))
    with pytest.raises(SourceError, match=r"line 7145: here the file passes 50,000 values"):
        read(f"name: A\ncriteria:\n{rows}")


def test_a_file_that_is_too_large_is_not_parsed() -> None:
    with pytest.raises(SourceError, match="at most"):
        load("x" * (MAX_BYTES + 1), "r.yaml")


def test_bytes_that_are_not_utf8_are_named() -> None:
    with pytest.raises(SourceError, match="byte 6: this is not UTF-8"):
        load("name: ä".encode("latin-1"), "r.yaml")
    assert load("\ufeffname: ä".encode(), "r.yaml").value == {"name": "ä"}


def test_versions_and_dates_stay_as_written() -> None:
    assert load("v: '2.10'\nd: 2024-01-02", "r.yaml").value == {"v": "2.10", "d": "2024-01-02"}


def test_a_bare_yes_is_a_level_called_yes() -> None:
    text = "name: A\ncriteria: [{key: k, question: Q, type: one_of, levels: [yes, no, maybe]}]"
    assert [x.code for x in read(text).criteria[0].levels] == ["yes", "no", "maybe"]

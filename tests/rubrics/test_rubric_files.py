"""Files nobody meant well by are refused by line in a sentence, and soon; the published schema says the same."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings

from projects.located import SourceError, of_value
from rubrics.criteria import CRITERIA
from rubrics.json_schema import rubric_schema
from rubrics.rubric_files import rubric_check
from rubrics.schema import rubric_from, rubric_to
from rubrics.specs import RubricSpec
from tests.rubrics.test_schema import GOOD, rubrics

PUBLISHED = Path(__file__).parents[2] / "docs" / "rubric.schema.json"
SCHEMA = jsonschema.Draft202012Validator(rubric_schema())
ROW = "  - {key: k%d, question: 'Is it?', type: yes_no}\n"
MANY = "".join(ROW % n for n in range(10_000))
BOMB = "a: &a [x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [*{a},*{a},*{a}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)
)
HOSTILE = {
    "an unknown key": ("name: A\nnmae: B\ncriteria: []", "line 2, column 1: “nmae” is not a known key"),
    "a wrong type": ("name: A\ncriteria: {a: b}", "line 2, column 1: “criteria” must be a list."),
    "a number for a list": ("name: A\ncriteria: 7", "line 2, column 1: “criteria” must be a list."),
    "a key twice": ("name: A\nname: B\ncriteria: []", "line 2, column 1: “name” stands here twice."),
    "a bare no": (
        "name: A\ncriteria:\n  - {key: k, question: Q, type: one_of, levels: [{value: a, label: no}, b]}",
        "line 3, column 61: “label” must be text, and a bare yes, no, true or false is none. Put it in quotes.",
    ),
    "aliases": (BOMB, "line 2: aliases"),
    "ten thousand criteria": ("name: A\ncriteria:\n" + MANY, "passes 50,000 values"),
    "fifty-one criteria": (
        "name: A\ncriteria:\n" + "".join(ROW % n for n in range(51)), "line 2, column 1: A rubric has at most 50",
    ),
    "ten thousand levels": (
        "name: A\ncriteria:\n  - {key: k, question: Q, type: scale, levels: [" + "{value: 1}, " * 10_000 + "]}",
        "A criterion has at most 200 levels, not 10,000.",
    ),
    "ten thousand examples": (
        "name: A\ncriteria:\n  - {key: k, question: Q, type: yes_no, examples: [" + "{text: x}, " * 10_000 + "]}",
        "A criterion has at most 200 examples, not 10,000.",
    ),
    "two million values": ("a: [" + "x," * 2_400_000 + "]", "passes 50,000 values"),
    "comments only": ("#\n" * 2_500_000, "must hold keys and values"),
    "a text without end": ("name: '" + "x" * 5_000_000, "this is not valid YAML"),
    "colons": (":" * 5_000_000, "this is not valid YAML"),
    "brackets": ("[" * 5_000_000, "nested more than 50 deep"),
    "a name for the rubric": ("project: a\nrubric: quality@2", "line 2, column 1: This file names the rubric"),
    "a tag of Python": ("name: !!python/object/apply:os.system ['ls']", "this is not valid YAML"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_bad_file_is_refused_in_a_sentence_and_soon(case: str) -> None:
    text, words = HOSTILE[case]
    started = time.process_time()
    with pytest.raises(SourceError) as refused:
        rubric_check(text, "r.yaml")
    assert time.process_time() - started < 2
    assert words in refused.value.message
    assert refused.value.message.startswith("r.yaml")
    assert refused.value.message[-1] in ".?"


def test_hostile_words_are_kept_as_words() -> None:
    text = "name: '<script>{{7*7}}'\ncriteria: [{key: k, question: '\"><img onerror=x> %s {0}', type: text}]"
    spec = rubric_check(text, "r.yaml").spec
    assert spec.name == "<script>{{7*7}}"
    assert spec.criteria[0].question == '"><img onerror=x> %s {0}'


# --- The schema -----------------------------------------------------------------------------------------------


def test_the_published_schema_is_the_one_of_the_reader() -> None:
    said = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    assert said == rubric_schema(), "write it anew: manage.py rubric_check --schema > docs/rubric.schema.json"
    jsonschema.Draft202012Validator.check_schema(said)


def refusals(value: Any) -> list[str]:
    return [error.message for error in SCHEMA.iter_errors(value)]


@settings(max_examples=60, deadline=None)
@given(rubrics())
def test_the_schema_takes_what_the_reader_writes(spec: RubricSpec) -> None:
    assert refusals(json.loads(json.dumps(rubric_to(spec)))) == []


BAD: list[dict[str, Any]] = [
    {},
    {"name": "A"},
    {"name": "A", "criteria": []},
    {"name": "A", "criteria": "k"},
    {"name": "A", "nmae": "B", "criteria": yaml.safe_load(GOOD)["criteria"]},
    {"name": "", "criteria": yaml.safe_load(GOOD)["criteria"]},
    *(
        {"name": "A", "criteria": [{"key": "k", "question": "Q", "type": "yes_no", **more}]}
        for more in (
            {"type": "stars"}, {"key": "not a key"}, {"question": ""}, {"scope": "all"}, {"required": "maybe"},
            {"weight": "2"}, {"examples": [{"why": "x"}]}, {"points": 5}, {"shown_if": {"criterion": "k"}},
            {"type": "scale"}, {"type": "scale", "levels": [1]}, {"type": "preference", "points": 9},
            {"type": "preference", "ties": ["draw"]}, {"type": "preference", "scope": "output"},
            {"type": "number", "min": "low"}, {"type": "several_of", "levels": ["a", "b"], "at_most": 0},
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize("value", BAD)
def test_schema_and_reader_refuse_alike(value: dict[str, Any]) -> None:
    assert refusals(value)
    with pytest.raises(SourceError):
        rubric_from(of_value(value, "r"), value)


def test_the_schema_knows_every_type() -> None:
    assert set(CRITERIA) <= set(rubric_schema()["$defs"])

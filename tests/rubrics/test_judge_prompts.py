"""A rubric as the prompt of an LLM judge: the words raters read, an answer schema, files for two eval tools."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
import yaml
from django.test import Client

from projects.errors import ServiceError
from projects.models import Project
from rubrics.judge_prompts import FORMS, answer_schema, prompt, written
from rubrics.library import entries
from rubrics.models import RubricVersion
from rubrics.services import rubric_create, version_publish
from rubrics.specs import CriterionSpec, LevelSpec, RubricSpec
from tests.factories import CORRECT, OVERALL
from tests.rubrics.helpers import WHY, text, url

FAULTS = CriterionSpec(
    "faults", "several_of", "Which faults?", "nominal",
    levels=(LevelSpec("tone", "Tone", anchor="Rude."), LevelSpec("form", "Form", anchor="Untidy.")),
)  # fmt: skip
SURE = CriterionSpec("sure", "slider", "How sure?", "interval", required=False)
POLITE = CriterionSpec(
    "polite", "yes_no", "Is it {{polite}}?", "nominal",
    levels=(LevelSpec("no", "No", 0.0, "Rude."), LevelSpec("yes", "Yes", 1.0, "Kind {so}.")),
)  # fmt: skip
SCORED = RubricSpec(name="A", criteria=(CORRECT, POLITE, WHY))
COMPARED = RubricSpec(name="A", criteria=(replace(CORRECT, scope="output"), OVERALL))


def test_the_prompt_says_all_that_raters_read_and_no_free_text_question() -> None:
    said = prompt(SCORED)
    for level in CORRECT.levels:
        assert level.anchor in said
        assert level.label in said
    assert CORRECT.question in said
    assert "cannot_judge" in said
    assert WHY.question not in said
    assert {"{{prompt}}", "{{output}}"} <= set(re.findall(r"\{\{\w+\}\}", said))
    assert "{{output_b}}" in prompt(COMPARED)


GOOD_ANSWERS: list[tuple[RubricSpec, dict[str, Any]]] = [
    (SCORED, {"correct": 2, "polite": "yes"}),
    (SCORED, {"correct": "cannot_judge", "polite": "no"}),
    (COMPARED, {"correct.a": 1, "correct.b": 3, "overall": -2}),
    (COMPARED, {"correct.a": 1, "correct.b": 3, "overall": "both_bad"}),
    (RubricSpec(name="A", criteria=(FAULTS, SURE)), {"faults": ["tone"], "sure": 73.5}),
    (RubricSpec(name="A", criteria=(FAULTS, SURE)), {"faults": [], "sure": None}),
]
BAD_ANSWERS: list[tuple[RubricSpec, dict[str, Any]]] = [
    (SCORED, {"correct": 4, "polite": "yes"}),
    (SCORED, {"correct": 2, "polite": "cannot_judge"}),
    (SCORED, {"correct": 2}),
    (COMPARED, {"correct.a": 1, "correct.b": 3, "overall": 0}),
    (RubricSpec(name="A", criteria=(FAULTS, SURE)), {"faults": ["charm"], "sure": 73.5}),
    (RubricSpec(name="A", criteria=(FAULTS, SURE)), {"faults": [], "sure": 101}),
]


def valid(rubric: RubricSpec, answer: dict[str, Any]) -> bool:
    given = {key: {"reason": "So.", "value": value} for key, value in answer.items()}
    return jsonschema.Draft202012Validator(answer_schema(rubric)).is_valid(given)


def test_the_answer_schema_takes_exactly_the_answers_there_are() -> None:
    assert all(valid(rubric, answer) for rubric, answer in GOOD_ANSWERS)
    assert not any(valid(rubric, answer) for rubric, answer in BAD_ANSWERS)


def test_promptfoo_gets_one_assertion_a_criterion_with_scores_of_the_declared_order() -> None:
    found = yaml.safe_load(written(SCORED, "promptfoo"))["defaultTest"]["assert"]
    assert [(a["type"], a["metric"]) for a in found] == [("llm-rubric", "correct"), ("llm-rubric", "polite")]
    assert "- 1: score 0\n- 2: score 0.5\n- 3: score 1" in found[0]["value"]
    assert "{{" not in found[1]["value"], "promptfoo would fill it as a template"


def test_inspect_gets_a_template_that_fills_and_a_pattern_that_matches() -> None:
    scorers = yaml.safe_load(written(SCORED, "inspect"))["scorers"]
    assert [s["metric"] for s in scorers] == ["correct", "polite"]
    args = scorers[1]["args"]
    filled = args["template"].format(question="Q?", answer="{A}", criterion="R", instructions=args["instructions"])
    assert "Is it {{polite}}?" in filled
    assert "Kind {so}." in filled
    assert "[Answer]: {A}" in filled
    match = re.search(args["grade_pattern"], "So.\nGRADE: yes\n")
    assert match is not None
    assert match.group(1) == "yes"
    assert re.search(scorers[0]["args"]["grade_pattern"], "GRADE: 4") is None


def test_what_a_tool_cannot_do_is_said() -> None:
    for form in ("promptfoo", "inspect"):
        with pytest.raises(ServiceError, match="compares two answers"):
            written(COMPARED, form)
    with pytest.raises(ServiceError, match="“sure” is answered by"):
        written(RubricSpec(name="A", criteria=(SURE,)), "inspect")
    with pytest.raises(ServiceError, match="asks for words only"):
        prompt(RubricSpec(name="A", criteria=(WHY,)))
    with pytest.raises(ServiceError, match="Accepted: prompt, schema, promptfoo, inspect"):
        written(SCORED, "openai")


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_the_library_makes_judges(entry: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(written(entry.rubric, "schema")))
    assert all(c.question in written(entry.rubric, "prompt") for c in entry.rubric.criteria)


@pytest.mark.django_db
def test_the_page_shows_each_form_and_gives_it_as_a_file(lead: Client, project: Project) -> None:
    draft = rubric_create(project=project, spec=SCORED, actor=None)
    assert lead.get(url(draft, "judge", 1)).status_code == 404, "a draft may still change"
    version = version_publish(version=draft, actor=None)
    page = text(lead.get(url(version, "judge", 1)))
    assert all(form.title in page for form in FORMS.values())
    given = lead.get(url(version, "judge_file", 1, "promptfoo"))
    assert given["Content-Disposition"] == 'attachment; filename="a-v1.promptfoo.yaml"'
    assert given.content.decode() == written(SCORED, "promptfoo")
    assert lead.get(url(version, "judge_file", 1, "openai")).status_code == 404


@pytest.mark.django_db
def test_a_form_that_does_not_fit_is_explained(lead: Client, project: Project) -> None:
    draft = rubric_create(project=project, spec=COMPARED, actor=None)
    version: RubricVersion = version_publish(version=draft, actor=None)
    assert "compares two answers" in text(lead.get(url(version, "judge", 1)))
    refused = lead.get(url(version, "judge_file", 1, "inspect"))
    assert (refused.status_code, "compares two answers" in refused.content.decode()) == (422, True)

"""Answers of people in tools' files become judgments of pseudonymous raters."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation.models import FreeText, Judgment, Rating, Round
from annotation.services.imported import ImportResult, judgments_import
from annotation.services.imported_tools import ToolFile
from projects.errors import ServiceError
from projects.models import ImportBatch, Item, Output, Rater
from projects.services.importing import import_file
from rubrics.specs import CriterionSpec
from tests.annotation.test_import_judgments import empty_round
from tests.factories import CORRECT, OVERALL
from tests.projects.importers.helpers import lines
from tests.projects.importers.test_langfuse import observation, score
from tests.projects.importers.test_langsmith import feedback
from tests.projects.importers.test_mlflow import assessment, trace

pytestmark = pytest.mark.django_db

BOT = ToolFile(options={"system": "bot"})
HELPFUL = CriterionSpec("helpful", "number", "How helpful is it?", "interval", config={"min": 1, "max": 5})
FINE = CriterionSpec("fine", "yes_no", "Is it fine?", "nominal")


def load(round_: Round, text: str, name: str, tool: ToolFile = BOT) -> ImportResult:
    return judgments_import(round=round_, stream=io.BytesIO(text.encode()), name=name, tool=tool)


def stored() -> list[tuple[str, str, float | None, str]]:
    found = Rating.objects.select_related("criterion", "judgment__seat__rater").order_by("id")
    return [(r.criterion.key, r.judgment.seat.rater.external_id or "", r.number, r.label) for r in found]


def test_ratings_of_people_in_mlflow_are_judgments_and_a_judges_are_not() -> None:
    round_ = empty_round(criteria=(HELPFUL, FINE))
    text = lines(trace(assessment("Helpful", 4, "HUMAN", "ann@example.org"), assessment("fine", True, "HUMAN", "ben"),
                       assessment("fine", False, "LLM_JUDGE", "gpt")))  # fmt: skip
    result = load(round_, text, "traces.jsonl")
    assert (result.judgments, result.ratings, result.raters) == (2, 2, 2)
    assert stored() == [("helpful", "ann@example.org", 4.0, ""), ("fine", "ben", 1.0, "yes")]
    assert "ann" not in Rater.objects.get(external_id="ann@example.org").pseudonym
    assert list(FreeText.objects.values_list("text", flat=True)) == ["Because.", "Because."]
    again = load(round_, text, "traces.jsonl")
    assert (again.judgments, again.unchanged) == (0, 2)


def test_they_are_about_the_outputs_that_import_outputs_made() -> None:
    round_ = empty_round(criteria=(FINE,))
    text = lines(trace(assessment("fine", True, "HUMAN", "ann")))
    import_file(
        project=round_.project, stream=io.BytesIO(text.encode()), file_name="t.jsonl", options={"system": "bot"}
    )
    result = load(round_, text, "t.jsonl")
    assert (result.items, result.systems, result.outputs) == (0, 0, 0)
    assert Judgment.objects.get().assignment.task.item == Item.objects.get()
    assert Output.objects.get().has_text


def test_ratings_in_langfuse_and_langsmith() -> None:
    round_ = empty_round(criteria=(HELPFUL,))
    load(round_, lines(score(), observation()), "langfuse.jsonl")
    load(round_, lines(feedback(score=2)), "langsmith.jsonl")
    assert stored() == [("helpful", "u-1", 4.0, ""), ("helpful", "u-1", 2.0, "")]


def test_preferences_of_people_keep_what_was_shown_first() -> None:
    round_ = empty_round("compare", (OVERALL,))
    vote = {"question_id": "q", "model_a": "m1", "model_b": "m2", "winner": "model_b", "judge": "arena_user_7"}
    tool = ToolFile(criteria={"Arena preference": "overall"})
    load(round_, lines(vote), "votes.jsonl", tool)
    (found,) = stored()
    assert (found[0], found[1], abs(found[2] or 0)) == ("overall", "arena_user_7", 1.0)
    assert Judgment.objects.get().assignment.order_known


def test_names_that_no_criterion_has_are_left_out_and_said() -> None:
    round_ = empty_round(criteria=(FINE,))
    text = lines(trace(assessment("fine", True, "HUMAN", "a"), assessment("tone", "warm", "HUMAN", "a")))
    result = load(round_, text, "t.jsonl")
    assert [each["why"] for each in result.skipped] == [
        "No criterion of this round is called “tone”: 1 answers were left out.",
    ]  # fmt: skip
    with pytest.raises(ServiceError, match="none of its answers of people fits.*--criterion"):
        load(empty_round(criteria=(CORRECT,)), text, "t.jsonl")


def test_a_further_trial_is_no_task_of_a_round() -> None:
    told = trace(assessment("fine", True, "HUMAN", "a"))
    result = load(empty_round(criteria=(FINE,)), lines(told, told), "t.jsonl")
    assert (result.ratings, "further trial" in result.skipped[0]["why"]) == (1, True)


def test_what_cannot_be_read_is_refused_and_nothing_is_written() -> None:
    round_ = empty_round(criteria=(HELPFUL,))
    with pytest.raises(ServiceError, match="holds no answers of people"):
        load(round_, lines(trace(assessment())), "t.jsonl")
    with pytest.raises(ServiceError, match="row 1, column value"):
        load(round_, lines(trace(assessment("helpful", 9, "HUMAN", "a"))), "t.jsonl")
    with pytest.raises(ServiceError, match="Name it"):
        load(round_, lines(trace(assessment("helpful", 4, "HUMAN", "a"))), "t.jsonl", ToolFile())
    assert not ImportBatch.objects.exists()


def test_the_command(tmp_path: Path, capsys: Any) -> None:
    round_ = empty_round(criteria=(HELPFUL,))
    path = tmp_path / "traces.jsonl"
    path.write_text(lines(trace(assessment("quality", 4, "HUMAN", "a"))), encoding="utf-8")
    where = f"{round_.project.slug}/{round_.slug}"
    call_command("import_judgments", where, str(path), "--system", "bot", "--criterion", "quality=helpful", "--json")
    assert json.loads(capsys.readouterr().out)["ratings"] == 1
    for given, said in (("quality", "NAME=KEY"), ("quality=none", "not a criterion of this round")):
        with pytest.raises(CommandError, match=said) as caught:
            call_command("import_judgments", where, str(path), "--criterion", given)
        assert caught.value.returncode == 2

"""Ragas: the tool's own tables with exact values, and each trap in a small one."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.projects.importers.helpers import Got, lines, read, refused, sample


def rows(*given: dict[str, Any], **options: Any) -> Got:
    return read(lines(*given), "r.jsonl", **{"system": "bot", **options})


def row(**more: Any) -> dict[str, Any]:
    return {"user_input": "May I?", "response": "No.", "retrieved_contexts": ["Rule 1"], **more}


def real(name: str) -> Got:
    return read(sample(f"ragas/{name}").read_bytes(), name, system="bot")


@pytest.mark.parametrize("name", ["result.csv", "result.json", "result.parquet"])
def test_the_real_results_say_the_same_in_every_format(name: str) -> None:
    got = real(name)
    assert (got.key, len(got.items), len(got.outputs), len(got.scores)) == ("ragas", 4, 4, 28)
    assert got.items[0].context == (
        "The X200 router carries a 24-month limited warranty.", "Accessories are covered for 6 months.",
    )  # fmt: skip
    wifi = got.items[1].external_id
    assert got.score("rouge_score(mode=fmeasure)", item=wifi).number == pytest.approx(0.75)
    assert got.score("bleu_score", item=got.items[0].external_id).number == pytest.approx(0.04767707020457095)
    rubric = got.score("helpfulness_rubric", item=got.items[2].external_id)
    assert (rubric.number, rubric.minimum, rubric.maximum, rubric.direction) == (2.0, None, None, "unknown")
    assert got.score("exact_match", item=wifi).source == "code"
    assert got.items[3].context == ()


def test_the_real_conversation() -> None:
    got = real("multiturn_dataset.jsonl")
    assert [m["role"] for m in got.outputs[0].messages] == ["assistant", "tool", "assistant", "user"]
    assert got.outputs[0].messages[0]["tool_calls"][0]["name"] == "kb_search"
    assert got.items[0].messages == ({"role": "user", "content": "How long is the warranty on the X200 router?"},)


def test_scores_without_questions_belong_to_nobody() -> None:
    for name in ("scores.json", "traces.json"):
        assert "name no question" in refused(sample(f"ragas/{name}").read_bytes(), name, system="bot")
    assert read(lines({"item": "q", "system": "s", "faithfulness": 1}), "a.jsonl").key == "jsonl"


def test_a_failed_metric_is_missing() -> None:
    got = read('[{"user_input": "q", "response": "a", "faithfulness": NaN, "answer_relevancy": 0.5}]', "r.json",
               system="bot")  # fmt: skip
    assert [(s.metric, s.number, s.missing_reason) for s in got.scores] == [
        ("faithfulness", None, "Ragas gave no value: the metric failed."), ("answer_relevancy", 0.5, ""),
    ]  # fmt: skip


def test_the_scale_is_known_for_ragas_own_metrics_only() -> None:
    scores = rows(row(**{"faithfulness": 0.5, "noise_sensitivity(mode=relevant)": 0.2, "my_rubric": 1})).scores
    assert [(s.maximum, s.direction) for s in scores] == [(1.0, "higher"), (1.0, "lower"), (None, "unknown")]


def test_names_of_version_0_1() -> None:
    got = read("question,answer,contexts,ground_truth,faithfulness\nMay I?,No.,\"['a', 'b']\",Never.,1\n", system="bot")
    assert (got.key, got.items[0].context, got.items[0].reference) == ("ragas", ("a", "b"), ("Never.",))


def test_the_system_is_asked_for_where_something_was_answered() -> None:
    assert "Name it" in refused(lines(row()), "r.jsonl")
    assert read(lines({"user_input": "q", "reference": "a"}), "r.jsonl").outputs == []


def test_the_same_question_again_is_a_further_trial() -> None:
    assert [o.repeat for o in rows(row(), row(response="Yes.")).outputs] == [0, 1]


def test_an_id_named_by_the_user_comes_first() -> None:
    assert rows(row(item_id="q-7")).items[0].external_id == "q-7"


def test_long_texts_are_no_scores() -> None:
    got = rows(row(note="x" * 80, verdict="pass"))
    assert [(s.metric, s.label) for s in got.scores] == [("verdict", "pass")]
    assert got.outputs[0].raw["note"] == "x" * 80
    assert "'note'" in got.notes[0].why


def test_parquet_is_known_by_its_columns() -> None:
    table = pa.table({"user_input": ["q"], "response": ["a"], "retrieved_contexts": [["c"]], "faithfulness": [1.0]})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    got = read(buffer.getvalue(), "r.parquet", system="bot")
    assert (got.key, got.scores[0].number, got.items[0].context) == ("ragas", 1.0, ("c",))


def test_several_responses_are_trials() -> None:
    assert [o.text for o in rows(row(multi_responses=["One.", "Two."])).outputs] == ["One.", "Two."]


def test_a_row_that_asks_nothing_is_left_out() -> None:
    got = rows(row(), {"user_input": None, "response": "x"})
    assert [(p.row, p.column) for p in got.skipped] == [(2, "user_input")]

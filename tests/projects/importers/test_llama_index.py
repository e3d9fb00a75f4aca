"""LlamaIndex: the tool's own files with exact values, and each trap in a small one."""

from __future__ import annotations

import json
from typing import Any

from tests.projects.importers.helpers import Got, lines, read, refused, sample


def result(**more: Any) -> dict[str, Any]:
    return {"query": "May I?", "contexts": ["Rule"], "response": "No.", "passing": True, "feedback": "YES",
            "score": 1.0, "pairwise_source": None, "invalid_result": False, "invalid_reason": None, **more}  # fmt: skip


def batch(**options: Any) -> Got:
    return read(sample("llama_index/batch_eval_results.json").read_bytes(), "batch_eval_results.json", **options)


def pair(number: Any, source: str, **more: Any) -> Got:
    given = json.dumps({"pairwise": [result(score=number, pairwise_source=source, response="", **more)]})
    return read(given, "b.json", system="a", system_b="b")


def test_the_real_batch() -> None:
    got = batch(system="bot")
    assert (got.key, len({i.external_id for i in got.items}), len(got.scores)) == ("llama_index", 3, 9)
    item = got.items[0].external_id
    assert got.score("faithfulness", item=item).number == 0.0
    correct = got.score("correctness", item=item)
    assert (correct.number, correct.minimum, correct.maximum, correct.passed) == (2.0, 1.0, 5.0, False)
    assert correct.explanation == "The answer contradicts the reference."
    assert {o.text for o in got.outputs if o.item == item} == {"It rests for 3 hours."}
    assert "do not say which systems" in got.skipped[0].why


def test_the_real_pairs_once_the_second_system_is_named() -> None:
    got = batch(system="a", system_b="b")
    pairs = [s for s in got.scores if s.kind == "preference"]
    assert [(s.label, s.position, s.details) for s in pairs] == [("tie", "", {"pairwise_source": "neither"})] * 3
    assert {(s.system, s.system_b) for s in pairs} == {(("a", ""), ("b", ""))}


def test_the_real_data_frame_names_the_metric_by_its_file() -> None:
    got = read(sample("llama_index/correctness_deep_df.csv").read_bytes(), "correctness_deep_df.csv")
    assert [(s.metric, s.number, s.system) for s in got.scores] == [
        ("correctness", 2.0, ("v", "")), ("correctness", 4.5, ("v", "")), ("correctness", 4.5, ("v", "")),
    ]  # fmt: skip


def test_the_real_retrieval() -> None:
    got = read(
        sample("llama_index/retrieval_eval_results.json").read_bytes(), "retrieval_eval_results.json", system="r"
    )
    assert [s.number for s in got.scores if s.metric == "mrr"] == [1.0, 0.5, 1.0]
    assert got.items[1].metadata == {"expected_ids": ["node-1"]}
    assert {s.variant for s in got.scores} == {"retrieval"}  # never an answer's place


def test_an_invalid_result_is_missing() -> None:
    score = read(lines(result(invalid_result=True, invalid_reason="No JSON")), "faithfulness.jsonl", system="s").scores[
        0
    ]
    assert (score.number, score.missing_reason) == (None, "The result is invalid: No JSON")


def test_who_won_and_what_was_shown_first() -> None:
    assert [(s.label, s.position) for s in pair(1.0, "original").scores] == [("a", "a_first")]
    assert [(s.label, s.position) for s in pair(0.0, "flipped").scores] == [("b", "b_first")]
    assert pair(None, "original").scores[0].missing_reason
    assert pair(0.7, "original").skipped[0].column == "score"


def test_a_question_missing_in_one_list_stands_in_another() -> None:
    given = json.dumps({"faithfulness": [result()], "relevancy": [result(query=None, score=0.0)]})
    got = read(given, "b.json", system="s")
    assert [(s.metric, s.number) for s in got.scores] == [("faithfulness", 1.0), ("relevancy", 0.0)]
    assert len({s.item for s in got.scores}) == 1


def test_what_only_passed_is_a_yes_or_no() -> None:
    score = read(lines(result(score=None)), "guideline.jsonl", system="s").scores[0]
    assert (score.kind, score.label) == ("bool", "true")


def test_the_system_is_asked_for() -> None:
    assert "Name it" in refused(lines(result()), "x.jsonl")

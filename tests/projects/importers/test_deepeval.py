"""DeepEval: the tool's own files with exact values, and each trap in a small one."""

from __future__ import annotations

import copy
import json
from collections import Counter
from typing import Any

import pytest

from projects.importers import detect
from projects.importers.identity import digest_id, user_message
from projects.importers.records import SystemUnknownError
from tests.projects.importers.helpers import Got, read, refused, sample


def metric(score: Any = 0.8, **more: Any) -> dict[str, Any]:
    return {"name": "Correct [GEval]", "threshold": 0.5, "success": True, "score": score, "reason": "Fine.",
            "strictMode": False, "evaluationModel": "judge-1", **more}  # fmt: skip


def case(name: Any = "c1", *metrics: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "input": "Why?", "actualOutput": "So.", "expectedOutput": "So!", "completionTime": 0.8,
            "tokenCost": 0.0004, "tags": ["x"], "metricsData": list(metrics), "success": True, **more}  # fmt: skip


def run(*cases: dict[str, Any], **more: Any) -> str:
    hyperparameters = {"model": "small", "prompt_version": "7", "temperature": "0.2"}
    return json.dumps({"testCases": list(cases), "metricsScores": [], "hyperparameters": hyperparameters, **more})


def one(*metrics: dict[str, Any], **more: Any) -> Got:
    return read(run(case("c1", *metrics, **more)), "run.json")


def talk(*words: str) -> list[dict[str, str]]:
    return [{"role": "assistant" if n % 2 else "user", "content": each} for n, each in enumerate(words)]


# The real files


def test_the_real_test_run() -> None:
    got = read(sample("deepeval/test_run_20261123_215306.json").read_bytes(), "test_run.json")
    assert (got.key, got.skipped, got.notes) == ("deepeval", [], [])
    assert [(s.name, s.version) for s in got.systems] == [("acme-chat-2", "7")]
    assert [i.external_id for i in got.items] == ["shared-1", "shared-2", "shared-3"]
    assert [(o.latency_ms, o.cost, o.currency) for o in got.outputs[:2]] == [
        (800, 0.0004, "USD"),
        (1800, 0.0008, "USD"),
    ]
    assert got.outputs[0].text == "You can get a refund within 30 days of purchase with the receipt."
    assert got.outputs[0].raw["tools_called"][0]["name"] == "search"
    assert got.items[0].reference == ("30 days with receipt",)
    assert Counter((s.metric, s.source) for s in got.scores) == {
        ("Correctness [GEval]", "llm"): 3, ("Exact Match", "code"): 3, ("Length", "code"): 3,
    }  # fmt: skip
    correct = [s for s in got.scores if s.metric == "Correctness [GEval]"]
    assert [(s.number, s.passed, s.threshold, s.judge) for s in correct] == [
        (0.8, True, 0.6, "stub-judge-1"), (0.2, False, 0.6, "stub-judge-1"), (0.8, True, 0.6, "stub-judge-1"),
    ]  # fmt: skip
    assert got.runs[0].run_id == "shared-run"


def test_the_real_evaluation_result_holds_the_same_scores() -> None:
    data = sample("deepeval/evaluation_result.json").read_bytes()
    got = read(data, "evaluation_result.json", system="acme-chat-2")
    assert [i.external_id for i in got.items] == ["shared-1", "shared-2", "shared-3"]
    assert [s.number for s in got.scores][:4] == [0.8, 0.0, 1.0, 0.2]
    assert {s.system for s in got.scores} == {("acme-chat-2", "")}
    with pytest.raises(SystemUnknownError):
        read(data, "evaluation_result.json")


# The traps


def test_a_metric_that_failed_is_missing_with_its_reason() -> None:
    got = one(metric(None, error="The judge timed out."), metric(0.0, error="Broken."), metric(None), metric("nan"))
    assert [s.number for s in got.scores] == [None] * 4
    assert [s.passed for s in got.scores] == [None] * 4
    assert got.scores[0].missing_reason == "The metric failed: The judge timed out."
    assert got.scores[2].missing_reason == "The file gives no score."


def test_the_direction_is_not_guessed() -> None:
    (score,) = one(metric(0.9, name="Toxicity", success=False)).scores
    assert (score.passed, score.direction, score.number) == (False, "unknown", 0.9)


def test_a_number_off_the_scale_has_no_scale() -> None:
    assert [(s.minimum, s.maximum) for s in one(metric(1), metric(7)).scores] == [(0, 1), (None, None)]


def test_a_name_that_is_a_place_is_no_identity() -> None:
    got = read(run(case("test_case_0"), case(None, input="Who?"), case("x", metadata={"id": 7})), "run.json")
    assert [i.external_id for i in got.items] == [
        digest_id(list(user_message("Why?"))), digest_id(list(user_message("Who?"))), "7",
    ]  # fmt: skip


def test_the_same_case_again_is_a_trial_and_another_question_is_refused() -> None:
    got = read(run(case("c1"), case("c1"), case("c1", input="Who?")), "run.json")
    assert [(o.item, o.repeat) for o in got.outputs] == [("c1", 0), ("c1", 1)]
    assert [(p.row, p.column) for p in got.skipped] == [(3, "input")]


def test_conversations() -> None:
    turns = talk("Hi?", "Yes.", "Sure?", "Sure.")
    data = run(conversationalTestCases=[{"name": "t", "turns": turns, "scenario": "A shop.", "expectedOutcome": "Sold.",
                                         "metricsData": [metric()]}])  # fmt: skip
    got = read(data, "run.json")
    assert [m["content"] for m in got.items[0].messages] == ["Hi?"]
    assert [m["content"] for m in got.outputs[0].messages] == ["Yes.", "Sure?", "Sure."]
    assert (got.items[0].reference, got.items[0].metadata, len(got.scores)) == (("Sold.",), {"scenario": "A shop."}, 1)


def test_what_the_file_says_comes_before_what_a_person_says() -> None:
    assert read(run(case()), "run.json", system="other").systems[0].name == "small"
    assert read(run(case(), hyperparameters=None), "run.json", system="other").systems[0].name == "other"


def test_the_wrapper_of_the_latest_run_is_read() -> None:
    got = read(json.dumps({"testRunData": json.loads(run(case())), "testRunLink": None}), ".latest_test_run.json")
    assert (got.key, got.systems[0].name, len(got.outputs)) == ("deepeval", "small", 1)


def test_a_case_without_output_or_input() -> None:
    got = read(
        run(case("a", actualOutput=None), case("b", input=None), case("c", turns=[{"content": "x"}])), "run.json"
    )
    assert [bool(o.error) for o in got.outputs] == [True]
    assert [(p.row, p.column) for p in got.skipped] == [(2, "input"), (3, "turns")]


def test_sources_may_be_what_was_retrieved() -> None:
    assert one(context=["A"], retrievalContext=["B"]).items[0].context == ("A",)
    assert one(retrievalContext=["B"]).items[0].context == ("B",)


@pytest.mark.parametrize("junk", [None, 3, "x", [], {}, [[]], [{"a": 1}], {"a": []}, True, float("nan"), 10**400])
def test_any_shape_in_any_place_is_survived(junk: Any) -> None:
    whole = case("c1", metric(), turns=None, metadata={"row": 1})
    for place in whole:
        got = read(run(whole, copy.deepcopy(whole) | {place: junk}), "run.json")
        json.dumps([o.raw for o in got.outputs] + [i.metadata for i in got.items], allow_nan=False)
    for place in metric():
        one(metric(), {**metric(), place: junk})
    read(run(whole, hyperparameters=junk), "run.json", system="m")


def test_other_files_are_refused() -> None:
    assert "holds no test case" in refused('{"x": 1}', "a.json", "deepeval")
    assert "cut short" in refused(run(case())[:-1], "run.json")


def test_sniffing() -> None:
    assert detect(run(case()).encode(), "a.json")[0][0] == "deepeval"
    assert detect(b'{"test_results": [{"name": "x"}]}', "a.json")[0][0] == "deepeval"
    assert "deepeval" not in dict(detect(b'{"item": "testCases"}', "a.json"))

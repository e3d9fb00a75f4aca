"""LangSmith: the SDK's own files with exact values, and each trap in a small one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.projects.importers.archives import read_zip
from tests.projects.importers.helpers import Got, lines, read, refused, sample


def run(ident: str = "r1", **more: Any) -> dict[str, Any]:
    return {"id": ident, "inputs": {"question": "May I?"}, "outputs": {"answer": "No."}, "run_type": "chain",
            "trace_id": ident, "session_name": "exp-1", "reference_example_id": "e1",
            "extra": {"metadata": {"model": "m"}},
            "start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T00:00:01.5Z", **more}  # fmt: skip


def experiment(*results: dict[str, Any], **more: Any) -> dict[str, Any]:
    example = {"id": "e1", "inputs": {"question": "May I?"}, "outputs": {"answer": "Never."}, "metadata": {}}
    return {"run": run(**more), "example": example, "evaluation_results": {"results": list(results)}}


def feedback(run_id: str = "r1", source: str = "app", **more: Any) -> dict[str, Any]:
    return {"id": "f", "run_id": run_id, "key": "helpful", "score": 1, "value": None, "comment": "Good",
            "feedback_source": {"type": source, "user_id": "u-1"}, **more}  # fmt: skip


def with_runs(*given: dict[str, Any], runs: tuple[dict[str, Any], ...] = (run(),)) -> Got:
    return read_zip({"runs.jsonl": lines(*runs), "feedback.jsonl": lines(*given)})


@pytest.mark.parametrize("name", ["experiment_results.csv", "experiment_results.json"])
def test_the_real_table(name: str) -> None:
    got = read(sample(f"langsmith/{name}").read_bytes(), name, system="acme")
    assert (got.key, len(got.items), len(got.outputs), len(got.scores)) == ("langsmith", 4, 4, 12)
    first = got.outputs[0]
    assert (first.item, first.text, first.latency_ms) == (
        "f7404253-d426-55d7-b1fa-9b5061e95dad", "Your notice period is four weeks.", 0.457,
    )  # fmt: skip
    kinds = {s.metric: (s.kind, s.label, s.number) for s in got.scores if s.item == first.item}
    assert kinds == {"exact_match": ("bool", "false", 0.0), "contains_ref": ("number", "", 1.0),
                     "tone": ("label", "polite", None)}  # fmt: skip
    assert got.outputs[2].error.startswith("ValueError('tool timeout')")
    assert [m["role"] for m in got.items[3].messages] == ["user", "assistant", "user"]


def test_the_real_rows() -> None:
    got = read(sample("langsmith/experiment_rows.jsonl").read_bytes(), "experiment_rows.jsonl")
    assert (got.systems[0].name, got.systems[0].version) == ("acme-chat-2", "reflecting-metal-28")
    assert got.outputs[0].latency_ms == 0.457
    assert got.items[0].reference == ("Four weeks",)
    assert got.score("contains_ref", item=got.items[0].external_id).explanation == "substring check"
    failed = [s for s in got.scores if s.item == got.items[2].external_id]
    assert [(s.number, s.label, bool(s.missing_reason)) for s in failed] == [(None, "", True)] * 3


def test_evaluators_that_scored_a_failed_run_scored_nothing() -> None:
    got = read(lines(experiment({"key": "k", "score": 0.0}, error="503", outputs={})), "r.jsonl")
    assert (got.outputs[0].error, got.scores[0].number, got.scores[0].details) == ("503", None, {"not_counted": 0.0})


def test_a_score_a_bool_and_a_label_keep_their_kind() -> None:
    results = (
        {"key": "a", "score": True},
        {"key": "b", "score": None, "value": "yes"},
        {"key": "c", "score": 1, "value": "x"},
    )
    found = read(lines(experiment(*results)), "r.jsonl").scores
    assert [(s.kind, s.label, s.number, s.details) for s in found] == [
        ("bool", "true", 1.0, None), ("label", "yes", None, None), ("number", "", 1.0, {"value": "x"}),
    ]  # fmt: skip


def test_one_result_that_cannot_be_read_does_not_take_the_others_with_it() -> None:
    got = read(
        lines(experiment({"key": "a", "score": [1]}, {"key": "b", "score": 1}, {"key": "", "score": 1})), "r.jsonl"
    )
    assert ([s.metric for s in got.scores], [p.column for p in got.skipped]) == (["b"], ["a", ""])


def test_cells_that_only_other_rows_fill_are_no_inputs() -> None:
    text = "inputs.question,inputs.messages,outputs.answer,feedback.ok,example_id\nMay I?,,No.,True,e1\n"
    got = read(text + "b,\"[{'role': 'user', 'content': 'Hi'}]\",Yes.,,e2\n", "e.csv", system="bot")
    assert got.items[0].messages == ({"role": "user", "content": "May I?"},)
    assert [s.item for s in got.scores] == ["e1"]


def test_feedback_of_a_person_is_a_persons_and_that_of_a_judge_is_not() -> None:
    got = with_runs(
        feedback(),
        feedback(source="model", key="q", score=0.5),
        feedback(source="api", key="z", score=None, value="ok"),
    )
    assert [(h.metric, h.item, h.rater, h.number, h.comment) for h in got.humans] == [
        ("helpful", "e1", "u-1", 1.0, "Good")
    ]
    assert [(s.metric, s.source, s.kind) for s in got.scores] == [("q", "llm", "number"), ("z", "code", "label")]
    assert {h.system for h in got.humans} == {("m", "exp-1")}


def test_feedback_without_its_runs_goes_by_the_runs_id() -> None:
    got = read(lines(feedback()), "f.jsonl", system="bot")
    assert (got.humans[0].item, got.humans[0].system) == ("r1", ("bot", ""))
    assert "Import it together with the runs" in refused(lines(feedback()), "f.jsonl")


def test_a_pair_is_rebuilt_from_its_group() -> None:
    runs = run(), run("r2", session_name="exp-2")
    group = {"feedback_group_id": "g1", "key": "better"}
    got = with_runs(feedback(score=0, **group), feedback("r2", score=1, **group), runs=runs)
    assert [(h.metric, h.label, h.system, h.system_b, h.rater, h.position) for h in got.humans] == [
        ("better", "b", ("m", "exp-1"), ("m", "exp-2"), "u-1", ""),
    ]  # fmt: skip
    tie = with_runs(
        feedback(score=1, source="model", **group), feedback("r2", score=1, source="model", **group), runs=runs
    )
    assert [(s.kind, s.label, s.source) for s in tie.scores] == [("preference", "tie", "llm")]


def test_a_group_that_is_no_pair_is_left_out() -> None:
    alone = with_runs(feedback(feedback_group_id="g1"))
    assert "two runs" in alone.skipped[0].why
    unknown = with_runs(feedback(feedback_group_id="g"), feedback("r9", feedback_group_id="g"))
    assert "not in this import" in unknown.skipped[0].why


def test_data_sets_are_items_with_references() -> None:
    got = read(lines({"inputs": {"q": "May I?"}, "outputs": {"a": "No."}, "metadata": {"item_id": "i1"}}), "d.jsonl")
    assert (got.key, got.items[0].external_id, got.items[0].reference, got.outputs) == ("langsmith", "i1", ("No.",), [])


def test_a_step_within_a_run_is_no_answer() -> None:
    got = read(lines(run(), run("r2", parent_run_id="r1")), "runs.jsonl")
    assert (len(got.outputs), got.skipped[0].column) == (1, "parent_run_id")


def test_the_system_is_asked_for_where_a_table_names_none() -> None:
    text = json.dumps([{"inputs.q": "a", "outputs.a": "b", "feedback.x": 1}])
    assert "Name it" in refused(text, "e.json")

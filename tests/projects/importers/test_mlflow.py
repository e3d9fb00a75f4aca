"""MLflow: the tool's own files with exact values, and each trap in a small one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.projects.importers.helpers import Got, lines, read, refused, sample


def assessment(
    name: str = "ok", value: Any = True, source: str = "CODE", who: str = "x", **more: Any
) -> dict[str, Any]:
    return {"assessment_name": name, "source": {"source_type": source, "source_id": who}, "feedback": {"value": value},
            "rationale": "Because.", "valid": True, **more}  # fmt: skip


def trace(*assessments: dict[str, Any], **more: Any) -> dict[str, Any]:
    info = {"trace_id": "tr-1", "state": "OK", "assessments": list(assessments), "execution_duration_ms": 1500,
            "trace_metadata": {"mlflow.traceInputs": '{"question": "May I?"}', "mlflow.traceOutputs": '"No."'},
            **more}  # fmt: skip
    return {"info": info, "data": {"spans": []}}


def got(*traces: dict[str, Any]) -> Got:
    return read(lines(*traces), "traces.jsonl", system="bot")


def test_the_real_traces_hold_one_persons_rating() -> None:
    found = read(sample("mlflow/traces.jsonl").read_bytes(), "traces.jsonl", system="bot")
    assert (found.key, len(found.items), len(found.outputs), len(found.scores)) == ("mlflow", 3, 3, 9)
    assert [(h.metric, h.number, h.rater, h.comment) for h in found.humans] == [
        ("helpfulness", 4.0, "annotator@example.org", "Reads well"),
    ]  # fmt: skip
    parking = found.items[0]
    assert (parking.messages[0]["content"], parking.reference) == ("Is there parking?", ("Yes, behind the shop.",))
    judged = found.score("correctness", item=parking.external_id)
    assert (judged.kind, judged.label, judged.source, judged.judge) == ("bool", "true", "llm", "stub:/judge-1")
    assert found.score("length", item=parking.external_id).number == 4.2
    assert not any("expected" in s.metric for s in found.scores)


@pytest.mark.parametrize("name", ["genai_result_df.csv", "genai_result_df.json"])
def test_the_real_result_is_that_of_the_traces(name: str) -> None:
    found = read(sample(f"mlflow/{name}").read_bytes(), name, system="bot")
    assert (found.key, len(found.outputs), len(found.scores)) == ("mlflow", 3, 9)
    assert found.items[0].reference == ("14 days",)
    assert found.score("exact", item=found.items[0].external_id).label == "false"


@pytest.mark.parametrize("name", ["eval_results_table.csv", "eval_results_table.json"])
def test_the_real_classic_table(name: str) -> None:
    found = read(sample(f"mlflow/{name}").read_bytes(), name, system="bot")
    assert [(s.metric, s.number, s.explanation) for s in found.scores] == [
        ("char_len", 23.0, "counted characters"), ("char_len", 3.0, "counted characters"),
        ("char_len", 21.0, "counted characters"),
    ]  # fmt: skip
    assert found.items[1].reference == ("Yes, from 10 euros",)


def test_the_real_metrics_are_about_the_whole_run() -> None:
    found = read(sample("mlflow/genai_metrics.json").read_bytes(), "genai_metrics.json", system="bot")
    assert found.score("length/mean (run)").number == 3.133333333333333


def test_expectations_are_references_and_no_scores() -> None:
    found = got(trace({**assessment(), "expectation": {"value": "Never."}, "feedback": None}))
    told = trace()
    del told["info"]["assessments"]
    assert found.scores == []
    frame = read(lines({"trace_id": "t", "request": "q", "response": "a", "expected_response/value": "Never.",
                        "ok/value": True}), "r.jsonl", system="bot")  # fmt: skip
    assert ([s.metric for s in frame.scores], frame.items[0].reference) == (["ok"], ("Never.",))


def test_an_assessment_that_was_replaced_is_left_out() -> None:
    assert [s.label for s in got(trace(assessment(valid=False), assessment(value=False))).scores] == ["false"]


def test_people_judges_and_programs() -> None:
    found = got(
        trace(assessment(source="HUMAN", who="ann"), assessment("b", "yes", "LLM_JUDGE", "gpt"), assessment("c", 2))
    )
    assert [(h.rater, h.label, h.comment) for h in found.humans] == [("ann", "true", "Because.")]
    assert [(s.metric, s.source, s.judge) for s in found.scores] == [("b", "llm", "gpt"), ("c", "code", "")]


def test_yes_among_other_labels_is_a_label() -> None:
    found = got(trace(assessment("j", "yes")), trace(assessment("j", "unknown")), trace(assessment("j", "no")))
    assert {s.kind for s in found.scores} == {"label"}


def test_a_scorer_that_failed_and_a_list() -> None:
    failed = assessment("a", None, feedback={"value": None, "error": {"error_message": "Timeout"}})
    found = got(trace(failed, assessment("b", [1, 2])))
    assert (found.scores[0].number, found.scores[0].missing_reason) == (None, "The scorer failed: Timeout")
    assert found.skipped[0].column == "b"


def test_milliseconds_here_and_seconds_there() -> None:
    assert got(trace()).outputs[0].latency_ms == 1500
    assert got(trace(execution_duration_ms=None, execution_duration="0.25s")).outputs[0].latency_ms == 250
    table = json.dumps({"columns": ["inputs", "outputs", "latency"], "data": [["q", "a", 0.5]]})
    assert read(table, "t.json", system="bot").outputs[0].latency_ms == 500


def test_a_trace_that_failed_is_no_bad_answer() -> None:
    found = got(trace(assessment(value=0.0), state="ERROR"))
    assert (bool(found.outputs[0].error), found.scores[0].number) == (True, None)


def test_the_model_of_the_root_span_is_the_system() -> None:
    told = trace()
    told["data"]["spans"] = [{"parent_span_id": None, "attributes": {"mlflow.llm.model": '"m-1"'}}]
    assert read(lines(told), "t.jsonl").systems[0].name == "m-1"
    assert "Name it" in refused(lines(trace()), "t.jsonl")


def test_items_go_by_what_was_asked() -> None:
    found = got(trace(), trace(trace_id="tr-2"), trace(tags={"item_id": "i1"}))
    assert found.items[0].external_id == found.items[1].external_id
    assert found.items[2].external_id == "i1"
    assert [o.repeat for o in found.outputs] == [0, 1, 0]


def test_tables_of_another_shape_are_refused() -> None:
    assert "one cell for each" in refused('{"columns": ["inputs", "a/score"], "data": [["q"]]}', "t.json", system="b")
    assert "name of its own" in refused('{"columns": ["outputs", "outputs"], "data": [[1, 2]]}', "t.json", system="b")

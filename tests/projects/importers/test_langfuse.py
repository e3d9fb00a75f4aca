"""Langfuse: what its documentation says, made by hand."""

from __future__ import annotations

import json
from typing import Any

from tests.projects.importers.archives import read_zip
from tests.projects.importers.helpers import Got, lines, read, refused


def score(**more: Any) -> dict[str, Any]:
    return {"id": "s", "traceId": "t1", "observationId": None, "name": "helpful", "value": 4, "stringValue": None,
            "dataType": "NUMERIC", "source": "ANNOTATION", "comment": "Good", "authorUserId": "u-1",
            **more}  # fmt: skip


def observation(**more: Any) -> dict[str, Any]:
    return {"id": "o1", "trace_id": "t1", "type": "GENERATION", "input": [{"role": "user", "content": "May I?"}],
            "output": {"content": "No."}, "provided_model_name": "m", "start_time": "2026-01-01 00:00:00.000",
            "end_time": "2026-01-01 00:00:02.000", "completion_start_time": "2026-01-01 00:00:00.500",
            "usage_details": {"input": 3, "output": 2}, "total_cost": 0.5, "latency": 2, **more}  # fmt: skip


def rows(*given: dict[str, Any], **options: Any) -> Got:
    return read(lines(*given), "l.jsonl", **{"system": "bot", **options})


def test_an_annotation_is_a_persons_rating() -> None:
    got = rows(score())
    assert [(h.metric, h.item, h.number, h.rater, h.comment) for h in got.humans] == [
        ("helpful", "t1", 4.0, "u-1", "Good")
    ]
    assert got.key == "langfuse"


def test_every_kind_keeps_its_kind() -> None:
    got = rows(
        score(source="EVAL"), score(source="API", name="b", dataType="BOOLEAN", value=0, stringValue="False"),
        score(source="API", name="c", dataType="CATEGORICAL", value=None, stringValue="yes"),
        score(source="API", name="d", value=None),
    )  # fmt: skip
    assert [(s.metric, s.source, s.kind, s.label, s.number) for s in got.scores] == [
        ("helpful", "llm", "number", "", 4.0), ("b", "code", "bool", "false", 0.0), ("c", "code", "label", "yes", None),
        ("d", "code", "number", "", None),
    ]  # fmt: skip


def test_snake_case_of_an_export_as_csv() -> None:
    text = "id,trace_id,name,value,string_value,data_type,source\ns,t1,ok,1,True,BOOLEAN,API\n"
    assert [(s.kind, s.label) for s in read(text, "scores.csv", system="bot").scores] == [("bool", "true")]


def test_a_page_of_the_api() -> None:
    got = read(json.dumps({"data": [score()], "meta": {"page": 1}}), "scores.json", system="bot")
    assert (got.key, len(got.humans)) == ("langfuse", 1)


def test_a_generation_is_an_output_and_its_times_need_no_unit() -> None:
    got = read(lines(observation()), "o.jsonl")
    assert got.items[0].messages == ({"role": "user", "content": "May I?"},)
    (output,) = got.outputs
    assert (output.item, output.system, output.text) == ("t1/o1", ("m", ""), "No.")
    assert (output.latency_ms, output.ttft_ms, output.tokens_in, output.cost) == (2000.0, 500.0, 3, 0.5)


def test_scores_of_a_trace_take_the_model_of_its_observations() -> None:
    files = {
        "scores.jsonl": lines(score(), score(observationId="o1", name="x")),
        "observations.jsonl": lines(observation()),
    }
    got = read_zip(files)
    assert [(h.item, h.system) for h in got.humans] == [("t1", ("m", "")), ("t1/o1", ("m", ""))]


def test_a_step_that_is_no_generation_is_no_answer() -> None:
    got = rows(observation(type="SPAN", provided_model_name=None), score())
    assert (got.outputs, "no generation" in got.notes[0].why) == ([], True)


def test_a_trace_holds_question_and_answer() -> None:
    got = rows({"id": "t1", "input": {"q": "May I?"}, "output": "No.", "environment": "default", "timestamp": "x"})
    assert (got.items[0].external_id, got.outputs[0].text) == ("t1", "No.")


def test_scores_of_sessions_and_of_runs() -> None:
    got = rows(score(), score(traceId=None), score(traceId=None, datasetRunId="r", source="EVAL", name="mean"))
    assert [p.column for p in got.skipped] == ["trace_id"]
    assert [s.metric for s in got.scores] == ["mean (run)"]


def test_an_observation_that_failed_is_no_bad_answer() -> None:
    assert rows(observation(level="ERROR", status_message="503")).outputs[0].error == "503"


def test_the_system_is_asked_for() -> None:
    assert "Name it" in refused(lines(score()), "l.jsonl")

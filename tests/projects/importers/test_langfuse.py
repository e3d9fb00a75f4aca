"""Langfuse: what its documentation and its source say that it writes, made by hand."""

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


def trace(**more: Any) -> dict[str, Any]:
    return {"id": "t1", "timestamp": "2026-01-01T00:00:00.000Z", "environment": "default", "userId": None,
            "input": {"q": "May I?"}, "output": "No.", "tags": ["law"], **more}  # fmt: skip


def test_a_table_of_scores_from_the_interface_names_its_raters() -> None:
    header = ("id,traceId,sessionId,datasetRunId,timestamp,source,name,dataType,value,stringValue,comment,metadata,"
              "observationId,traceName,userId,traceTags,environment,authorUserName\n")  # fmt: skip
    got = read(header + 's,t1,,,2026-01-01,ANNOTATION,tone,CATEGORICAL,0,kind,"Well, yes",,,,,[],default,Ann\n',
               "scores.csv", system="bot")  # fmt: skip
    assert [(h.item, h.label, h.number, h.rater, h.comment) for h in got.humans] == [
        ("t1", "kind", None, "Ann", "Well, yes")
    ]


def test_texts_and_corrections_are_no_zeros() -> None:
    got = rows(score(dataType="TEXT", value=0, stringValue="Too long."), score(source="API", dataType="CORRECTION",
               value=0, stringValue="Yes."), score())  # fmt: skip
    assert (len(got.humans), got.scores, len(got.notes)) == (1, [], 1)
    assert "TEXT or CORRECTION" in got.notes[0].why
    assert "2 times" in got.notes[0].why


def test_a_trace_as_it_is_downloaded_and_as_the_api_gives_it() -> None:
    downloaded = {"trace": {**trace(), "scores": [score()]}, "observations": [observation()]}
    whole = json.dumps({**trace(), "scores": [score()], "observations": [observation()]}, indent=2)
    for got in (read(json.dumps(downloaded, indent=2), "trace.json"), read(whole, "trace.json"),
                read(lines(downloaded, downloaded), "traces.jsonl", "langfuse")):  # fmt: skip
        assert (got.key, {o.item for o in got.outputs}) == ("langfuse", {"t1", "t1/o1"})
        assert {(h.item, h.system, h.number) for h in got.humans} == {("t1", ("m", ""), 4.0)}


def test_observations_without_traces_tell_what_a_scored_trace_was_asked() -> None:
    root = observation(id="o0", type="SPAN", provided_model_name=None, input="May I?", output="Never.",
                       parent_observation_id="")  # fmt: skip
    step = observation(parent_observation_id="o0")
    got = read_zip({"observations_v2/a.jsonl": lines(root, step), "scores/a.jsonl": lines(score())})
    assert {(o.item, o.text) for o in got.outputs if o.text} == {("t1", "Never."), ("t1/o1", "No.")}
    with_traces = read_zip({"o.jsonl": lines(root, step), "s.jsonl": lines(score()), "t.jsonl": lines(trace())})
    assert {(o.item, o.text) for o in with_traces.outputs if o.text} == {("t1", "No."), ("t1/o1", "No.")}


def test_a_table_of_traces_tells_seconds_and_says_which_scores_it_cannot_give() -> None:
    counted = trace(
        latency=1.5, usage={"promptTokens": 7, "completionTokens": 3}, comments=[], helpful=[4], tone=["kind"]
    )
    got = rows(counted, trace(id="t2", latency=None, usage={"promptTokens": 0, "completionTokens": 0}, comments=[]))
    assert [(o.latency_ms, o.tokens_in, o.tokens_out) for o in got.outputs] == [(1500.0, 7, 3), (None, None, None)]
    assert [each.why.split()[2] for each in got.notes] == ["helpful", "tone"]

"""Phoenix: the tool's own files with exact values, and each trap in a small one."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.projects.importers.archives import read_zip
from tests.projects.importers.helpers import lines, read, refused, sample


def annotation(span: str = "s1", kind: str = "HUMAN", **more: Any) -> dict[str, Any]:
    return {"context.span_id": span, "annotation_name": "helpful", "annotator_kind": kind, "score": 4, "label": None,
            "explanation": "Good", "metadata": {}, **more}  # fmt: skip


def span(**more: Any) -> dict[str, Any]:
    return {"name": "llm", "context": {"span_id": "s1"}, "start_time": "2026-01-01T00:00:00Z",
            "end_time": "2026-01-01T00:00:02Z",
            "attributes": {"input": {"value": "May I?"}, "output": {"value": "No."}, "llm": {"model_name": "m",
                           "token_count": {"prompt": 3, "completion": 2}}}, **more}  # fmt: skip


def frame(cell: Any, status: str = "COMPLETED") -> dict[str, Any]:
    details = {"status": status, "exceptions": ["Timeout"] if status != "COMPLETED" else []}
    return {"input": "q", "output": "a", "j_execution_details": details, "j_score": cell}


@pytest.mark.parametrize("name", ["evaluate_dataframe.csv", "evaluate_dataframe.json"])
def test_the_real_evaluation(name: str) -> None:
    got = read(sample(f"phoenix/{name}").read_bytes(), name, system="bot")
    assert (got.key, len(got.items), len(got.scores)) == ("phoenix", 2, 4)
    item = got.items[0].external_id
    judged, concise = got.score("correctness", item=item), got.score("concise", item=item)
    assert (judged.number, judged.source, judged.judge, judged.direction) == (1.0, "llm", "stub-judge", "higher")
    assert judged.explanation == "Compared with the expected text."
    assert (concise.kind, concise.label, concise.source) == ("bool", "false", "code")
    assert got.items[0].reference == ("Take one tablet twice a day.",)


def test_the_real_annotations_go_by_their_spans() -> None:
    got = read(sample("phoenix/span_annotations.csv").read_bytes(), "span_annotations.csv", system="bot")
    assert [i.external_id for i in got.items] == ["000000000000000b", "000000000000000c"]
    assert got.score("correctness", item="000000000000000c").number == 0.0
    assert len(got.notes) == 1


def test_an_annotation_of_a_person_is_a_persons() -> None:
    got = read(lines(annotation(metadata={"annotator": "ann"}), annotation(kind="CODE")), "a.jsonl", system="bot")
    assert [(h.metric, h.number, h.rater, h.comment) for h in got.humans] == [("helpful", 4.0, "ann", "Good")]
    assert [s.source for s in got.scores] == ["code"]


def test_annotations_beside_their_spans_are_about_what_the_spans_hold() -> None:
    got = read_zip({"a.jsonl": lines(annotation()), "s.jsonl": lines(span())})
    assert (got.humans[0].item, got.humans[0].system) == ("s1", ("m", ""))
    (output,) = got.outputs
    assert (output.text, output.latency_ms, output.tokens_in) == ("No.", 2000.0, 3)
    assert got.notes[-1].why.startswith("2 files read as phoenix")


def test_spans_in_parquet_are_found_too() -> None:
    table = pa.table({"context.span_id": ["s1"], "attributes.input.value": ["May I?"],
                      "attributes.output.value": ["No."], "attributes.llm.model_name": ["m"]})  # fmt: skip
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    got = read_zip({"a.jsonl": lines(annotation()), "s.parquet": buffer.getvalue()})
    assert (got.humans[0].system, got.outputs[0].text) == (("m", ""), "No.")


def test_the_system_is_asked_for_where_no_span_names_it() -> None:
    assert "together with the spans" in refused(lines(annotation()), "a.jsonl")


def test_an_evaluator_that_did_not_complete_gave_no_score() -> None:
    score = read(lines(frame(None, "FAILED")), "e.jsonl", system="bot").scores[0]
    assert (score.number, score.missing_reason) == (None, "The evaluator did not complete: Timeout")


def test_lower_is_better_where_the_score_says_so() -> None:
    cell = {"name": "toxicity", "score": 0.1, "label": "low", "kind": "llm", "direction": "minimize"}
    score = read(lines(frame(cell)), "e.jsonl", system="bot").scores[0]
    assert (score.metric, score.direction, score.details) == ("toxicity", "lower", {"label": "low"})


def test_a_score_as_python_shows_it() -> None:
    cell = "Score(name='j', score=nan, label='yes', explanation='It\\'s so', kind='llm')"
    details = '{"status": "COMPLETED"}'.replace('"', '""')
    got = read(f'input,output,j_execution_details,j_score\nq,a,"{details}","{cell}"\n', "e.csv", system="bot")
    assert [(s.kind, s.label, s.explanation) for s in got.scores] == [("label", "yes", "It's so")]


def test_columns_of_older_versions() -> None:
    got = read("context.span_id,label,score,explanation\ns1,good,0.5,Why\n", "Helpfulness.csv", system="bot")
    assert [(s.metric, s.number, s.explanation) for s in got.scores] == [("Helpfulness", 0.5, "Why")]


def test_a_span_that_failed_is_no_bad_answer() -> None:
    got = read(lines(span(status_code="ERROR", status_message="503")), "s.jsonl")
    assert (got.outputs[0].error, got.outputs[0].text) == ("503", None)

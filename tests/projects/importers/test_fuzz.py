"""Whatever the bytes, an importer yields records or refuses with ImportFileError; nothing else comes out."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from projects.importers import IMPORTERS, ImportFileError, read_file
from projects.importers.records import Problem
from tests.projects.importers.archives import zipped, zstandard_zip
from tests.projects.importers.test_trulens import OLD, database

_DATABASE = database(*OLD)

FORMATS = ["auto", *IMPORTERS]
OPENINGS = [b"", b"item,system,output\n", b'{"item": ', b'[{"system": ', b'{"evalId": "e", "results": ', b"PAR1",
            b'{"gradingResult": ', b"\xef\xbb\xbf", b"\xff\xfe", b'[{"instruction": "q", "generator_1": ',
            b'{"question_id": 1, "g1_winner": ', b'{"model_a": "a", "model_b": "b", "winner": ']  # fmt: skip

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
DEEPEVAL = [
    "name",
    "input",
    "actualOutput",
    "actual_output",
    "turns",
    "role",
    "content",
    "metricsData",
    "score",
    "error",
    "metadata",
    "id",
    "context",
    "tags",
    "model",
    "hyperparameters",
    "completionTime",
    "expectedOutput",
]

values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
names = st.sampled_from(["item", "id", "prompt", "messages", "context", "system", "output", "metric", "value", "kind",
                         "source", "tag", "rater", "system_b", "latency_ms", "tokens_in", "repeat", "x"])  # fmt: skip
promptfoo_names = st.sampled_from(["vars", "prompt", "provider", "response", "testCase", "metadata", "gradingResult",
                                   "namedScores", "promptId", "success", "score", "failureReason", "table", "head",
                                   "body", "outputs", "componentResults", "assertion", "results"])  # fmt: skip
promptfoo_values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(promptfoo_names, inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


# Each tool's keys, at random, as rows: (format, keys that make a row of it, the others).
ROWS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "alpaca_eval": (("instruction", "generator_1", "preference"), ("dataset", "output_1", "generator_2", "output_2",
        "annotator", "raw_completion", "referenced_models", "price_per_example", "output", "generator", "win_rate",
        "n_wins", "n_draws", "logprobs", "content", "top_logprobs", "token", "logprob", "m", "M")),
    "mt_bench": (("question_id",), ("turns", "category", "reference", "model_id", "choices", "index", "content",
        "model", "judgment", "score", "judge", "turn", "model_1", "model_2", "g1_winner", "g2_winner", "tstamp")),
    "openai_evals": (("run_id", "sample_id", "type", "data"), ("spec", "final_report", "completion_fns", "base_eval",
        "prompt", "sampled", "usage", "prompt_tokens", "correct", "expected", "choice", "score", "role", "content")),
    "lm_eval": (("doc_id", "resps"), ("doc", "target", "arguments", "filtered_resps", "filter", "metrics", "acc",
        "arg_0", "arg_1", "results", "n-shot", "model_name", "higher_is_better", "alias", "acc,none", "date")),
    "arena": (("model_a", "model_b", "winner"), ("question_id", "judge", "turn", "conversation_a", "conversation_b",
        "role", "content", "language", "tstamp")),
    "ragas": (("user_input",), ("response", "retrieved_contexts", "reference", "faithfulness", "rouge_score(m=f)",
        "multi_responses", "metadata", "item_id", "type", "content", "tool_calls", "rubric")),
    "trulens": (("app_name", "record_id", "input"), ("app_version", "output", "F", "F_calls", "F direction", "meta",
        "explanation", "metadata", "reason", "args", "context", "record_json", "latency", "total_cost", "tags")),
    "langsmith": (("run_id", "key"), ("run", "example", "id", "inputs", "outputs", "inputs.q", "outputs.a",
        "feedback.x", "evaluation_results", "results", "score", "value", "feedback_source", "type",
        "feedback_group_id", "error", "run_type", "extra", "metadata", "model", "start_time", "end_time",
        "messages", "role", "content")),
    "mlflow": (("info",), ("trace_id", "assessments", "assessment_name", "source", "source_type", "feedback", "value",
        "expectation", "valid", "rationale", "trace_metadata", "mlflow.traceInputs", "request", "response", "state",
        "data", "spans", "attributes", "inputs", "outputs", "m/score", "m/value", "execution_duration")),
    "phoenix": (("context.span_id", "annotator_kind"), ("annotation_name", "score", "label", "explanation", "metadata",
        "direction", "input", "output", "j_execution_details", "j_score", "status", "exceptions", "attributes",
        "context", "span_id", "span_kind", "attributes.input.value", "attributes.output.value", "start_time",
        "end_time")),
    "langfuse": (("name", "source", "dataType"), ("value", "stringValue", "traceId", "observationId", "comment", "id",
        "type", "input", "output", "model", "startTime", "endTime", "usage", "environment", "datasetRunId", "level",
        "trace", "observations", "scores", "timestamp", "comments")),
    "llama_index": (("query",), ("response", "score", "passing", "feedback", "pairwise_source", "invalid_result",
        "contexts", "metric_dict", "scores", "answer", "rag", "retrieved_texts", "expected_ids")),
    "giskard": (("question", "reference_answer"), ("id", "reference_context", "conversation_history", "metadata",
        "agent_answer", "correctness", "correctness_reason", "ragas_x", "role", "content", "domain", "deviation")),
    "conversations": (("messages",), ("conversations", "from", "value", "role", "content", "chosen", "rejected",
        "prompt", "instruction", "completions", "model", "response", "annotations", "Rating", "score_chosen")),
}  # fmt: skip

# The same for documents that are one object: (format, names at the top, names within).
DOCUMENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "inspect": (("eval", "plan", "status", "results", "samples", "version"), ("model", "task", "dataset", "sample_ids",
        "id", "epoch", "input", "target", "choices", "messages", "output", "completion", "scores", "value", "history",
        "provenance", "author", "error", "attachments", "metrics", "scorers", "options", "role", "content",
        "metadata")),
    "helm": (("adapter_spec", "request_states"), ("model", "instance", "id", "input", "text", "references", "tags",
        "perturbation", "name", "result", "completions", "success", "output_mapping", "request_time", "output")),
    "evalai": (("result", "submission_metadata"), ("test", "F1", "team_name")),
    "llama_index": (("faithfulness", "pairwise"), ("query", "response", "score", "pairwise_source", "contexts")),
    "giskard": (("s-1", "XDetector"), ("correctness", "correctness_reason", "major", "minor")),
    "mlflow": (("columns", "data", "a/mean"), ("inputs", "outputs", "a/score")),
    "langfuse": (("data", "meta", "trace", "observations"), ("name", "source", "dataType", "value", "traceId", "id",
        "type", "input", "output", "startTime", "environment", "userId", "scores")),
}  # fmt: skip


def rows_of(format: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    needed, more = ROWS[format]
    keys = st.sampled_from([*needed, *more])
    cells = leaves | st.sampled_from(["a", "b", "model_1", "m", "output_1", "sampling", "metrics", "match", 1, 1.5, -1])
    inner = st.recursive(
        cells, lambda each: st.lists(each, max_size=3) | st.dictionaries(keys, each, max_size=5), max_leaves=10
    )
    row = st.fixed_dictionaries(dict.fromkeys(needed, inner), optional=dict.fromkeys(more, inner))
    return st.lists(row | st.dictionaries(keys, inner, max_size=6), min_size=1, max_size=3)


def survives(data: bytes, format: str) -> None:
    try:
        _, found = read_file(io.BytesIO(data), "fuzz.csv", format, {"system": "s", "system_b": "t"})
        for each in found:
            assert not isinstance(each, Problem) or each.why.endswith((".", ")"))
    except ImportFileError:
        return  # refused: that is an answer


@settings(max_examples=80, deadline=None)
@given(opening=st.sampled_from(OPENINGS), rest=st.binary(max_size=200), format=st.sampled_from(FORMATS))
def test_random_bytes(opening: bytes, rest: bytes, format: str) -> None:
    survives(opening + rest, format)


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(st.dictionaries(names, values, max_size=8), min_size=1, max_size=4), as_list=st.booleans())
def test_random_rows(rows: list[dict[str, Any]], as_list: bool) -> None:
    data = json.dumps(rows) if as_list else "\n".join(map(json.dumps, rows))
    survives(data.encode(), "jsonl")


@settings(max_examples=50, deadline=None)
@given(cells=st.lists(st.lists(st.text(max_size=6), min_size=1, max_size=6), max_size=4), header=st.lists(names))
@example(cells=[["", ""]], header=[])  # not a cell with a letter in it
def test_random_tables(cells: list[list[str]], header: list[str]) -> None:
    data = ",".join(header) + "\n" + "\n".join(",".join(row) for row in cells)
    survives(data.encode("utf-8", "surrogatepass"), "csv")


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.dictionaries(promptfoo_names, promptfoo_values), min_size=1, max_size=3), wrap=st.integers(0, 3)
)
def test_random_promptfoo(rows: list[dict[str, Any]], wrap: int) -> None:
    document: Any = [
        {"evalId": "e", "results": {"results": rows}},
        {"version": 2, "results": rows, "prompts": rows},
        {"results": {"table": {"head": rows[0], "body": rows}}},
        rows[0],
    ][wrap]
    survives(json.dumps(document).encode(), "promptfoo")


@pytest.mark.parametrize("format", ROWS)
@pytest.mark.parametrize("examples", [12, pytest.param(150, marks=pytest.mark.slow)])
def test_random_rows_of_each_tool(format: str, examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(rows=rows_of(format), as_list=st.booleans())
    def try_rows(rows: list[dict[str, Any]], as_list: bool) -> None:
        survives((json.dumps(rows) if as_list else "\n".join(map(json.dumps, rows))).encode(), format)

    try_rows()


@pytest.mark.parametrize("format", DOCUMENTS)
@pytest.mark.parametrize("examples", [12, pytest.param(150, marks=pytest.mark.slow)])
def test_random_documents_of_each_tool(format: str, examples: int) -> None:
    top, within = DOCUMENTS[format]
    keys = st.sampled_from(within)
    cells = leaves | st.sampled_from(["m", "q", "C", "original", 1, 0.5, "q1"])
    inner = st.recursive(
        cells, lambda each: st.lists(each, max_size=3) | st.dictionaries(keys, each, max_size=6), max_leaves=12
    )

    @settings(max_examples=examples, deadline=None)
    @given(document=st.fixed_dictionaries({}, optional=dict.fromkeys(top, inner)))
    def try_documents(document: dict[str, Any]) -> None:
        survives(json.dumps(document).encode(), format)

    try_documents()


@settings(max_examples=30, deadline=None)
@given(junk=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6), cut=st.integers(0, 400))
def test_random_damage_to_archives_and_databases(junk: list[tuple[int, int]], cut: int) -> None:
    sample = json.dumps({"id": "q", "input": "q", "scores": {"m": {"value": "C"}}})
    files = {"header.json": '{"eval": {"model": "m"}}', "samples/q_epoch_1.json": sample}
    for data, format in ((zipped(files), "inspect"), (zstandard_zip(files), "inspect"), (zipped(files), "zip"),
                         (_DATABASE, "trulens")):  # fmt: skip
        damaged = bytearray(data)
        for at, value in junk:
            damaged[(at * 37) % len(damaged)] = value
        survives(bytes(damaged), format)
        survives(bytes(damaged[: len(damaged) * cut // 400]), format)


@settings(max_examples=40, deadline=None)
@given(
    cases=st.lists(st.dictionaries(st.sampled_from(DEEPEVAL), values), min_size=1, max_size=3),
    name=st.sampled_from(["testCases", "conversationalTestCases", "test_results"]),
    rest=st.dictionaries(st.sampled_from(DEEPEVAL), values, max_size=3),
)
def test_random_deepeval(cases: list[dict[str, Any]], name: str, rest: dict[str, Any]) -> None:
    survives(json.dumps({**rest, name: cases}).encode(), "deepeval")


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_every_beginning_of_a_file(cut: int) -> None:
    data = json.dumps({"evalId": "e", "results": {"results": [{"vars": {"q": "é"}, "provider": "p", "gradingResult": {
        "componentResults": [{"assertion": {"type": "x"}}]}}] * 3}}, ensure_ascii=False).encode()  # fmt: skip
    for format in FORMATS:
        survives(data[:cut], format)

"""Ragas: the table of an evaluation (CSV, JSON, Parquet), and data sets without scores.

Checked against version 0.4.3; the column names of version 0.1 are known too.

- Every column that is no field of a sample is a metric; names may hold brackets, as ``rouge_score(mode=fmeasure)``.
- Lists are written as Python shows them in CSV, as lists in JSON and Parquet.
- A metric that failed is NaN or empty: no score.
- The scale is known for Ragas's own metrics only; aspect critics and rubrics have names of the user's own.
- The file names neither the items nor the system.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from projects.importers import beside, payloads, sniffing, values
from projects.importers.literals import parsed
from projects.importers.records import (
    Direction,
    ItemRecord,
    Message,
    OutputRecord,
    Problem,
    Record,
    RunRecord,
    Skip,
    Source,
    SystemKey,
    SystemRecord,
    not_alone,
    note,
    refusal,
)
from projects.importers.roles import HEADERS, normal
from projects.importers.rows import each_row, first_rows
from projects.importers.scoring import Kinds, Trials, metric_name, score, tried
from projects.importers.shapes import as_list
from projects.importers.tables import Row

TITLE = "Ragas results and data sets (CSV, JSON, Parquet)"

_OLD_NAMES = {"question": "user_input", "contexts": "retrieved_contexts", "answer": "response",
              "ground_truth": "reference", "ground_truths": "reference"}  # fmt: skip
_TELLING = ("retrieved_contexts", "response", "reference", "reference_contexts", "reference_tool_calls",
            "reference_topics", "multi_responses", "rubrics")  # fmt: skip
_FIELDS = frozenset({*_OLD_NAMES, *_TELLING, "user_input", "retrieved_context_ids", "reference_context_ids", "id",
                     "item_id", "persona_name", "query_style", "query_length", "synthesizer_name", "column 1",
                     "metadata", "episode_done"})  # fmt: skip
_KEPT = ("persona_name", "query_style", "query_length", "synthesizer_name", "rubrics", "reference_topics",
         "reference_tool_calls", "reference_contexts", "metadata")  # fmt: skip
# Ragas's own metrics, which go from 0 to 1.
_BY_MODEL = frozenset({
    "faithfulness", "faithfulness_with_hhem", "answer_relevancy", "response_relevancy", "context_precision",
    "context_recall", "context_entity_recall", "answer_correctness", "factual_correctness", "context_relevance",
    "llm_context_precision_with_reference", "llm_context_precision_without_reference", "context_utilization",
    "nv_accuracy", "nv_context_relevance", "nv_response_groundedness", "noise_sensitivity",
    "noise_sensitivity_relevant", "noise_sensitivity_irrelevant", "topic_adherence", "agent_goal_accuracy",
})  # fmt: skip
_BY_CODE = frozenset({
    "bleu_score", "rouge_score", "chrf_score", "exact_match", "string_present", "non_llm_string_similarity",
    "semantic_similarity", "answer_similarity", "non_llm_context_precision_with_reference",
    "non_llm_context_recall", "id_based_context_precision", "id_based_context_recall", "tool_call_accuracy",
    "datacompy_score",
})  # fmt: skip
_LOWER = re.compile(r"noise_sensitivity")


def sniff(head: bytes, name: str) -> float:
    for found in (sniffing.keys(head), frozenset(sniffing.header(head))):
        if "user_input" in found and set(_TELLING) & found:
            return 0.9
        if found >= {"question", "answer", "contexts"} and {"ground_truth", "ground_truths"} & found:
            return 0.85
    return 0.8 if _scores_alone(sniffing.keys(head)) else 0.0


def _scores_alone(columns: frozenset[str]) -> bool:
    """``scores.json`` and ``traces.json``: metrics and nothing else, so nobody can tell what they are about."""
    metrics = {column.split("(", 1)[0] for column in columns} & (_BY_MODEL | _BY_CODE)
    known = {heading for headings in HEADERS.values() for heading in headings}
    return bool(metrics) and not {normal(column) for column in columns} & known


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    first = [_renamed(row) for row in first_rows(stream, name)]
    if first and _scores_alone(frozenset(first[0])):
        raise not_alone(
            name, "These scores name no question, so it cannot be told what they are about. Import the table of "
            "to_pandas(), which has user_input."
        )  # fmt: skip
    if not any("user_input" in row for row in first):
        raise refusal(name, "No row holds a user_input (or, of version 0.1, a question), as Ragas's tables do.")
    reader = _Reader(name, Kinds(first), beside.asked_system(options))
    yield RunRecord("Ragas")
    yield from each_row(stream, name, reader.row)
    if reader.prose:
        names = ", ".join(f"'{column}'" for column in reader.prose)
        yield note(name, f"Texts of {names} are too long for scores and were kept with the outputs.")


def _renamed(row: Row) -> Row:
    return {_OLD_NAMES.get(column, column): cell for column, cell in row.items()}


class _Reader:
    def __init__(self, name: str, kinds: Kinds, system: str) -> None:
        self.name, self.kinds = name, kinds
        self.system: SystemKey = (system, "")
        self.trials = Trials()
        self.named = False
        self.prose: dict[str, None] = {}

    def row(self, line: int, given: Row) -> Iterator[Record | Problem]:
        row = _renamed(given)
        turns = payloads.conversation_or_none(parsed(row.get("user_input")))
        asked, answered = payloads.split(turns) if turns else (payloads.asked(row.get("user_input")).messages, ())
        if not asked:
            raise Skip("The row has no user_input.", "user_input")
        item = _item(row, asked)
        yield item
        metrics = [column for column in row if column not in _FIELDS and not isinstance(parsed(row[column]), dict)]
        responses = _responses(row, answered)
        if not responses and not any(not values.is_missing(row[column]) for column in metrics):
            return  # a data set
        if not self.system[0]:
            raise beside.unknown_system(self.name)
        if not self.named:
            self.named = True
            yield SystemRecord(*self.system)
        yield from self._outputs(line, row, item, responses or [payloads.Answered()], metrics)

    def _outputs(
        self, line: int, row: Row, item: ItemRecord, responses: list[payloads.Answered], metrics: list[str]
    ) -> Iterator[Record | Problem]:
        prose = [column for column in metrics if self.kinds.is_prose(column)]
        self.prose |= dict.fromkeys(prose)
        found = {column: parsed(row.get(column)) for column in ("retrieved_contexts", "retrieved_context_ids", *prose)}
        kept = {column: values.plain(cell) for column, cell in found.items() if cell and not values.is_missing(cell)}
        for answer in responses:
            repeat = self.trials.next(item.external_id, self.system)
            error = "The row holds no response." if answer.is_empty else ""
            output = OutputRecord(item.external_id, self.system, answer.text, answer.messages, repeat, raw=kept)
            yield output if not error else OutputRecord(item.external_id, self.system, repeat=repeat, raw=kept)
            for column in metrics:
                if column not in prose:
                    yield from tried(self.name, line, self._score(column, row[column], output))

    def _score(self, column: str, cell: Any, output: OutputRecord) -> Iterator[Record]:
        base = column.split("(", 1)[0].strip()
        own = base in _BY_MODEL or base in _BY_CODE
        source: Source = "code" if base in _BY_CODE else "llm"
        direction: Direction = "lower" if _LOWER.match(base) else "higher" if own else "unknown"
        found = parsed(cell)
        yield score(
            metric_name(column),
            found,
            output,
            kind=self.kinds.of(column),
            missing="Ragas gave no value: the metric failed." if values.is_missing(found) else "",
            source=source,
            direction=direction,
            scale=(0.0, 1.0) if own else (None, None),
        )


def _responses(row: Row, answered: tuple[Message, ...]) -> list[payloads.Answered]:
    if answered:
        return [payloads.said(answered)]
    several = [each for each in as_list(parsed(row.get("multi_responses"))) if isinstance(each, str)]
    text = values.body(row.get("response"))
    return [payloads.Answered(each) for each in several] or ([payloads.Answered(text)] if text else [])


def _item(row: Row, asked: tuple[Message, ...]) -> ItemRecord:
    ids = payloads.named_id(row, parsed(row.get("metadata"))), payloads.fitting_id(row.get("id"))
    kept = {key: values.plain(parsed(row[key])) for key in _KEPT if not values.is_missing(row.get(key))}
    context = values.texts(parsed(row.get("retrieved_contexts"))) or values.texts(parsed(row.get("reference_contexts")))
    return ItemRecord(
        payloads.identity(asked, *ids),
        messages=asked,
        context=context,
        reference=tuple(each for each in values.texts(parsed(row.get("reference"))) if each),
        metadata=kept,
    )

"""LlamaIndex: dumps of evaluation results, of the batch runner, of pairs and of retrieval, and its data frame.

Checked against llama-index-core 0.14.

- The batch runner gives one list for each metric, all in the order of the questions.
- Correctness goes from 1 to 5; faithfulness, relevancy and the measures of retrieval from 0 to 1.
- ``invalid_result`` means that there is no score.
- Of a pair, 1 means that the first is better, 0 the second, 0.5 a tie. ``pairwise_source`` tells the order shown;
  ``neither`` means that the judge contradicted itself when the order was turned.
- Neither the systems nor, outside the batch runner, the metric are named.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, BinaryIO

from projects.importers import beside, limits, payloads, sniffing, values
from projects.importers.jsonscan import loads
from projects.importers.literals import parsed
from projects.importers.records import (
    Direction,
    ImportFileError,
    ItemRecord,
    OutputRecord,
    Position,
    Problem,
    Record,
    RunRecord,
    ScoreRecord,
    Skip,
    SystemKey,
    SystemRecord,
    problem,
    refusal,
)
from projects.importers.rows import each_row
from projects.importers.scoring import metric_name, score, tried
from projects.importers.shapes import as_dict, as_list, as_text
from projects.importers.tables import Row

TITLE = "LlamaIndex evaluation results (JSON, CSV)"

_SCALES = {"correctness": (1.0, 5.0)} | dict.fromkeys(
    ("faithfulness", "relevancy", "answer_relevancy", "context_relevancy", "semantic_similarity", "guideline",
     "hit_rate", "mrr", "precision", "recall", "ap", "ndcg"), (0.0, 1.0)
)  # fmt: skip
_RESULT = ("query", "response", "passing", "score")
_POSITIONS: dict[str, Position] = {"original": "a_first", "flipped": "b_first"}
_LABELS = {1.0: "a", 0.0: "b", 0.5: "tie"}
_FRAME = {"rag", "query", "answer", "scores"}


def sniff(head: bytes, name: str) -> float:
    found = sniffing.keys(head)
    if sniffing.has(found, "query", "pairwise_source") or sniffing.has(found, "query", "metric_dict"):
        return 0.95
    if set(sniffing.header(head)) >= _FRAME or found >= _FRAME:
        return 0.9
    return 0.9 if b'"pairwise_source"' in head and b'"query"' in head and sniffing.opening(head)[:1] == b"{" else 0.0


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    stream.seek(0)
    head = stream.read(beside.HEAD_BYTES)
    stream.seek(0)
    given = options or {}
    metric = (as_text(given.get("metric")).strip() or _metric_of(name))[: limits.MAX_METRIC_CHARS]
    reader = _Reader(name, beside.asked_system(options), as_text(given.get("system_b")).strip(), metric)
    yield RunRecord("LlamaIndex")
    if sniffing.opening(head)[:1] == b"{" and "query" not in sniffing.keys(head):
        yield from _batch(stream, name, reader)
    else:
        yield from each_row(stream, name, reader.row)
    if not reader.known:
        raise refusal(name, "No row is a result of LlamaIndex: each has a query with a score or a metric_dict.")
    if reader.unpaired:
        why = f"Results of pairs do not say which systems were compared ({reader.unpaired:,}). Name the second one too."
        yield problem(name, why, column="pairwise_source")


def _metric_of(name: str) -> str:
    """'correctness' of correctness_deep_df.csv: a metric that is known, else the file's name."""
    stem = PurePath(name).stem
    return next((metric for metric in _SCALES if stem.lower().startswith(metric)), stem)


def _batch(stream: BinaryIO, name: str, reader: _Reader) -> Iterator[Record | Problem]:
    try:
        document = as_dict(loads(limits.read_utf8(stream, name).decode("utf-8")).value)
    except ImportFileError:
        raise
    except ValueError as error:
        raise refusal(name, str(error)) from None
    lists = {metric: [as_dict(each) for each in as_list(found)] for metric, found in document.items()}
    longest = max(map(len, lists.values()), default=0)
    for place in range(longest):
        rows = [(metric, found[place]) for metric, found in lists.items() if place < len(found)]
        # The lists are in the order of the questions: what one leaves out, another of the same place tells.
        shared = {key: next((row[key] for _, row in rows if row.get(key)), None) for key in _RESULT[:2] + ("contexts",)}
        for metric, row in rows:
            filled = {**row, **{key: cell for key, cell in shared.items() if not row.get(key)}}
            yield from tried(name, place + 1, reader.result(place + 1, filled, metric))


class _Reader:
    def __init__(self, name: str, system: str, system_b: str, metric: str) -> None:
        self.name, self.system, self.system_b, self.metric = name, system, system_b, metric
        self.systems: set[SystemKey] = set()
        self.known = self.unpaired = 0

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        if isinstance(metrics := parsed(row.get("metric_dict")), dict):
            yield from self._retrieval(line, row, metrics)
        elif "scores" in row and "answer" in row:
            told = {"query": row.get("query"), "response": row["answer"], "score": row["scores"],
                    "feedback": row.get("feedbacks"), "contexts": parsed(row.get("contexts"))}  # fmt: skip
            yield from self.result(line, told, self.metric, as_text(row.get("rag")).strip())
        else:
            yield from self.result(line, row, self.metric)

    def _target(self, name: str) -> Iterator[SystemRecord]:
        key = name[: limits.MAX_NAME_CHARS], ""
        if key not in self.systems:
            self.systems.add(key)
            yield SystemRecord(*key)

    def _item(self, row: Row) -> ItemRecord:
        asked = payloads.asked(row.get("query")).messages
        if not asked:
            raise Skip("The result has no query.", "query")
        self.known += 1
        return ItemRecord(payloads.identity(asked), messages=asked, context=values.texts(parsed(row.get("contexts"))))

    def result(self, line: int, row: Row, metric: str, system: str = "") -> Iterator[Record | Problem]:
        if row.get("pairwise_source"):
            yield from self._pair(row, metric)
            return
        item, name = self._item(row), system or self.system
        if not name:
            raise beside.unknown_system(self.name)
        yield item
        yield from self._target(name)
        text = values.body(row.get("response"))
        output = OutputRecord(item.external_id, (name[: limits.MAX_NAME_CHARS], ""), text or None)
        yield output
        yield from tried(self.name, line, self._score(metric, row, output))

    def _score(self, metric: str, row: Row, output: OutputRecord) -> Iterator[ScoreRecord]:
        reason = as_text(row.get("invalid_reason"))
        invalid = values.truth(row.get("invalid_result")) is True
        number = row.get("score")
        if values.is_missing(number) and not invalid:
            number = row.get("passing")  # some evaluators only say whether it passed
        yield score(
            metric_name(metric),
            number,
            output,
            missing=f"The result is invalid: {reason or 'the tool does not say why.'}" if invalid else "",
            passed=values.truth(row.get("passing")),
            source="code" if metric == "semantic_similarity" else "llm",
            explanation=as_text(row.get("feedback")),
            **_scale(metric),
        )

    def _pair(self, row: Row, metric: str) -> Iterator[Record]:
        item = self._item(row)
        if not self.system or not self.system_b:
            self.unpaired += 1
            return
        yield item
        for name in (self.system, self.system_b):
            yield from self._target(name)
        source, number = as_text(row.get("pairwise_source")), values.finite(row.get("score"))
        invalid = values.truth(row.get("invalid_result")) is True or number is None
        label = "" if invalid or number is None else _LABELS.get(number, "")
        if not invalid and not label:
            raise Skip("The score of a pair must be 1, 0.5 or 0.", "score")
        reason = as_text(row.get("invalid_reason")) or "the tool gave no score."
        yield ScoreRecord(
            metric_name(metric),
            item.external_id,
            (self.system[: limits.MAX_NAME_CHARS], ""),
            (self.system_b[: limits.MAX_NAME_CHARS], ""),
            kind="preference",
            label=label,
            source="llm",
            explanation=as_text(row.get("feedback")),
            missing_reason=f"The result is invalid: {reason}" if invalid else "",
            position=_POSITIONS.get(source, ""),
            details={"pairwise_source": source},
        )

    def _retrieval(self, line: int, row: Row, metrics: dict[str, Any]) -> Iterator[Record | Problem]:
        item = self._item(row)
        if not self.system:
            raise beside.unknown_system(self.name)
        expected = {"expected_ids": values.plain(parsed(row.get("expected_ids")))}
        yield ItemRecord(item.external_id, item.messages, metadata=expected)
        yield from self._target(self.system)
        kept = {key: values.plain(parsed(row.get(key))) for key in ("retrieved_ids", "retrieved_texts") if row.get(key)}
        texts = values.texts(parsed(row.get("retrieved_texts")))
        # What was retrieved is no answer: it stands beside the answers, as a variant.
        output = OutputRecord(item.external_id, (self.system[: limits.MAX_NAME_CHARS], ""),
                              "\n\n".join(texts) or None, variant="retrieval", raw=kept)  # fmt: skip
        yield output
        for metric, told in metrics.items():
            number = as_dict(told).get("score") if isinstance(told, dict) else told
            yield from tried(self.name, line, _measure(metric, number, output))


def _measure(metric: str, number: Any, output: OutputRecord) -> Iterator[ScoreRecord]:
    yield score(metric_name(metric), number, output, source="code", **_scale(metric))


def _scale(metric: str) -> dict[str, Any]:
    known = _SCALES.get(metric)
    direction: Direction = "higher" if known else "unknown"
    return {"scale": known or (None, None), "direction": direction}

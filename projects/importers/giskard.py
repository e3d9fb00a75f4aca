"""Giskard, version 2: RAGET test sets, the folder of a report, its data frame, and scans.

Checked against version 2.19. The files of a report's folder belong together: ``agent_answer.json`` holds answers in the
order of ``testset.jsonl``, ``metrics_results.json`` the scores by the questions' ids. The system is named nowhere.

A scan lists findings about a whole system. Version 3 is another tool by its files, and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from projects.importers import beside, limits, payloads, sniffing, values
from projects.importers.jsonscan import loads
from projects.importers.literals import parsed
from projects.importers.records import (
    ImportFileError,
    ItemRecord,
    OutputRecord,
    Problem,
    ReadElsewhere,
    Record,
    RunRecord,
    ScoreRecord,
    Skip,
    SystemRecord,
    not_alone,
    problem,
    refusal,
)
from projects.importers.rows import each_row, item_in
from projects.importers.scoring import metric_name, of_run, score, tried
from projects.importers.shapes import as_dict, as_list, as_text
from projects.importers.tables import Row

TITLE = "Giskard test sets, reports and scans (version 2)"

_QUESTION = {"question", "reference_answer"}
_SCAN_FRAME = {"domain", "slicing_fn", "transformation_fn", "metric", "deviation", "description"}
_KNOWN = frozenset({"id", "question", "reference_answer", "reference_context", "conversation_history", "metadata",
                    "agent_answer", "assistant_answer", "column 1"})  # fmt: skip
_METRICS = re.compile(rb'\{\s*"[^"]{1,300}"\s*:\s*\{[^{}]{0,4000}?"correctness"\s*:\s*(?:true|false|null)')
_LEVELS = ("major", "medium", "minor")
_NO_FINDING = "no issue"


def sniff(head: bytes, name: str) -> float:
    return 0.9 if _kind(head) else 0.0


def _kind(head: bytes) -> str:
    found, header, opening = sniffing.keys(head), frozenset(sniffing.header(head)), sniffing.opening(head)
    for columns in (found, header):
        if columns >= _QUESTION and columns & {"conversation_history", "reference_context"}:
            return "table"
        if columns >= _SCAN_FRAME:
            return "scan table"
    if found == {"message", "documents"} or (found == {"message"} and opening[:1] == b"["):
        return "answers"
    if found == {"recommendation"}:
        return "details"
    if opening[:1] == b"{" and found and all(key.endswith("Detector") for key in found):
        return "scan"
    return "metrics" if opening[:1] == b"{" and _METRICS.match(opening) else ""


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    stream.seek(0)
    kind = _kind(stream.read(beside.HEAD_BYTES))
    stream.seek(0)
    system = beside.asked_system(options)
    yield RunRecord("Giskard")
    if kind in {"table", "scan table"}:
        reader = _Reader(name, system)
        yield from each_row(stream, name, reader.row if kind == "table" else reader.finding)
        return
    if kind == "details":
        if any(_kind(head) for _, head in beside.heads(options)):
            yield ReadElsewhere("the report")
            return
        raise not_alone(name, "This file of a Giskard report holds no scores. Import the report's folder.")
    document = _document(stream, name)
    if kind == "answers":
        yield from _answers(name, as_list(document), options, system)
    elif kind == "metrics":
        yield from _metrics(name, as_dict(document), system)
    elif kind == "scan":
        yield from _scan(name, as_dict(document), system)
    else:
        raise refusal(
            name, "The file is none of Giskard 2: a test set (question, reference_answer), a report's "
            "agent_answer.json or metrics_results.json, or a scan by detectors. Giskard 3 writes other files, which "
            "are not read here."
        )  # fmt: skip


def _document(stream: BinaryIO, name: str) -> Any:
    try:
        return loads(limits.read_utf8(stream, name).decode("utf-8")).value
    except ImportFileError:
        raise
    except ValueError as error:
        raise refusal(name, str(error)) from None


class _Reader:
    """Rows of a test set or of a report's data frame."""

    def __init__(self, name: str, system: str) -> None:
        self.name, self.system = name, (system, "")
        self.told = False

    def _system(self) -> Iterator[SystemRecord]:
        if not self.system[0]:
            raise beside.unknown_system(self.name)
        if not self.told:
            self.told = True
            yield SystemRecord(*self.system)

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        yield (item := _item(row))
        answer = row.get("agent_answer", row.get("assistant_answer"))
        metrics = [column for column in row if column not in _KNOWN and not column.endswith("_reason")]
        if values.is_missing(answer) and all(values.is_missing(row[column]) for column in metrics):
            return  # a test set that nobody answered yet
        yield from self._system()
        output = OutputRecord(item.external_id, self.system, values.body(answer))
        yield output
        yield from _scores(self.name, line, {column: row[column] for column in metrics}, row, output)

    def finding(self, line: int, row: Row) -> Iterator[Record | Problem]:
        yield from self._system()
        domain, found = as_text(row.get("domain")).strip(), as_text(row.get("deviation")).strip()
        where = [as_text(row.get(key)) for key in ("slicing_fn", "transformation_fn") if as_text(row.get(key))]
        metric = metric_name(" ".join(["Giskard scan", domain, *where])[: limits.MAX_METRIC_CHARS - 6])
        yield of_run(metric, found[: limits.MAX_NAME_CHARS], self.system, source="code",
                     explanation=as_text(row.get("description")),
                     details={"metric": as_text(row.get("metric"))})  # fmt: skip


def _item(row: Row) -> ItemRecord:
    question = values.body(row.get("question"))
    if not question or not question.strip():
        raise Skip("The row has no question.", "question")
    history = payloads.conversation_or_none(parsed(row.get("conversation_history")))
    messages = (*history, {"role": "user", "content": question})
    metadata = as_dict(parsed(row.get("metadata")))
    kinds = [f"{key}:{metadata[key]}" for key in ("question_type", "topic") if isinstance(metadata.get(key), str)]
    ident = payloads.identity(messages, payloads.named_id(metadata), payloads.fitting_id(row.get("id")))
    return ItemRecord(
        ident,
        messages=messages,
        context=values.texts(row.get("reference_context")),
        reference=tuple(each for each in values.texts(row.get("reference_answer")) if each),
        metadata=values.plain(metadata),
        tags=tuple(tag[: limits.MAX_METRIC_CHARS] for tag in kinds),
    )


def _answers(name: str, answers: list[Any], options: dict[str, Any] | None, system: str) -> Iterator[Record | Problem]:
    """Answers are in the order of the test set's questions; only with it are they anybody's."""
    testset = _testset_beside(name, options)
    if testset is None:
        raise not_alone(name, "The answers name no questions. Import them together with the report's testset.jsonl.")
    if len(testset) != len(answers):
        raise refusal(
            name, f"There are {len(answers):,} answers for the {len(testset):,} questions of the test set beside them, "
            "so it cannot be told which belongs to which."
        )  # fmt: skip
    if not system:
        raise beside.unknown_system(name)
    yield SystemRecord(system)
    for number, (row, answer) in enumerate(zip(testset, map(as_dict, answers), strict=True), start=1):
        yield from tried(name, number, _answer(row, answer, system))


def _answer(row: Row, answer: dict[str, Any], system: str) -> Iterator[Record]:
    item, text = _item(row), values.body(answer.get("message"))
    documents = values.plain(answer.get("documents"))
    error = "" if text is not None else "The agent gave no answer."
    kept = {"documents": documents} if documents else {}
    yield OutputRecord(item.external_id, (system, ""), text, error=error, raw=kept)


def _testset_beside(name: str, options: dict[str, Any] | None) -> list[Row] | None:
    folder = name.rpartition("/")[0]
    for other, head in beside.heads(options):
        if other.name.rpartition("/")[0] == folder and _kind(head) == "table":
            return list(beside.rows_of(other))
    return None


def _metrics(name: str, found: dict[str, Any], system: str) -> Iterator[Record | Problem]:
    if not system:
        raise beside.unknown_system(name)
    yield SystemRecord(system)
    for number, (ident, told) in enumerate(found.items(), start=1):
        row = {"id": ident}
        try:
            output = OutputRecord(item_in(row, "id"), (system, ""))
        except Skip as skip:
            yield problem(name, skip.why, number, skip.column)
            continue
        metrics = {key: cell for key, cell in as_dict(told).items() if not key.endswith("_reason")}
        yield from _scores(name, number, metrics, as_dict(told), output)


def _scores(name: str, line: int, metrics: Row, row: Row, output: OutputRecord) -> Iterator[Record | Problem]:
    for metric, cell in metrics.items():
        reason = as_text(row.get(f"{metric}_reason"))
        yield from tried(name, line, _score(metric, cell, output, reason))


def _score(metric: str, cell: Any, output: OutputRecord, reason: str) -> Iterator[ScoreRecord]:
    yes_no = metric == "correctness"
    by_ragas = metric.startswith("ragas_")
    yield score(
        metric_name(metric),
        parsed(cell),
        output,
        kind="bool" if yes_no else "",
        passed=values.truth(cell) if yes_no else None,
        source="llm",
        scale=(0.0, 1.0) if by_ragas else (None, None),
        direction="higher" if yes_no or by_ragas else "unknown",
        explanation=reason,
    )


def _scan(name: str, found: dict[str, Any], system: str) -> Iterator[Record | Problem]:
    """{detector: {level: [what was found]}}: one label a detector, the gravest level that it found."""
    if not system:
        raise beside.unknown_system(name)
    yield SystemRecord(system)
    for detector, levels in found.items():
        told = {level: [as_text(each) for each in as_list(texts)] for level, texts in as_dict(levels).items()}
        gravest = next((level for level in (*_LEVELS, *told) if told.get(level)), _NO_FINDING)
        texts = [f"{level}: {text}" for level, found in told.items() for text in found if text]
        yield from tried(name, None, _finding(detector, gravest, texts, told, system))


def _finding(
    detector: str, level: str, texts: list[str], told: dict[str, list[str]], system: str
) -> Iterator[ScoreRecord]:
    yield of_run(
        f"Giskard scan {detector}",
        level[: limits.MAX_NAME_CHARS],
        (system, ""),
        source="llm" if detector.startswith("LLM") else "code",
        explanation="\n".join(texts),
        details={"found": {key: len(each) for key, each in told.items()}} if told else None,
    )

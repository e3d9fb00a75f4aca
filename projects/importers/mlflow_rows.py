"""Rows of MLflow: traces with their assessments, and the classic table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from projects.importers import beside, limits, payloads, values
from projects.importers.jsonscan import loads
from projects.importers.literals import parsed
from projects.importers.records import (
    ItemRecord,
    OutputRecord,
    Problem,
    Record,
    ScoreRecord,
    Skip,
    Source,
    SystemKey,
    SystemRecord,
)
from projects.importers.scoring import Kinds, Noted, Trials, metric_name, rating, score, tried
from projects.importers.shapes import as_dict, as_list, as_text
from projects.importers.tables import Row

_SOURCES: dict[str, Source] = {"HUMAN": "human", "LLM_JUDGE": "llm", "AI_JUDGE": "llm", "CODE": "code"}
_MODEL = ("mlflow.chat.model", "mlflow.llm.model", "gen_ai.request.model", "model")
_REFERENCES = ("ground_truth", "targets", "target", "expectations", "expected_response")
_INPUTS = ("inputs", "input", "request", "question")
_OUTPUTS = ("outputs", "output", "response", "prediction")
_EXPECTED = re.compile(r"expected_\w+|guidelines")  # MLflow's own names of expectations
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")


class _Base:
    def __init__(self, name: str, system: str, first: list[Row]) -> None:
        self.name, self.asked = name, system
        self.kinds, self.trials, self.noted = Kinds(first), Trials(), Noted(name)
        self.systems: set[SystemKey] = set()
        self.known = 0

    def notes(self) -> Iterator[Problem]:
        return self.noted.notes()

    def _system(self, told: str) -> SystemKey:
        if not told and not self.asked:
            raise beside.unknown_system(self.name)
        return (told or self.asked)[: limits.MAX_NAME_CHARS], ""

    def _new_system(self, system: SystemKey) -> Iterator[SystemRecord]:
        self.known += 1
        if system not in self.systems:
            self.systems.add(system)
            yield SystemRecord(*system)


class Reader(_Base):
    """Traces as JSON, and rows of a result's data frame, which hold a trace each."""

    def __init__(self, name: str, system: str, first: list[Row]) -> None:
        super().__init__(name, system, first)
        # A judge's yes may be a label among others (yes, no, unknown): the kind is that of all the first values.
        self.feedback = Kinds(
            {as_text(each.get("assessment_name")): as_dict(each.get("feedback")).get("value")}
            for row in first
            for each in _assessments(row)
        )

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        info = as_dict(row.get("info"))
        asked = payloads.asked(_request(row, info))
        if not asked.messages:
            raise Skip("The trace does not say what was asked.", "request")
        system = self._system(_model(row, info))
        yield from self._new_system(system)
        assessments = [each for each in _assessments(row) if each.get("valid") is not False]
        item = self._item(row, info, asked, assessments)
        yield item
        output = self._output(row, info, item.external_id, system)
        yield output
        for each in assessments:
            if "expectation" not in each:
                yield from tried(self.name, line, self._feedback(each, output))
        if not _assessments(row):
            yield from self._columns(line, row, output)

    def _item(
        self, row: Row, info: dict[str, Any], asked: payloads.Asked, assessments: list[dict[str, Any]]
    ) -> ItemRecord:
        expected = [as_dict(each.get("expectation")).get("value") for each in assessments if "expectation" in each]
        for column, cell in row.items():
            bare = column.removesuffix("/value")
            if column != bare and _EXPECTED.fullmatch(bare) and not values.is_missing(cell):
                expected.append(parsed(cell))
        texts = [text for each in expected for text in values.texts(each)]
        tags, metadata = as_dict(parsed(row.get("tags") or info.get("tags"))), as_dict(info.get("trace_metadata"))
        ident = payloads.named_id(tags, metadata, as_dict(parsed(_request(row, info))))
        return ItemRecord(payloads.identity(asked.messages, ident), messages=asked.messages, context=asked.context,
                          reference=tuple(dict.fromkeys(text for text in texts if text)))  # fmt: skip

    def _output(self, row: Row, info: dict[str, Any], item: str, system: SystemKey) -> OutputRecord:
        state = as_text(row.get("state")) or as_text(info.get("state")) or as_text(info.get("status"))
        answer = payloads.answered(_response(row, info))
        failed = state.upper() in {"ERROR", "TRACE_STATE_ERROR"}
        error = "The trace ended with an error." if failed else ""
        trace = info.get("trace_id") or info.get("request_id") or row.get("trace_id")
        return OutputRecord(
            item,
            system,
            **answer.output(error, "The trace holds no response."),
            repeat=self.trials.next(item, system),
            latency_ms=_latency(row, info),
            raw={"trace_id": values.plain(trace)} if trace else {},
        )

    def _feedback(self, each: dict[str, Any], output: OutputRecord) -> Iterator[Record]:
        told, source = as_dict(each.get("feedback")), as_dict(each.get("source"))
        metric, value = metric_name(each.get("assessment_name")), told.get("value")
        kind = _SOURCES.get(as_text(source.get("source_type")).upper(), "code")
        who, reason = as_text(source.get("source_id")).strip(), as_text(each.get("rationale"))
        if kind == "human":
            yield rating(metric, value, output, rater=who, comment=reason)
            return
        error = told.get("error")
        message = as_text(as_dict(error).get("error_message")) or as_text(error)
        yield score(
            metric,
            value,
            output,
            kind=self.feedback.of(as_text(each.get("assessment_name"))),
            missing=f"The scorer failed: {message or 'it does not say why'}" if error else "",
            source=kind,
            judge=who[: limits.MAX_NAME_CHARS] if kind == "llm" else "",
            explanation=reason,
        )

    def _columns(self, line: int, row: Row, output: OutputRecord) -> Iterator[Record | Problem]:
        """Without assessments the columns hold the values, and nothing says who gave them."""
        for column, cell in row.items():
            bare = column.removesuffix("/value")
            if column == bare or _EXPECTED.fullmatch(bare) or values.is_missing(cell):
                continue
            self.noted.add("The file has no assessments, so its scores are taken for those of programs.")
            reason = as_text(row.get(f"{bare}/rationale"))
            yield from tried(self.name, line, _scored(bare, parsed(cell), output, self.kinds.of(column), reason))


class TableReader(_Base):
    """``eval_results_table``: inputs, outputs, a reference, and a column for each metric."""

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        asked = payloads.asked(_first(row, _INPUTS))
        if not asked.messages:
            raise Skip("The row has no inputs.", "inputs")
        system = self._system("")
        yield from self._new_system(system)
        ident = payloads.identity(asked.messages, payloads.named_id(row), payloads.fitting_id(row.get("id")))
        reference = values.texts(parsed(_first(row, _REFERENCES)))
        context = asked.context or values.texts(parsed(row.get("context")))
        told = tuple(each for each in reference if each)
        yield ItemRecord(ident, messages=asked.messages, context=context, reference=told)
        answer = payloads.answered(_first(row, _OUTPUTS))
        output = OutputRecord(
            ident,
            system,
            **answer.output("", "The row holds no output."),
            repeat=self.trials.next(ident, system),
            latency_ms=values.milliseconds(values.amount(row.get("latency"))),
            tokens_out=values.count(row.get("token_count")),
        )
        yield output
        for column, cell in row.items():
            bare = column.removesuffix("/score")
            if column != bare:
                reason = as_text(row.get(f"{bare}/justification"))
                yield from tried(self.name, line, _scored(bare, cell, output, self.kinds.of(column), reason))


def _scored(metric: str, cell: Any, output: OutputRecord, kind: str, reason: str) -> Iterator[ScoreRecord]:
    yield score(metric_name(metric), cell, output, kind=kind, source="code", explanation=reason)


def _first(row: Row, columns: tuple[str, ...]) -> Any:
    return next((row[column] for column in columns if not values.is_missing(row.get(column))), None)


def _assessments(row: Row) -> list[dict[str, Any]]:
    found = parsed(row.get("assessments")) or as_dict(row.get("info")).get("assessments")
    return [as_dict(each) for each in as_list(found) if isinstance(each, dict)]


def _root(row: Row) -> dict[str, Any]:
    """The attributes of the outermost span."""
    spans = as_list(as_dict(row.get("data")).get("spans")) or as_list(parsed(row.get("spans")))
    root = next(
        (each for each in map(as_dict, spans) if not each.get("parent_span_id") and not each.get("parent_id")), {}
    )
    return as_dict(root.get("attributes"))


def _request(row: Row, info: dict[str, Any]) -> Any:
    metadata = as_dict(info.get("trace_metadata"))
    found = (row.get("request"), metadata.get("mlflow.traceInputs"), as_dict(row.get("data")).get("request"),
             _root(row).get("mlflow.spanInputs"), info.get("request_preview"))  # fmt: skip
    return _unquoted(next((each for each in found if not values.is_missing(each)), None))


def _response(row: Row, info: dict[str, Any]) -> Any:
    metadata = as_dict(info.get("trace_metadata"))
    found = (row.get("response"), metadata.get("mlflow.traceOutputs"), as_dict(row.get("data")).get("response"),
             _root(row).get("mlflow.spanOutputs"), info.get("response_preview"))  # fmt: skip
    return _unquoted(next((each for each in found if not values.is_missing(each)), None))


def _unquoted(cell: Any) -> Any:
    """Traces hold inputs and outputs as JSON, so a text is in quotes there."""
    if isinstance(cell, str) and len(cell) > 1 and cell[0] == cell[-1] == '"':
        try:
            return loads(cell).value
        except ValueError:
            return cell
    return parsed(cell)


def _model(row: Row, info: dict[str, Any]) -> str:
    for place in (_root(row), as_dict(info.get("trace_metadata")), as_dict(info.get("tags"))):
        for key in _MODEL:
            word = _unquoted(place.get(key))
            if isinstance(word, str) and word.strip():
                return word.strip()
    return ""


def _latency(row: Row, info: dict[str, Any]) -> float | None:
    for cell in (row.get("execution_duration"), info.get("execution_duration_ms"), info.get("execution_time_ms"),
                 info.get("execution_duration")):  # fmt: skip
        if isinstance(cell, str) and (told := _SECONDS.fullmatch(cell.strip())):
            return values.milliseconds(float(told[1]))
        if (number := values.amount(cell)) is not None:
            return number
    return None

"""Langfuse: scores, traces and observations, as the interface, the API and the blob export write them.

Made from the documentation. Names come in camelCase (API) and snake_case (tables and exports).

- ``source`` says who: ANNOTATION is a person, EVAL a judge, API a program.
- A BOOLEAN score is 0 or 1, a CATEGORICAL one has its label in ``stringValue`` and perhaps no value.
- A score names a trace, and perhaps an observation within it; the trace is the item. What was asked and answered stands
  in the traces and observations; without them, items have no text.
- How long something took is taken from its two moments, which need no unit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

from projects.importers import beside, limits, payloads, sniffing, values
from projects.importers.jsonscan import Document
from projects.importers.literals import parsed
from projects.importers.moments import between_ms
from projects.importers.records import (
    ItemRecord,
    OutputRecord,
    Problem,
    Record,
    RunRecord,
    ScoreRecord,
    Skip,
    Source,
    SystemKey,
    SystemRecord,
    problem,
    refusal,
)
from projects.importers.roles import normal
from projects.importers.rows import each_row
from projects.importers.scoring import Noted, metric_name, of_run, rating, score
from projects.importers.shapes import as_dict, as_text
from projects.importers.tables import Row

TITLE = "Langfuse scores, traces and observations (CSV, JSON, JSON Lines)"

_SOURCES: dict[str, Source] = {"ANNOTATION": "human", "EVAL": "llm", "API": "code"}
_DATA = ("data",)


def sniff(head: bytes, name: str) -> float:
    for found in (sniffing.keys(head), frozenset(sniffing.header(head))):
        names = {normal(key) for key in found}
        if _is_score(names):
            return 0.95
        if _is_observation(names) or _is_trace(names):
            return 0.85
    if sniffing.has(sniffing.keys(head), "data", "meta") and (b'"traceId"' in head or b'"trace_id"' in head):
        return 0.9
    return 0.0


def _is_score(names: Collection[str]) -> bool:
    return {"name", "source", "data_type"} <= set(names) and bool({"value", "string_value"} & set(names))


def _is_observation(names: Collection[str]) -> bool:
    return {"trace_id", "type", "input", "output"} <= set(names) and bool(
        {"parent_observation_id", "start_time", "model", "provided_model_name"} & set(names)
    )


def _is_trace(names: Collection[str]) -> bool:
    found = set(names)
    return (
        {"id", "input", "output"} <= found
        and bool({"environment", "release", "bookmarked"} & found)
        and bool({"session_id", "user_id", "timestamp"} & found)
    )


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    stream.seek(0)
    head = stream.read(beside.HEAD_BYTES)
    stream.seek(0)
    reader = _Reader(name, options)
    yield RunRecord("Langfuse")
    if sniffing.has(sniffing.keys(head), "data", "meta"):  # a page of the API
        document = Document(limits.read_utf8(stream, name), name, [_DATA])
        for number, row, _ in document.rows(_DATA):
            try:
                yield from reader.row(number, row)
            except Skip as skip:
                yield problem(name, skip.why, number, skip.column)
    else:
        yield from each_row(stream, name, reader.row)
    if not reader.known:
        raise refusal(name, "No row is a score, a trace or an observation of Langfuse.")
    yield from reader.noted.notes()


class _Reader:
    def __init__(self, name: str, options: dict[str, Any] | None) -> None:
        self.name, self.asked = name, beside.asked_system(options)
        self.noted = Noted(name)
        self.systems: set[SystemKey] = set()
        self.known = 0
        self.models = _models_beside(options)  # trace or observation → what answered

    def row(self, line: int, given: Row) -> Iterator[Record | Problem]:
        row = {normal(key): cell for key, cell in given.items()}
        if _is_score(row):
            self.known += 1
            yield from self._score(row)
        elif _is_observation(row):
            self.known += 1
            yield from self._observed(row)
        elif _is_trace(row):
            self.known += 1
            yield from self._answer(row, payloads.fitting_id(row.get("id")))
        else:
            raise Skip("The row is no score, trace or observation of Langfuse.")

    def _system(self, told: str, *ids: str) -> SystemKey:
        known = next((self.models[each] for each in ids if self.models.get(each)), "")
        name = told or known or self.asked
        if not name:
            raise beside.unknown_system(self.name)
        return name[: limits.MAX_NAME_CHARS], ""

    def _new_system(self, system: SystemKey) -> Iterator[SystemRecord]:
        if system not in self.systems:
            self.systems.add(system)
            yield SystemRecord(*system)

    # Traces and observations

    def _observed(self, row: Row) -> Iterator[Record | Problem]:
        if as_text(row.get("type")).upper() not in {"GENERATION", "AGENT", "CHAIN"} and not _model(row):
            self.noted.add("An observation that is no generation holds no answer of a system and was not read.")
            return
        trace, ident = payloads.fitting_id(row.get("trace_id")), payloads.fitting_id(row.get("id"))
        if not trace or not ident:
            raise Skip("The observation has no id or names no trace.", "trace_id")
        yield from self._answer(row, _within(trace, ident), trace, ident)

    def _answer(self, row: Row, item: str, *ids: str) -> Iterator[Record | Problem]:
        asked = payloads.asked(row.get("input"))
        if not item or not asked.messages:
            raise Skip("The row has no id or no input.", "input")
        system = self._system(_model(row), item, *ids)
        yield from self._new_system(system)
        metadata = as_dict(parsed(row.get("metadata")))
        yield ItemRecord(item, messages=asked.messages, context=asked.context, metadata=values.plain(metadata),
                         tags=values.tags(parsed(row.get("tags")) or ""))  # fmt: skip
        yield _output(row, item, system)

    # Scores

    def _score(self, row: Row) -> Iterator[Record | Problem]:
        metric, trace = metric_name(row.get("name")), payloads.fitting_id(row.get("trace_id"))
        value, kind = _value(row)
        source = _SOURCES.get(as_text(row.get("source")).upper(), "code")
        if not trace:
            yield from self._of_run(metric, value, row, source)
            return
        observation = payloads.fitting_id(row.get("observation_id"))
        item = _within(trace, observation) if observation else trace
        system = self._system("", item, observation or trace, trace)
        yield from self._new_system(system)
        output = OutputRecord(item, system)
        comment = as_text(row.get("comment"))
        if source == "human":
            rater = payloads.fitting_id(row.get("author_user_id"))[: limits.MAX_NAME_CHARS]
            yield rating(metric, value, output, rater=rater, comment=comment)
        else:
            yield score(metric, value, output, kind=kind, source=source, explanation=comment)

    def _of_run(self, metric: str, value: Any, row: Row, source: Source) -> Iterator[ScoreRecord]:
        if not payloads.fitting_id(row.get("dataset_run_id")):
            raise Skip("The score is of a whole session, which is no output.", "trace_id")
        yield of_run(metric, value, self._system(""), source="llm" if source == "llm" else "code")


def _within(trace: str, observation: str) -> str:
    found = f"{trace}/{observation}"
    return found if len(found) <= limits.MAX_ID_CHARS else observation


def _value(row: Row) -> tuple[Any, str]:
    kind = as_text(row.get("data_type")).upper()
    number, label = row.get("value"), row.get("string_value")
    if kind == "BOOLEAN":
        told = values.truth(label)
        return (number if told is None else told), "bool"
    if kind == "CATEGORICAL":
        return (number if values.is_missing(label) else label), "label"
    return number, "number"


def _model(row: Row) -> str:
    metadata = as_dict(parsed(row.get("metadata")))
    found = (row.get("provided_model_name"), row.get("model"), metadata.get("model"))
    return next((word.strip() for word in found if isinstance(word, str) and not values.is_missing(word)), "")


def _output(row: Row, item: str, system: SystemKey) -> OutputRecord:
    answer = payloads.answered(row.get("output"))
    failed = as_text(row.get("level")).upper() == "ERROR"
    error = (as_text(row.get("status_message")) or "The observation ended with an error.") if failed else ""
    usage = as_dict(parsed(row.get("usage_details"))) or as_dict(parsed(row.get("usage")))
    start = row.get("start_time")
    cost = values.amount(next((row[key] for key in ("total_cost", "calculated_total_cost") if row.get(key)), None))
    return OutputRecord(
        item,
        system,
        **answer.output(error, "The row holds no output."),
        latency_ms=between_ms(start, row.get("end_time")),
        ttft_ms=between_ms(start, row.get("completion_start_time")),
        tokens_in=values.count(usage.get("input", row.get("input_usage"))),
        tokens_out=values.count(usage.get("output", row.get("output_usage"))),
        cost=cost,
        currency="" if cost is None else "USD",
    )


def _models_beside(options: dict[str, Any] | None) -> dict[str, str]:
    """Which model answered in a trace, from the observations of the same import; '' where several did."""
    found: dict[str, str] = {}
    for other, head in beside.heads(options):
        columns = (sniffing.keys(head), frozenset(sniffing.header(head)))
        if not any(_is_observation({normal(key) for key in each}) for each in columns):
            continue
        for given in beside.rows_of(other):
            row = {normal(key): cell for key, cell in given.items()}
            trace, model = payloads.fitting_id(row.get("trace_id")), _model(row)
            if trace and model:
                found[payloads.fitting_id(row.get("id"))] = model
                found[trace] = model if found.get(trace, model) == model else ""
    return found

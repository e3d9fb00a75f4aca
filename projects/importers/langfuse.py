"""Langfuse: scores, traces and observations, as the interface, the API and the export to a bucket write them.

Made from the documentation and from what the tool's source says that it writes. Names come in camelCase (interface,
API) and snake_case (export to a bucket).

- ``source`` says who: ANNOTATION is a person, EVAL a judge, API a program.
- A BOOLEAN score is 0 or 1, a CATEGORICAL one has its label in ``stringValue`` and perhaps no value. The number of a
  TEXT or a CORRECTION is 0 and means nothing.
- A score names a trace, and perhaps an observation within it; the trace is the item. What was asked and answered stands
  in the traces and observations; without them, items have no text. Where observations come without traces, the first of
  a trace (it has no parent) says what the trace was asked and answered.
- How long an observation took is taken from its two moments, which need no unit; of a trace, seconds are told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from projects.importers import beside, limits, payloads, sniffing, values
from projects.importers.jsonscan import Document, loads
from projects.importers.langfuse_rows import (
    Neighbours,
    is_observation,
    is_score,
    is_trace,
    model_of,
    neighbours,
    output_of,
    parts_of,
    rater_of,
    score_columns,
    value_of,
    within,
)
from projects.importers.literals import parsed
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
    names_trace = any(word in head for word in (b'"traceId"', b'"trace_id"'))
    for found in (sniffing.keys(head), frozenset(sniffing.header(head))):
        names = {normal(key) for key in found}
        if is_score(names):
            return 0.95
        if is_observation(names) or is_trace(names):
            return 0.85
    keys = sniffing.keys(head)
    if sniffing.has(keys, "data", "meta") and names_trace:
        return 0.9
    return 0.85 if sniffing.has(keys, "trace", "observations") and names_trace else 0.0


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    stream.seek(0)
    head = stream.read(beside.HEAD_BYTES)
    reader = _Reader(name, options, neighbours(options, beside.Opened(name, stream)))
    stream.seek(0)
    yield RunRecord("Langfuse")
    if sniffing.has(sniffing.keys(head), "data", "meta"):  # a page of the API
        document = Document(limits.read_utf8(stream, name), name, [_DATA])
        yield from _tried(reader, ((number, row) for number, row, _ in document.rows(_DATA)))
    elif _is_one_document(head):  # a trace as the API gives it, or as it is downloaded
        yield from _tried(reader, iter([(1, beside.document(stream, name))]))
    else:
        yield from each_row(stream, name, reader.row)
    if not reader.known:
        raise refusal(name, "No row is a score, a trace or an observation of Langfuse.")
    yield from reader.noted.notes()


def _is_one_document(head: bytes) -> bool:
    """Whether the file is one object over several lines, and no object a line."""
    first = sniffing.opening(head).split(b"\n", 1)
    if not first[0].startswith(b"{") or len(first) < 2:
        return False
    try:
        loads(first[0].decode("utf-8", "replace"))
    except ValueError:
        return True
    return False


def _tried(reader: _Reader, rows: Iterator[tuple[int, Row]]) -> Iterator[Record | Problem]:
    for number, row in rows:
        try:
            yield from reader.row(number, row)
        except Skip as skip:
            yield problem(reader.name, skip.why, number, skip.column)


class _Reader:
    def __init__(self, name: str, options: dict[str, Any] | None, told: Neighbours) -> None:
        self.name, self.asked = name, beside.asked_system(options)
        self.noted = Noted(name)
        self.systems: set[SystemKey] = set()
        self.known = 0
        self.told = told

    def row(self, line: int, given: Row) -> Iterator[Record | Problem]:
        parts = list(parts_of(given))
        if len(parts) > 1:
            for part in parts:
                self.told.learn(part)
        for part in parts:
            try:
                yield from self._part(part)
            except Skip as skip:
                yield problem(self.name, skip.why, line, skip.column)

    def _part(self, row: Row) -> Iterator[Record | Problem]:
        if is_score(row):
            self.known += 1
            yield from self._score(row)
        elif is_observation(row):
            self.known += 1
            yield from self._observed(row)
        elif is_trace(row):
            self.known += 1
            self._note_columns(row)
            yield from self._answer(row, payloads.fitting_id(row.get("id")))
        else:
            raise Skip("The row is no score, trace or observation of Langfuse.")

    def _system(self, told: str, *ids: str) -> SystemKey:
        known = next((self.told.models[each] for each in ids if self.told.models.get(each)), "")
        name = told or known or self.asked
        if not name:
            raise beside.unknown_system(self.name)
        return name[: limits.MAX_NAME_CHARS], ""

    def _new_system(self, system: SystemKey) -> Iterator[SystemRecord]:
        if system not in self.systems:
            self.systems.add(system)
            yield SystemRecord(*system)

    def _note_columns(self, row: Row) -> None:
        for column in score_columns(row):
            self.noted.add(f"The column {column} holds scores and does not say who gave them, so it was not read: "
                           "export the scores as well, and import both together.")  # fmt: skip

    # Traces and observations

    def _observed(self, row: Row) -> Iterator[Record | Problem]:
        self._note_columns(row)
        trace, ident = payloads.fitting_id(row.get("trace_id")), payloads.fitting_id(row.get("id"))
        begins = trace in self.told.scored and not self.told.traces
        if begins and values.is_missing(row.get("parent_observation_id")) and payloads.asked(row.get("input")).messages:
            yield from self._answer(row, trace, trace, ident)
        if as_text(row.get("type")).upper() not in {"GENERATION", "AGENT", "CHAIN"} and not model_of(row):
            self.noted.add("An observation that is no generation holds no answer of a system and was not read.")
            return
        if not trace or not ident:
            raise Skip("The observation has no id or names no trace.", "trace_id")
        yield from self._answer(row, within(trace, ident), trace, ident)

    def _answer(self, row: Row, item: str, *ids: str) -> Iterator[Record | Problem]:
        asked = payloads.asked(row.get("input"))
        if not item or not asked.messages:
            raise Skip("The row has no id or no input.", "input")
        system = self._system(model_of(row), item, *ids)
        yield from self._new_system(system)
        metadata = as_dict(parsed(row.get("metadata")))
        yield ItemRecord(item, messages=asked.messages, context=asked.context, metadata=values.plain(metadata),
                         tags=values.tags(parsed(row.get("tags")) or ""))  # fmt: skip
        yield output_of(row, item, system)

    # Scores

    def _score(self, row: Row) -> Iterator[Record | Problem]:
        metric, trace = metric_name(row.get("name")), payloads.fitting_id(row.get("trace_id"))
        if as_text(row.get("data_type")).upper() in {"TEXT", "CORRECTION"}:
            self.noted.add("A score of type TEXT or CORRECTION is a text and no value, and was not read.")
            return
        value, kind = value_of(row)
        source = _SOURCES.get(as_text(row.get("source")).upper(), "code")
        if not trace:
            yield from self._of_run(metric, value, row, source)
            return
        observation = payloads.fitting_id(row.get("observation_id"))
        item = within(trace, observation) if observation else trace
        system = self._system("", item, observation or trace, trace)
        yield from self._new_system(system)
        output = OutputRecord(item, system)
        comment = as_text(row.get("comment"))
        if source == "human":
            yield rating(metric, value, output, rater=rater_of(row), comment=comment)
        else:
            yield score(metric, value, output, kind=kind, source=source, explanation=comment)

    def _of_run(self, metric: str, value: Any, row: Row, source: Source) -> Iterator[ScoreRecord]:
        if not payloads.fitting_id(row.get("dataset_run_id")):
            raise Skip("The score is of a whole session, which is no output.", "trace_id")
        yield of_run(metric, value, self._system(""), source="llm" if source == "llm" else "code")

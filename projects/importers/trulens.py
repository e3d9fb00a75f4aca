"""TruLens: ``get_records_and_feedback()`` as CSV or JSON, its leaderboard, and its SQLite database.

Checked against version 2.16.

- A feedback function F is a column with a second one, ``F_calls``; ``F direction`` says whether higher is better.
- An empty value was not evaluated yet: no score.
- Several calls of a function on one record are one value, their mean, as the tool writes it.
- A record's id is new in every run, so the item is named by the user's ``input_id``, else by what was asked.
- Latency is in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from projects.importers import limits, payloads, sniffing, trulens_db, values
from projects.importers.literals import parsed
from projects.importers.records import (
    Direction,
    ItemRecord,
    OutputRecord,
    Problem,
    Record,
    RunRecord,
    ScoreRecord,
    Skip,
    SystemKey,
    SystemRecord,
    refusal,
)
from projects.importers.rows import each_row, first_rows
from projects.importers.scoring import Kinds, Trials, metric_name, of_run, score, tried
from projects.importers.shapes import as_dict, as_list, as_text
from projects.importers.tables import Row

TITLE = "TruLens records and feedback (CSV, JSON, SQLite)"

_CALLS = "_calls"
_DIRECTION = " direction"
_COST = " feedback cost in USD"
_KNOWN = frozenset({
    "app_id", "app_name", "app_version", "app_json", "type", "record_id", "conversation_id", "input_id", "input",
    "output", "tags", "record_json", "cost_json", "perf_json", "ts", "latency", "total_tokens", "total_cost",
    "eval_cost", "eval_cost_snowflake", "cost_currency", "num_events", "sampled", "sample_rate",
    "eval_decision_reason", "column 1", "events", "record_metadata",
})  # fmt: skip
_NO_METRIC = frozenset({"app_id", "latency", "total_cost", "total_tokens", "cost_currency", "tags", "column 1",
                        "app_name", "app_version", "records", "eval_cost", "eval_cost_snowflake"})  # fmt: skip
_CONTEXT = ("context", "contexts", "source", "statement_sources")


def sniff(head: bytes, name: str) -> float:
    if trulens_db.is_database(head):
        return 0.9 if b"feedback_definition_id" in head or b"trulens" in head else 0.0
    for found in (sniffing.keys(head), frozenset(sniffing.header(head))):
        if found >= {"app_name", "app_version", "record_id"} or found >= {"app_json", "record_json"}:
            return 0.95
        if found >= {"app_name", "app_version", "latency", "total_cost"}:
            return 0.85
    return 0.0


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    stream.seek(0)
    head = stream.read(64)
    stream.seek(0)
    if trulens_db.is_database(head):
        rows, version = trulens_db.rows(stream, name)
        yield RunRecord("TruLens", version)
        reader = _Reader(name, Kinds(rows))
        for number, row in enumerate(rows, start=1):
            yield from tried(name, number, reader.row(number, row))
        return
    first = first_rows(stream, name)
    yield RunRecord("TruLens")
    if not any("record_id" in row or "record_json" in row for row in first):
        yield from each_row(stream, name, _Leaderboard(name).row)
        return
    reader = _Reader(name, Kinds(first))
    yield from each_row(stream, name, reader.row)
    if not reader.read_rows:
        raise refusal(name, "No row is a TruLens record: each names an app_name and holds an input.")


class _Reader:
    def __init__(self, name: str, kinds: Kinds) -> None:
        self.name, self.kinds = name, kinds
        self.trials = Trials()
        self.systems: set[SystemKey] = set()
        self.read_rows = 0

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        old = as_dict(parsed(row.get("record_json")))
        asked = payloads.asked(_first(row.get("input"), old.get("main_input"), old.get("input"))).messages
        if not asked:
            raise Skip("The record holds no input.", "input")
        system = _system(row)
        self.read_rows += 1
        if system not in self.systems:
            self.systems.add(system)
            yield SystemRecord(*system)
        item = self._item(row, asked)
        yield item
        output = self._output(row, old, item.external_id, system)
        yield output
        for metric in _metrics(row):
            yield from tried(self.name, line, self._score(metric, row, output))

    def _item(self, row: Row, asked: tuple[dict[str, Any], ...]) -> ItemRecord:
        metadata = as_dict(parsed(row.get("record_metadata")))
        ident = payloads.identity(asked, payloads.named_id(metadata), payloads.fitting_id(row.get("input_id")))
        return ItemRecord(ident, messages=asked, context=_context(row), tags=values.tags(row.get("tags") or ""))

    def _output(self, row: Row, old: dict[str, Any], item: str, system: SystemKey) -> OutputRecord:
        error = as_text(old.get("main_error")) or as_text(row.get("error"))
        answer = payloads.answered(_first(row.get("output"), old.get("main_output"), old.get("output")))
        seconds, cost = values.amount(row.get("latency")), values.amount(row.get("total_cost"))
        kept = {key: row.get(key) for key in ("record_id", "total_tokens", "conversation_id", "ts")}
        kept |= {key: cell for key, cell in row.items() if key not in _KNOWN and not _of_feedback(key, row)}
        return OutputRecord(
            item,
            system,
            **answer.output(error, "The record holds no output."),
            repeat=self.trials.next(item, system),
            latency_ms=values.milliseconds(seconds),
            cost=cost,
            currency="" if cost is None else (values.text(row.get("cost_currency")) or "USD")[:3].upper(),
            raw={key: values.plain(parsed(cell)) for key, cell in kept.items() if not values.is_missing(cell)},
        )

    def _score(self, metric: str, row: Row, output: OutputRecord) -> Iterator[ScoreRecord]:
        cell, calls = row.get(metric), [as_dict(each) for each in as_list(parsed(row.get(metric + _CALLS)))]
        reasons = dict.fromkeys(reason for each in calls if (reason := _reason(each)))
        cost = values.amount(row.get(metric + _COST))
        yield score(
            metric_name(metric),
            cell,
            output,
            kind=self.kinds.of(metric),
            missing="TruLens has not evaluated this record yet." if values.is_missing(cell) else "",
            source="llm" if reasons else "code",
            direction=_direction(row.get(metric + _DIRECTION)),
            scale=(0.0, 1.0),
            explanation="\n".join(reasons),
            details={"price_usd": cost} if cost else None,
        )


class _Leaderboard:
    """One row for each app: means of its feedback functions."""

    def __init__(self, name: str) -> None:
        self.name = name

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        system = _system(row)
        yield SystemRecord(*system)
        for metric, cell in row.items():
            if metric in _NO_METRIC or metric.endswith((_DIRECTION, _COST)):
                continue
            yield from tried(self.name, line, _mean(metric, cell, system))


def _mean(metric: str, cell: Any, system: SystemKey) -> Iterator[ScoreRecord]:
    yield of_run(metric, cell, system)


def _system(row: Row) -> SystemKey:
    name = next((word for key in ("app_name", "app_id") if (word := _name(row.get(key)))), "")
    version = _name(row.get("app_version"))
    if not name:
        raise Skip("The row names no app.", "app_name")
    return name[: limits.MAX_NAME_CHARS], version if len(version) <= limits.MAX_VERSION_CHARS else ""


def _name(cell: Any) -> str:
    return "" if isinstance(cell, dict | list) or values.is_missing(cell) else values.text(cell)


def _first(*cells: Any) -> Any:
    return next((cell for cell in cells if not values.is_missing(cell)), None)


def _metrics(row: Row) -> list[str]:
    """In the order of the file."""
    return [column for column in row if column + _CALLS in row or (column + _DIRECTION in row)]


def _of_feedback(column: str, row: Row) -> bool:
    bare = column.removesuffix(_CALLS).removesuffix(_DIRECTION).removesuffix(_COST)
    return bare + _CALLS in row or bare + _DIRECTION in row


def _direction(cell: Any) -> Direction:
    told = values.truth(cell)
    return "unknown" if told is None else "higher" if told else "lower"


def _reason(call: dict[str, Any]) -> str:
    meta = as_dict(call.get("meta"))
    found = (meta.get("explanation"), as_dict(meta.get("metadata")).get("reason"), meta.get("reason"))
    return next((word.strip() for word in found if isinstance(word, str) and word.strip()), "")


def _context(row: Row) -> tuple[str, ...]:
    """What was retrieved: the database holds it, else the arguments of the feedback functions do."""
    if texts := values.texts(row.get("retrieved_contexts")):
        return texts
    for metric in _metrics(row):
        for call in map(as_dict, as_list(parsed(row.get(metric + _CALLS)))):
            arguments = as_dict(call.get("args"))
            for key in _CONTEXT:
                if texts := values.texts(arguments.get(key)):
                    return texts
    return ()

"""TruLens's SQLite database, as the rows that its data frame would have.

The database is hostile until shown otherwise: it is opened from memory, read only, tables alone and no views, with a
bound on the work that a query may take.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO

from projects.importers import limits, values
from projects.importers.jsonscan import clean, loads
from projects.importers.records import ImportFileError, refusal
from projects.importers.shapes import as_dict, as_text

_MAGIC = b"SQLite format 3\0"
_STEPS = 1000  # of the database's machine between two looks
_LOOKS = 200_000
_OBSERVED = "ai.observability."


def is_database(head: bytes) -> bool:
    return head.startswith(_MAGIC)


def rows(stream: BinaryIO, name: str) -> tuple[list[dict[str, Any]], str]:
    """The records with their feedback, and TruLens's version."""
    data = limits.read_all(stream, name)
    connection = sqlite3.connect(":memory:")
    try:
        looks = iter(range(_LOOKS))
        connection.deserialize(data)
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.set_progress_handler(lambda: int(next(looks, None) is None), _STEPS)
        found = _Database(connection, name)
        read = found.records()
    except ImportFileError:
        raise
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        raise refusal(name, "The SQLite database is damaged, or holds what TruLens's database does not.") from error
    finally:
        connection.close()
    if not read:
        raise refusal(name, "The database holds no record of TruLens.")
    return read, found.version


class _Database:
    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self.connection, self.name = connection, name
        self.version = ""
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        # The tables' common prefix is a setting of the tool.
        prefixes = [each.removesuffix("apps") for each in tables if isinstance(each, str) and each.endswith("apps")]
        self.prefix = next((each for each in sorted(prefixes) if tables & {f"{each}events", f"{each}records"}), None)
        if self.prefix is None:
            raise refusal(name, "The SQLite database has no tables of TruLens (apps with events or records).")
        self.tables = tables

    def records(self) -> list[dict[str, Any]]:
        found = self._of_events() if f"{self.prefix}events" in self.tables else []
        return found or (self._of_records() if f"{self.prefix}records" in self.tables else [])

    def _rows(self, table: str, *columns: str) -> Iterator[dict[str, Any]]:
        listed = ", ".join(f'"{column}"' for column in columns)
        quoted = f"{self.prefix}{table}".replace('"', '""')
        query = f'SELECT {listed} FROM "{quoted}" LIMIT {limits.MAX_ROWS + 1}'  # noqa: S608 - names of our own
        for number, row in enumerate(self.connection.execute(query)):
            if number >= limits.MAX_ROWS:
                raise refusal(self.name, f"The table holds more than {limits.MAX_ROWS:,} rows, the most accepted.")
            cells = dict(zip(columns, row, strict=True))
            yield {column: clean(cell) if isinstance(cell, str) else cell for column, cell in cells.items()}

    # Since version 2: one table of events

    def _of_events(self) -> list[dict[str, Any]]:
        columns = ("record_attributes", "resource_attributes", "start_timestamp", "timestamp")
        records: dict[str, dict[str, Any]] = {}
        feedback: list[dict[str, Any]] = []
        for event in self._rows("events", *columns):
            told = _json(event["record_attributes"])
            kind = as_text(told.get(f"{_OBSERVED}span_type"))
            record = records.setdefault(as_text(told.get(f"{_OBSERVED}record_id")), {})
            if kind == "record_root":
                self.version = as_text(_json(event["resource_attributes"]).get("service.version")) or self.version
                record |= _root(told, event)
            elif kind == "retrieval":
                record.setdefault("retrieved_contexts", told.get(f"{_OBSERVED}retrieval.retrieved_contexts"))
            elif kind == "eval_root":
                feedback.append(told)
        for told in feedback:
            ident = as_text(told.get(f"{_OBSERVED}eval.target_record_id")) or as_text(told.get(f"{_OBSERVED}record_id"))
            if ident in records:
                _add_feedback(records[ident], told)
        return [_averaged(record) for record in records.values() if "input" in record]

    # Before: a table of records and one of feedback

    def _of_records(self) -> list[dict[str, Any]]:
        apps = {row["app_id"]: row for row in self._rows("apps", "app_id", "app_name", "app_version")}
        found: dict[Any, dict[str, Any]] = {}
        columns = ("record_id", "app_id", "input", "output", "record_json", "tags", "ts", "cost_json", "perf_json")
        for row in self._rows("records", *columns):
            cost, perf = _json(row["cost_json"]), _json(row["perf_json"])
            times = [_moment(perf.get(key)) for key in ("start_time", "end_time")]
            row |= {"total_cost": cost.get("cost"), "total_tokens": cost.get("n_tokens")}
            row |= {"cost_currency": cost.get("cost_currency") or "USD"}
            row["latency"] = (times[1] - times[0]).total_seconds() if times[0] and times[1] else None
            found[row["record_id"]] = {**row, **as_dict(apps.get(row["app_id"]))}
        if f"{self.prefix}feedbacks" in self.tables:
            for each in self._rows("feedbacks", "record_id", "name", "result", "calls_json", "status"):
                if each["record_id"] in found and isinstance(each["name"], str):
                    record = found[each["record_id"]]
                    record[each["name"]] = each["result"] if each["status"] == "done" else None
                    record[f"{each['name']}_calls"] = _json(each["calls_json"]).get("calls") or []
        return list(found.values())


def _root(told: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    times = [_moment(event[key]) for key in ("start_timestamp", "timestamp")]
    found = {
        "input": told.get(f"{_OBSERVED}record_root.input"),
        "output": told.get(f"{_OBSERVED}record_root.output"),
        "error": told.get(f"{_OBSERVED}record_root.error") or told.get(f"{_OBSERVED}call.error"),
        "latency": (times[1] - times[0]).total_seconds() if times[0] and times[1] else None,
        "total_cost": told.get(f"{_OBSERVED}cost.cost"),
        "cost_currency": told.get(f"{_OBSERVED}cost.cost_currency"),
        "total_tokens": told.get(f"{_OBSERVED}cost.num_tokens"),
    }
    names = ("app_name", "app_version", "app_id", "record_id", "input_id")
    return {**found, **{name: told.get(f"{_OBSERVED}{name}") for name in names}}


def _add_feedback(record: dict[str, Any], told: dict[str, Any]) -> None:
    names = (f"{_OBSERVED}eval_root.metric_name", f"{_OBSERVED}eval.metric_name")
    metric = next((word for name in names if (word := as_text(told.get(name)))), "")
    if not metric or metric in record.keys() - record.get("metrics", {}).keys():
        return
    given = record.setdefault("metrics", {}).setdefault(metric, [])
    given.append(values.finite(told.get(f"{_OBSERVED}eval_root.score")))
    meta = {"explanation": told.get(f"{_OBSERVED}eval.explanation")}
    record.setdefault(f"{metric}_calls", []).append({"meta": meta})
    better = told.get(f"{_OBSERVED}eval_root.higher_is_better")
    record[f"{metric} direction"] = better if isinstance(better, bool) else None


def _averaged(record: dict[str, Any]) -> dict[str, Any]:
    """The mean of the calls, as the tool's own data frame gives it."""
    for metric, given in record.pop("metrics", {}).items():
        numbers = [each for each in given if each is not None]
        record[metric] = sum(numbers) / len(numbers) if numbers else None
    return record


def _json(cell: Any) -> dict[str, Any]:
    try:
        return as_dict(loads(cell).value) if isinstance(cell, str) else {}
    except (ValueError, json.JSONDecodeError):
        return {}


def _moment(cell: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(cell).replace(tzinfo=None) if isinstance(cell, str) else None
    except ValueError:
        return None

"""MLflow: the results of ``genai.evaluate`` and of the classic ``evaluate``, traces with assessments, and metrics.

Checked against version 3.17.

- An assessment is feedback or an expectation. Expectations are references, no scores.
- ``valid: false`` marks an assessment that another replaced; it is left out.
- ``source_type`` says who: HUMAN is a person, LLM_JUDGE a model, CODE a program. A value is yes or no, a
  number, or a text.
- ``execution_duration`` is in milliseconds, the classic table's ``latency`` in seconds.
- A trace's id is new in every run, so the item goes by the user's own id, else by what was asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from projects.importers import beside, limits, sniffing, values
from projects.importers.jsonscan import loads
from projects.importers.mlflow_rows import Reader, TableReader
from projects.importers.records import ImportFileError, Problem, Record, RunRecord, SystemRecord, refusal
from projects.importers.rows import each_row, first_rows
from projects.importers.scoring import of_run, tried
from projects.importers.shapes import as_dict, as_list
from projects.importers.tables import Row

TITLE = "MLflow evaluation results, traces and metrics (CSV, JSON, JSON Lines)"

_METRIC = re.compile(r"[^/]+(?:/v\d+)?/(?:mean|variance|p\d+|sum|min|max|v\d+|ratio)|[^/]+/v\d+")
_SCORED = re.compile(r".+/(?:value|score|rationale|justification)")


def sniff(head: bytes, name: str) -> float:
    found = sniffing.keys(head)
    if found >= {"columns", "data"} and sniffing.opening(head)[:1] == b"{":
        return 0.9 if b"/score" in head or b'"outputs"' in head else 0.7
    if found >= {"info", "data"} and (b'"trace_id"' in head or b'"request_id"' in head):
        return 0.95
    for columns in (found, frozenset(sniffing.header(head))):
        if columns >= {"trace_id", "assessments"} or columns >= {"trace_id", "request", "response"}:
            return 0.95
        if any(_SCORED.fullmatch(column) for column in columns) and columns & {
            "outputs",
            "inputs",
            "request",
            "trace_id",
        }:
            return 0.9
    return 0.85 if found and all(_METRIC.fullmatch(key) for key in found) else 0.0


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    stream.seek(0)
    head = stream.read(beside.HEAD_BYTES)
    stream.seek(0)
    system, found = beside.asked_system(options), sniffing.keys(head)
    yield RunRecord("MLflow")
    if sniffing.opening(head)[:1] == b"{" and found >= {"columns", "data"}:
        yield from _split_table(stream, name, system)
    elif found and all(_METRIC.fullmatch(key) for key in found):
        yield from _metrics(stream, name, system)
    else:
        yield from _rows(stream, name, system)


def _rows(stream: BinaryIO, name: str, system: str) -> Iterator[Record | Problem]:
    first = first_rows(stream, name)
    if any({"info", "trace_id", "assessments"} & row.keys() for row in first):
        reader: Reader | TableReader = Reader(name, system, first)
    else:
        reader = TableReader(name, system, first)
    yield from each_row(stream, name, reader.row)
    yield from reader.notes()
    if not reader.known:
        raise refusal(name, "No row is a trace or a result of MLflow.")


def _split_table(stream: BinaryIO, name: str, system: str) -> Iterator[Record | Problem]:
    """{"columns": […], "data": [[…], …]}"""
    document = _whole(stream, name)
    columns = [
        column if isinstance(column, str) else values.text(column) for column in as_list(document.get("columns"))
    ]
    if not columns or len(set(columns)) != len(columns) or len(columns) > limits.MAX_COLUMNS:
        raise refusal(name, f"The table needs 1 to {limits.MAX_COLUMNS} columns, each with a name of its own.")
    rows: list[Row] = []
    for number, cells in enumerate(as_list(document.get("data")), start=1):
        if not isinstance(cells, list) or len(cells) != len(columns):
            raise refusal(name, f"The row does not have one cell for each of the {len(columns)} columns.", number)
        rows.append(dict(zip(columns, cells, strict=True)))
    if not rows or len(rows) > limits.MAX_ROWS:
        raise refusal(name, f"The table has no rows, or more than {limits.MAX_ROWS:,}.")
    reader = TableReader(name, system, rows[:200])
    for number, row in enumerate(rows, start=1):
        yield from tried(name, number, reader.row(number, row))
    yield from reader.notes()


def _metrics(stream: BinaryIO, name: str, system: str) -> Iterator[Record | Problem]:
    if not system:
        raise beside.unknown_system(name)
    yield SystemRecord(system)
    for metric, value in _whole(stream, name).items():
        yield from tried(name, None, _run_score(metric, value, system))


def _run_score(metric: str, value: Any, system: str) -> Iterator[Record]:
    yield of_run(metric, value, (system, ""))


def _whole(stream: BinaryIO, name: str) -> dict[str, Any]:
    try:
        return as_dict(loads(limits.read_utf8(stream, name).decode("utf-8")).value)
    except ImportFileError:
        raise
    except ValueError as error:
        raise refusal(name, str(error)) from None

"""One table as CSV, JSON Lines or Parquet. The same rows give the same bytes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from annotation.exporters.base import CHUNK, Row, Table
from projects.importers.values import finite

# What a spreadsheet takes for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LED = (*_FORMULA, "'")


def safe_cell(cell: Any) -> str:
    """A cell for CSV. A text that a spreadsheet would run is led by an apostrophe; numbers stay numbers. So that the
    text can be told again (`told_cell`), one that begins with such an apostrophe of its own gets another."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    text = str(cell)
    if text.startswith(_FORMULA) and finite(text) is None:
        return f"'{text}"
    if text.startswith("'") and text.lstrip("'").startswith(_FORMULA):
        return f"'{text}"
    return text


def told_cell(cell: str) -> str:
    """The text that `safe_cell` wrote."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell


def _texts(cells: Sequence[Any]) -> Sequence[Any]:
    return [safe_cell(cell) if cell and cell[0] in _LED else cell for cell in cells]


def _numbers(cells: Sequence[Any]) -> Sequence[Any]:
    written = {cell: safe_cell(cell) for cell in set(cells)}  # few values, many cells
    return [written[cell] for cell in cells]


def _booleans(cells: Sequence[Any]) -> Sequence[Any]:
    written = {cell: safe_cell(cell) for cell in (True, False, None)}
    return [written[cell] for cell in cells]


def _as_they_are(cells: Sequence[Any]) -> Sequence[Any]:
    return cells


# Most cells need no thought: `csv` writes None as nothing, and integers as they are.
_CELLS = {"text": _texts, "moment": _as_they_are, "integer": _as_they_are, "number": _numbers, "boolean": _booleans}


def csv_lines(table: Table, rows: Iterable[Row]) -> Iterator[str]:
    """The header and the rows, a chunk of lines at a time: what a response streams and a file holds."""
    yield _lines([[column.name for column in table.columns]])
    for chunk in _chunks(rows):
        by_column = zip(table.columns, zip(*chunk, strict=True), strict=True)
        yield _lines(zip(*(_CELLS[column.kind](cells) for column, cells in by_column), strict=True))


def _lines(rows: Iterable[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk


def write_csv(path: Path, table: Table, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(csv_lines(table, rows))


def write_jsonl(path: Path, table: Table, rows: Iterable[Row]) -> None:
    names = [column.name for column in table.columns]
    with path.open("w", encoding="utf-8", newline="") as file:
        for row in rows:
            record = dict(zip(names, row, strict=True))
            file.write(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")


def write_parquet(path: Path, table: Table, rows: Iterable[Row]) -> None:
    import pyarrow as pa  # large: loaded only for Parquet
    import pyarrow.parquet as pq

    kinds = {
        "text": pa.string(),
        "moment": pa.string(),
        "number": pa.float64(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
    }
    schema = pa.schema([(column.name, kinds[column.kind]) for column in table.columns])
    with pq.ParquetWriter(path, schema) as writer:
        for chunk in _chunks(rows):
            columns = [
                pa.array(cells, type=field.type) for cells, field in zip(zip(*chunk, strict=True), schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


WRITERS = {"csv": write_csv, "jsonl": write_jsonl, "parquet": write_parquet}

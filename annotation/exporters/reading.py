"""An export read back: its tables as rows of plain values, and its round.json. Nothing here touches the database."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from annotation.exporters.base import Column, Table
from annotation.exporters.tables import TABLES
from annotation.exporters.writers import told_cell
from projects.errors import ServiceError
from projects.importers.records import place

Cells = dict[str, Any]
MAX_CELL = 1 << 27


@dataclass(frozen=True)
class Export:
    folder: Path
    tables: dict[str, list[Cells]]
    about: dict[str, Any]

    def __getitem__(self, name: str) -> list[Cells]:
        return self.tables[name]


def read_export(folder: Path) -> Export:
    """All tables of a folder that `export` wrote. Raises ServiceError naming file, row and column."""
    if not folder.is_dir():
        raise ServiceError(f"{folder} is no folder. Name one that `export` wrote.")
    about = _about(folder / "round.json")
    return Export(folder, {table.name: _table(folder, table) for table in TABLES}, about)


def _about(path: Path) -> dict[str, Any]:
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ServiceError(f"{path}: this file is missing. Name a folder that `export` wrote.") from None
    except (OSError, ValueError) as error:
        raise ServiceError(f"{path}: this is not the JSON that `export` writes ({error}).") from None
    needed = ("project", "round", "rubric", "rubric_version", "metrics")
    missing = [key for key in needed if not isinstance(about, dict) or key not in about]
    if missing:
        raise ServiceError(
            f"{path}: “{missing[0]}” is missing. The folder was written by an older version: export the round again."
        )
    return dict(about)


def _table(folder: Path, table: Table) -> list[Cells]:
    """From the first form that is there: JSON Lines and Parquet hold the texts as they are."""
    for kind, read in _READERS.items():
        path = folder / f"{table.name}.{kind}"
        if path.is_file():
            try:
                return list(read(path, table))
            except (OSError, UnicodeDecodeError, csv.Error) as error:
                raise ServiceError(f"{path}: this file cannot be read: {error}.") from None
    if not table.needed:
        return []
    raise ServiceError(
        f"{folder / table.name}.csv: this table is missing, and so are its other forms. Name a folder that `export` "
        "of this version wrote, with all of its files."
    )


def _jsonl(path: Path, table: Table) -> Iterator[Cells]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                row = json.loads(line)
            except ValueError:
                raise ServiceError(f"{place(path.name, number)}: The line is no JSON.") from None
            if not isinstance(row, dict):
                raise ServiceError(f"{place(path.name, number)}: The line is no object.")
            yield _cells(path, number, table, row)


def _parquet(path: Path, table: Table) -> Iterator[Cells]:
    import pyarrow as pa  # large: loaded only for Parquet
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path).to_pylist()
    except pa.ArrowInvalid as error:
        raise ServiceError(f"{path}: this is no Parquet file: {error}.") from None
    for number, row in enumerate(rows, start=1):
        yield _cells(path, number, table, row)


def _csv(path: Path, table: Table) -> Iterator[Cells]:
    before = csv.field_size_limit(MAX_CELL)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), start=2):
                texts = {name: told_cell(cell) if isinstance(cell, str) else cell for name, cell in row.items()}
                yield _cells(path, number, table, texts)
    finally:
        csv.field_size_limit(before)


_READERS: dict[str, Callable[[Path, Table], Iterator[Cells]]] = {"jsonl": _jsonl, "parquet": _parquet, "csv": _csv}


def _cells(path: Path, number: int, table: Table, row: Cells) -> Cells:
    return {column.name: _cell(path, number, column, row) for column in table.columns}


def _cell(path: Path, number: int, column: Column, row: Cells) -> Any:
    if column.name not in row:
        raise ServiceError(f"{place(path.name, number, column.name)}: The column is missing.")
    cell = row[column.name]
    if cell is None or cell == "":
        return "" if column.kind == "text" else None
    try:
        return _KINDS[column.kind](cell)
    except (KeyError, TypeError, ValueError):
        said = f"“{cell}” is not accepted; a {column.kind} is."
        raise ServiceError(f"{place(path.name, number, column.name)}: {said}") from None


def _boolean(cell: Any) -> bool:
    if cell in (True, False):
        return bool(cell)
    return {"true": True, "false": False}[str(cell)]


def _number(cell: Any) -> float:
    value = float(cell)
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError
    return value


def _moment(cell: Any) -> datetime:
    return datetime.fromisoformat(str(cell))


_KINDS: dict[str, Callable[[Any], Any]] = {
    "text": str,
    "integer": int,
    "number": _number,
    "boolean": _boolean,
    "moment": _moment,
}


def json_of(cell: str, empty: Any) -> Any:
    """What `json_cell` wrote."""
    return json.loads(cell) if cell else empty

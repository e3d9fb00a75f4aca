"""Rows from CSV, TSV, JSON Lines, a JSON list or Parquet, one at a time, with the file's own row numbers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import PurePath
from typing import Any, BinaryIO, NamedTuple

from projects.importers import limits
from projects.importers.jsonscan import Document, loads
from projects.importers.records import ImportFileError, Problem, note, problem, refusal

Row = dict[str, Any]
Report = Callable[[Problem], None]

PARQUET_MAGIC = b"PAR1"
_DELIMITERS = ",;\t"
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


class Sample(NamedTuple):
    columns: list[str]
    rows: list[tuple[int, Row]]


def read_rows(stream: BinaryIO, name: str, report: Report | None = None) -> Iterator[tuple[int, Row]]:
    """Numbered rows. The number is the line where the row begins, as an editor counts; in JSON lists and
    Parquet, which have no lines, it is the position from 1.

    Without ``report`` the reading is strict: the first row that would be skipped refuses the file.
    """
    tell = report or _strict
    stream = _seekable(stream, name)
    head = stream.read(4096)
    stream.seek(0)
    if not head:
        raise limits.empty(name)
    if head.startswith(PARQUET_MAGIC):
        rows = _parquet(stream, name)
    else:
        first = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        if first == b"[":
            rows = _json_list(stream, name, tell)
        elif first == b"{":
            rows = _json_lines(stream, name, tell)
        else:
            rows = _delimited(stream, name, tell)
    return _counted(rows, name, limits.most_rows(stream))


def sample(rows: Iterator[tuple[int, Row]], size: int = 200) -> tuple[Sample, Iterator[tuple[int, Row]]]:
    """The first rows and their columns, and an iterator that still gives every row."""
    first = list(islice(rows, size))
    columns = dict.fromkeys(column for _, row in first for column in row)
    return Sample(list(columns), first), chain(first, rows)


def _strict(found: Problem) -> None:
    if found.severity == "skipped":
        raise ImportFileError(str(found))


def _seekable(stream: BinaryIO, name: str) -> BinaryIO:
    return stream if stream.seekable() else io.BytesIO(limits.read_all(stream, name))


def _counted(rows: Iterator[tuple[int, Row]], name: str, most: int) -> Iterator[tuple[int, Row]]:
    number = 0
    for number, found in enumerate(rows, start=1):
        if number > most:
            raise refusal(
                name,
                f"The file has more than {most:,} rows, the most accepted. Split it and import the parts.",
            )
        yield found
    if not number:
        raise refusal(name, "No row of data could be read. The file must hold at least one row besides its header.")


def _delimited(stream: BinaryIO, name: str, tell: Report) -> Iterator[tuple[int, Row]]:
    rows = read_cells(stream, name, tell)
    header: list[str] = []
    for row, cells in rows:
        if not header:
            header = _header(cells, name, row)
            continue
        yield row, dict(zip(header, cells, strict=True))


def read_cells(stream: BinaryIO, name: str, tell: Report) -> Iterator[tuple[int, list[str]]]:
    """The rows of delimited text by position, the header first: for files that give one name to several columns."""
    # Process-wide in the csv module; every caller here sets the same cap.
    csv.field_size_limit(limits.MAX_CELL_CHARS)
    source = (line for _, line in limits.lines(stream, name))
    opening: list[str] = []  # blank lines before the header count as lines
    for line in source:
        opening.append(line)
        if line.strip():
            break
    else:
        raise limits.empty(name)
    reader = csv.reader(chain(opening, source), delimiter=delimiter_of(opening[-1], name), strict=True)
    width = 0
    while True:
        row = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise refusal(name, _csv_sentence(error), row) from None
        if not any(cells):
            continue
        if not width:
            width = len(cells)
            if width > limits.MAX_COLUMNS:
                raise refusal(
                    name, f"The header has {width:,} columns; at most {limits.MAX_COLUMNS} are accepted.", row
                )
        if len(cells) > width and not any(cells[width:]):
            cells = cells[:width]
        if len(cells) != width:
            tell(
                problem(
                    name,
                    f"The row has {len(cells)} cells where the header has {width} columns; "
                    "a text with the delimiter in it must be quoted.",
                    row,
                )
            )
            continue
        yield row, cells


def _csv_sentence(error: csv.Error) -> str:
    words = str(error)
    if "field larger" in words:
        return (
            f"A cell has more than {limits.MAX_CELL_CHARS:,} characters, the most accepted; "
            "a quote that is never closed looks like this too."
        )
    if "unexpected end" in words:
        return 'A quote (") opened in this row is never closed.'
    if "new-line" in words:
        return "Lines must end with a line feed (LF or CRLF), not with a lone carriage return."
    return f"The row cannot be read as delimited text ({words})."


def delimiter_of(header: str, name: str) -> str:
    if PurePath(name).suffix.lower() == ".tsv":
        return "\t"
    bare = _QUOTED.sub("", header)
    return max(_DELIMITERS, key=bare.count)


def _header(cells: list[str], name: str, row: int) -> list[str]:
    # Data frames write their index as a first column without a name.
    header = [cell.strip() or f"column {position}" for position, cell in enumerate(cells, start=1)]
    repeated = sorted({cell for cell in header if header.count(cell) > 1})
    if repeated:
        names = ", ".join(f"'{cell}'" for cell in repeated)
        raise refusal(name, f"The header names the column {names} more than once; each name may appear once.", row)
    return header


def _json_lines(stream: BinaryIO, name: str, tell: Report) -> Iterator[tuple[int, Row]]:
    source = limits.lines(stream, name)
    good = False
    for row, line in source:
        if not line.strip():
            continue
        try:
            value, notes = loads(line)
        except ValueError as error:
            if not good:
                raise refusal(
                    name,
                    f"The first line is not a whole JSON object. {error} Accepted: one object in "
                    "each line (JSON Lines), or a JSON list of objects.",
                    row,
                ) from None
            if not line.endswith("\n"):
                tell(note(name, "The last line is only half written, as after a crash; the rest was read.", row))
                return
            tell(problem(name, str(error), row))
            continue
        good = True
        yield from _checked(value, notes, name, row, tell)


def _json_list(stream: BinaryIO, name: str, tell: Report) -> Iterator[tuple[int, Row]]:
    document = Document(limits.read_utf8(stream, name), name, [()])
    for row, value, notes in document.rows(()):
        yield from _checked(value, notes, name, row, tell)


def _checked(value: Any, notes: tuple[str, ...], name: str, row: int, tell: Report) -> Iterator[tuple[int, Row]]:
    if not isinstance(value, dict):
        tell(problem(name, 'The line is not a JSON object, such as {"item": "q1", "output": "…"}.', row))
        return
    if len(value) > limits.MAX_COLUMNS:
        raise refusal(name, f"The object has {len(value):,} keys; at most {limits.MAX_COLUMNS} are accepted.", row)
    for column, cell in value.items():
        if isinstance(cell, str) and len(cell) > limits.MAX_CELL_CHARS:
            raise refusal(
                name,
                f"The text has {len(cell):,} characters; at most {limits.MAX_CELL_CHARS:,} are accepted.",
                row,
                column,
            )
    for each in notes:
        tell(note(name, each, row))
    yield row, value


def _parquet(stream: BinaryIO, name: str) -> Iterator[tuple[int, Row]]:
    from projects.importers import parquet_file  # pyarrow is large: loaded only for Parquet

    yield from parquet_file.rows(stream, name)


def parquet_header(stream: BinaryIO, name: str) -> bytes:
    """The names of a Parquet file's columns as the header of a CSV file; the stream is left at its beginning."""
    from projects.importers import parquet_file

    cells = (column.replace('"', '""').replace("\n", " ") for column in parquet_file.columns(stream, name))
    return (",".join(f'"{cell}"' for cell in cells) + "\n").encode("utf-8", "replace")

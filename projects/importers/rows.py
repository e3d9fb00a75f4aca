"""What readers of one object a row share: going over the rows, and taking names and texts from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO

from projects.importers import limits, tables, values
from projects.importers.records import Problem, Record, Skip, SystemKey, problem
from projects.importers.shapes import as_dict, as_text
from projects.importers.tables import Row

ReadRow = Callable[[int, Row], Iterable[Record | Problem]]


def each_row(stream: BinaryIO, name: str, read: ReadRow) -> Iterator[Record | Problem]:
    """The records of every row; a row that cannot be used becomes a problem, and the rest is read."""
    found: list[Problem] = []
    for line, row in tables.read_rows(stream, name, found.append):
        yield from found
        found.clear()
        try:
            yield from read(line, row)
        except Skip as skip:
            yield problem(name, skip.why, line, skip.column)
    yield from found


def first_rows(stream: BinaryIO, name: str, size: int = 200) -> list[Row]:
    """The first rows, to tell what the columns hold; the stream is left at its beginning."""
    stream.seek(0)
    rows = tables.read_rows(stream, name, lambda _: None)
    found = [row for _, row in islice(rows, size)]
    stream.seek(0)
    return found


def name_in(row: Row, column: str, what: str, longest: int = limits.MAX_NAME_CHARS) -> str:
    """A name that the row cannot do without."""
    cell = row.get(column)
    if isinstance(cell, dict | list | bool) or values.is_missing(cell):
        raise Skip(f"The row names no {what}.", column)
    word = values.text(cell)
    if not word or len(word) > longest:
        raise Skip(f"The {what} has {len(word):,} characters; accepted: 1 to {longest}.", column)
    return word


def item_in(row: Row, column: str = "question_id") -> str:
    return name_in(row, column, "item", limits.MAX_ID_CHARS)


def system_in(row: Row, column: str) -> SystemKey:
    """The model as the tool names it: an @ in it is no version here."""
    return name_in(row, column, "model"), ""


def turn_in(row: Row) -> int | None:
    """1 for the first turn, as the tools count."""
    cell = row.get("turn")
    if values.is_missing(cell):
        return None
    turn = values.count(cell)
    if not turn:
        raise Skip("The turn is not a whole number from 1 on.", "turn")
    return turn


def turn_text(turn: Any) -> str | None:
    """A turn's words: a text, or an object that holds it."""
    found = turn if isinstance(turn, str) else as_dict(turn).get("content")
    return found if isinstance(found, str) else None


def versioned(name: Any, version: Any) -> str:
    """'gpt-4@pair-v2': a judge and the version of its prompt, cut to what the tables hold."""
    parts = [as_text(part).strip() for part in (name, version)]
    return "@".join(part for part in parts if part)[: limits.MAX_NAME_CHARS]


def metric_of(what: str, judge: str) -> str:
    """One metric a judge: how well a judge follows people is asked of each by itself."""
    return f"{what} ({judge})"[: limits.MAX_METRIC_CHARS] if judge else what


def rest_of(row: Row, known: Iterable[str]) -> dict[str, Any]:
    """What the row holds besides, as JSON can store it."""
    left = row.keys() - set(known)
    return {key: values.plain(row[key]) for key in row if key in left and not values.is_missing(row[key])}

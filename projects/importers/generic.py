"""Mapped rows → records: the reader behind CSV, JSON Lines and Parquet, in long and wide layout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from projects.importers import limits, tables
from projects.importers.generic_rows import RowReader
from projects.importers.mapping import OPTIONS, Column, Mapping, detect_mapping
from projects.importers.records import Problem, Record, note

Options = dict[str, Any]


def read(
    stream: BinaryIO, name: str, options: Options | None = None, *, empty_is_answer: bool = False
) -> Iterator[Record | Problem]:
    """``options``: ``mapping`` (as ``Mapping.to_dict`` gives), or defaults ``system``, ``system_version``,
    ``metric``, ``source`` for what the file does not say."""
    given = options or {}
    found: list[Problem] = []
    first, rows = tables.sample(tables.read_rows(stream, name, found.append))
    mapping = mapping_for(first, given)
    mapping.check(name, first.columns)
    yield from _notes(mapping, name)
    compact = isinstance(stream, limits.Streamed)
    reader = RowReader(mapping, name, empty_is_answer=empty_is_answer, compact=compact)
    for line, row in rows:
        if found:
            yield from found
            found.clear()
        yield from reader.row(line, row)
    yield from found
    yield from reader.closing_notes()


def mapping_for(first: tables.Sample, options: Options) -> Mapping:
    """The mapping a person saved, else the detected one."""
    if saved := options.get("mapping"):
        return Mapping.from_dict(saved)
    defaults = {key: str(options[key]).strip() for key in OPTIONS if options.get(key)}
    mapping = detect_mapping(first.columns, [row for _, row in first.rows], defaults)
    return Mapping.from_dict(mapping.to_dict())  # the same checks as for a person's


def _notes(mapping: Mapping, name: str) -> Iterator[Problem]:
    unknown = [column for column, given in mapping.columns.items() if not given.known and given.role != "ignore"]
    if unknown:
        yield note(name, f"{_columns(unknown)} not known here and kept as metadata.")
    guessed = [column for column, given in mapping.columns.items() if _guessed(column, given)]
    if guessed:
        yield note(name, f"{_columns(guessed)} read as {_wide_sentence(mapping)}.")
    latency = mapping.of("latency_ms")
    if latency and "ms" not in latency.lower():
        yield note(name, f"The column '{latency}' names no unit and is read as milliseconds.", column=latency)


def _guessed(column: str, given: Column) -> bool:
    return given.role in {"metric_column", "output_column"} and given.name == column


def _wide_sentence(mapping: Mapping) -> str:
    return "scores, one metric each" if mapping.all_of("metric_column") else "outputs, one system each"


def _columns(names: list[str]) -> str:
    listed = ", ".join(f"'{name}'" for name in names)
    return f"The column {listed} is" if len(names) == 1 else f"The columns {listed} are"

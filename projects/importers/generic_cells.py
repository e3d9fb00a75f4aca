"""Cells of a mapped row by role, with the refusals and notes they give rise to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from projects.importers import limits, values
from projects.importers.mapping import Mapping, Row
from projects.importers.records import Problem, Skip, SystemKey, note, refusal

# Notes of one sort about one column: this many one by one, the rest as a total.
NOTES_IN_FULL = 20


class Target(NamedTuple):
    item: str
    system: SystemKey
    repeat: int = 0
    variant: str = ""


class Cells:
    """A mapping applied to rows."""

    def __init__(self, mapping: Mapping, name: str) -> None:
        self.mapping = mapping
        self.name = name
        self.column = {given.role: column for column, given in reversed(mapping.columns.items())}
        self.late: dict[str, int] = {}  # columns that no mapped row had, and where they first appear
        self._noted: dict[tuple[str, str], int] = {}
        self._systems: dict[SystemKey, SystemKey] = {}

    def cell(self, row: Row, role: str) -> Any:
        column = self.column.get(role)
        return None if column is None else row.get(column)

    def text(self, row: Row, role: str, longest: int = limits.MAX_NAME_CHARS) -> str:
        column = self.column.get(role)
        if column is None:
            return ""
        cell = row.get(column)
        if not cell and cell != 0:
            return ""
        if isinstance(cell, dict | list):
            raise Skip("The cell holds a list or an object; accepted: a text.", column)
        word = "" if values.is_missing(cell) else values.text(cell)
        if len(word) > longest:
            raise Skip(f"The text has {len(word):,} characters; at most {longest} are accepted here.", column)
        return word

    def note(self, sort: str, why: str, line: int, column: str) -> Iterator[Problem]:
        times = self._noted[sort, column] = self._noted.get((sort, column), 0) + 1
        if times <= NOTES_IN_FULL:
            yield note(self.name, why, line, column)

    def count(self, row: Row, role: str) -> int | None:
        column = self.column.get(role)
        if column is None or values.is_missing(row.get(column)):
            return None
        number = values.count(row[column])
        if number is None:
            raise Skip("The cell is not a whole number from 0 on.", column)
        return number

    def system_key(self, row: Row, role: str) -> SystemKey:
        name, version = self.text(row, role, 2 * limits.MAX_NAME_CHARS), ""
        if role == "system":
            options = self.mapping.options
            name = name or options.get("system", "")
            version = self.text(row, "system_version") or options.get("system_version", "")
        if not name:
            raise Skip("The row names no system.", self.column.get(role, ""))
        system = name_and_version(name, version, self.column.get(role, ""))
        return self._systems.setdefault(system, system)  # every row names one of a few

    def late_columns(self, line: int, row: Row) -> None:
        """JSON Lines may bring new keys after the rows that the mapping was made from."""
        if row.keys() <= self.mapping.columns.keys():
            return
        for column in row:
            if column not in self.mapping.columns:
                self.late.setdefault(column, line)
        if len(self.late) > limits.MAX_COLUMNS:
            raise refusal(self.name, f"The objects have more than {limits.MAX_COLUMNS} different keys.", line)

    def kept(self, row: Row, columns: list[str]) -> dict[str, Any]:
        """What the row holds in these columns, as JSON can store it."""
        found = ((column, row.get(column)) for column in columns)
        return {column: values.plain(cell) for column, cell in found if not values.is_missing(cell)}

    def closing_notes(self) -> Iterator[Problem]:
        for (sort, column), times in self._noted.items():
            if times > NOTES_IN_FULL:
                yield note(self.name, f"{sort}: {times - NOTES_IN_FULL:,} more rows like these.", column=column)
        for column, line in self.late.items():
            yield note(
                self.name,
                "The column first appears here; it is not known and is kept as metadata.",
                line,
                column,
            )


def name_and_version(name: str, version: str, column: str) -> SystemKey:
    """'small@2' is system small in version 2, as everywhere in commands and files."""
    if not version and "@" in name.strip("@"):
        name, _, version = name.rpartition("@")
    name, version = name.strip(), version.strip()
    if not name or len(name) > limits.MAX_NAME_CHARS or len(version) > limits.MAX_VERSION_CHARS:
        raise Skip(
            f"A system's name has 1 to {limits.MAX_NAME_CHARS} characters and its version at most "
            f"{limits.MAX_VERSION_CHARS}.",
            column,
        )
    return name, version


def shown(system: SystemKey) -> str:
    return "@".join(part for part in system if part)

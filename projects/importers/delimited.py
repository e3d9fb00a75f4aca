"""Generic CSV and TSV: comma, semicolon or tab, with a header."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, BinaryIO

from projects.importers import generic, roles
from projects.importers.records import Problem, Record
from projects.importers.tables import delimiter_of

TITLE = "CSV or TSV with a header"


def sniff(head: bytes, name: str) -> float:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text or text[:1] in b"{[<" or text.startswith(b"PAR1"):
        return 0.0
    header = text.splitlines()[0].decode("utf-8", "replace")
    named = PurePath(name).suffix.lower() in {".csv", ".tsv"}
    if "\0" in header and not named:
        return 0.0
    delimiter = delimiter_of(header, name)
    known = {heading for headings in roles.HEADERS.values() for heading in headings}
    columns = [roles.normal(cell) for cell in header.split(delimiter)]
    if len(columns) > 1 and any(column in known for column in columns):
        return 0.6
    return 0.3 if named else 0.0


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    return generic.read(stream, name, options)

"""Generic JSON Lines (one object a line) and a JSON list of objects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, BinaryIO

from projects.importers import generic
from projects.importers.records import Problem, Record

TITLE = "JSON Lines, or a JSON list of objects"


def sniff(head: bytes, name: str) -> float:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] not in {b"{", b"["}:
        return 0.0
    return 0.5 if PurePath(name).suffix.lower() in {".jsonl", ".ndjson", ".json"} else 0.4


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    return generic.read(stream, name, options, empty_is_answer=True)

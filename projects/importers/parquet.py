"""Generic Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from projects.importers import generic
from projects.importers.records import Problem, Record
from projects.importers.tables import PARQUET_MAGIC

TITLE = "Parquet"


def sniff(head: bytes, name: str) -> float:
    return 0.6 if head.startswith(PARQUET_MAGIC) else 0.0


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    return generic.read(stream, name, options, empty_is_answer=True)

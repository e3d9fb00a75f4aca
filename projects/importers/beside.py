"""Files that belong together: what one does not say may stand in another of the same import."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, Protocol

from projects.importers import limits, tables, values
from projects.importers.archive import gunzipped
from projects.importers.jsonscan import loads
from projects.importers.records import ImportFileError, SystemUnknownError, refusal
from projects.importers.shapes import as_dict

HEAD_BYTES = 65536


class Beside(Protocol):
    """One of the other files of an import; the database layer gives them as the option ``beside``."""

    @property
    def name(self) -> str: ...

    @property
    def stream(self) -> BinaryIO: ...


def heads(options: dict[str, Any] | None) -> Iterator[tuple[Beside, bytes]]:
    """The other files with their first bytes, of Parquet with its columns' names; each is left as it was found."""
    for each in (options or {}).get("beside", ()):
        each.stream.seek(0)
        head = each.stream.read(HEAD_BYTES)
        each.stream.seek(0)
        yield each, tables.parquet_header(each.stream, each.name) if head.startswith(tables.PARQUET_MAGIC) else head


class Opened(NamedTuple):
    name: str
    stream: BinaryIO


def heads_around(options: dict[str, Any] | None, more: list[Beside]) -> Iterator[tuple[Beside, bytes]]:
    """The same of ``more``, and of the files of other folders, which are closed after their turn; gzip is unpacked."""
    for each in (*(options or {}).get("beside", ()), *more, *(options or {}).get("around", ())):
        try:
            stream, name = gunzipped(each.stream, each.name)
            yield from heads({"beside": [Opened(name, stream)]})
        except ImportFileError:
            continue  # its own import says what is wrong with it
        finally:
            if any(each is other for other in (options or {}).get("around", ())):
                each.close()


def document(stream: BinaryIO, name: str) -> dict[str, Any]:
    """A whole JSON object; {} for any other JSON."""
    stream.seek(0)
    try:
        return as_dict(loads(limits.read_utf8(stream, name).decode("utf-8")).value)
    except ValueError as error:
        raise error if isinstance(error, ImportFileError) else refusal(name, str(error)) from None
    finally:
        stream.seek(0)


def document_of(other: Beside) -> dict[str, Any]:
    """The same of another file; {} when it cannot be read: its own import says what is wrong with it."""
    try:
        return document(other.stream, other.name)
    except ImportFileError:
        return {}


def asked_system(options: dict[str, Any] | None) -> str:
    """The system a person named, for a file that does not: what a file says itself comes first."""
    found = (options or {}).get("system")
    return values.text(found)[: limits.MAX_NAME_CHARS] if isinstance(found, str) else ""


def unknown_system(name: str, more: str = "") -> SystemUnknownError:
    return SystemUnknownError(f"{name}: The file does not say which system gave the outputs. Name it.{more}")


def rows_of(other: Beside) -> Iterator[dict[str, Any]]:
    """The rows of another file; none from where it cannot be read on: its own import says what is wrong with it."""
    other.stream.seek(0)
    try:
        for _, row in tables.read_rows(other.stream, other.name, lambda _: None):
            yield row
    except ImportFileError:
        return
    finally:
        other.stream.seek(0)

"""Reading what evaluation tools write: bytes in, neutral records and problems out. No Django here.

To add a format: write ``<format>.py`` with ``TITLE``, ``sniff`` and ``read``, and a line in ``IMPORTERS``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from projects.importers import (
    alpaca_eval,
    archive,
    arena,
    bundle,
    conversations,
    deepeval,
    delimited,
    evalai,
    giskard,
    helm,
    inspect_log,
    jsonl,
    langfuse,
    langsmith,
    limits,
    llama_index,
    lm_eval,
    mlflow,
    mt_bench,
    openai_evals,
    parquet,
    phoenix,
    promptfoo,
    ragas,
    tables,
    trulens,
)
from projects.importers.records import ImportFileError, NotReadAlone, Problem, Record, refusal

__all__ = ["GENERIC", "HEAD_BYTES", "IMPORTERS", "ImportFileError", "Importer", "detect", "read_file", "read_folder"]

HEAD_BYTES = 65536
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8")
GENERIC = frozenset({"csv", "jsonl", "parquet"})  # tables whose columns may mean anything


@dataclass(frozen=True, slots=True)
class Importer:
    """``sniff``: how surely the first bytes are this format, 0 to 1. ``read``: the records, lazily, so that a
    refusal (``ImportFileError``) may come while they are read: write nothing for good before the last one."""

    key: str
    title: str
    sniff: Callable[[bytes, str], float]
    read: Callable[[BinaryIO, str, dict[str, Any] | None], Iterator[Record | Problem]]


def _read_archive(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    return bundle.read(bundle.members_of_archive(stream, name), name, options, _reading("auto"))


IMPORTERS: dict[str, Importer] = {
    "promptfoo": Importer("promptfoo", promptfoo.TITLE, promptfoo.sniff, promptfoo.read),
    "alpaca_eval": Importer("alpaca_eval", alpaca_eval.TITLE, alpaca_eval.sniff, alpaca_eval.read),
    "mt_bench": Importer("mt_bench", mt_bench.TITLE, mt_bench.sniff, mt_bench.read),
    "arena": Importer("arena", arena.TITLE, arena.sniff, arena.read),
    "openai_evals": Importer("openai_evals", openai_evals.TITLE, openai_evals.sniff, openai_evals.read),
    "lm_eval": Importer("lm_eval", lm_eval.TITLE, lm_eval.sniff, lm_eval.read),
    "deepeval": Importer("deepeval", deepeval.TITLE, deepeval.sniff, deepeval.read),
    "inspect": Importer("inspect", inspect_log.TITLE, inspect_log.sniff, inspect_log.read),
    "ragas": Importer("ragas", ragas.TITLE, ragas.sniff, ragas.read),
    "helm": Importer("helm", helm.TITLE, helm.sniff, helm.read),
    "trulens": Importer("trulens", trulens.TITLE, trulens.sniff, trulens.read),
    "langsmith": Importer("langsmith", langsmith.TITLE, langsmith.sniff, langsmith.read),
    "mlflow": Importer("mlflow", mlflow.TITLE, mlflow.sniff, mlflow.read),
    "phoenix": Importer("phoenix", phoenix.TITLE, phoenix.sniff, phoenix.read),
    "langfuse": Importer("langfuse", langfuse.TITLE, langfuse.sniff, langfuse.read),
    "llama_index": Importer("llama_index", llama_index.TITLE, llama_index.sniff, llama_index.read),
    "giskard": Importer("giskard", giskard.TITLE, giskard.sniff, giskard.read),
    "evalai": Importer("evalai", evalai.TITLE, evalai.sniff, evalai.read),
    "conversations": Importer("conversations", conversations.TITLE, conversations.sniff, conversations.read),
    "csv": Importer("csv", delimited.TITLE, delimited.sniff, delimited.read),
    "jsonl": Importer("jsonl", jsonl.TITLE, jsonl.sniff, jsonl.read),
    "parquet": Importer("parquet", parquet.TITLE, parquet.sniff, parquet.read),
    bundle.KEY: Importer(bundle.KEY, bundle.TITLE, bundle.sniff, _read_archive),
}


def detect(head: bytes, name: str) -> list[tuple[str, float]]:
    """The formats the first bytes may be, likeliest first."""
    found = [(key, importer.sniff(head, name)) for key, importer in IMPORTERS.items()]
    return sorted(((key, surety) for key, surety in found if surety > 0), key=lambda pair: -pair[1])


def read_file(
    stream: BinaryIO, name: str, format: str = "auto", options: dict[str, Any] | None = None
) -> tuple[str, Iterator[Record | Problem]]:
    """(format key, records and problems in the order of the file)."""
    _check_format(name, format)
    if not stream.seekable():
        stream = io.BytesIO(limits.read_all(stream, name))
    stream, name = archive.gunzipped(stream, name)
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    if not head.strip():
        raise limits.empty(name)
    if archive.is_archive(head) and format != "inspect" and not inspect_log.sniff(head, name):
        members = bundle.members_of_archive(stream, name)
        return bundle.KEY, bundle.read(members, name, options, _reading("auto" if format == bundle.KEY else format))
    key = format if format != "auto" else _likeliest(head, stream, name)
    return key, IMPORTERS[key].read(stream, name, options)


def read_folder(
    folder: Path, format: str = "auto", options: dict[str, Any] | None = None
) -> tuple[str, Iterator[Record | Problem]]:
    """The same for all the files in a folder and below it, as one."""
    _check_format(folder.name, format)
    members = bundle.members_of_folder(folder)
    return bundle.KEY, bundle.read(members, folder.name, options, _reading("auto" if format == bundle.KEY else format))


def _check_format(name: str, format: str) -> None:
    if format != "auto" and format not in IMPORTERS:
        raise refusal(name, f"The format '{format}' is not known; accepted: auto, {', '.join(IMPORTERS)}.")


def _reading(format: str) -> bundle.Reading:
    """How a file of an archive or a folder is read; format '' for one that is of none."""

    def reading(
        head: bytes, stream: BinaryIO, name: str, options: dict[str, Any]
    ) -> tuple[str, Iterator[Record | Problem]]:
        key = format if format != "auto" else next((key for key, _ in _recognised(head, stream, name)), "")
        if not key or key == bundle.KEY:  # an archive within an archive
            return "", iter(())
        records = IMPORTERS[key].read(stream, name, options)
        return key, _table_or_none(records) if key in GENERIC else records

    return reading


def _table_or_none(records: Iterator[Record | Problem]) -> Iterator[Record | Problem]:
    """A file of no known tool beside others may be anything, a configuration say: no table, no import of it."""
    try:
        first = next(records, None)
    except ImportFileError as error:
        raise NotReadAlone(str(error)) from error
    if first is not None:
        yield first
        yield from records


def _recognised(head: bytes, stream: BinaryIO, name: str) -> list[tuple[str, float]]:
    """As ``detect``; a Parquet file has the names of its columns at its end, so they are fetched for it."""
    found = detect(head, name)
    if found and found[0][0] == "parquet":
        tools = [pair for pair in detect(tables.parquet_header(stream, name), name) if pair[0] not in GENERIC]
        found = [*tools, *found]
    return found


def _likeliest(head: bytes, stream: BinaryIO, name: str) -> str:
    found = _recognised(head, stream, name)
    if found:
        return found[0][0]
    limits.check_head(head, name)
    if head.startswith(_PICTURES) or head[8:12] == b"WEBP":
        raise refusal(name, "This is an image. Images and sounds are added on the page Items, or in one ZIP archive or "
                      "folder with the table whose texts name them.")  # fmt: skip
    raise refusal(name, f"The format is not recognised. Accepted: {_accepted()}.")


def _accepted() -> str:
    """The first word of each title is the tool's name."""
    return ", ".join(f"{importer.title.split()[0].rstrip(',')} ({key})" for key, importer in IMPORTERS.items())

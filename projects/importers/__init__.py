"""Reading what evaluation tools write: bytes in, neutral records and problems out. No Django here.

To add a format: write ``<format>.py`` with ``TITLE``, ``sniff`` and ``read``, and a line in ``IMPORTERS``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from projects.importers import (
    alpaca_eval,
    arena,
    conversations,
    deepeval,
    delimited,
    evalai,
    foreign,
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
    trulens,
)
from projects.importers.records import ImportFileError, Problem, Record, refusal

__all__ = ["GENERIC", "HEAD_BYTES", "IMPORTERS", "ImportFileError", "Importer", "detect", "read_file"]

HEAD_BYTES = 65536
GENERIC = frozenset({"csv", "jsonl", "parquet"})  # tables whose columns may mean anything


@dataclass(frozen=True, slots=True)
class Importer:
    """``sniff``: how surely the first bytes are this format, 0 to 1. ``read``: the records, lazily, so that a
    refusal (``ImportFileError``) may come while they are read: write nothing for good before the last one."""

    key: str
    title: str
    sniff: Callable[[bytes, str], float]
    read: Callable[[BinaryIO, str, dict[str, Any] | None], Iterator[Record | Problem]]


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
}


def detect(head: bytes, name: str) -> list[tuple[str, float]]:
    """The formats the first bytes may be, likeliest first."""
    found = [(key, importer.sniff(head, name)) for key, importer in IMPORTERS.items()]
    return sorted(((key, surety) for key, surety in found if surety > 0), key=lambda pair: -pair[1])


def read_file(
    stream: BinaryIO, name: str, format: str = "auto", options: dict[str, Any] | None = None
) -> tuple[str, Iterator[Record | Problem]]:
    """(format key, records and problems in the order of the file)."""
    if format != "auto" and format not in IMPORTERS:
        raise refusal(name, f"The format '{format}' is not known; accepted: auto, {', '.join(IMPORTERS)}.")
    if not stream.seekable():
        stream = io.BytesIO(limits.read_all(stream, name))
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    if not head.strip():
        raise limits.empty(name)
    key = format if format != "auto" else _likeliest(head, name)
    return key, IMPORTERS[key].read(stream, name, options)


def _likeliest(head: bytes, name: str) -> str:
    found = detect(head, name)
    if found:
        _refuse_foreign(head, name, found[0][0])
        return found[0][0]
    limits.check_head(head, name)
    hint = " It looks like a ZIP archive or a spreadsheet: save the sheet as CSV." if head.startswith(b"PK") else ""
    raise refusal(name, f"The format is not recognised.{hint} Accepted: {_accepted()}.")


def _refuse_foreign(head: bytes, name: str, key: str) -> None:
    """A generic reading of another tool's file would make systems of whatever columns it finds."""
    tool = foreign.tool_of(head) if key in GENERIC else ""
    if tool:
        raise refusal(
            name,
            f"This looks like a file of {tool}, which has no importer here. Accepted: {_accepted()}. "
            f"To read it by its columns all the same, name the format {key}.",
        )


def _accepted() -> str:
    return "; ".join(f"{importer.title} ({key})" for key, importer in IMPORTERS.items())

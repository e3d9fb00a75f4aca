"""Arize Phoenix: evaluated data frames, annotations of spans, and the spans themselves.

Checked against version 3.9 of phoenix-evals.

- ``<name>_score`` holds an object with score, label, explanation, kind and direction, in CSV as Python shows it.
- ``annotator_kind`` says who: HUMAN is a person, LLM a judge, CODE a program.
- An annotation names a span; what was asked and answered stands in the spans. Without them, the span's id is the item.
- An evaluator that did not complete gave no score.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, BinaryIO

from projects.importers import beside, limits, sniffing
from projects.importers.phoenix_rows import (
    AnnotationReader,
    FrameReader,
    SpanReader,
    is_annotation,
    is_frame,
    is_plain,
    is_span,
    told_spans,
)
from projects.importers.records import Problem, Record, RunRecord, Skip, refusal
from projects.importers.rows import each_row, first_rows
from projects.importers.tables import Row

TITLE = "Phoenix evaluations, span annotations and spans (CSV, JSON, JSON Lines, Parquet)"


def sniff(head: bytes, name: str) -> float:
    for found in (sniffing.keys(head), frozenset(sniffing.header(head))):
        if is_frame(found) or is_annotation(found):
            return 0.95
        if is_span(found) or is_plain(found):
            return 0.85
    return 0.0


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    first = first_rows(stream, name)
    system = beside.asked_system(options)
    rows = _Rows(
        FrameReader(name, system, first),
        AnnotationReader(name, system, _spans_beside(options), PurePath(name).stem[: limits.MAX_METRIC_CHARS]),
        SpanReader(name, system),
    )
    yield RunRecord("Phoenix")
    yield from each_row(stream, name, rows.row)
    if not rows.known:
        raise refusal(name, "No row is an evaluation, an annotation or a span of Phoenix.")
    yield from rows.annotations.notes()


class _Rows:
    def __init__(self, frames: FrameReader, annotations: AnnotationReader, spans: SpanReader) -> None:
        self.frames, self.annotations, self.spans = frames, annotations, spans
        self.known = 0

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        if is_frame(row.keys()):
            found = self.frames.row(line, row)
        elif is_annotation(row.keys()) or is_plain(row.keys()):
            found = self.annotations.row(line, row)
        elif is_span(row.keys()):
            found = self.spans.row(row)
        else:
            raise Skip("The row is no evaluation, annotation or span of Phoenix.")
        self.known += 1
        yield from found


def _spans_beside(options: dict[str, Any] | None) -> Iterator[tuple[str, Row]]:
    for other, head in beside.heads(options):
        if any(is_span(found) for found in (sniffing.keys(head), frozenset(sniffing.header(head)))):
            for row in beside.rows_of(other):
                yield from ((other.name, span) for span in told_spans(row))

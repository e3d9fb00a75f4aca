"""Span annotations of Phoenix, as its client takes them (`spans.log_span_annotations`).

The identifier is the rater's pseudonym, so that several raters annotate one span and sending a file twice changes
nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop

from annotation.exporters.back.answers import Judged, Told, about_outputs
from annotation.exporters.back.lines import kept, tool_id, write_lines

TITLE = gettext_noop("Phoenix span annotations (JSON Lines)")
FILE = "phoenix_annotations.jsonl"
TAKES = gettext_noop("Answers about one output that was imported from Phoenix, so that its span is known.")


def write(folder: Path, tasks: Iterable[Judged], name: str) -> tuple[int, Counter[str]]:
    left: Counter[str] = Counter()
    return write_lines(folder / FILE, _records(tasks, left)), left


def _records(tasks: Iterable[Judged], left: Counter[str]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        for output, told in about_outputs(task, left):
            span = tool_id(output, "span_id", "context.span_id")
            if not span:
                left["They are about outputs that no span of Phoenix is known for"] += 1
                continue
            yield {
                "span_id": span,
                "name": told.criterion.key,
                "annotator_kind": "HUMAN",
                "identifier": told.rater,
                "result": _result(told),
                "metadata": {**kept(told), "annotator": told.rater},
            }


def _result(told: Told) -> dict[str, Any]:
    result: dict[str, Any] = {}
    value = told.value
    if isinstance(value, bool):
        result = {"score": float(value), "label": "true" if value else "false"}
    elif isinstance(value, int | float):
        result = {"score": float(value)}
    else:
        result = {"label": told.label or str(value)}
    return {**result, **({"explanation": told.comment} if told.comment else {})}

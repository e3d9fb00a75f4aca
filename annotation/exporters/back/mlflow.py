"""Assessments of MLflow, as `Assessment.from_dictionary` reads them: feedback with a person as its source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop

from annotation.exporters.back.answers import Judged, about_outputs
from annotation.exporters.back.lines import kept, tool_id, write_lines

TITLE = gettext_noop("MLflow assessments (JSON Lines)")
FILE = "mlflow_assessments.jsonl"
TAKES = gettext_noop("Answers about one output that was imported from MLflow, so that its trace is known.")


def write(folder: Path, tasks: Iterable[Judged], name: str) -> tuple[int, Counter[str]]:
    left: Counter[str] = Counter()
    return write_lines(folder / FILE, _records(tasks, left)), left


def _records(tasks: Iterable[Judged], left: Counter[str]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        for output, told in about_outputs(task, left):
            trace = tool_id(output, "trace_id")
            if not trace:
                left["They are about outputs that no trace of MLflow is known for"] += 1
                continue
            at = told.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            yield {
                "trace_id": trace,
                "assessment_name": told.criterion.key,
                "source": {"source_type": "HUMAN", "source_id": told.rater or "unknown"},
                "feedback": {"value": told.value},
                "rationale": told.comment or None,
                "create_time": at,
                "last_update_time": at,
                "metadata": kept(told),
            }

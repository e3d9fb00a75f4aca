"""Feedback of LangSmith, one object an answer, as `Client.create_feedback` takes it.

A preference becomes two, one for each run, that share a group: 1 for the preferred, 0 for the other, 0.5 for both of a
tie. The ids are made from what the feedback is about, so that sending a file twice changes nothing."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop

from annotation.exporters.back.answers import Judged, Shown, Told, winner
from annotation.exporters.back.lines import kept, tool_id, write_lines

TITLE = gettext_noop("LangSmith feedback (JSON Lines)")
FILE = "langsmith_feedback.jsonl"
TAKES = gettext_noop(
    "Answers about one output and preferences between two that were imported from LangSmith, so that the run is known."
)
_SPACE = uuid.UUID("6f1f7c0e-6f0a-5d0e-8a55-0d7a5f0a9a11")


def write(folder: Path, tasks: Iterable[Judged], name: str) -> tuple[int, Counter[str]]:
    left: Counter[str] = Counter()
    return write_lines(folder / FILE, _records(tasks, left, name)), left


def _records(tasks: Iterable[Judged], left: Counter[str], name: str) -> Iterator[dict[str, Any]]:
    for task in tasks:
        for told in task.answers:
            outputs = task.outputs if told.of is None else [task.outputs[told.of]]
            runs = [_run(output) for output in outputs]
            if told.turn is not None:
                left["Answers about single turns have no place in this format"] += 1
            elif told.of is None and (told.criterion.type != "preference" or len(runs) != 2):
                left["Answers about several outputs together, which are no preference, have no place here"] += 1
            elif not all(runs):
                left["They are about outputs that no run of LangSmith is known for"] += 1
            else:
                yield from _pair(told, runs, name) if told.of is None else [_one(told, runs[0], name)]


def _run(output: Shown) -> str:
    found = tool_id(output, "run_id")
    try:
        return str(uuid.UUID(found))
    except ValueError:
        return ""


def _one(told: Told, run: str, name: str) -> dict[str, Any]:
    value = told.value
    said = {"score": value} if isinstance(value, bool | int | float) else {"value": value}
    return {**_common(told, run, name), "score": None, "value": None, **said}


def _pair(told: Told, runs: list[str], name: str) -> Iterator[dict[str, Any]]:
    group = str(uuid.uuid5(_SPACE, "|".join((name, *runs, told.criterion.key, told.rater, told.at.isoformat()))))
    preferred = winner(told)
    for position, run in enumerate(runs):
        score = 0.5 if preferred is None else float(position == preferred)
        extra = {"label": told.label, "preference": told.number}
        yield {**_common(told, run, name), "score": score, "value": None, "feedback_group_id": group, "extra": extra}


def _common(told: Told, run: str, name: str) -> dict[str, Any]:
    what = "|".join((name, run, told.criterion.key, told.rater, told.at.isoformat()))
    return {
        "id": str(uuid.uuid5(_SPACE, what)),
        "run_id": run,
        "trace_id": None,
        "key": told.criterion.key,
        "comment": told.comment or None,
        "feedback_source_type": "api",
        "feedback_source": {"type": "api", "metadata": {**kept(told), "annotator_kind": "HUMAN"}},
    }

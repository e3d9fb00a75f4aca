"""Votes as the Arena publishes them: two models, their conversations, and a winner. A is the answer shown first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop

from annotation.exporters.back.answers import Judged, Told, preferences, winner
from annotation.exporters.back.lines import write_lines

TITLE = gettext_noop("Arena votes (JSON Lines)")
FILE = "arena.jsonl"
TAKES = gettext_noop("Preferences between two outputs. How strong a preference is stands beside the winner.")


def write(folder: Path, tasks: Iterable[Judged], name: str) -> tuple[int, Counter[str]]:
    left: Counter[str] = Counter()
    return write_lines(folder / FILE, _records(tasks, left)), left


def _records(tasks: Iterable[Judged], left: Counter[str]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        for told in preferences(task, left):
            yield _vote(task, told)


def _vote(task: Judged, told: Told) -> dict[str, Any]:
    first = told.first or 0
    a, b = task.outputs[first], task.outputs[1 - first]
    preferred, number = winner(told), told.number or 0.0
    won = "tie" if preferred is None else "model_a" if preferred == first else "model_b"
    record = {
        "question_id": task.item,
        "model_a": a.label,
        "model_b": b.label,
        "winner": "tie (bothbad)" if told.label == "both_bad" else won,
        "judge": ["human", told.rater] if told.rater else ["human"],
        "conversation_a": [*task.messages, *a.turns()],
        "conversation_b": [*task.messages, *b.turns()],
        "language": task.language,
        "tstamp": told.at.timestamp(),
        "criterion": told.criterion.key,
        "position": "" if told.first is None else "a_first",
        "strength": abs(number),
        "both_good": told.label == "both_good",
    }
    if told.final:
        record["final"] = True
    if told.comment:
        record["comment"] = told.comment
    return record

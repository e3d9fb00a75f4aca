"""Preference pairs for tuning, in the conversational form that TRL's DPOTrainer reads: prompt, chosen, rejected.

One row a pair and criterion: what most raters preferred. A pair that is even, or that nobody preferred, teaches
nothing and is left out. The votes stand beside it, so that who trains can ask for more agreement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop

from annotation.exporters.back.answers import Judged, Told, preferences, winner
from annotation.exporters.back.lines import write_lines

TITLE = gettext_noop("Preference pairs for DPO (JSON Lines)")
FILE = "dpo.jsonl"
TAKES = gettext_noop("Preferences between two outputs: one row a pair, what most raters preferred, with the votes.")


def write(folder: Path, tasks: Iterable[Judged], name: str) -> tuple[int, Counter[str]]:
    left: Counter[str] = Counter()
    return write_lines(folder / FILE, _records(tasks, left)), left


def _records(tasks: Iterable[Judged], left: Counter[str]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        asked: dict[str, list[Told]] = {}
        for told in preferences(task, left):
            asked.setdefault(told.criterion.key, []).append(told)
        for criterion, answers in asked.items():
            votes = Counter(winner(told) for told in answers)
            if votes[0] == votes[1]:
                left["The pair is even: as many raters preferred the one as the other"] += len(answers)
            elif any(each.measures["error"] or not (each.text or each.messages) for each in task.outputs):
                left["One of the two outputs has no text"] += len(answers)
            else:
                yield _pair(task, criterion, votes, int(votes[1] > votes[0]))


def _pair(task: Judged, criterion: str, votes: Counter[int | None], chosen: int) -> dict[str, Any]:
    preferred, other = task.outputs[chosen], task.outputs[1 - chosen]
    return {
        "prompt": task.messages,
        "chosen": preferred.turns(),
        "rejected": other.turns(),
        "item": task.item,
        "criterion": criterion,
        "chosen_system": preferred.label,
        "rejected_system": other.label,
        "votes_chosen": votes[chosen],
        "votes_rejected": votes[1 - chosen],
        "votes_tie": votes[None],
    }

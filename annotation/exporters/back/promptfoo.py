"""promptfoo results with what people said as its own viewer writes a thumb: an assertion of the type "human".

Each answer is an entry of its own; beside promptfoo's keys it holds who gave it and the value on the rubric's scale,
which our importer reads again. Yes passes. A scale is put on promptfoo's 0 to 1 by its own bounds and passes from the
middle up.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop

from annotation.exporters.back.answers import Judged, Shown, Told, about_outputs
from rubrics.criteria import CRITERIA
from rubrics.specs import CriterionSpec

TITLE = gettext_noop("promptfoo results (JSON)")
FILE = "promptfoo.json"
TAKES = gettext_noop("Answers about one output that are yes or no, or a number between known bounds.")
REASON = "Manual result (overrides all other grading results)"


def write(folder: Path, tasks: Iterable[Judged], name: str) -> tuple[int, Counter[str]]:
    left: Counter[str] = Counter()
    written = 0
    columns: dict[tuple[str, str], int] = {}  # prompt × provider, as promptfoo counts them
    prompts: list[dict[str, Any]] = []
    with (folder / FILE).open("w", encoding="utf-8", newline="") as file:
        file.write('{"evalId": ' + json.dumps(f"adjudge-{name}") + ', "results": {"version": 3, "results": [')
        for number, task in enumerate(tasks):
            entries: dict[int, list[dict[str, Any]]] = {}
            for output, told in about_outputs(task, left):
                if entry := _entry(told, left):
                    entries.setdefault(output.pk, []).append(entry)
            for output in task.outputs:
                if output.pk in entries:
                    if (output.system, output.version) not in columns:
                        columns[output.system, output.version] = len(columns)
                        prompts.append({**_prompt(output), "provider": output.system})
                    row = _row(task, output, number, columns[output.system, output.version], entries[output.pk])
                    file.write((",\n" if written else "\n") + json.dumps(row, ensure_ascii=False))
                    written += len(entries[output.pk])
        file.write('\n], "prompts": ' + json.dumps(prompts, ensure_ascii=False) + ', "stats": {}},\n')
        file.write('"config": {}, "shareableUrl": null}\n')
    return written, left


def _entry(told: Told, left: Counter[str]) -> dict[str, Any] | None:
    score = _score(told)
    if score is None:
        left["Answers that are neither yes or no nor a number between bounds have no place in this format"] += 1
        return None
    kept = {"criterion": told.criterion.key, "value": told.value, "rater": told.rater, "final": told.final}
    return {
        "pass": score >= 0.5,
        "score": score,
        "reason": REASON,
        "comment": told.comment,
        "assertion": {"type": "human", "metric": told.criterion.key},
        "metadata": {"adjudge": kept},
    }


def _score(told: Told) -> float | None:
    if CRITERIA[told.criterion.type].score_kind(told.criterion) == "bool":
        return 1.0 if told.value else 0.0
    bounds = _bounds(told.criterion)
    if told.number is None or bounds is None:
        return None
    return (told.number - bounds[0]) / (bounds[1] - bounds[0])


def _bounds(criterion: CriterionSpec) -> tuple[float, float] | None:
    if criterion.level_of_measurement == "nominal":
        return None
    numbers = [each for each in CRITERIA[criterion.type].domain(criterion) or () if isinstance(each, int | float)]
    if not numbers:
        numbers = [each for each in CRITERIA[criterion.type].bounds(criterion) if each is not None]
    return (min(numbers), max(numbers)) if len(numbers) > 1 and min(numbers) < max(numbers) else None


def _prompt(output: Shown) -> dict[str, Any]:
    label = output.config.get("prompt") or output.version or "prompt"
    return {
        "label": label,
        "raw": output.config.get("template") or label,
        "id": output.config.get("prompt_id") or label,
    }


def _row(task: Judged, output: Shown, number: int, column: int, entries: list[dict[str, Any]]) -> dict[str, Any]:
    variables = task.metadata.get("vars") or {"input": task.asked or task.item}
    named = {"item_id": task.item}
    mean = sum(each["score"] for each in entries) / len(entries)
    prompt, measures = _prompt(output), output.measures
    return {
        "id": output.raw.get("promptfoo_id") or f"adjudge-{output.pk}",
        "testIdx": output.raw.get("test", number),
        "promptIdx": output.raw.get("column", column),
        "promptId": prompt["id"],
        "vars": variables,
        "testCase": {"vars": variables, "metadata": named},
        "metadata": named,
        "provider": {"id": output.config.get("provider") or output.system, "label": output.system},
        "prompt": {"label": prompt["label"], "raw": _sent(output, task)},
        "response": {"output": _answer(output)},
        "success": mean >= 0.5,
        "score": mean,
        "failureReason": 0 if mean >= 0.5 else 1,
        "namedScores": {},
        "latencyMs": measures["latency_ms"],
        "cost": measures["cost"],
        "gradingResult": {"pass": mean >= 0.5, "score": mean, "reason": REASON, "componentResults": entries},
    }


def _answer(output: Shown) -> Any:
    """As promptfoo had it: an object stays one."""
    if output.raw.get("structured"):
        try:
            return json.loads(output.text)
        except ValueError:
            return output.text
    return output.text or output.messages


def _sent(output: Shown, task: Judged) -> str:
    sent = output.raw.get("prompt") or task.messages
    return sent if isinstance(sent, str) else json.dumps(sent, ensure_ascii=False)

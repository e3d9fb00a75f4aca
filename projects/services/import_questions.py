"""What a file does not say of its metrics: which way is better, on which scale. It is asked, never guessed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from projects.errors import ServiceError
from projects.models import Metric, Project
from projects.services.import_stage import Staged

_ASKED = 30
_KINDS = ("number", "bool")
Answers = dict[str, dict[str, Any]]


def questions_of(project: Project, staged: Staged) -> list[dict[str, Any]]:
    """Metrics of which neither the file nor the project knows which way is better; numbers without a scale, too."""
    known = {m.key: m for m in Metric.objects.filter(project_id=project.pk)} if project.pk else {}
    found: dict[str, dict[str, Any]] = {}
    for metric, shape, _ in staged.scores.shapes():
        if shape.human or shape.missing_reason or shape.kind not in _KINDS or metric in found:
            continue
        there = known.get(metric)
        direction = shape.direction != "unknown" or (there is not None and there.direction != "unknown")
        scale = shape.kind == "bool" or shape.minimum is not None or shape.maximum is not None
        scale = scale or (there is not None and (there.scale_min, there.scale_max) != (None, None))
        found[metric] = {"metric": metric, "direction": not direction, "scale": not scale}
    asked = [each for each in found.values() if each["direction"] or each["scale"]]
    return asked[:_ASKED]


def answers_from(questions: list[dict[str, Any]], given: Mapping[str, Any]) -> Answers:
    """What the form says, by the place of the question. Raises ServiceError."""
    answers: Answers = {}
    for place, question in enumerate(questions):
        metric = question["metric"]
        direction = str(given.get(f"direction-{place}", "")) or "unknown"
        if direction not in Metric.Direction.values:
            raise ServiceError(f"“{metric}”: choose which way is better from the list.")
        low, high = (_number(metric, given.get(f"{end}-{place}", "")) for end in ("lowest", "highest"))
        if low is not None and high is not None and low >= high:
            raise ServiceError(f"“{metric}”: the lowest value of its scale must be below the highest.")
        told = {"direction": direction, "minimum": low, "maximum": high}
        if told != {"direction": "unknown", "minimum": None, "maximum": None}:
            answers[metric] = told
    return answers


def _number(metric: str, written: Any) -> float | None:
    text = str(written).strip()
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ServiceError(f"“{metric}”: “{text[:40]}” is not a number. Leave the field empty where there is no limit.")
    return number


def answer(staged: Staged, answers: Answers) -> None:
    """Fill in what the file left open; what it says itself stands."""
    for metric, each in staged.scores:
        told, shape = answers.get(metric), each.shape
        if not told or shape.human:
            continue
        if shape.direction == "unknown":
            shape = shape._replace(direction=told["direction"])
        if shape.minimum is None and shape.maximum is None:
            shape = shape._replace(minimum=told["minimum"], maximum=told["maximum"])
        each.shape = staged.scores.shared(shape)

"""The part of a report's page that sets a round beside the one before it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from analytics.charts import Interval, interval
from analytics.report_parts import SHARE_AXIS
from analytics.report_words import Said, say
from rubrics.changes import TITLES, Meaning


@dataclass(frozen=True)
class MovedLine:
    name: str
    said: Said
    mark: Interval


@dataclass(frozen=True)
class EarlierCriterion:
    key: str
    question: str
    meaning: str
    title: str
    reasons: list[str]
    lines: list[MovedLine] = field(default_factory=list)


@dataclass(frozen=True)
class Earlier:
    name: str
    version: int
    criteria: list[EarlierCriterion]


def earlier_part(body: dict[str, Any]) -> Earlier | None:
    found = body.get("earlier")
    if not found:
        return None
    questions = {c["key"]: c["question"] for c in body["criteria"]}
    order = [*questions, *(key for key in found["criteria"] if key not in questions)]
    rows = [
        _criterion(key, questions.get(key, key), found["criteria"][key]) for key in order if key in found["criteria"]
    ]
    return Earlier(found["name"], found["rubric_version"], rows)


def _criterion(key: str, question: str, row: dict[str, Any]) -> EarlierCriterion:
    lines = []
    for system, moved in row["systems"].items():
        estimate = moved["superiority"]
        lines.append(MovedLine(system, say(estimate), interval(estimate, SHARE_AXIS)))
    return EarlierCriterion(key, question, row["meaning"], TITLES[Meaning(row["meaning"])], row["reasons"], lines)

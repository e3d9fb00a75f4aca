"""Answers of people in the files of evaluation tools, as rows of an import of judgments.

A tool calls what people answered by a name of its own; each name must be a criterion of the round. The rater's name is
treated as in any other file: it becomes a pseudonym.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from projects.errors import ServiceError
from projects.importers import GENERIC, IMPORTERS, detect, read_file
from projects.importers.records import HumanRatingRecord, ImportFileError, SystemKey
from projects.importers.roles import normal
from rubrics.specs import CriterionSpec, RubricSpec

_HEAD = 65536
_SHOWN = 5
_VERDICTS = {"pass": "yes", "fail": "no"}

Rows = list[tuple[int, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class ToolFile:
    """How a tool's file is to be read: its format, what answered, and which of its names is which criterion."""

    format: str = "auto"
    options: dict[str, Any] = field(default_factory=dict)
    criteria: Mapping[str, str] = field(default_factory=dict)


def is_tools(stream: BinaryIO, name: str, told: ToolFile) -> bool:
    """Whether the file is of a tool and not a table of judgments."""
    if told.format != "auto":
        return told.format != "judgments"
    head = stream.read(_HEAD)
    stream.seek(0)
    found = detect(head, name) if head.strip() else []
    return bool(found) and found[0][0] not in GENERIC


def human_rows(stream: BinaryIO, name: str, told: ToolFile, rubric: RubricSpec) -> tuple[Rows, list[tuple[str, str]]]:
    """(rows as a table of judgments has them, what was left out and why)."""
    if told.format != "auto" and told.format not in IMPORTERS:
        raise ServiceError(
            f"The format “{told.format}” is not known. Accepted: auto, judgments, {', '.join(IMPORTERS)}."
        )
    taker = _Taker(rubric, told.criteria)
    try:
        _, records = read_file(stream, name, told.format, told.options)
        ratings = [each for each in records if isinstance(each, HumanRatingRecord)]
    except ImportFileError as error:
        raise ServiceError(str(error)) from error
    if not ratings:
        raise ServiceError(
            f"{name}: the file holds no answers of people. Accepted: a table of judgments, or a tool's file with "
            "ratings that people gave."
        )
    rows = [(number, cells) for number, each in enumerate(ratings, start=1) if (cells := taker.cells(each))]
    if not rows:
        raise ServiceError(f"{name}: none of its answers of people fits this round. {taker.why_nothing()}")
    return rows, [(name, why) for why in taker.skipped()]


class _Taker:
    def __init__(self, rubric: RubricSpec, criteria: Mapping[str, str]) -> None:
        self.known = {each.key: each for each in rubric.criteria}
        wrong = [key for key in criteria.values() if key not in self.known]
        if wrong:
            raise ServiceError(f"“{wrong[0]}” is not a criterion of this round. Accepted: {', '.join(self.known)}.")
        self.named = {normal(metric): key for metric, key in criteria.items()}
        self.left_out: Counter[str] = Counter()

    def cells(self, rating: HumanRatingRecord) -> dict[str, Any] | None:
        criterion = self._criterion(rating.metric)
        if criterion is None:
            self.left_out[f"No criterion of this round is called “{rating.metric}”"] += 1
            return None
        if rating.repeat or rating.variant:
            self.left_out[
                "They are about a further trial or a variant of an output, which no task of a round shows"
            ] += 1
            return None
        target = ""
        if rating.turn is not None and criterion.scope == "turn":
            target = f"o0t{max(rating.turn - 1, 0)}"
        elif rating.turn is not None and rating.turn > 1:
            self.left_out[f"“{criterion.key}” is not asked of single turns, and they are about a later turn"] += 1
            return None
        return {
            "item": rating.item,
            "system": _label(rating.system),
            "system_b": _label(rating.system_b) if rating.system_b else "",
            "rater": rating.rater,
            "criterion": criterion.key,
            "value": _VERDICTS.get(rating.label, rating.label) or rating.number,
            "position": rating.position,
            "target": target,
            "comment": rating.comment,
        }

    def _criterion(self, metric: str) -> CriterionSpec | None:
        """The one named for it, else the one of the same name."""
        name = normal(metric)
        key = self.named.get(name) or next((key for key in self.known if normal(key) == name), None)
        return self.known[key] if key else None

    def skipped(self) -> Iterator[str]:
        for why, times in self.left_out.items():
            yield f"{why}: {times:,} answers were left out."

    def why_nothing(self) -> str:
        told = " ".join(f"{why}." for why in list(self.left_out)[:_SHOWN])
        return (
            f"{told} The criteria are {', '.join(self.known)}; say which is meant with --criterion NAME=CRITERION, "
            "NAME being what the file calls it."
        )


def _label(system: SystemKey) -> str:
    return "@".join(part for part in system if part)

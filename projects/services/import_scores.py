"""The scores of a file, before the database is asked anything, held in little memory.

A file of a hundred thousand outputs has half a million scores, and most of them say the same but for a number and what
they are about. So what they share is kept once, and of each only what is its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from projects.importers.records import Direction, Position, ScoreKind, ScoreRecord, Source, SystemKey

OutputKey = tuple[str, SystemKey, int, str]  # item, system, repeat, variant


class Shape(NamedTuple):
    """What many scores of a metric have in common. Fields as in `ScoreRecord`."""

    kind: ScoreKind
    label: str
    passed: bool | None
    source: Source
    minimum: float | None
    maximum: float | None
    threshold: float | None
    direction: Direction
    judge: str
    missing_reason: str
    position: Position
    turn: int | None
    system: SystemKey | None
    human: bool


@dataclass(slots=True)
class StagedScore:
    shape: Shape
    number: float | None
    target: OutputKey | None  # None: the score of a whole run of the system
    target_b: OutputKey | None
    explanation: str
    details: dict[str, Any] | None

    @property
    def value(self) -> tuple[float | None, str]:
        return self.number, self.shape.label


class StagedScores:
    """By metric and by identity within it: the SHA-256 that the database keeps as hexadecimal digits."""

    def __init__(self) -> None:
        self.by_metric: dict[str, dict[bytes, StagedScore]] = {}
        self._shapes: dict[Shape, Shape] = {}

    def __len__(self) -> int:
        return sum(len(table) for table in self.by_metric.values())

    def __iter__(self) -> Iterator[tuple[str, StagedScore]]:
        for metric, table in self.by_metric.items():
            for score in table.values():
                yield metric, score

    def scores(self) -> Iterator[StagedScore]:
        for table in self.by_metric.values():
            yield from table.values()

    def put(self, metric: str, key: bytes, score: StagedScore) -> StagedScore | None:
        """Take a score; answers the one that it replaces."""
        table = self.by_metric.setdefault(metric, {})
        known = table.get(key)
        table[key] = score
        return known

    def shape_of(self, record: ScoreRecord, *, human: bool) -> Shape:
        return self.shared(
            Shape(
                record.kind,
                record.label,
                record.passed,
                record.source,
                record.minimum,
                record.maximum,
                record.threshold,
                record.direction,
                record.judge,
                record.missing_reason,
                record.position,
                record.turn,
                record.system,
                human,
            )
        )

    def shared(self, shape: Shape) -> Shape:
        return self._shapes.setdefault(shape, shape)

    def shapes(self) -> Iterator[tuple[str, Shape, int]]:
        """Metric, what scores of it share, and how many do; in the order in which they came."""
        for metric, table in self.by_metric.items():
            for shape, count in Counter(score.shape for score in table.values()).items():
                yield metric, shape, count

    def drop(self, items: Container[str]) -> None:
        """Leave out what is about these items."""
        for metric, table in list(self.by_metric.items()):
            kept = {key: each for key, each in table.items() if each.target is None or each.target[0] not in items}
            if kept:
                self.by_metric[metric] = kept
            else:
                del self.by_metric[metric]

"""The scores of a file, before the database is asked anything, held in little memory.

A file of a hundred thousand outputs has half a million scores, and most of them say the same but for a number and what
they are about. So what they share is kept once, and of each only what is its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Hashable, Iterator
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
    more: tuple[str, dict[str, Any] | None] | None  # explanation and details; None for neither

    @property
    def value(self) -> tuple[float | None, str]:
        return self.number, self.shape.label

    @property
    def explanation(self) -> str:
        return self.more[0] if self.more else ""

    @property
    def details(self) -> dict[str, Any]:
        return (self.more[1] if self.more else None) or {}

    @property
    def identity(self) -> Hashable:
        """What makes it this score of its metric. The tool's run is not part of it: a re-run of the same judge over
        the same output replaces the score instead of adding a second one."""
        shape = self.shape
        if self.target_b is None and shape.turn is None and not shape.position and not shape.judge and self.target:
            return self.target  # nearly all of them: an object that is there anyway
        return self.named

    @property
    def named(self) -> tuple[Any, ...]:
        """The same, in full: the database keeps its digest."""
        shape = self.shape
        return self.target or shape.system, self.target_b, shape.turn, shape.position, shape.judge


Table = dict[Hashable, StagedScore]


class StagedScores:
    """By metric and by identity within it."""

    def __init__(self) -> None:
        self.by_metric: dict[str, Table] = {}
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

    def put(self, metric: str, score: StagedScore) -> StagedScore | None:
        """Take a score; answers the one that it replaces."""
        table, key = self.by_metric.setdefault(metric, {}), score.identity
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

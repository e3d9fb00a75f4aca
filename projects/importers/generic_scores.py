"""The scores of a mapped row: automated ones, and a person's."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

from projects.importers import limits, values
from projects.importers.compact import hashes
from projects.importers.generic_cells import Cells, Target, shown
from projects.importers.mapping import KINDS, SOURCES, Row
from projects.importers.records import HumanRatingRecord, Problem, Record, ScoreRecord, Skip, SystemKey, problem

_KINDS = {
    "numeric": "number",
    "float": "number",
    "boolean": "bool",
    "categorical": "label",
    "pairwise": "preference",
}
_SOURCES = {
    "judge": "llm",
    "llm_judge": "llm",
    "model": "llm",
    "program": "code",
    "api": "code",
    "person": "human",
    "annotation": "human",
}
_DIRECTIONS = {
    "higher": "higher",
    "true": "higher",
    "maximize": "higher",
    "lower": "lower",
    "false": "lower",
    "minimize": "lower",
}


class Giver(NamedTuple):
    """Who gave a score and how: with the metric and the target, the identity of the score."""

    source: Any
    judge: str
    rater: str
    other: SystemKey | None
    position: Any
    turn: int | None


class ScoreReader:
    def __init__(self, cells: Cells, *, compact: bool = False) -> None:
        self.cells = cells
        self.kinds = dict(cells.mapping.kinds)
        self.seen = hashes(compact)
        self.wide = [(c, given.name) for c, given in cells.mapping.columns.items() if given.role == "metric_column"]

    def row(self, line: int, row: Row, target: Target) -> Generator[Record | Problem, None, bool]:
        """Yields the scores; returns whether the row spoke of any, even of a missing or refused one."""
        told = False
        for column, metric in self._named(row):
            told = True
            try:
                yield from self._score(line, row, target, metric, column)
            except Skip as skip:
                yield problem(self.cells.name, skip.why, line, skip.column)
        return told

    def _named(self, row: Row) -> Iterator[tuple[str, str]]:
        """(column of the value, metric)"""
        if column := self.cells.column.get("value"):
            metric = self.cells.text(row, "metric", limits.MAX_METRIC_CHARS) or self.cells.mapping.options.get("metric")
            if metric:
                yield column, metric
            elif not values.is_missing(row.get(column)):
                raise Skip("The row has a value but names no metric.", self.cells.column.get("metric", ""))
        yield from self.wide

    def _score(self, line: int, row: Row, target: Target, metric: str, column: str) -> Iterator[Record | Problem]:
        giver = self._giver(row)
        value = values.score(row.get(column), self._kind(row, metric, giver))
        if value.wrong:
            raise Skip(value.wrong, column)
        if value.kind == "preference" and giver.other is None:
            raise Skip(
                "A preference needs a second system, in a column system_b.",
                self.cells.column.get("kind", column),
            )
        if not self._first_time(target, metric, giver, value, column):
            return
        if value.kind:
            self.kinds.setdefault(metric, value.kind)
        else:
            why = f"{value.missing} The score of metric '{metric}' is recorded as missing, not as 0."
            yield from self.cells.note("No value", why, line, column)
        if giver.source == "human":
            yield from self._human(row, target, metric, giver, value)
        else:
            yield self._automated(row, target, metric, giver, value)

    def _first_time(self, target: Target, metric: str, giver: Giver, value: values.Value, column: str) -> bool:
        """False for a row given twice; a second value for the same score is refused."""
        key, content = hash((metric, target, giver)), hash((value.number, value.label, value.missing))
        known = self.seen.get(key)
        if known is None:
            self.seen[key] = content
            return True
        if known == content:
            return False
        raise Skip(
            f"The item '{target.item}', system '{shown(target.system)}' and metric '{metric}' have another "
            "value in an earlier row, which is kept.",
            column,
        )

    def _human(
        self, row: Row, target: Target, metric: str, giver: Giver, value: values.Value
    ) -> Iterator[HumanRatingRecord]:
        if value.kind:
            comment = self.cells.text(row, "comment", limits.MAX_CELL_CHARS) or self._explanation(row)
            yield HumanRatingRecord(
                metric,
                target.item,
                target.system,
                giver.rater,
                value.number,
                value.label,
                comment,
                target.repeat,
                target.variant,
                giver.other,
                giver.position,
                giver.turn,
            )

    def _automated(self, row: Row, target: Target, metric: str, giver: Giver, value: values.Value) -> ScoreRecord:
        cell = self.cells.cell
        kind: Any = value.kind or self.kinds.get(metric) or "number"
        direction: Any = _DIRECTIONS.get(self.cells.text(row, "direction").lower(), "unknown")
        return ScoreRecord(
            metric=metric,
            item=target.item,
            system=target.system,
            system_b=giver.other,
            repeat=target.repeat,
            variant=target.variant,
            kind=kind,
            number=value.number,
            label=value.label,
            passed=values.truth(cell(row, "passed")),
            source=giver.source,
            minimum=values.finite(cell(row, "minimum")),
            maximum=values.finite(cell(row, "maximum")),
            threshold=values.finite(cell(row, "threshold")),
            direction=direction,
            judge=giver.judge,
            explanation=self._explanation(row),
            missing_reason=value.missing,
            position=giver.position,
            turn=giver.turn,
        )

    def _giver(self, row: Row) -> Giver:
        text = self.cells.text
        other = self.cells.system_key(row, "system_b") if text(row, "system_b", 2 * limits.MAX_NAME_CHARS) else None
        position = text(row, "position").lower()
        if position not in {"", "a_first", "b_first"}:
            raise Skip(
                f"The position '{position}' is not known; accepted: a_first, b_first, or empty for unknown.",
                self.cells.column["position"],
            )
        return Giver(
            self._source(row),
            text(row, "judge"),
            text(row, "rater"),
            other,
            position,
            self.cells.count(row, "turn"),
        )

    def _kind(self, row: Row, metric: str, giver: Giver) -> str:
        if word := self.cells.text(row, "kind").lower():
            kind = _KINDS.get(word, word)
            if kind not in KINDS:
                raise Skip(
                    f"The kind '{word}' is not known; accepted: {', '.join(KINDS)}.",
                    self.cells.column["kind"],
                )
            return kind
        return "preference" if giver.other else self.kinds.get(metric, "")

    def _source(self, row: Row) -> str:
        word = self.cells.text(row, "source").lower()
        source = _SOURCES.get(word, word)
        if source and source not in SOURCES:
            raise Skip(
                f"The source '{word}' is not known; accepted: {', '.join(SOURCES)}.",
                self.cells.column["source"],
            )
        if source or self.cells.text(row, "rater"):
            return source or "human"
        return self.cells.mapping.options.get("source") or ("llm" if self.cells.text(row, "judge") else "code")

    def _explanation(self, row: Row) -> str:
        cell = self.cells.cell(row, "explanation")
        return "" if values.is_missing(cell) else values.text(cell)

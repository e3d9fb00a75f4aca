"""From a tool's cell to a score: its kind kept, missing with its reason, and nothing made of a failed answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from projects.importers import limits, values
from projects.importers.records import (
    HumanRatingRecord,
    OutputRecord,
    Problem,
    ScoreRecord,
    Skip,
    note,
    problem,
)

FAILED = "The system gave no answer because of an error, so what the tool scored is no score of it."


def metric_name(name: Any) -> str:
    word = values.text(name) if not isinstance(name, dict | list | bool) else ""
    if not 0 < len(word) <= limits.MAX_METRIC_CHARS:
        raise Skip(f"A metric's name has 1 to {limits.MAX_METRIC_CHARS} characters.")
    return word


def score(
    metric: str, cell: Any, target: OutputRecord, *, kind: str = "", missing: str = "", **more: Any
) -> ScoreRecord:
    """One automated score. ``missing``: the tool's own reason for having none."""
    found = values.score(cell, kind)
    if found.wrong and not missing:
        raise Skip(found.wrong, metric)
    why = missing or (FAILED if target.error else found.missing)
    passed, details = more.pop("passed", None), more.pop("details", None)
    if why and found.kind and not values.is_missing(cell):
        details = {**(details or {}), "not_counted": found.number if found.number is not None else found.label}
    low, high = more.pop("scale", (None, None))
    if found.number is None or (low is not None and found.number < low) or (high is not None and found.number > high):
        low = high = None
    return ScoreRecord(
        metric=metric,
        item=target.item,
        system=target.system,
        repeat=target.repeat,
        variant=target.variant,
        kind=found.kind or kind or "number",  # type: ignore[arg-type]
        number=None if why else found.number,
        label="" if why else found.label,
        passed=None if why else passed,
        missing_reason=why,
        minimum=low,
        maximum=high,
        details=details or None,
        **more,
    )


def rating(metric: str, cell: Any, target: OutputRecord, *, rater: str, comment: str = "") -> HumanRatingRecord:
    """What a person said of one output."""
    found = values.score(cell)
    if found.wrong:
        raise Skip(found.wrong, metric)
    if found.missing:
        raise Skip("The person gave no value.", metric)
    return HumanRatingRecord(
        metric,
        target.item,
        target.system,
        rater[: limits.MAX_NAME_CHARS],
        found.number,
        found.label,
        comment,
        target.repeat,
        target.variant,
    )


def of_run(metric: str, cell: Any, system: tuple[str, str], **more: Any) -> ScoreRecord:
    """The score of a whole run of a system."""
    found = values.score(cell)
    if found.wrong:
        raise Skip(found.wrong, metric)
    return ScoreRecord(
        f"{metric[: limits.MAX_METRIC_CHARS - 6]} (run)",
        system=system,
        kind=found.kind or "number",  # type: ignore[arg-type]
        number=found.number,
        label=found.label,
        missing_reason=found.missing,
        **more,
    )


class Kinds:
    """The kind of each metric from the first rows, so that one odd value does not change it."""

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        self.cells: dict[str, list[Any]] = {}
        for row in rows:
            for column, cell in row.items():
                if not isinstance(cell, dict | list):
                    self.cells.setdefault(column, []).append(cell)

    def of(self, column: str) -> str:
        return values.common_kind(self.cells.get(column, ()))

    def is_prose(self, column: str) -> bool:
        held = [cell for cell in self.cells.get(column, ()) if not values.is_missing(cell)]
        return any(isinstance(cell, str) and len(cell) > 60 for cell in held)


class Trials:
    """The same question asked again of the same system is a further trial."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, tuple[str, str]], int] = {}

    def next(self, item: str, system: tuple[str, str]) -> int:
        trial = self.seen.get((item, system), 0)
        self.seen[item, system] = trial + 1
        return trial


class Noted:
    """Many rows give rise to the same note: it is told once, with how often."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: dict[str, int] = {}

    def add(self, why: str) -> None:
        self.found[why] = self.found.get(why, 0) + 1

    def notes(self) -> Iterator[Problem]:
        for why, times in self.found.items():
            yield note(self.name, why if times == 1 else f"{why} (This holds {times:,} times.)")


def tried(name: str, line: int | None, made: Iterator[Any]) -> Iterator[Any]:
    """What ``made`` yields; where it cannot go on, the problem by row and column."""
    try:
        yield from made
    except Skip as skip:
        yield problem(name, skip.why, line, skip.column)

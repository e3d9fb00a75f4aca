"""What the tables of an export share: columns, the names of a task's outputs, cells, and reading in parts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from annotation.models import Round, TaskOutput

CHUNK = 2000  # rows read, and written, at a time
Row = tuple[Any, ...]
T = TypeVar("T")


@dataclass(frozen=True)
class Column:
    name: str
    kind: str  # text, number, integer, boolean or moment
    meaning: str


@dataclass(frozen=True)
class Table:
    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Callable[[Round], Iterator[Row]]
    needed: bool = True  # False: exports of older versions lack it, and are read as if it had no rows


def columns(*specs: tuple[str, str, str]) -> tuple[Column, ...]:
    return tuple(Column(*spec) for spec in specs)


Names = tuple[str, str, str]  # output, system, version


@dataclass(frozen=True)
class TaskNames:
    """A task's outputs as an export names them: each in canonical order, and all in one cell as a JSON list."""

    each: tuple[Names, ...]
    whole: Names

    def of(self, order: str, target: str) -> Names:
        """What a target is about: one output, or all of them."""
        return self.each[int(order[int(target[1])])] if target else self.whole


def _one_or_list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else json.dumps(names, ensure_ascii=False)


def task_names(tasks: Iterable[int]) -> dict[int, TaskNames]:
    rows = TaskOutput.objects.filter(task_id__in=tasks).order_by("task_id", "position")
    found: dict[int, list[Names]] = {}
    for task, output, system, version in rows.values_list(
        "task_id", "output_id", "output__system__name", "output__system__version"
    ):
        found.setdefault(task, []).append((str(output), system, version))
    return {
        task: TaskNames(tuple(each), (_one_or_list(o), _one_or_list(s), _one_or_list(v)))
        for task, each in found.items()
        for o, s, v in [tuple(zip(*each, strict=True))]
    }


def moment(value: datetime | None) -> str | None:
    return value.isoformat() if value is not None else None


def json_cell(value: Any) -> str:
    return "" if value in (None, [], {}) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def data_cell(value: Any) -> str:
    """A structured answer: an empty list is one, such as “nothing to mark”."""
    return "" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def round_name(round: Round) -> str:
    return f"{round.project.slug}/{round.slug}"


def parts(rows: Iterator[T], size: int = 500) -> Iterator[list[T]]:
    part: list[T] = []
    for row in rows:
        part.append(row)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part

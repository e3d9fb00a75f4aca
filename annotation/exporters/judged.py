"""Which ratings of an export belong to which of its judgments, and the targets and sides they speak of."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Any

from annotation.exporters.reading import Cells, Export
from projects.errors import ServiceError

Key = tuple[Any, ...]
_SHARED = ("task", "rater", "occasion", "purpose", "shown_order", "submitted_at", "seconds")


def ratings_by_judgment(export: Export) -> list[list[Cells]]:
    """The ratings of each row of `judgments`, in its order. Both tables stand in the order of the judgments, so those
    that nothing else tells apart, of people who are not known, come in the same order too."""
    waiting: dict[Key, deque[int]] = defaultdict(deque)
    for number, judgment in enumerate(export["judgments"]):
        waiting[_key(judgment)].append(number)
    found: list[list[Cells]] = [[] for _ in export["judgments"]]
    for number, together in _together(export["ratings"]):
        key = _key(together[0])
        if not waiting[key]:
            raise ServiceError(f"ratings, row {number + 1}: The judgment of this rating is not among the judgments.")
        found[waiting[key].popleft()] = together
    return found


def _key(row: Cells) -> Key:
    return tuple(row[name] for name in _SHARED)


def _together(rows: list[Cells]) -> Iterator[tuple[int, list[Cells]]]:
    """Rows of one judgment: alike in what it shares, and no question answered twice."""
    part: list[Cells] = []
    asked: set[tuple[str, str]] = set()
    for number, row in enumerate(rows):
        question = (row["criterion"], row["target"])
        if part and (_key(row) != _key(part[0]) or question in asked):
            yield number - len(part), part
            part, asked = [], set()
        part.append(row)
        asked.add(question)
    if part:
        yield len(rows) - len(part), part

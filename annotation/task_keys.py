"""Canonical names of tasks and pairs, so that the same task is made once, whoever makes it."""

from __future__ import annotations

from collections.abc import Iterable


def task_key(output_ids: Iterable[int]) -> str:
    """The outputs judged, in canonical order (ascending id)."""
    return "-".join(str(i) for i in sorted(output_ids))


def width_of(key: str) -> int:
    """How many outputs a task with this key is about."""
    return key.count("-") + 1


def pair_key(system_ids: Iterable[int]) -> str:
    """The systems judged together: what sides are balanced over. Empty for a single output."""
    ids = sorted(system_ids)
    return "-".join(str(i) for i in ids) if len(ids) > 1 else ""

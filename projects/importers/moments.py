"""How long something took, from two moments: independent of the unit in which a tool writes a duration."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from projects.importers import values


def moment(cell: Any) -> datetime | None:
    """ISO 8601 with or without a zone, or seconds or milliseconds since 1970."""
    if isinstance(cell, str):
        try:
            found = datetime.fromisoformat(cell.strip().replace(" UTC", "+00:00"))
        except ValueError:
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    number = values.finite(cell)
    if number is None or number < 0:
        return None
    try:
        return datetime.fromtimestamp(number / 1000 if number > 1e11 else number, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def between_ms(start: Any, end: Any) -> float | None:
    first, last = moment(start), moment(end)
    if first is None or last is None or last < first:
        return None
    return values.milliseconds((last - first).total_seconds())

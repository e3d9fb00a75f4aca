"""JSON Lines, and what the formats of one record an answer share."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from annotation.exporters.back.answers import Shown, Told


def write_lines(path: Path, records: Iterable[dict[str, Any]]) -> int:
    """How many were written."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")
            count += 1
    return count


def tool_id(output: Shown, *keys: str) -> str:
    """What the tool the output came from calls it, kept at import; '' where it came from elsewhere."""
    found = (output.raw.get(key) for key in keys)
    return next((str(each) for each in found if isinstance(each, str | int) and not isinstance(each, bool)), "")


def kept(told: Told) -> dict[str, str]:
    """What is said of an answer beside its value, as texts: some tools take nothing else."""
    return {
        "source": "adjudge",
        "rater": told.rater,
        "question": told.criterion.question,
        "submitted_at": told.at.isoformat(),
        **({"final": "true"} if told.final else {}),
    }

"""The bytes of a report and short forms of digests for reading. Nothing here needs the statistics."""

from __future__ import annotations

import json
from typing import Any


def body_json(body: dict[str, Any]) -> str:
    """The bytes of report.json. NaN is refused rather than written."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, indent=1, sort_keys=True) + "\n"


def short(digest: str) -> str:
    """9f3c 71ae: enough to compare two by eye."""
    return f"{digest[:4]} {digest[4:8]}" if digest else ""

"""Short forms of digests for reading."""

from __future__ import annotations


def short(digest: str) -> str:
    """9f3c 71ae: enough to compare two by eye."""
    return f"{digest[:4]} {digest[4:8]}" if digest else ""

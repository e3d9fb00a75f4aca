"""The version of this copy of Adjudge; `pyproject.toml` is the one place that holds it."""

from __future__ import annotations

import tomllib
from pathlib import Path


def _read() -> str:
    path = Path(__file__).resolve().parent.parent / "pyproject.toml"
    version: str = tomllib.loads(path.read_text(encoding="utf-8"))["project"]["version"]
    return version


VERSION = _read()


def parts(version: str) -> tuple[int, ...]:
    """For comparing: `0.10.1` is newer than `0.9`. What is no number counts as 0."""
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split("."))

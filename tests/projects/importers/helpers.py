"""Reading a sample and looking at what came of it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, TypeVar

import pytest

from projects.importers import read_file
from projects.importers.records import (
    HumanRatingRecord,
    ImportFileError,
    ItemRecord,
    OutputRecord,
    Problem,
    Record,
    RunRecord,
    ScoreRecord,
    SystemRecord,
)

T = TypeVar("T")

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "data" / "formats"


class Got:
    """The records of one file, by kind."""

    def __init__(self, found: list[Record | Problem], key: str = "") -> None:
        self.all, self.key = found, key
        self.items = self._only(ItemRecord)
        self.systems = self._only(SystemRecord)
        self.outputs = self._only(OutputRecord)
        self.scores = self._only(ScoreRecord)
        self.humans = self._only(HumanRatingRecord)
        self.runs = self._only(RunRecord)
        problems = self._only(Problem)
        self.skipped = [p for p in problems if p.severity == "skipped"]
        self.notes = [p for p in problems if p.severity == "note"]

    def _only(self, kind: type[T]) -> list[T]:
        return [each for each in self.all if isinstance(each, kind)]

    def score(self, metric: str, **wanted: Any) -> ScoreRecord:
        (found,) = [
            each
            for each in self.scores
            if each.metric == metric and all(getattr(each, key) == value for key, value in wanted.items())
        ]
        return found


def read(data: bytes | str, name: str = "answers.csv", format: str = "auto", **options: Any) -> Got:
    raw = data.encode() if isinstance(data, str) else data
    key, found = read_file(io.BytesIO(raw), name, format, options)
    return Got(list(found), key)


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def refused(data: bytes | str, name: str = "answers.csv", format: str = "auto", **options: Any) -> str:
    with pytest.raises(ImportFileError) as caught:
        read(data, name, format, **options)
    sentence = str(caught.value)
    assert sentence.startswith(name)
    assert sentence.endswith((".", ")"))
    return sentence


def sample(path: str) -> Path:
    found = SAMPLES / path
    if not found.exists():
        pytest.skip(f"the sample file {path} is not beside this repository")
    return found

"""Rubrics to start from: one file each beside this one. Each says what it is for and how it goes wrong.

A file holds `for`, `not_for`, `measurement`, `pitfalls`, `agreement` (published figures, only with a source that was
read) and `rubric`, which is a rubric's file as any other. `tests/rubrics/test_library.py` holds them to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from projects.errors import ServiceError
from projects.located import load
from rubrics.schema import rubric_from
from rubrics.specs import RubricSpec

FOLDER = Path(__file__).parent
KEYS = ("for", "not_for", "measurement", "pitfalls", "agreement", "rubric")


@dataclass(frozen=True, slots=True)
class Published:
    """Agreement that somebody published, and where."""

    figure: str
    source: str


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    purpose: str
    not_for: str
    measurement: str
    pitfalls: tuple[str, ...]
    agreement: tuple[Published, ...]
    rubric: RubricSpec
    text: str  # the file as it stands

    @property
    def title(self) -> str:
        return self.rubric.name


@cache
def entries() -> tuple[Entry, ...]:
    """The whole library, by title."""
    return tuple(sorted(map(_read, FOLDER.glob("*.yaml")), key=lambda entry: entry.title.casefold()))


def entry_named(name: str) -> Entry:
    found = next((entry for entry in entries() if entry.name == name), None)
    if found is None:
        known = ", ".join(entry.name for entry in entries())
        raise ServiceError(f"The library has no rubric “{name}”. It has: {known}.")
    return found


def _read(path: Path) -> Entry:
    text = path.read_text(encoding="utf-8")
    source = load(text, path.name)
    data = source.mapping(source.value, (), KEYS, required=("for", "not_for", "measurement", "pitfalls", "rubric"))
    published = source.items(data["agreement"], ("agreement",))
    return Entry(
        name=path.stem,
        purpose=source.text(data["for"], ("for",)),
        not_for=source.text(data["not_for"], ("not_for",)),
        measurement=source.text(data["measurement"], ("measurement",)),
        pitfalls=tuple(
            source.text(pitfall, ("pitfalls",)) for pitfall in source.items(data["pitfalls"], ("pitfalls",))
        ),
        agreement=tuple(Published(str(row["figure"]), str(row["source"])) for row in published),
        rubric=rubric_from(source, data["rubric"], ("rubric",)),
        text=text,
    )

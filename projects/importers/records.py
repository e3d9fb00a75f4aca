"""The neutral records every importer yields; the database layer upserts them.

An ``ItemRecord`` with no messages means "this item exists, its text is not in this file": it must not
erase a text already known. A ``ScoreRecord`` whose ``number`` is None and ``label`` is empty carries the
reason in ``missing_reason``: a missing score is never zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Message = dict[str, Any]
SystemKey = tuple[str, str]  # name, version ('' when the file tells none)

ScoreKind = Literal["bool", "number", "label", "preference"]
Source = Literal["code", "llm", "human"]
Direction = Literal["higher", "lower", "unknown"]
Position = Literal["", "a_first", "b_first"]
Severity = Literal["skipped", "note"]


class ImportFileError(ValueError):
    """A file refused whole. The message is a full sentence with file, row and column."""


class NotReadAlone(ImportFileError):
    """A file that cannot be read by itself or is made for people: beside others it is left out, not refused."""


class SystemUnknownError(ImportFileError):
    """The file tells nowhere what answered: a person must say it (option ``system``)."""


class Skip(Exception):
    """This row, or this value, cannot be used: why, and in which column."""

    def __init__(self, why: str, column: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.column = column


@dataclass(frozen=True, slots=True)
class ItemRecord:
    external_id: str
    messages: tuple[Message, ...] = ()
    context: tuple[str | Message, ...] = ()
    reference: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    cluster: str | None = None
    language: str = ""


@dataclass(frozen=True, slots=True)
class SystemRecord:
    name: str
    version: str = ""
    config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutputRecord:
    item: str
    system: SystemKey
    text: str | None = None
    messages: tuple[Message, ...] = ()
    repeat: int = 0
    variant: str = ""
    error: str = ""
    latency_ms: float | None = None
    ttft_ms: float | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: float | None = None
    currency: str = ""
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScoreRecord:
    """One automated value. For ``bool``: number 1 or 0 and label 'true' or 'false'; the kind is never lost.

    For ``preference``: label 'a' (system), 'b' (system_b), 'tie', 'both_good', 'both_bad', or a number that leans
    to b the further it lies above the middle of its scale: a probability that b wins has the scale 0 to 1.
    Without a scale the number is signed towards b, and 0 is a tie.
    """

    metric: str
    item: str | None = None
    system: SystemKey | None = None
    system_b: SystemKey | None = None
    repeat: int = 0
    variant: str = ""
    kind: ScoreKind = "number"
    number: float | None = None
    label: str = ""
    passed: bool | None = None
    source: Source = "code"
    minimum: float | None = None
    maximum: float | None = None
    threshold: float | None = None
    direction: Direction = "unknown"
    judge: str = ""
    explanation: str = ""
    missing_reason: str = ""
    position: Position = ""
    turn: int | None = None
    details: dict[str, Any] | None = None  # what else the tool tells of it: the judge's cost, time, prompt


@dataclass(frozen=True, slots=True)
class HumanRatingRecord:
    """A person's answer found in a tool's file. ``rater`` '' means identity unknown."""

    metric: str
    item: str
    system: SystemKey
    rater: str = ""
    number: float | None = None
    label: str = ""
    comment: str = ""
    repeat: int = 0
    variant: str = ""
    system_b: SystemKey | None = None  # the second of a pair; then the label is a preference
    position: Position = ""
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    tool: str
    tool_version: str = ""
    run_id: str = ""
    created: str = ""
    aggregates: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person should know. 'skipped': the row or value was left out; 'note': it was read."""

    where: str
    why: str
    severity: Severity = "skipped"
    row: int | None = None
    column: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


@dataclass(frozen=True, slots=True)
class ReadElsewhere:
    """This file adds nothing by itself: it was read together with another of the same import."""

    by: str


@dataclass(frozen=True, slots=True)
class ReadAs:
    """In an archive or folder: one more file was read, as this format."""

    format: str


Record = ItemRecord | SystemRecord | OutputRecord | ScoreRecord | HumanRatingRecord | RunRecord | ReadElsewhere | ReadAs


def place(name: str, row: int | None = None, column: str = "") -> str:
    """'answers.csv, row 14, column value'."""
    parts = [name]
    if row is not None:
        parts.append(f"row {row}")
    if column:
        parts.append(f"column {column}")
    return ", ".join(parts)


def refusal(name: str, why: str, row: int | None = None, column: str = "") -> ImportFileError:
    return ImportFileError(f"{place(name, row, column)}: {why}")


def not_alone(name: str, why: str) -> NotReadAlone:
    return NotReadAlone(f"{name}: {why}")


def problem(name: str, why: str, row: int | None = None, column: str = "") -> Problem:
    return Problem(place(name, row, column), why, "skipped", row, column)


def note(name: str, why: str, row: int | None = None, column: str = "") -> Problem:
    return Problem(place(name, row, column), why, "note", row, column)

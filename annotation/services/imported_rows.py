"""Rows of a file of human judgments, checked against the rubric. Nothing here touches the database."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.utils.dateparse import parse_datetime

from annotation.ranked_sets import MOST
from annotation.services.imported_orders import in_letters, systems_named
from projects.importers import values
from projects.importers.limits import MAX_ID_CHARS, MAX_NAME_CHARS
from projects.importers.records import place
from rubrics.criteria import CRITERIA
from rubrics.specs import Answer, AnswerError, CriterionSpec, RubricSpec

REQUIRED = ("item", "system", "criterion", "value")
OPTIONAL: tuple[str, ...] = ("system_b", "rater", "position", "target", "occasion", "cannot_judge")
OPTIONAL += ("purpose", "group", "submitted_at", "seconds", "comment")
COLUMNS: tuple[str, ...] = (*REQUIRED, *OPTIONAL)
POSITIONS = ("a_first", "b_first")
# `normal` is what an export of ordinary work says: it comes in as imported, for it holds no slot here.
PURPOSES = ("imported", "normal", "gold", "training", "repeat", "extra")
MAX_GROUP_CHARS = 30
MAX_OCCASION = 1_000_000
MAX_SECONDS = 10_000_000.0
_TARGET = {
    "task": re.compile(r""),
    "output": re.compile(r"o[0-9]"),
    "turn": re.compile(r"o[0-9](?:t[0-9]{1,4})?"),
}
_TARGET_WORDS = {
    "task": "nothing, because the criterion is about the whole task",
    "output": "o0 for the output shown first, o1 for the second",
    "turn": "o0t0 for the first turn of the output shown first, o1t2 for the third turn of the second",
}


class RaterKey(NamedTuple):
    """A rater's name in the file or, where it gives none, the place among the nameless ratings of a task."""

    name: str
    unknown: int


class Systems(tuple[str, ...]):
    """Those whose outputs a row is about."""

    __slots__ = ()

    @property
    def a(self) -> str:
        return self[0]

    @property
    def b(self) -> str:
        """Empty for a single output."""
        return self[1] if len(self) > 1 else ""


@dataclass(frozen=True, slots=True)
class RatingRow:
    """One rating as the file gives it: a preference is signed towards `systems.b`."""

    row: int
    item: str
    systems: Systems
    rater: RaterKey
    criterion: CriterionSpec
    answer: Answer
    position: str = ""
    target: str = ""
    occasion: int = 0
    purpose: str = "imported"
    group: str = ""
    submitted_at: datetime | None = None
    seconds: float | None = None
    comment: str = ""


class Refused(ValueError):
    """One cell that cannot be accepted."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(why)
        self.column = column


@dataclass(slots=True)
class Checked:
    rows: list[RatingRow] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    n_rows: int = 0


def check_rows(found: Iterable[tuple[int, dict[str, Any]]], *, name: str, rubric: RubricSpec, mode: str) -> Checked:
    """Every row as a rating, or the sentence that says what is wrong with it."""
    checked = Checked()
    reader = _Reader({c.key: c for c in rubric.criteria}, mode)
    for number, cells in found:
        checked.n_rows += 1
        try:
            reader.check_columns(cells, first=checked.n_rows == 1)
            row = reader.read(number, cells)
        except Refused as refused:
            checked.problems.append(f"{place(name, number, refused.column)}: {refused}")
            if refused.column == "":  # the header is wrong, so every row would say the same
                break
            continue
        if row.answer.is_empty:
            checked.skipped.append((place(name, number, "value"), "The row has no value; it was not counted as zero."))
        else:
            checked.rows.append(row)
    return checked


class _Reader:
    def __init__(self, criteria: dict[str, CriterionSpec], mode: str) -> None:
        self.criteria, self.mode = criteria, mode
        self.nameless: Counter[tuple[Any, ...]] = Counter()

    def check_columns(self, cells: dict[str, Any], *, first: bool) -> None:
        unknown = [column for column in cells if column not in COLUMNS]
        if unknown:
            names = ", ".join(f"'{column}'" for column in unknown[:5])
            raise Refused("", f"The column {names} is not known. Accepted: {', '.join(COLUMNS)}.")
        missing = [column for column in REQUIRED if column not in cells]
        if first and missing and set(missing) != {"value"}:
            raise Refused("", f"The column '{missing[0]}' is missing. Needed: {', '.join(REQUIRED)}.")

    def read(self, number: int, cells: dict[str, Any]) -> RatingRow:
        criterion = self._criterion(cells)
        systems = self._systems(cells)
        item = _name(cells, "item", MAX_ID_CHARS, required=True)
        target = _target(cells, criterion, len(systems))
        occasion = _whole(cells, "occasion")
        rater = self._rater(cells, item, systems, criterion, target, occasion)
        row = RatingRow(number, item, systems, rater, criterion, Answer(), target=target, occasion=occasion)
        position = _one_of(cells, "position", POSITIONS)
        if position and len(systems) != 2:
            raise Refused("position", "A position needs two outputs: the row has no system_b, or more than two.")
        return replace(
            row,
            answer=_answer(cells, criterion, systems),
            position=position,
            purpose=_purpose(cells),
            group=_name(cells, "group", MAX_GROUP_CHARS),
            submitted_at=_moment(cells),
            seconds=_seconds(cells),
            comment=values.text(cells.get("comment")),
        )

    def _criterion(self, cells: dict[str, Any]) -> CriterionSpec:
        key = values.text(cells.get("criterion"))
        if key not in self.criteria:
            said = f"“{key}” is not a criterion of this round" if key else "The row names no criterion"
            raise Refused("criterion", f"{said}. Accepted: {', '.join(self.criteria)}.")
        return self.criteria[key]

    def _systems(self, cells: dict[str, Any]) -> Systems:
        if self.mode == "rank":
            return self._ranked(cells)
        first, second = _name(cells, "system", MAX_NAME_CHARS, required=True), _name(cells, "system_b", MAX_NAME_CHARS)
        if self.mode == "compare" and not second:
            raise Refused("system_b", "The round compares two outputs, so the row must name the second system.")
        if self.mode != "compare" and second:
            raise Refused("system_b", "The round scores one output at a time, so the column must be empty.")
        if first == second:
            raise Refused("system_b", f"“{second}” cannot be compared with itself.")
        return Systems((first, second) if second else (first,))

    def _ranked(self, cells: dict[str, Any]) -> Systems:
        names = systems_named(cells.get("system"))
        if _name(cells, "system_b", MAX_NAME_CHARS):
            raise Refused("system_b", "The round ranks several outputs: name all of them in “system”.")
        if not 2 <= len(names) <= MOST or len(set(names)) < len(names) or not all(names):
            raise Refused(
                "system",
                f"The round ranks several outputs, so the row must name 2 to {MOST} different systems, with “|” "
                "between them or as a JSON list.",
            )
        if long := next((name for name in names if len(name) > MAX_NAME_CHARS), ""):
            raise Refused("system", f"The name has {len(long):,} characters; at most {MAX_NAME_CHARS} are accepted.")
        return Systems(names)

    def _rater(
        self,
        cells: dict[str, Any],
        item: str,
        systems: Systems,
        criterion: CriterionSpec,
        target: str,
        occasion: int,
    ) -> RaterKey:
        name = _name(cells, "rater", MAX_NAME_CHARS)
        if name:
            return RaterKey(name, 0)
        place_of = (item, frozenset(systems), criterion.key, target, occasion)
        self.nameless[place_of] += 1
        return RaterKey("", self.nameless[place_of])


def _answer(cells: dict[str, Any], criterion: CriterionSpec, systems: Systems) -> Answer:
    if _yes(cells, "cannot_judge"):
        return Answer(cannot_judge=True)
    cell = cells.get("value")
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return Answer()
    kind = CRITERIA[criterion.type]
    if kind.modes == ("rank",):
        criterion, cell = replace(criterion, outputs=len(systems)), in_letters(cell, systems)
    elif isinstance(cell, list | dict) and not kind.reads_text:
        raise Refused("value", f"The value of “{criterion.key}” is a list or an object; accepted: one value.")
    if isinstance(cell, float) and cell != cell:
        raise Refused("value", "The value is NaN, which is no answer. Leave the cell empty where there is none.")
    try:
        return kind.accept(criterion, cell)
    except AnswerError as error:
        raise Refused("value", str(error)) from None


def _target(cells: dict[str, Any], criterion: CriterionSpec, outputs: int) -> str:
    target = values.text(cells.get("target"))
    if not target and criterion.scope != "task" and outputs == 1:
        return "o0"  # there is one output only, so it need not be named
    fits = _TARGET[criterion.scope].fullmatch(target)
    if not fits or (target and int(target[1]) >= outputs):
        words = _TARGET_WORDS[criterion.scope]
        raise Refused("target", f"“{target}” is not a target of “{criterion.key}”. Accepted: {words}.")
    return target


def _name(cells: dict[str, Any], column: str, most: int, *, required: bool = False) -> str:
    text = values.text(cells.get(column))
    if required and not text:
        raise Refused(column, f"The row has no {column}; it must name one.")
    if len(text) > most:
        raise Refused(column, f"The name has {len(text):,} characters; at most {most} are accepted.")
    return text


def _one_of(cells: dict[str, Any], column: str, accepted: tuple[str, ...]) -> str:
    text = values.text(cells.get(column)).lower()
    if text and text not in accepted:
        raise Refused(column, f"“{text}” is not known. Accepted: {', '.join(accepted)}, or nothing.")
    return text


def _purpose(cells: dict[str, Any]) -> str:
    purpose = _one_of(cells, "purpose", PURPOSES)
    return "imported" if purpose in ("", "normal") else purpose


def _whole(cells: dict[str, Any], column: str) -> int:
    cell = cells.get(column)
    if values.text(cell) == "":
        return 0
    number = values.count(cell)
    if number is None or number > MAX_OCCASION:
        raise Refused(column, f"“{values.text(cell)}” is not accepted: a whole number from 0 to {MAX_OCCASION:,}.")
    return number


def _yes(cells: dict[str, Any], column: str) -> bool:
    cell = cells.get(column)
    if values.text(cell) == "":
        return False
    truth = values.truth(cell)
    number = values.finite(cell)
    if truth is None and number not in (0.0, 1.0):
        raise Refused(column, f"“{values.text(cell)}” is not accepted: true, false, yes, no, 1, 0 or nothing.")
    return truth if truth is not None else number == 1.0


def _seconds(cells: dict[str, Any]) -> float | None:
    cell = cells.get("seconds")
    if values.text(cell) == "":
        return None
    number = values.amount(cell)
    if number is None or number > MAX_SECONDS:
        raise Refused("seconds", f"“{values.text(cell)}” is not accepted: a number of seconds, 0 or more.")
    return number


def _moment(cells: dict[str, Any]) -> datetime | None:
    text = values.text(cells.get("submitted_at"))
    if not text:
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise Refused("submitted_at", f"“{text}” is not a moment. Accepted: such as 2026-03-01T14:30:00Z (ISO 8601).")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def together(seconds: Iterable[float]) -> float | None:
    """Rows that repeat the judgment's time count once; rows that each took a time of their own add up."""
    found = list(seconds)
    if not found:
        return None
    return found[0] if len(set(found)) == 1 else sum(found)

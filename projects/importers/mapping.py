"""Which column of a generic file plays which role: detected, shown, changed by a person, saved as JSON.

Two layouts. *Long*: one score a row (item, system, output, metric, value). *Wide*: system and output with one
column a metric, or one column of outputs a system.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from typing import Any

from projects.importers import values
from projects.importers.jsonscan import clean_text
from projects.importers.records import ImportFileError, not_alone
from projects.importers.roles import (
    HEADERS,
    ITEM_ROLES,
    NO_ANSWER,
    NO_SCORE,
    ROLES,
    metric_named,
    normal,
    system_named,
)

LAYOUTS = ("long", "wide")
KINDS = ("number", "bool", "label", "preference")
SOURCES = ("code", "llm", "human")
# Defaults a person can give for what the file does not say.
OPTIONS = ("system", "system_version", "metric", "source")
_REPEATABLE = frozenset({"metric_column", "output_column", "metadata", "extra", "ignore", "tag"})

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A role; for a metric or output column the metric's or system's name, and whether a person chose it."""

    role: str
    name: str = ""
    known: bool = True  # False: no header we know; kept, and reported by name


@dataclass(frozen=True, slots=True)
class Mapping:
    layout: str
    columns: dict[str, Column]
    kinds: dict[str, str] = field(default_factory=dict)  # metric → kind of its values
    options: dict[str, str] = field(default_factory=dict)

    def of(self, role: str) -> str | None:
        return next((column for column, given in self.columns.items() if given.role == role), None)

    def all_of(self, role: str) -> list[str]:
        return [column for column, given in self.columns.items() if given.role == role]

    def to_dict(self) -> dict[str, Any]:
        columns = {
            column: {"role": given.role, "name": given.name, "known": given.known}
            for column, given in self.columns.items()
        }
        return {
            "layout": self.layout,
            "columns": columns,
            "kinds": dict(self.kinds),
            "options": dict(self.options),
        }

    @classmethod
    def from_dict(cls, data: Any) -> Mapping:
        """Read back what ``to_dict`` wrote, or what a form sent; every value is checked."""
        if not isinstance(data, dict) or not isinstance(data.get("columns"), dict):
            raise ImportFileError("The mapping must be an object with layout and columns.")
        layout = data.get("layout", "long")
        _one_of("layout", layout, LAYOUTS)
        columns = {str(column): _column(str(column), given) for column, given in data["columns"].items()}
        kinds, options = data.get("kinds") or {}, data.get("options") or {}
        if not isinstance(kinds, dict) or not isinstance(options, dict):
            raise ImportFileError("The mapping's kinds and options must be objects.")
        for metric, kind in kinds.items():
            _one_of(f"kind of metric '{metric}'", kind, KINDS)
        for option in options:
            _one_of("option", option, OPTIONS)
        if options.get("source"):
            _one_of("source", options["source"], SOURCES)
        _once(columns)
        return cls(layout, columns, dict(kinds), {key: str(value).strip() for key, value in options.items()})

    def check(self, name: str, found: Sequence[str]) -> None:
        """Refuse a file that lacks what the layout needs, naming what it has and what is accepted."""
        has = {given.role for column, given in self.columns.items() if column in found}
        has |= {option for option, value in self.options.items() if value}
        missing = []
        if not has & {"item", "prompt", "messages"}:
            missing.append(_needed("item", "prompt", "messages"))
        if not has & {"system", "output_column"}:
            missing.append(_needed("system"))
        if "value" in has and "metric" not in has:
            missing.append(_needed("metric"))
        elif "metric" in has and "value" not in has and self.of("metric"):
            missing.append(_needed("value"))
        elif not has & {"output", "value", "metric_column", "output_column"}:
            missing.append(_needed("output", "value"))
        if missing:
            raise not_alone(
                name,
                f"A needed column is missing: {'; and '.join(missing)}. "
                f"The file has the columns {', '.join(found) or 'none'}.",
            )


def detect_mapping(
    columns: Sequence[str], sample_rows: Sequence[Row], options: MappingABC[str, str] | None = None
) -> Mapping:
    """The likeliest mapping by header and by what the first rows hold. A person may change it."""
    given = {key: value for key, value in (options or {}).items() if value}
    found = _by_header(columns)
    roles = {column.role for column in found.values()}
    if "value" in roles and "metric" not in roles and not given.get("metric"):
        _name_own_metric(found)
        roles = {column.role for column in found.values()}
    long = "value" in roles
    has_system = "system" in roles or bool(given.get("system"))
    if not long and has_system and "judge" in roles:
        _name_own_scores(found, sample_rows)
    rest = [column for column in columns if column not in found]
    for column in rest:
        found[column] = _unknown(column, sample_rows, found, roles, long=long, has_system=has_system)
    ordered = {column: found[column] for column in columns}
    return Mapping("long" if long else "wide", ordered, _kinds(ordered, sample_rows), dict(given))


def preview(mapping: Mapping, rows: Iterable[Row]) -> list[tuple[str, str, str]]:
    """(column, what it becomes, an example) for the form that shows the mapping."""
    first = list(rows)
    shown = []
    for column, given in mapping.columns.items():
        becomes = ROLES[given.role] + (f": {given.name}" if given.name else "")
        cell = next((row[column] for row in first if not values.is_missing(row.get(column))), "")
        example = clean_text(values.text(cell))
        shown.append((column, becomes, example if len(example) <= 80 else example[:79] + "…"))
    return shown


def _by_header(columns: Sequence[str]) -> dict[str, Column]:
    normals = {column: normal(column) for column in columns}
    found: dict[str, Column] = {}
    for role, headers in HEADERS.items():
        ranked = sorted((c for c in columns if normals[c] in headers), key=lambda c: headers.index(normals[c]))
        for column in ranked if role in _REPEATABLE else ranked[:1]:
            found[column] = Column(role)
    if "latency_ms" in {c.role for c in found.values()}:
        found = {c: given for c, given in found.items() if given.role != "latency_s"}
    return found


def _name_own_metric(found: dict[str, Column]) -> None:
    """A lone 'score' or 'rating' column names its metric itself; a lone 'value' does not."""
    column = next(column for column, given in found.items() if given.role == "value")
    if normal(column) in {"score", "rating"}:
        found[column] = Column("metric_column", column)


def _name_own_scores(found: dict[str, Column], rows: Sequence[Row]) -> None:
    """A wide column 'judge' of numbers is what the judge said, not who it was."""
    column = next(column for column, given in found.items() if given.role == "judge")
    if _all_scores([row.get(column) for row in rows]):
        found[column] = Column("metric_column", column)


def _unknown(
    column: str,
    rows: Sequence[Row],
    found: dict[str, Column],
    roles: set[str],
    *,
    long: bool,
    has_system: bool,
) -> Column:
    """A column with no header we know. Wide files are read by what it holds; all else is kept as metadata."""
    cells, name = [row.get(column) for row in rows], normal(column)
    if not long and (metric := metric_named(column)):
        return Column("metric_column", metric)
    if not long and not has_system and "output" not in roles:
        if system := system_named(column):
            return Column("output_column", system)
        # Only beside columns that describe the item: in any other table a text may be anything.
        if roles & {"prompt", "messages"} and roles <= ITEM_ROLES and _prose(cells) and not NO_ANSWER.search(name):
            return Column("output_column", column)
    if not long and has_system and _all_scores(cells) and not NO_SCORE.search(name):
        return Column("metric_column", column)
    varies = has_system and not _belongs_to_item(column, rows, found)
    return Column("extra" if varies else "metadata", known=False)


def _prose(cells: list[Any]) -> bool:
    """Texts of several words in at least half of the cells that hold something."""
    held = [cell for cell in cells if not values.is_missing(cell)]
    wordy = sum(isinstance(cell, str) and len(cell.split()) > 1 for cell in held)
    return bool(held) and wordy * 2 >= len(held)


def _all_scores(cells: list[Any]) -> bool:
    """Numbers or yes/no in every cell that holds something."""
    held = [cell for cell in cells if not values.is_missing(cell)]
    return bool(held) and all(values.guess_kind(cell) != "label" for cell in held)


def _belongs_to_item(column: str, rows: Sequence[Row], found: dict[str, Column]) -> bool:
    """True if several systems answered some item and the cell never differed within an item.

    Otherwise the cell may tell which system answered, so it stays with the output, which raters never see.
    """
    by_role = {given.role: name for name, given in found.items()}
    key = by_role.get("item") or by_role.get("prompt") or by_role.get("messages")
    system = by_role.get("system")
    if not key or not system:
        return False
    cells: dict[str, set[str]] = {}
    systems: dict[str, set[str]] = {}
    for row in rows:
        item = values.text(row.get(key))
        cells.setdefault(item, set()).add(values.text(row.get(column)))
        systems.setdefault(item, set()).add(values.text(row.get(system)))
    return any(len(s) > 1 for s in systems.values()) and all(len(c) == 1 for c in cells.values())


def _kinds(columns: dict[str, Column], rows: Sequence[Row]) -> dict[str, str]:
    samples: dict[str, list[Any]] = {}
    metric = next((c for c, given in columns.items() if given.role == "metric"), None)
    value = next((c for c, given in columns.items() if given.role == "value"), None)
    kind = next((c for c, given in columns.items() if given.role == "kind"), None)
    for row in rows:
        if metric and value and not values.text(row.get(kind or "")):
            samples.setdefault(values.text(row.get(metric)), []).append(row.get(value))
        for column, given in columns.items():
            if given.role == "metric_column":
                samples.setdefault(given.name, []).append(row.get(column))
    found = {name: values.common_kind(cells) for name, cells in samples.items() if name}
    return {name: kind for name, kind in found.items() if kind}


def _needed(*roles: str) -> str:
    parts = [f"{ROLES[role]} (accepted: {', '.join(HEADERS[role])})" for role in roles]
    return " or ".join(parts)


def _column(column: str, given: Any) -> Column:
    if isinstance(given, str):
        given = {"role": given}
    if not isinstance(given, dict):
        raise ImportFileError(f"The mapping of column '{column}' must be a role or an object with a role.")
    role = given.get("role")
    _one_of(f"role of column '{column}'", role, tuple(ROLES))
    wide = role in {"metric_column", "output_column"}
    name = str(given.get("name") or (column if wide else "")).strip()
    return Column(str(role), name, bool(given.get("known", True)))


def _one_of(what: str, given: Any, accepted: Sequence[str]) -> None:
    if not isinstance(given, str) or given not in accepted:
        raise ImportFileError(f"The mapping's {what} is '{given}'; accepted: {', '.join(accepted)}.")


def _once(columns: dict[str, Column]) -> None:
    seen: dict[str, str] = {}
    for column, given in columns.items():
        if given.role in _REPEATABLE:
            continue
        if given.role in seen:
            raise ImportFileError(
                f"The columns '{seen[given.role]}' and '{column}' are both mapped as "
                f"{ROLES[given.role]}; only one may be."
            )
        seen[given.role] = column

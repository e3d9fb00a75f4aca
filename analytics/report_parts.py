"""What all parts of a report's page are made of: lines of a forest, and figures behind a fold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from analytics.charts import Axis, Interval, Segment
from analytics.report_words import Said, p_words, say

SHARE_AXIS = Axis(0.0, 1.0, 0.25, factor=100)
CORRELATION_AXIS = Axis(-1.0, 1.0, 0.5)


@dataclass(frozen=True)
class Line:
    """A row of a forest: a name, a mark, a number, and further cells."""

    name: str
    mark: Interval
    said: Said
    lead: bool = False
    tags: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()


@dataclass(frozen=True)
class Figure:
    """One estimate behind a fold, with how it was made."""

    name: str
    said: Said
    method: str
    p: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Missing:
    """Figures that could not be estimated, for one and the same reason."""

    names: str
    reason: str


@dataclass(frozen=True)
class Figures:
    """A table behind a fold. `notes` are warnings that all of its figures have."""

    lines: list[Figure] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def figures(named: Iterable[tuple[str, dict[str, Any] | None]]) -> Figures:
    """Those that have a value, and the rest by their reasons."""
    known: list[tuple[str, dict[str, Any]]] = []
    missing: dict[str, list[str]] = {}
    for name, estimate in named:
        if estimate is None:
            continue
        if estimate["value"] is None:
            missing.setdefault(estimate["reason"], []).append(name)
        else:
            known.append((name, estimate))
    notes = [text for text in warnings_of(*(e for _, e in known)) if all(text in e["warnings"] for _, e in known)]
    notes = notes if len(known) > 1 else []
    return Figures(
        [_figure(name, estimate, notes) for name, estimate in known],
        [Missing(listed(names), reason) for reason, names in missing.items()],
        notes,
    )


def _figure(name: str, estimate: dict[str, Any], notes: list[str]) -> Figure:
    own = tuple(text for text in estimate["warnings"] if text not in notes)
    return Figure(name, say(estimate), estimate["method"], p_words(estimate.get("p_value")), own)


def listed(names: Iterable[str], most: int = 12) -> str:
    """“a, b and c”, as text."""
    every = list(dict.fromkeys(names))
    shown, more = every[:most], len(every) - most
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""


def ends(*estimates: dict[str, Any]) -> list[float]:
    return [e[side] for e in estimates for side in ("low", "value", "high") if e[side] is not None]


def decided(estimate: dict[str, Any], reference: float) -> bool:
    return estimate["status"] == "ok" and not estimate["low"] <= reference <= estimate["high"]


def grouped(told: Iterable[tuple[str, Iterable[str]]]) -> list[tuple[str, str]]:
    """Each warning once, after the names of all it is about."""
    about: dict[str, list[str]] = {}
    for name, texts in told:
        for text in texts:
            about.setdefault(text, []).append(name)
    return [(listed(names), text) for text, names in about.items()]


def warnings_of(*estimates: Mapping[str, Any] | None) -> list[str]:
    return list(dict.fromkeys(text for e in estimates if e for text in e["warnings"]))

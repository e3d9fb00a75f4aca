"""Raters on the page: how much, how fast, and who stands out in what; every figure behind a fold.

A rater who stands out is somebody to talk to. The page says so, and ranks nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from analytics.report_parts import listed
from analytics.report_words import Said, p_words, say

TITLES = {
    "severity": "Severity",
    "consensus_agreement": "Same answer as the others",
    "consensus_distance": "Distance to the others",
    "leave_one_out_alpha": "α without this rater",
    "first_choice": "Chose the first shown",
    "gold_accuracy": "Known answers given",
    "repeat_consistency": "Agrees with himself, α",
}


@dataclass(frozen=True)
class RaterLine:
    name: str
    n: int
    seconds: float | None
    n_cannot_judge: int
    excluded: bool
    pace: Said | None = None
    stands_out: tuple[str, ...] = ()
    judged: bool = True  # enough for any verdict


@dataclass(frozen=True)
class RaterCell:
    said: Said
    flagged: bool
    q: str


@dataclass(frozen=True)
class RaterTable:
    """One criterion: a row a rater, a column a statistic."""

    key: str
    titles: list[str]
    rows: list[tuple[str, list[RaterCell | None]]]


@dataclass(frozen=True)
class Raters:
    lines: list[RaterLine] = field(default_factory=list)
    tables: list[RaterTable] = field(default_factory=list)
    straight: list[dict[str, Any]] = field(default_factory=list)
    n_out: int = 0
    has_figures: bool = False


def raters_part(body: dict[str, Any]) -> Raters:
    found = body["raters"]
    lines = [_line(name, found[name]) for name in sorted(found, key=lambda name: (-found[name]["n_judgments"], name))]
    keys = [c["key"] for c in body["criteria"]]
    tables = [table for key in keys if (table := _table(key, found)).rows]
    straight = [r["straight_lining"] for _, r in sorted(found.items()) if "straight_lining" in r]
    return Raters(lines, tables, straight, sum(bool(line.stands_out) for line in lines), bool(tables))


def _line(name: str, r: dict[str, Any]) -> RaterLine:
    pace = r.get("pace")
    figures = [figure for own in r.get("criteria", {}).values() for figure in own.values()]
    return RaterLine(
        name=name,
        n=r["n_judgments"],
        seconds=r["median_seconds"],
        n_cannot_judge=r["n_cannot_judge"],
        excluded=r["excluded"],
        pace=say(pace, digits=1) if pace and pace["value"] is not None else None,
        stands_out=tuple(_stands_out(r)),
        judged=not figures or any(figure["status"] == "ok" for figure in figures),
    )


def _stands_out(r: dict[str, Any]) -> list[str]:
    """What is flagged, in words: after adjustment over all raters and criteria."""
    said = []
    if r.get("pace", {}).get("flagged"):
        said.append("many judgments are much faster than the same tasks took others")
    if r.get("straight_lining", {}).get("flagged"):
        said.append("the same answers come again and again")
    words: dict[str, list[str]] = {}
    for key, own in r.get("criteria", {}).items():
        for name, figure in own.items():
            if figure["flagged"]:
                words.setdefault(_word(name, figure), []).append(f"“{key}”")
    return said + [f"{word} on {listed(keys)}" for word, keys in words.items()]


def _word(name: str, figure: dict[str, Any]) -> str:
    high = (figure["value"] or 0.0) > (0.5 if name == "first_choice" else 0.0)
    return {
        "severity": "marks higher than the others" if high else "marks lower than the others",
        "consensus_agreement": "seldom gives the answer of the others",
        "consensus_distance": "is further from the others than they are from each other",
        "leave_one_out_alpha": "agreement is higher without this rater",
        "first_choice": f"leans to the {'first' if high else 'second'} side",
    }.get(name, name)


def _table(key: str, found: dict[str, Any]) -> RaterTable:
    rows = {name: r["criteria"][key] for name, r in sorted(found.items()) if key in r.get("criteria", {})}
    shown = [name for name in TITLES if any(name in own and own[name]["value"] is not None for own in rows.values())]
    cells = [(rater, [_cell(own.get(name)) for name in shown]) for rater, own in rows.items()]
    return RaterTable(key, [TITLES[name] for name in shown], cells if shown else [])


def _cell(figure: dict[str, Any] | None) -> RaterCell | None:
    if figure is None or figure["value"] is None:
        return None
    return RaterCell(say(figure), figure["flagged"], p_words(figure["q_value"]))

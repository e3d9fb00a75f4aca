"""Slices on the page: where a lead differs from elsewhere, and the whole table behind a fold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from analytics.report_parts import listed
from analytics.report_words import Said, p_words, points, say

SIGNIFICANT = 0.05
MAX_LINES = 200


@dataclass(frozen=True)
class SliceLine:
    tag: str
    n: int
    criterion: str
    name: str
    inside: Said
    gap: Said
    p: str
    differs: bool


@dataclass(frozen=True)
class Slices:
    sentence: str = ""
    found: list[SliceLine] = field(default_factory=list)
    lines: list[SliceLine] = field(default_factory=list)
    left_out: int = 0
    hidden: str = ""

    def __bool__(self) -> bool:
        return bool(self.sentence)


def slices_part(body: dict[str, Any]) -> Slices:
    tags = body.get("slices", {})
    if not tags:
        return Slices()
    every = _lines(tags)
    found = [line for line in every if line.differs]
    hidden = [f"{tag} ({about['n_prompts']})" for tag, about in tags.items() if about["reason"]]
    return Slices(
        _sentence(tags, every, found), found, every[:MAX_LINES], max(0, len(every) - MAX_LINES), listed(hidden)
    )


def _lines(tags: dict[str, Any]) -> list[SliceLine]:
    rows = [
        (row["p_adjusted"], tag, criterion, a, b, row)
        for tag, about in tags.items()
        for criterion, pairs in about["comparisons"].items()
        for a, others in pairs.items()
        for b, row in others.items()
    ]
    rows.sort(key=lambda row: (row[0] is None, row[:5]))
    return [_line(tag, tags[tag]["n_prompts"], criterion, a, b, row) for _, tag, criterion, a, b, row in rows]


def _line(tag: str, n: int, criterion: str, a: str, b: str, row: dict[str, Any]) -> SliceLine:
    p = row["p_adjusted"]
    return SliceLine(
        tag=tag,
        n=n,
        criterion=criterion,
        name=f"{a} over {b}",
        inside=say(row["estimate"]),
        gap=points(row["interaction"]),
        p=p_words(p),
        differs=p is not None and p < SIGNIFICANT,
    )


def _sentence(tags: dict[str, Any], every: list[SliceLine], found: list[SliceLine]) -> str:
    shown = [tag for tag, about in tags.items() if not about["reason"]]
    if not shown:
        reasons = {about["reason"] for about in tags.values()}
        few = f"None of the {len(tags)} tags has 10 prompts and 10 others beside it, so nothing is compared."
        return reasons.pop() if len(reasons) == 1 else few
    if not every:
        return "There are no two systems whose lead could be compared between tags."
    tested = f"{len(every)} comparisons on {listed(shown)}"
    if not found:
        return f"No lead is shown to differ from that on the other prompts ({tested}); that is no proof of sameness."
    differ = "differs" if len(found) == 1 else "differ"
    return f"{len(found)} of {tested} {differ} from the same on the other prompts, after adjustment for their number."

"""Which slots a seat may take: lanes. Pure.

A slot's lane says for whom it is: a group (or anybody), and what its item asks of the rater (a language,
qualifications). A claim names lanes, so it never looks at a slot that its rater may not have, however many there are.
What a seat may take is worked out when it is made, and kept on it: see `annotation.services.eligibility`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ANYBODY = ""
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class Requirements:
    """Who may judge what in a round. `groups`: so many judgments of each task by raters with this qualification; the
    rest is for anybody. `qualification`: without it nobody takes part. `language`: only items in a language that the
    rater reads. `tags`: items with this tag only for raters with this qualification."""

    groups: tuple[tuple[str, int], ...] = ()
    qualification: str = ""
    language: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def any(self) -> bool:
        return bool(self.groups or self.qualification or self.language or self.tags)

    @property
    def reserved(self) -> int:
        """Judgments of each task that are not for anybody."""
        return sum(n for _, n in self.groups)

    def of_item(self, language: str, tags: Iterable[str]) -> Asked:
        needed = sorted({self.tags[tag] for tag in tags if tag in self.tags})
        return Asked(language if self.language else "", tuple(needed))

    def wanted_in(self, lane: str, overlap: int) -> int:
        """How many judgments of a task are wanted from the group of this lane."""
        group = numbers(lane)[0]
        return self.groups[group - 1][1] if group else overlap - self.reserved

    def places(self, overlap: int) -> list[int]:
        """The group of each wanted judgment of a task, as its number; 0 is anybody."""
        found = [g for g, (_, n) in enumerate(self.groups, start=1) for _ in range(n)]
        return found + [0] * (overlap - len(found))


@dataclass(frozen=True, slots=True)
class Asked:
    """What the items of a lane ask of the rater."""

    language: str = ""
    qualifications: tuple[str, ...] = ()

    def allows(self, qualifications: Collection[str], languages: Collection[str]) -> bool:
        return reads(languages, self.language) and set(self.qualifications) <= set(qualifications)


def reads(languages: Collection[str], language: str) -> bool:
    """By the main language: who reads `de` reads an item in `de-AT`. An item without a language is for everybody."""
    return not language or _main(language) in {_main(each) for each in languages}


def _main(language: str) -> str:
    return language.replace("_", "-").split("-")[0].casefold()


def code(group: int, asked: int) -> str:
    """How a lane stands on its slots: the numbers of the group and of what is asked, in the lists of the round."""
    return f"{group}.{asked}" if group or asked else ANYBODY


def numbers(lane: str) -> tuple[int, int]:
    lane = shared_lane(lane)
    group, _, asked = lane.partition(".")
    return (int(group), int(asked)) if lane else (0, 0)


def shared_lane(lane: str) -> str:
    """Where a place belongs that is kept for one rater: `@12:1.0` → `1.0`."""
    return lane.partition(":")[2] if lane.startswith("@") else lane


def own_lane(lane: str) -> int | None:
    """The seat for which a place is kept; None: for nobody by name."""
    return int(lane[1:].partition(":")[0]) if lane.startswith("@") else None


@dataclass(frozen=True, slots=True)
class Lane:
    """What is asked in a lane, and of how many tasks."""

    asked: Asked
    tasks: int


def eligibility(
    wants: Requirements,
    lanes: Sequence[Lane],
    overlap: int,
    qualifications: Collection[str],
    languages: Collection[str],
    group: str = "",
) -> tuple[str, dict[str, Any]]:
    """(the group, what a rater may take) by what the rater can do. The group named, if the rater belongs to it; else
    the first to which the rater does. Empty: nothing is asked, so all is open."""
    if not wants.any:
        return group, {}
    mine = [name for name, _ in wants.groups if name in qualifications]
    chosen = group if group in mine else mine[0] if mine else ""
    taking_part = not wants.qualification or wants.qualification in qualifications
    open_lanes = [
        (n, lane.tasks)
        for n, lane in enumerate(lanes)
        if taking_part and lane.tasks and lane.asked.allows(qualifications, languages)
    ]
    own = [
        [code(g, n), tasks * wanted]
        for g, (name, wanted) in enumerate(wants.groups, start=1)
        if name == chosen
        for n, tasks in open_lanes
    ]
    left = overlap - wants.reserved
    anybody = [[code(0, n), tasks * left] for n, tasks in open_lanes] if left > 0 else []
    found: dict[str, Any] = {"own": own, "any": anybody}
    if wants.language:
        found["languages"] = sorted(languages)
    if barred := sorted(tag for tag, needed in wants.tags.items() if needed not in qualifications):
        found["barred"] = barred
    return chosen, found


def as_read(stored: Any) -> dict[str, Any]:
    """The column as raw SQL gives it."""
    return json.loads(stored) if isinstance(stored, str) else stored or {}


def lanes_for(known: Mapping[str, Any], n: int) -> list[str]:
    """The lanes of a seat in the order in which its n-th claim tries them: what the lead gave to this rater, then those
    of its group, then those for anybody. Empty: there is nothing that this rater may judge."""
    mine = known.get("mine", [])
    if "own" not in known:
        return [*mine, ANYBODY]
    return [*mine, *_turn(known["own"], n), *_turn(known["any"], n)]


def _turn(lanes: Sequence[tuple[str, int]], n: int) -> list[str]:
    """Lanes take turns, each as often as its share of the slots: the golden ratio spreads them evenly."""
    left = ((n + 1) * _GOLDEN % 1) * sum(size for _, size in lanes)
    for place, (_, size) in enumerate(lanes):
        if left < size:
            return [each for each, _ in [*lanes[place:], *lanes[:place]]]
        left -= size
    return [each for each, _ in lanes]

"""What the draw of a round's items was, or would be: how many of how many, and with which chances. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from django.db.models import Count, Max, Min

from annotation.models import Round
from annotation.sampling import Drawn
from annotation.services.round_tasks import draw_of, sample_of


@dataclass(frozen=True, slots=True)
class Stratum:
    name: str
    size: int | None  # of the frame; None: not known
    drawn: int
    chance: float | None


@dataclass(frozen=True, slots=True)
class DrawFacts:
    items: tuple[int, ...] = ()  # of a round in draft: those that would be drawn
    drawn: int = 0
    frame: int | None = None
    lowest: float | None = None  # of the chances; None: some chance is not known
    highest: float | None = None
    strata: tuple[Stratum, ...] = ()

    @property
    def is_even(self) -> bool:
        return self.lowest is not None and self.lowest == self.highest


class _Group(NamedTuple):
    """The items of one stratum: how many, of how many the chance is known, and its limits."""

    stratum: str
    n: int
    known: int
    low: float | None
    high: float | None

    @property
    def chance(self) -> float | None:
        return self.low if self.known == self.n and self.low == self.high else None


def draw_facts(row: Round) -> DrawFacts:
    """Raises ServiceError where a round in draft cannot be drawn as things stand."""
    if row.state == Round.State.DRAFT:
        frame, drawn = draw_of(row)
        size = sample_of(row).population or len(frame)
        facts = _facts(_grouped(drawn), size, Counter(unit.stratum for unit in frame))
        return replace(facts, items=tuple(each.item for each in drawn))
    # Counted where they are: a page of a round reads no row for each of its items.
    chance = "inclusion_probability"
    counted = row.round_items.order_by().values_list("stratum")
    limits = counted.annotate(n=Count("id"), known=Count(chance), low=Min(chance), high=Max(chance))
    return _facts([_Group(*each) for each in limits], row.frame_size)


def _grouped(drawn: Sequence[Drawn]) -> list[_Group]:
    members: dict[str, list[Drawn]] = {}
    for each in drawn:
        members.setdefault(each.stratum, []).append(each)
    found = []
    for stratum, rows in members.items():
        known = [each.chance for each in rows if each.chance is not None]
        found.append(_Group(stratum, len(rows), len(known), min(known, default=None), max(known, default=None)))
    return found


def _facts(groups: Sequence[_Group], frame: int | None, sizes: Counter[str] | None = None) -> DrawFacts:
    all_known = bool(groups) and all(each.known == each.n for each in groups)
    return DrawFacts(
        drawn=sum(each.n for each in groups),
        frame=frame,
        lowest=min(each.low for each in groups if each.low is not None) if all_known else None,
        highest=max(each.high for each in groups if each.high is not None) if all_known else None,
        strata=tuple(_strata(groups, sizes)),
    )


def _strata(groups: Sequence[_Group], sizes: Counter[str] | None) -> Iterable[Stratum]:
    if {each.stratum for each in groups} == {""}:
        return
    for each in sorted(groups, key=lambda group: group.stratum):
        known = round(each.n / each.chance) if each.chance else None
        size = sizes[each.stratum] if sizes is not None else known
        yield Stratum(each.stratum or "(none)", size, each.n, each.chance)

"""What the draw of a round's items was, or would be: how many of how many, and with which chances. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
    items: tuple[int, ...] = ()
    frame: int | None = None
    lowest: float | None = None  # of the chances; None: some chance is not known
    highest: float | None = None
    strata: tuple[Stratum, ...] = ()

    @property
    def drawn(self) -> int:
        return len(self.items)

    @property
    def is_even(self) -> bool:
        return self.lowest is not None and self.lowest == self.highest


def draw_facts(row: Round) -> DrawFacts:
    """Raises ServiceError where a round in draft cannot be drawn as things stand."""
    if row.state == Round.State.DRAFT:
        frame, drawn = draw_of(row)
        size = sample_of(row).population or len(frame)
        return _facts(drawn, size, Counter(unit.stratum for unit in frame))
    stored = row.round_items.order_by("item_id").values_list("item_id", "stratum", "inclusion_probability")
    return _facts([Drawn(*each) for each in stored], row.frame_size)


def _facts(drawn: Sequence[Drawn], frame: int | None, sizes: Counter[str] | None = None) -> DrawFacts:
    chances = [each.chance for each in drawn]
    known = [chance for chance in chances if chance is not None]
    all_known = bool(known) and len(known) == len(chances)
    return DrawFacts(
        items=tuple(each.item for each in drawn),
        frame=frame,
        lowest=min(known) if all_known else None,
        highest=max(known) if all_known else None,
        strata=tuple(_strata(drawn, sizes)),
    )


def _strata(drawn: Sequence[Drawn], sizes: Counter[str] | None) -> Iterable[Stratum]:
    members: dict[str, list[Drawn]] = {}
    for each in drawn:
        members.setdefault(each.stratum, []).append(each)
    for name in sorted(members) if set(members) != {""} else ():
        chances = {each.chance for each in members[name]}
        chance = chances.pop() if len(chances) == 1 else None
        known = round(len(members[name]) / chance) if chance else None
        yield Stratum(name or "(none)", sizes[name] if sizes is not None else known, len(members[name]), chance)

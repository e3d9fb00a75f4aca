"""How the items of a round are drawn, and the chance that each had: pure functions of a frame and a seed.

A design gives every item of the frame a chance above 0 that is known exactly. What the report says about the frame
rests on these chances, and on nothing that happens later. See docs/algorithms/sampling.md.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

ALLOCATIONS = ("proportional", "equal")
BY_LANGUAGE = "language"
NO_STRATUM = "(none)"


class CannotDraw(ValueError):
    """The frame does not allow this design; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How a round's items are drawn: that, not the order of serving, is what inference weights by.

    `size` draws that many of the frame when the round opens. `population` says that the frame itself is a
    simple random sample of so many. `strata` splits the frame by language, or by the tags that begin with a word:
    `topic` is for `topic:refunds` and `topic:orders`. `sizes` says how many of each stratum, and `allocation` how
    `size` is divided where nothing is said. `weight` names the metadata of an item that holds its weight."""

    design: str = "census"
    size: int | None = None
    population: int | None = None
    tag: str = ""
    strata: str = ""
    allocation: str = "proportional"
    sizes: Mapping[str, int] = field(default_factory=dict)
    weight: str = ""

    @property
    def draws(self) -> bool:
        """False: everything is taken, and the design only says where it came from."""
        return self.size is not None or bool(self.sizes)


@dataclass(frozen=True, slots=True)
class Unit:
    item: int
    stratum: str = ""
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Drawn:
    item: int
    stratum: str
    chance: float | None  # None: not known


def draw(units: Sequence[Unit], sample: Sample, seed: int) -> list[Drawn]:
    """The items drawn, in the order of the frame. Raises CannotDraw."""
    chosen = DESIGNS[sample.design](units, sample, seed) if sample.draws else _everything(units, sample)
    return [Drawn(u.item, u.stratum, chosen[u.item]) for u in units if u.item in chosen]


def _everything(units: Sequence[Unit], sample: Sample) -> dict[int, float | None]:
    chance: float | None = None
    if sample.design == "census":
        chance = 1.0
    elif sample.design == "random" and units:
        chance = len(units) / (sample.population or len(units))
    return {u.item: chance for u in units}


def simple_random(units: Sequence[Unit], sample: Sample, seed: int) -> dict[int, float | None]:
    """Without replacement; every item has the chance n / N. N is the population, if the frame is a sample of it."""
    size = min(sample.size or len(units), len(units))
    items = [u.item for u in units]
    chosen = items if size == len(items) else random.Random(seed).sample(items, size)  # noqa: S311 - a seeded draw
    chance = size / (sample.population or len(units)) if units else None
    return dict.fromkeys(chosen, chance)


def unknown(units: Sequence[Unit], sample: Sample, seed: int) -> dict[int, float | None]:
    """Drawn from a frame about which nothing is known, so no chance is known either."""
    return dict.fromkeys(simple_random(units, sample, seed))


def stratified(units: Sequence[Unit], sample: Sample, seed: int) -> dict[int, float | None]:
    """A simple random sample of each stratum; the chance is n_h / N_h, exactly, however the sizes came about."""
    members: dict[str, list[int]] = defaultdict(list)
    for unit in units:
        members[unit.stratum].append(unit.item)
    counts = {stratum: len(items) for stratum, items in members.items()}
    chosen: dict[int, float | None] = {}
    for stratum, size in stratum_sizes(counts, sample).items():
        items = members[stratum]
        drawn = random.Random(f"{seed}:{stratum}").sample(items, size)  # noqa: S311 - a seeded draw
        chosen.update(dict.fromkeys(drawn, size / len(items)))
    return chosen


def stratum_sizes(counts: Mapping[str, int], sample: Sample) -> dict[str, int]:
    """How many of each stratum. Each gets one at least, two where the size allows it: a stratum of which nothing was
    drawn cannot be spoken about, and one of which one was drawn has no error of its own."""
    if sample.sizes:
        return _named_sizes(counts, sample.sizes)
    size = min(sample.size or 0, sum(counts.values()))
    if size < len(counts):
        raise CannotDraw(
            f"A sample of {size:,} cannot have an item of each of the {len(counts):,} strata. "
            f"Draw at least {len(counts):,}, or split the items less finely."
        )
    two = {stratum: min(2, n) for stratum, n in counts.items()}
    least = two if sum(two.values()) <= size else dict.fromkeys(counts, 1)
    shares = {s: 1.0 if sample.allocation == "equal" else float(n) for s, n in counts.items()}
    return _divide(size, shares, least, counts)


def _named_sizes(counts: Mapping[str, int], sizes: Mapping[str, int]) -> dict[str, int]:
    if lacking := sorted(set(counts) - set(sizes)):
        raise CannotDraw(
            f"The stratum “{lacking[0]}” has no size. Every stratum needs one, or its items would have no chance. "
            f"The strata are: {', '.join(sorted(counts))}."
        )
    for stratum, size in sizes.items():
        if stratum not in counts:
            raise CannotDraw(f"There is no stratum “{stratum}”. The strata are: {', '.join(sorted(counts))}.")
        if not 1 <= size <= counts[stratum]:
            raise CannotDraw(
                f"The stratum “{stratum}” has {counts[stratum]:,} items, so {size:,} cannot be drawn of it."
            )
    return dict(sizes)


def _divide(
    size: int, shares: Mapping[str, float], least: Mapping[str, int], most: Mapping[str, int]
) -> dict[str, int]:
    """`size` divided in proportion to `shares` by largest remainders, within what each may have."""
    given: dict[str, int] = {}
    free = sorted(shares)
    while True:  # whoever's share falls outside their bounds gets the bound; the others divide the rest
        rest = size - sum(given.values())
        whole = sum(shares[s] for s in free)
        ideal = {s: rest * shares[s] / whole for s in free}
        low = {s: least[s] for s in free if ideal[s] < least[s]}
        high = {s: most[s] for s in free if ideal[s] > most[s]}
        if not low and not high:
            break
        over = sum(low[s] - ideal[s] for s in low) - sum(ideal[s] - high[s] for s in high)
        given |= low if over >= 0 else high  # the side that is further out, as it moves the others
        free = [s for s in free if s not in given]
        if not free:
            return given
    floors = {s: int(ideal[s] + 1e-9) for s in free}
    left = rest - sum(floors.values())
    for s in sorted(free, key=lambda s: (floors[s] - ideal[s], s))[:left]:
        floors[s] += 1
    return given | floors


def weighted(units: Sequence[Unit], sample: Sample, seed: int) -> dict[int, float | None]:
    """Systematic sampling with chances in proportion to weights, of a shuffled frame (Hartley and Rao, 1962).

    The chance n·w / Σw of each item is exact, the number drawn is exactly n. Items so heavy that it would be 1 or
    more are taken for certain, and the others share what is left."""
    chances = chances_by_weight([u.weight for u in units], min(sample.size or 0, len(units)))
    draw = random.Random(seed)  # noqa: S311 - a seeded draw
    certain = [n for n, chance in enumerate(chances) if chance == 1.0]
    others = [n for n, chance in enumerate(chances) if chance < 1.0]
    draw.shuffle(others)
    picked = [others[n] for n in systematic([chances[n] for n in others], draw.random())]
    return {units[n].item: chances[n] for n in certain + picked}


def chances_by_weight(weights: Sequence[float], size: int) -> list[float]:
    """n·w / Σw, with those that would reach 1 taken for certain; they add up to `size`."""
    if size >= len(weights):
        return [1.0] * len(weights)
    certain: set[int] = set()
    while True:
        rest = size - len(certain)
        whole = sum(w for n, w in enumerate(weights) if n not in certain)
        sure = {n for n, w in enumerate(weights) if n not in certain and rest * w >= whole}
        if not sure:
            return [1.0 if n in certain else rest * w / whole for n, w in enumerate(weights)]
        certain |= sure


def systematic(chances: Sequence[float], start: float) -> list[int]:
    """The places where the running sum of chances passes start, start + 1, …: each with its own chance when the start
    is uniform on [0, 1), and in all as many as the chances add up to."""
    sums = list(accumulate(chances))
    size = round(sums[-1]) if sums else 0
    # The last sum is a whole number but for rounding, which must not cost the last draw.
    return [min(bisect_right(sums, start + k), len(sums) - 1) for k in range(size)]


DESIGNS: dict[str, Callable[[Sequence[Unit], Sample, int], dict[int, float | None]]] = {
    "census": simple_random,
    "random": simple_random,
    "stratified": stratified,
    "weighted": weighted,
    "unknown": unknown,
}


def stratum_of(strata: str, language: str, tags: Sequence[str]) -> str:
    """Which stratum an item is in. Of several tags that begin alike the first by alphabet counts, so that every item
    is in one stratum and in one only."""
    if not strata:
        return ""
    if strata == BY_LANGUAGE:
        return language or NO_STRATUM
    return min((tag for tag in tags if tag.startswith(f"{strata}:")), default=NO_STRATUM)

"""The arithmetic of measurements and the tables they are printed in. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed (nearest rank).

    No interpolation: every percentile is a time that somebody waited."""
    if not values:
        return math.nan
    rank = math.ceil(share * len(values))
    return sorted(values)[max(rank, 1) - 1]


def fairness(served: Sequence[int]) -> float:
    """What the least served rater got, of what the most served one got: 1 is equal."""
    return min(served) / max(served) if served and max(served) else math.nan


def ratio(ours: float, bare: float) -> float:
    return ours / bare if bare else math.nan


def number(value: float) -> str:
    """As many digits as are worth reading; a dash where nothing was measured."""
    if math.isnan(value):
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def beside(ours: float, bare: float) -> str:
    """`7.45 (1.9)`: the figure, and in brackets how many times the yardstick's it is."""
    times = ratio(ours, bare)
    return f"{number(ours)} ({'–' if math.isnan(times) else f'{times:.2g}' if times < 10 else f'{times:.0f}'})"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [list(header), ["---"] * len(header), *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def replaced(page: str, name: str, body: str) -> str:
    """The page with what stands between the markers of `name` replaced. No markers is an error, not an append."""
    begin, end = f"<!-- measured: {name} -->", f"<!-- end: {name} -->"
    before, opened, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not opened or not closed:
        raise ValueError(f"The page has no place for “{name}”: it needs the lines {begin} and {end}.")
    return f"{before}{begin}\n{body.strip()}\n{end}{after}"

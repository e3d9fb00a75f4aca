"""What the registry says of a statistic (`registry.METRICS`), and the words that explain it on the methods page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from analytics.stats.coding import Measurement

Kind = Literal[
    "agreement",
    "score",
    "comparison",
    "preference",
    "association",
    "proportion",
    "automated",
    "gate",
    "slice",
    "multiplicity",
    "total",
    "consensus",
    "battles",
    "benchmark",
    "rater",
    "measure",
]
Invariance = Literal[
    "row_order",  # permuting the rows
    "rater_names",  # renaming raters
    "category_names",  # renaming categories (nominal use)
    "reversal",  # reversing the scale
    "affine",  # x -> a x + b (interval use)
    "duplication",  # every item twice, as new items
    "lone_rater",  # adding a rater who shares no item with another
    "swap",  # swapping A and B gives 1 - p
    "sides",  # writing every judgment from its other side changes nothing
    "system_names",  # renaming systems renames the results
    "opposite",  # turning every outcome round turns a share p to 1 - p, a strength to its negative
]
Design = Literal[
    "single ratings",
    "repeated ratings",
    "two systems",
    "many systems",
    "known order",
    "automated scores",
    "random sample",
    "slices",
    "several criteria",
    "several tests",
    "error marks",
    "rankings",
    "trials",
    "both orders",
    "known answers",
    "known raters",
    "crossed raters",
    "named pair of raters",
    "one output a prompt",
    "repeated judgments",
    "times",
    "order of judging",
    "measured outputs",
]


@dataclass(frozen=True)
class Metric:
    """`function` takes coded data and, if `by_level`, the level of measurement second (third for
    comparisons). `designs` names what a study must have for the statistic to be estimable. `title` and
    `description` are for people: without them the name and the first paragraph of the docstring are taken.
    `assumptions` are full sentences about what the data cannot show."""

    function: Callable[..., Any]
    kind: Kind
    levels: tuple[Measurement, ...]
    source: str
    invariances: frozenset[Invariance]
    by_level: bool = False
    designs: tuple[Design, ...] = ()
    title: str = ""
    description: str = ""
    assumptions: tuple[str, ...] = ()


def of(*names: Invariance) -> frozenset[Invariance]:
    return frozenset(names)


def merged(*tables: dict[str, Metric]) -> dict[str, Metric]:
    """One table of several. Raises ValueError if two of them name the same statistic."""
    found: dict[str, Metric] = {}
    for table in tables:
        twice = found.keys() & table.keys()
        if twice:
            raise ValueError(f"Registered twice: {', '.join(sorted(twice))}.")
        found |= table
    return found

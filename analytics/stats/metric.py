"""What the registry says of a statistic (`registry.METRICS`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from analytics.stats.coding import Measurement

Kind = Literal["agreement", "score", "comparison", "preference", "association", "proportion", "consensus", "battles"]
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
    "repeated ratings",  # outputs with several ratings
    "crossed",  # every rater rates every output
    "two systems",
    "many systems",
    "both orders",  # pairs judged in both orders by one rater
    "known order",  # which side was shown first is known
    "known answers",  # the right answer is known for some pairs
]


@dataclass(frozen=True)
class Metric:
    """`function` takes coded data and, if `by_level`, the level of measurement second (third for
    comparisons). `designs` names what a study must have for the statistic to be estimable."""

    function: Callable[..., Any]
    kind: Kind
    levels: tuple[Measurement, ...]
    source: str
    invariances: frozenset[Invariance]
    by_level: bool = False
    designs: tuple[Design, ...] = ()

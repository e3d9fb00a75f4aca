"""How much a disagreement matters: pure functions, from raters' answers to an order of what to settle first.

    importance = distance × weight × share

`distance`: the mean over all pairs of raters of how far their answers are apart, from 0 to 1, under the criterion's
level of measurement. `weight`: the criterion's. `share`: the part of its system's figure that rests on this output (or
of its pair's, for a comparison), every prompt weighing the same as in reports. So the product is how far the weighted
figure could move if one rater were right instead of another. See docs/algorithms/adjudication.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import TypeVar

Value = float | str
T = TypeVar("T")


def distance(values: Sequence[Value], level: str, domain: Sequence[Value] | None) -> float:
    """Mean distance of two raters' answers, 0 (all alike) to 1 (as far apart as the scale goes).

    Nominal: 1 for two labels that differ. Ordinal: steps between the levels, of all steps there are. Interval and
    ratio: the difference, of the scale's range; without declared bounds `domain` holds the values that were given."""
    return mean_apart(values, _metric(level, list(domain) if domain else sorted(set(values), key=_order)))


def mean_apart(values: Sequence[T], apart: Callable[[T, T], float]) -> float:
    """The mean over all pairs of raters; orders and marks say themselves how far two of them are apart."""
    pairs = list(combinations(values, 2))
    return sum(apart(a, b) for a, b in pairs) / len(pairs) if pairs else 0.0


def _metric(level: str, domain: list[Value]) -> Callable[[Value, Value], float]:
    if level == "nominal":
        return lambda a, b: float(a != b)
    if level == "ordinal":
        place = {value: n for n, value in enumerate(domain)}
        steps = max(len(domain) - 1, 1)
        return lambda a, b: abs(place[a] - place[b]) / steps
    numbers = [float(value) for value in domain]
    span = (max(numbers) - min(numbers)) or 1.0
    return lambda a, b: abs(float(a) - float(b)) / span


def _order(value: Value) -> tuple[bool, float, str]:
    return (isinstance(value, str), 0.0 if isinstance(value, str) else float(value), str(value))


def share(outputs_of_prompt: int, prompts: int) -> float:
    """The part of a system's figure that rests on one output: prompts weigh the same, and so do outputs of a prompt."""
    return 1.0 / (max(outputs_of_prompt, 1) * max(prompts, 1))


def importance(apart: float, weight: float, part: float) -> float:
    return apart * weight * part

"""Partial pooling: slices (or raters, or systems) that borrow strength from each other, for ranking them.

The most extreme raw values belong to the smallest slices, because they are the noisiest. Shrinking each towards the
common mean, the more the less is known about it, gives a ranking that the next sample will not overturn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import ndtri

from analytics.stats._rows import numbers, same_lengths
from analytics.stats.coding import FloatArray
from analytics.stats.intervals import Scope
from analytics.stats.results import Estimate

MIN_POOLED = 4


@dataclass(frozen=True)
class PartialPooling:
    """`shrunk` in the order given; `weight` is how much of each raw value is kept (1 all, 0 none). `mean` and `tau` are
    the mean and the standard deviation of the true values; tau 0: nothing shows that they differ at all."""

    shrunk: tuple[Estimate, ...]
    weight: tuple[float, ...]
    mean: Estimate
    tau: float | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "shrunk": [estimate.to_dict() for estimate in self.shrunk],
            "weight": list(self.weight),
            "mean": self.mean.to_dict(),
            "tau": self.tau,
        }


def partial_pooling(value: ArrayLike, error: ArrayLike, *, unit: str = "points", level: float = 0.95) -> PartialPooling:
    """Empirical-Bayes values of slices from their estimates and standard errors.

    `value`, `error` (slices,): raw values and their standard errors, all known and errors above 0. The variance of the
    true values is Paule and Mandel's; a slice keeps tau2 / (tau2 + error2) of its distance from the weighted mean.
    Intervals: Morris's, which add what is not known about mean and variance; they cover on the average over slices,
    not in every one of them. Slices must not share prompts. Fewer than 4: not estimable. Raises ValueError:
    lengths, a missing value, an error that is not above 0.
    Source: Paule & Mandel, Journal of Research of the National Bureau of Standards 87, 1982; Morris, Journal of the
    American Statistical Association 78, 1983, section 4.
    """
    y, se = numbers("value", value), numbers("error", error)
    same_lengths(value=y, error=se)
    if np.isnan(y).any() or not (se > 0).all():
        raise ValueError("Every slice needs a value and a standard error above 0: leave out those without.")
    scope = Scope("partial pooling over slices (empirical Bayes)", unit, level, len(y), len(y))
    if len(y) < MIN_POOLED:
        reason = f"There are {len(y)} slices: pooling needs {MIN_POOLED} or more."
        nothing = Estimate.not_estimable(reason=reason, **scope.fields())
        return PartialPooling((nothing,) * len(y), (), nothing, None)
    tau2 = paule_mandel(y, se)
    precision = 1 / (tau2 + se**2)
    mean = float(precision @ y / precision.sum())
    shrink = _shrink_factor(tau2, se, len(y))
    shrunk = mean + (1 - shrink) * (y - mean)
    variance = _variance(y, se, tau2, shrink, mean, precision)
    z = float(ndtri((1 + level) / 2))
    estimates = tuple(
        Estimate(float(v), float(v) - z * s, float(v) + z * s, **scope.fields("Morris 1983"))
        for v, s in zip(shrunk, np.sqrt(variance), strict=True)
    )
    half = z / math.sqrt(float(precision.sum()))
    common = Estimate(mean, mean - half, mean + half, **scope.fields("mean of the true values, normal"))
    return PartialPooling(estimates, tuple((1 - shrink).tolist()), common, math.sqrt(tau2))


def paule_mandel(value: FloatArray, error: FloatArray) -> float:
    """The variance tau2 of the true values at which sum (y - mean)^2 / (tau2 + error^2) equals k - 1; 0 if it is
    below k - 1 even without any."""
    y, squares = np.asarray(value, dtype=np.float64), np.asarray(error, dtype=np.float64) ** 2

    def excess(tau2: float) -> float:
        weight = 1 / (tau2 + squares)
        mean = weight @ y / weight.sum()
        return float(weight @ (y - mean) ** 2) - (len(y) - 1)

    if excess(0.0) <= 0:
        return 0.0
    above = float(np.ptp(y)) ** 2 + float(squares.max())
    return float(brentq(excess, 0.0, above, xtol=1e-14 * above))


def _shrink_factor(tau2: float, se: FloatArray, k: int) -> FloatArray:
    """Morris's share of the way to the mean: a little less than error2 / (tau2 + error2), as tau2 is estimated."""
    return np.asarray((k - 3) / (k - 1) * se**2 / (tau2 + se**2))


def _variance(
    y: FloatArray, se: FloatArray, tau2: float, shrink: FloatArray, mean: float, precision: FloatArray
) -> FloatArray:
    """Noise that is left, what is not known about the mean, and what is not known about the shrinking."""
    k = len(y)
    share = precision / precision.sum()
    known = se**2 * (1 - (1 - share) * shrink)
    average = float(share @ se**2)
    doubt = 2 / (k - 3) * shrink**2 * (average + tau2) / (se**2 + tau2)
    return np.asarray(known + doubt * (y - mean) ** 2)


def ranked(names: Sequence[str], pooled: PartialPooling) -> list[str]:
    """Names from the highest shrunk value to the lowest; equal values in the order of the names."""
    values = [estimate.value for estimate in pooled.shrunk]
    if None in values:
        raise ValueError("The slices were not pooled, so they have no ranking.")
    pairs = sorted(zip(values, names, strict=True), key=lambda pair: (-(pair[0] or 0.0), pair[1]))
    return [name for _, name in pairs]

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
from scipy.special import chdtrc, ndtri

from analytics.stats._rows import numbers, same_lengths
from analytics.stats.coding import FloatArray
from analytics.stats.intervals import Scope
from analytics.stats.results import Estimate, finite_or_none

MIN_POOLED = 4


@dataclass(frozen=True)
class PartialPooling:
    """`shrunk` in the order given; `weight` is how much of each raw value is kept (1 all, 0 none). `mean` and `tau` are
    the mean and the standard deviation of the true values. `p_value` tests that slices do not differ at all (Cochran's
    Q): where it is large, their ranking says little."""

    shrunk: tuple[Estimate, ...]
    weight: tuple[float, ...]
    mean: Estimate
    tau: float | None
    p_value: float | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "shrunk": [estimate.to_dict() for estimate in self.shrunk],
            "weight": list(self.weight),
            "mean": self.mean.to_dict(),
            "tau": finite_or_none(self.tau),
            "p_value": finite_or_none(self.p_value),
        }


def partial_pooling(value: ArrayLike, error: ArrayLike, *, unit: str = "points", level: float = 0.95) -> PartialPooling:
    """Empirical-Bayes values of slices from their estimates and standard errors.

    `value`, `error` (slices,): raw values and their standard errors, all known and errors above 0. A slice keeps
    tau2 / (tau2 + error2) of its distance from the weighted mean. tau2 maximises tau2 times the restricted likelihood,
    which never says that slices are all the same, and comes close to James and Stein for equal errors. Intervals
    add what is not known about mean and shrinkage; they cover on the average over slices, not in every one of
    them. Slices must not share prompts. Fewer than 4: not estimable. Raises ValueError: lengths, a missing value, an
    error that is not above 0.
    Source: Morris & Tang, Statistical Science 26, 2011, section 3; Tak, Kelly & Morris, Journal of Statistical
    Software 78(5), 2017, section 2; Cochran, Biometrics 10, 1954, for Q.
    """
    y, se = numbers("value", value), numbers("error", error)
    same_lengths(value=y, error=se)
    if np.isnan(y).any() or not (se > 0).all():
        raise ValueError("Every slice needs a value and a standard error above 0: leave out those without.")
    scope = Scope("partial pooling over slices (empirical Bayes)", unit, level, len(y), len(y))
    if len(y) < MIN_POOLED:
        reason = f"There are {len(y)} slices: pooling needs {MIN_POOLED} or more."
        nothing = Estimate.not_estimable(reason=reason, **scope.fields())
        return PartialPooling((nothing,) * len(y), (), nothing, None, None)
    log_tau2, information = _log_variance(y, se)
    tau2 = math.exp(log_tau2)
    mean, of_mean = _weighted_mean(y, tau2 + se**2)
    shrink = se**2 / (tau2 + se**2)
    # The shrinkage is about Beta with this mean; the information is that on log tau2.
    doubt = (shrink * (1 - shrink)) ** 2 / (information + shrink * (1 - shrink))
    variance = se**2 * (1 - shrink) + doubt * (y - mean) ** 2 + (shrink**2 + doubt) * of_mean
    z = float(ndtri((1 + level) / 2))
    fields = scope.fields("Morris & Tang 2011, normal")
    shrunk = tuple(
        Estimate(float(v), float(v - z * s), float(v + z * s), **fields)
        for v, s in zip(y - shrink * (y - mean), np.sqrt(variance), strict=True)
    )
    half = z * math.sqrt(of_mean)
    common = Estimate(mean, mean - half, mean + half, **scope.fields("mean of the true values, normal"))
    return PartialPooling(shrunk, tuple((1 - shrink).tolist()), common, math.sqrt(tau2), _p_of_q(y, se))


def _weighted_mean(y: FloatArray, variance: FloatArray) -> tuple[float, float]:
    """The precision-weighted mean and its variance."""
    precision = 1 / variance
    return float(precision @ y / precision.sum()), float(1 / precision.sum())


def _log_variance(y: FloatArray, se: FloatArray) -> tuple[float, float]:
    """log tau2 at the maximum of tau2 x restricted likelihood, and the curvature there."""
    from scipy.optimize import minimize_scalar  # a slow import that only this function needs

    def minus(log_tau2: float) -> float:
        variance = math.exp(log_tau2) + se**2
        mean, of_mean = _weighted_mean(y, variance)
        fit = float(np.sum(np.log(variance) + (y - mean) ** 2 / variance))
        return (fit - math.log(of_mean)) / 2 - log_tau2

    middle = math.log(float(np.median(se)) ** 2 + float(np.var(y)))
    found = minimize_scalar(minus, bounds=(middle - 25, middle + 8), method="bounded", options={"xatol": 1e-10})
    at, step = float(found.x), 1e-3
    curvature = (minus(at + step) - 2 * minus(at) + minus(at - step)) / step**2
    return at, max(curvature, 1e-9)


def _p_of_q(y: FloatArray, se: FloatArray) -> float:
    mean, _ = _weighted_mean(y, se**2)
    return float(chdtrc(len(y) - 1, float(np.sum((y - mean) ** 2 / se**2))))


def ranked(names: Sequence[str], pooled: PartialPooling) -> list[str]:
    """Names from the highest shrunk value to the lowest; equal values in the order of the names."""
    values = [estimate.value for estimate in pooled.shrunk]
    if None in values:
        raise ValueError("The slices were not pooled, so they have no ranking.")
    pairs = sorted(zip(values, names, strict=True), key=lambda pair: (-(pair[0] or 0.0), pair[1]))
    return [name for _, name in pairs]

"""What outputs took: time, tokens, cost. One value an output, every prompt of equal weight, no raters.

Outputs without the measure are left out before; an output that is an error took no time to answer.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from analytics.stats.coding import FloatArray, IntArray, ObjectArray, weighted_count
from analytics.stats.intervals import Scope, few_prompts_warning, mean_over_clusters, t_quantile, z_quantile
from analytics.stats.proportions import clopper_pearson
from analytics.stats.results import Estimate


def prompt_mean(
    values: FloatArray, cluster: ObjectArray, *, unit: str, share: bool = False, level: float = 0.95
) -> Estimate:
    """Mean over prompts of the mean over their outputs, in `unit`.

    `values` (outputs,) finite; `cluster` (outputs,) the prompt of each. Interval: sd/sqrt(G) with t(G-1) over G
    prompts; one prompt, or no spread at all: a value without an interval; no outputs: not estimable. With `share` the
    values are 0 or 1 and the limits stay between them (Wilson on prompts where all agree). Raises ValueError for
    values that are not finite or lengths that differ. Source: statistics of cluster means (Cochran, Sampling
    Techniques, 1977, ch. 9).
    """
    values, codes, groups = _checked(values, cluster)
    scope = _scope("mean over prompts", unit, level, len(values), groups)
    if not groups:
        return Estimate.not_estimable(reason="No output has this measure.", **scope.fields())
    means = weighted_count(codes, values, groups) / np.bincount(codes, minlength=groups)
    return mean_over_clusters(means, scope, share=share)


def prompt_difference(a: FloatArray, b: FloatArray, *, unit: str, level: float = 0.95) -> Estimate:
    """Mean of one system minus that of another, paired by prompt: `a` and `b` (prompts,) are means of the same prompts.

    Interval and what is not estimable as `prompt_mean`. Raises ValueError for values that are not finite or lengths
    that differ. Source: paired t (Student, Biometrika 6, 1908).
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError(f"Need as many finite values of each; got shapes {a.shape} and {b.shape}.")
    scope = _scope("difference of means, paired by prompt", unit, level, 2 * len(a), len(a))
    if not len(a):
        return Estimate.not_estimable(reason="No prompt has this measure for both.", **scope.fields())
    return mean_over_clusters(a - b, scope)


def prompt_quantile(
    values: FloatArray, cluster: ObjectArray, share: float, *, unit: str, level: float = 0.95
) -> Estimate:
    """The value that a share of outputs stays at or below, prompts weighted equally, in `unit`: .5 is the median.

    Arguments and errors as `prompt_mean`, with `share` strictly between 0 and 1 (else ValueError). Interval by test
    inversion: the values at the Clopper-Pearson limits of the share below, on the effective number of outputs: the
    variance of a single draw over the variance of the share clustered by prompt, less for few prompts by the square
    of z over t(G-1), and never more than there are. Where even the largest (smallest) value could lie below (above)
    the quantile with more than the allowed chance, as with the 95th percentile of fewer than 72 independent outputs, a
    value without an interval. Sources: Woodruff, Journal of the American Statistical Association 47, 1952; Korn &
    Graubard, Survey Methodology 24, 1998 (effective size).
    """
    if not 0 < share < 1:
        raise ValueError(f"The share must lie between 0 and 1; got {share}.")
    values, codes, groups = _checked(values, cluster)
    scope = _scope(f"{share:.0%} quantile, prompts weighted equally", unit, level, len(values), groups)
    if not groups:
        return Estimate.not_estimable(reason="No output has this measure.", **scope.fields())
    order = np.argsort(values, kind="stable")
    ranked, weight = values[order], (1 / np.bincount(codes, minlength=groups)[codes[order]]) / groups
    below = np.cumsum(weight)
    value = _at(ranked, below, share)
    least = (1 - level) / 2
    needed = math.ceil(math.log(least) / math.log(max(share, 1 - share)))
    if groups == 1 or len(values) < needed:
        reason = f"Limits of this quantile need {needed} outputs of different prompts."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    effective = _effective(values, codes, groups, value, share, level)
    if effective < needed:
        reason = f"The {len(values)} outputs tell as much as {effective:.0f} of different prompts; {needed} are needed."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    low, high = clopper_pearson(share * effective, effective, level)
    fields = scope.fields("Woodruff interval, Clopper-Pearson limits on the effective number of outputs")
    ends = _at(ranked, below, low), _at(ranked, below, high)
    return Estimate(value, *ends, **fields).with_warnings(few_prompts_warning(groups))


def _effective(values: FloatArray, codes: IntArray, groups: int, value: float, share: float, level: float) -> float:
    """How many outputs of different prompts would tell as much as these do."""
    at_most = weighted_count(codes, (values <= value).astype(np.float64), groups)
    size = np.bincount(codes, minlength=groups)
    if size.max() == 1:
        return float(groups)
    variance = float((at_most / size).var(ddof=1)) / groups
    single = share * (1 - share)
    few = (z_quantile(level) / t_quantile(level, groups)) ** 2
    return min(float(len(values)), few * single / variance) if variance > 0 else float(groups)


def _at(ranked: FloatArray, below: FloatArray, share: float) -> float:
    """The smallest value whose cumulative weight reaches `share`."""
    return float(ranked[min(int(np.searchsorted(below, share - 1e-12)), len(ranked) - 1)])


def _checked(values: FloatArray, cluster: ObjectArray) -> tuple[FloatArray, IntArray, int]:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or len(values) != len(cluster) or not np.isfinite(values).all():
        raise ValueError(f"Need one finite value and one prompt an output; got {values.shape} and {len(cluster)}.")
    codes, prompts = pd.factorize(np.asarray(cluster, dtype=object))
    return values, codes.astype(np.int64), len(prompts)


def _scope(method: str, unit: str, level: float, outputs: int, groups: int) -> Scope:
    return Scope(method=method, unit=unit, level=level, n_units=outputs, n_clusters=groups)

"""Intervals of any smooth statistic from its derivative towards each row, summed by prompt."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.special import stdtrit

from analytics.stats.coding import FloatArray, IntArray
from analytics.stats.intervals import Scope, few_prompts_warning
from analytics.stats.results import Estimate

ONE_PROMPT = "There is one prompt only, so the spread between prompts cannot be estimated."


def cluster_sums(influence: FloatArray, cluster: IntArray) -> FloatArray:
    """Sums per cluster code 0..G-1, shape (clusters,); a code that does not occur has the sum 0."""
    return np.asarray(np.bincount(cluster, influence), dtype=np.float64)


def occurring(cluster: IntArray) -> int:
    """How many of the codes 0..G-1 occur."""
    return int(np.count_nonzero(np.bincount(cluster)))


def residual_influence(values: FloatArray, cluster: IntArray, weight: FloatArray | None = None) -> FloatArray:
    """Influence of each row on a (weighted) mean, scaled so that a sum of squares over clusters is its variance.

    The factor sqrt(G/(G-1)) stands here and not on the sum, so that parts estimated from different samples can be
    added by cluster; with one row a cluster and no weights the variance is the usual s2/n. Needs two clusters.
    """
    w = np.ones(len(values)) if weight is None else weight
    groups = occurring(cluster)
    centred = values - np.average(values, weights=w)
    return np.asarray(math.sqrt(groups / (groups - 1)) * w * centred / w.sum())


def variance_of(influence: FloatArray, cluster: IntArray) -> float:
    """Variance from influences that carry their own factor (see `residual_influence`)."""
    return float(np.sum(cluster_sums(influence, cluster) ** 2))


def t_estimate(value: float, variance: float, df: float, scope: Scope, method: str = "") -> Estimate:
    """`value` with t(df) limits; without any spread a value whose interval is not claimed."""
    error = math.sqrt(variance)
    if error <= 1e-12 * max(1.0, abs(value)):
        reason = "All prompts look the same, so no interval can be claimed."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    half = float(stdtrit(df, (1 + scope.level) / 2)) * error
    fields = scope.fields(method or f"linearised by prompt, t({df:.4g})")
    return Estimate(value, value - half, value + half, **fields).with_warnings(few_prompts_warning(scope.n_clusters))


def within(estimate: Estimate, lowest: float, highest: float) -> Estimate:
    """Limits moved into lowest..highest, and the method says so. The value is left as it is."""
    if estimate.low is None or estimate.high is None:
        return estimate
    if estimate.low >= lowest and estimate.high <= highest:
        return estimate
    low, high = (min(max(limit, lowest), highest) for limit in (estimate.low, estimate.high))
    method = f"{estimate.method}, limits clipped to {lowest:g}..{highest:g}"
    return replace(estimate, low=low, high=high, method=method)

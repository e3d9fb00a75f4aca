"""Intervals that treat the prompt (cluster) as the unit of independence."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtri, stdtrit

from analytics.stats.coding import FloatArray, IntArray
from analytics.stats.proportions import wilson
from analytics.stats.results import Estimate

FEW_PROMPTS = 20
MIN_PROMPTS = 10


def z_quantile(level: float) -> float:
    """Two-sided normal critical value: 1.96 for .95."""
    return float(ndtri((1 + level) / 2))


def t_quantile(level: float, clusters: int) -> float:
    """Two-sided t critical value with clusters - 1 degrees of freedom."""
    return float(stdtrit(clusters - 1, (1 + level) / 2))


def cluster_variance(influence: FloatArray, cluster: IntArray) -> float:
    """Variance of a statistic from its linearised contributions per unit, summed by cluster.

    `influence` (units,) are derivatives of the statistic towards each unit; `cluster` (units,) integer
    codes. Only clusters that occur count. G/(G-1) times the centred sum of squares, so at one unit a cluster
    it is the usual s2/n. Needs two clusters or more.
    """
    _, code = np.unique(cluster, return_inverse=True)
    sums = np.bincount(code, influence)
    groups = len(sums)
    return float(groups / (groups - 1) * np.sum((sums - sums.mean()) ** 2))


def few_prompts_warning(clusters: int) -> str:
    if clusters >= FEW_PROMPTS:
        return ""
    return f"Only {clusters} prompts inform this figure: its interval is approximate below {FEW_PROMPTS}."


@dataclass(frozen=True)
class Scope:
    """What an estimate is about and counted on; spread into every Estimate."""

    method: str
    unit: str
    level: float = 0.95
    n_units: int = 0
    n_clusters: int = 0
    n_raters: int = 0
    n_judgments: int = 0

    def fields(self, method: str = "") -> dict[str, Any]:
        full = "; ".join(part for part in (self.method, method) if part)
        return {**vars(self), "method": full}


def mean_over_clusters(means: FloatArray, scope: Scope, *, share: bool = False) -> Estimate:
    """The mean of cluster means, each of equal weight, with sd/sqrt(G) and t(G-1).

    `means` (clusters,) finite. With `share` the values lie in [0, 1]: limits are clipped there, and clusters
    that all agree (all wins, none) get the Wilson interval on clusters instead of a width of zero. Without
    values: not estimable; one cluster, or no spread at all: a value without an interval.
    """
    groups = len(means)
    if groups == 0:
        return Estimate.not_estimable(reason="There are no ratings to average.", **scope.fields())
    value = float(means.mean())
    if groups == 1:
        reason = "There is one prompt only, so the spread between prompts cannot be estimated."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    error = float(means.std(ddof=1)) / math.sqrt(groups)
    if error <= 1e-12 * max(1.0, abs(value)):
        return _without_spread(value, groups, scope, share)
    half = t_quantile(scope.level, groups) * error
    low, high, note = value - half, value + half, ""
    if share and (low < 0 or high > 1):
        low, high, note = max(low, 0.0), min(high, 1.0), ", clipped to 0..1"
    fields = scope.fields(f"prompt-clustered interval, t({groups - 1}){note}")
    return Estimate(value, low, high, **fields).with_warnings(few_prompts_warning(groups))


def without_skew(means: FloatArray, estimate: Estimate, method: str) -> Estimate:
    """The same mean with limits for skewed cluster means: Hall's cubic transformation of t.

    t(G-1) holds the mean of a skewed quantity too seldom, always missing on the same side. With a third of the
    skewness as a, g(T) = T + a T^2 / sqrt(G) + a^2 T^3 / (3 G) + a / (2 sqrt(G)) has none to that order, and its
    inverse is a cube root.
    Symmetric means give t(G-1) again. Without an interval, or for fewer than three clusters, nothing changes.
    Source: Hall, Journal of the Royal Statistical Society B 54, 1992; Johnson, JASA 73, 1978, for the idea.
    """
    groups = len(means)
    if estimate.low is None or estimate.value is None or groups < 3:
        return estimate
    centred = means - means.mean()
    skewness = float(np.mean(centred**3) / np.mean(centred**2) ** 1.5)
    if abs(skewness) < 1e-9:
        return estimate
    t = t_quantile(estimate.level, groups)
    error = float(means.std(ddof=1)) / math.sqrt(groups)
    upper, lower = (_cube_root(quantile, skewness, groups) for quantile in (t, -t))
    return replace(estimate, low=estimate.value - upper * error, high=estimate.value - lower * error, method=method)


def _cube_root(quantile: float, skewness: float, groups: int) -> float:
    """Inverse of Hall's transformation."""
    inside = 1 + skewness * (quantile / math.sqrt(groups) - skewness / (6 * groups))
    return 3 * math.sqrt(groups) / skewness * (float(np.cbrt(inside)) - 1)


def _without_spread(value: float, groups: int, scope: Scope, share: bool) -> Estimate:
    if not share:
        reason = "All prompts have the same mean, so no interval can be claimed."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    value = min(max(value, 0.0), 1.0)
    low, high = wilson(value * groups, groups, scope.level)
    fields = scope.fields("Wilson interval on prompts (no spread between prompts)")
    return Estimate(value, low, high, **fields).with_warnings(few_prompts_warning(groups))


def ratio_over_clusters(hits: FloatArray, trials: FloatArray, scope: Scope, *, share: bool = True) -> Estimate:
    """A pooled share sum(hits)/sum(trials) with its cluster-robust (linearised) interval. Without `share` it is a
    mean that may lie outside of 0 to 1, and its limits too.

    `hits`, `trials` (clusters,): per-cluster sums; clusters without trials are ignored. Source: Cochran,
    Sampling Techniques, 1977, section 2.11. No spread: Wilson on clusters.
    """
    used = trials > 0
    hits, trials = hits[used], trials[used]
    groups = len(trials)
    if groups == 0:
        return Estimate.not_estimable(reason="There are no judgments to count.", **scope.fields())
    value = float(hits.sum() / trials.sum())
    if groups == 1:
        reason = "There is one prompt only, so the spread between prompts cannot be estimated."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    residual = (hits - value * trials) / trials.sum()
    error = math.sqrt(groups / (groups - 1) * float(residual @ residual))
    if error <= 1e-12:
        return _without_spread(value, groups, scope, share=share)
    half = t_quantile(scope.level, groups) * error
    if not share:
        fields = scope.fields(f"cluster-robust by prompt, t({groups - 1})")
        return Estimate(value, value - half, value + half, **fields).with_warnings(few_prompts_warning(groups))
    fields = scope.fields(f"cluster-robust by prompt, t({groups - 1}), within 0..1")
    estimate = Estimate(value, max(value - half, 0.0), min(value + half, 1.0), **fields)
    return estimate.with_warnings(few_prompts_warning(groups))

"""The correlation a metric would have with people if their mean rating had no noise: a second figure, never the first.

Noise in the human result pulls every correlation towards 0. Dividing by the square root of the reliability of the mean
rating undoes that under the classical model: ratings are a true value plus independent noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from analytics.stats._judge import judge_numbers, judge_values
from analytics.stats._kernels import (
    Kernel,
    Resampler,
    jackknife_estimate,
    pearson_kernel,
    spearman_kernel,
    too_few,
    without_each,
)
from analytics.stats.association import undefined
from analytics.stats.coding import CodedRatings, FloatArray, IntArray, weighted_count
from analytics.stats.intervals import MIN_PROMPTS, Scope
from analytics.stats.results import Estimate
from analytics.stats.scores import prompt_means

_KERNELS = {"pearson": (pearson_kernel, "Pearson's r"), "spearman": (spearman_kernel, "Spearman's rho")}
_MODEL = "ratings as a true value plus independent noise"


@dataclass(frozen=True)
class Disattenuated:
    """What was observed, how reliable the mean ratings are (0 to 1), and observed / sqrt(reliability)."""

    observed: Estimate
    reliability: Estimate
    corrected: Estimate

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name).to_dict() for name in ("observed", "reliability", "corrected")}


def disattenuated(
    unit: ArrayLike,
    metric: ArrayLike,
    human: CodedRatings,
    coefficient: Literal["pearson", "spearman"] = "pearson",
    *,
    level: float = 0.95,
) -> Disattenuated:
    """A metric's correlation with outputs' mean ratings, the reliability of those means, and r / sqrt(reliability).

    `unit`, `metric` (outputs,): numbers by unit label. Reliability is one-way: 1 minus the mean noise variance
    s2_within / m_u of the means over the variance of the means, with s2_within from the outputs that have two ratings;
    severity of raters counts as noise. Intervals: jackknife of prompts on Fisher's scale, t(G-1), which covers .93 to
    .96 with 20 to 200 prompts where percentiles of resamples cover .90 to .92. The corrected figure may exceed 1 and is
    not clipped: a warning says that the reliability is then underestimated. No reliable difference between outputs, or
    no output with two ratings: not estimable. Exact for Pearson, an approximation for Spearman. Raises ValueError as
    `human_ceiling`, and for labels.
    Source: Spearman, American Journal of Psychology 15, 1904; Lord & Novick, Statistical Theories of Mental Test
    Scores, 1968, section 3.9.
    """
    if coefficient not in _KERNELS:
        raise ValueError(f"Unknown coefficient {coefficient!r}: use {', '.join(_KERNELS)}.")
    make, name = _KERNELS[coefficient]
    found, values = judge_values(unit, metric, human)
    x, y = judge_numbers(values, human), prompt_means(human)[1][found]
    cluster, scope = _scope(found, human, level)
    scopes = [
        replace(scope, method=f"{name}, pooled over outputs"),
        replace(scope, method="reliability of outputs' mean ratings, one-way", unit="coefficient"),
        replace(scope, method=f"{name} / sqrt(reliability), {_MODEL}"),
    ]
    problem = undefined(x, y) or _unrepeated(found, human)
    if problem:
        return Disattenuated(*[Estimate.not_estimable(reason=problem, **one.fields()) for one in scopes])
    with_metric = Resampler(make, [x, y], cluster, scope.n_clusters)
    kernel = _reliability_kernel(found, human, cluster, scope.n_clusters)
    reliability = float(kernel(np.ones((1, scope.n_clusters)))[0])
    values_of = [with_metric.value, reliability, _corrected(np.array([with_metric.value]), np.array([reliability]))[0]]
    if scope.n_clusters < MIN_PROMPTS:
        few = too_few(scope.n_clusters)
        estimates = [_insufficient(v, few, one) for v, one in zip(values_of, scopes, strict=True)]
    else:
        left = [with_metric.without_each(), without_each(kernel, scope.n_clusters)]
        left.append(_corrected(left[0], left[1]))
        estimates = [_estimate(v, without, one) for v, without, one in zip(values_of, left, scopes, strict=True)]
    observed, reliable, corrected = estimates
    return Disattenuated(observed, reliable, corrected.with_warnings(_too_high(corrected)))


_NO_RELIABILITY = "The mean ratings of the outputs differ no more than their noise, so there is nothing to correct by."


def _insufficient(value: float, reason: str, scope: Scope) -> Estimate:
    if not math.isfinite(value):
        return Estimate.not_estimable(reason=_NO_RELIABILITY, **scope.fields())
    return Estimate.insufficient(value, reason=reason, **scope.fields())


def _estimate(value: float, without: FloatArray, scope: Scope) -> Estimate:
    if not math.isfinite(value):
        return Estimate.not_estimable(reason=_NO_RELIABILITY, **scope.fields())
    return jackknife_estimate(value, without, scope)


def _too_high(corrected: Estimate) -> str:
    if corrected.value is None or abs(corrected.value) <= 1:
        return ""
    return "The corrected correlation is beyond 1: the reliability is underestimated, so read the observed one."


def _corrected(r: FloatArray, reliability: FloatArray) -> FloatArray:
    usable = reliability > 1e-9
    return np.where(usable, r / np.sqrt(np.where(usable, reliability, 1.0)), np.nan)


def _unrepeated(found: IntArray, human: CodedRatings) -> str:
    if human.pairable[found].any():
        return ""
    return "No output has two ratings, so the noise of the human result is not known."


def _reliability_kernel(found: IntArray, human: CodedRatings, cluster: IntArray, groups: int) -> Kernel:
    """Reliability of the means of many weightings of the prompts: every part is a sum over outputs."""
    value = human.values()[human.code]
    size = human.ratings_per_unit.astype(np.float64)
    mean = prompt_means(human)[1]
    within = weighted_count(human.unit, (value - mean[human.unit]) ** 2, human.n_units)
    centred = mean - mean[found].mean()
    of_output = [np.ones_like(mean), centred, centred**2, within, size - 1, 1 / np.maximum(size, 1)]
    parts = np.stack([weighted_count(cluster, part[found], groups) for part in of_output], axis=1)

    def kernel(weights: FloatArray) -> FloatArray:
        n, first, second, noise, df, inverse = (weights @ parts).T
        defined = (n > 1) & (df > 0) & (second - first**2 / np.maximum(n, 1) > 1e-12)
        n, df = np.where(defined, n, 2.0), np.where(defined, df, 1.0)
        spread = np.where(defined, (second - first**2 / n) / (n - 1), 1.0)
        return np.where(defined, 1 - noise / df * inverse / n / spread, np.nan)

    return kernel


def _scope(found: IntArray, human: CodedRatings, level: float) -> tuple[IntArray, Scope]:
    cluster = np.unique(human.cluster_of_unit[found], return_inverse=True)[1]
    rows = np.isin(human.unit, found)
    raters = human.rater[rows]
    known = len(np.unique(raters[raters >= 0]))
    groups = len(np.unique(cluster))
    return cluster, Scope("", "correlation", level, len(found), groups, known, int(rows.sum()))

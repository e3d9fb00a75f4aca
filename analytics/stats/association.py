"""How an automated metric follows the human result, pooled over outputs (or pairs).

Pooled figures mix differences between prompts with differences between systems; `method` says so. Intervals:
percentile bootstrap of whole prompts with a stored seed, resampled as weights so that nothing is copied; from a
thousand prompts on, the same error from the coefficients' derivatives (`_influences`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics.stats import _influences
from analytics.stats._judge import judge_values, level_codes
from analytics.stats._kernels import (
    Kernel,
    Resampler,
    kendall_kernel,
    pearson_kernel,
    percentile_estimate,
    spearman_kernel,
    too_few,
)
from analytics.stats._rows import complete_rows
from analytics.stats.coding import CodedRatings, FloatArray, IntArray, ObjectArray, weighted_count
from analytics.stats.intervals import MIN_PROMPTS, Scope, ratio_over_clusters
from analytics.stats.results import Estimate
from analytics.stats.scores import prompt_means
from analytics.stats.small_samples import noted


def human_means(data: CodedRatings) -> tuple[ObjectArray, ObjectArray, FloatArray]:
    """Per output: its label, its prompt's label, and the mean rating over raters, each of shape (units,)."""
    return data.unit_labels, data.cluster_labels[data.cluster_of_unit], prompt_means(data)[1]


def kendall_tau_b(
    metric: ArrayLike,
    human: ArrayLike,
    cluster: ArrayLike,
    *,
    seed: int = 0,
    level: float = 0.95,
    **counts: int,
) -> Estimate:
    """Kendall's tau-b between a metric and the human result, -1 to 1, ties corrected; for ordinal criteria.

    `metric`, `human` (outputs,) numbers, rows with a missing one are dropped; `cluster` (outputs,) the
    prompt of each. `counts` (n_raters, n_judgments) are passed on. A constant side or under two outputs: not
    estimable; under 10 prompts: a value without an interval. Raises ValueError on unequal lengths or text.
    Source: Kendall, Biometrika 1945; (1 2 2 3 4 4 5) with (1 1 2 3 3 4 5) gives .894737.
    """
    return _correlation("Kendall's tau-b", kendall_kernel, metric, human, cluster, seed, level, counts)


def spearman(
    metric: ArrayLike,
    human: ArrayLike,
    cluster: ArrayLike,
    *,
    seed: int = 0,
    level: float = 0.95,
    **counts: int,
) -> Estimate:
    """Spearman's rho with mid-ranks, -1 to 1; arguments and refusals as `kendall_tau_b`.

    Source: Spearman, American Journal of Psychology 1904; the example above gives .944444.
    """
    return _correlation("Spearman's rho", spearman_kernel, metric, human, cluster, seed, level, counts)


def pearson(
    metric: ArrayLike,
    human: ArrayLike,
    cluster: ArrayLike,
    *,
    seed: int = 0,
    level: float = 0.95,
    **counts: int,
) -> Estimate:
    """Pearson's r, -1 to 1, for interval and ratio criteria; arguments and refusals as `kendall_tau_b`.

    The interval covers .92 to .94 below 50 prompts (docs/algorithms/coverage-automated.md), which a warning says; a
    bootstrap-t covers no better. Source: Pearson, Proceedings of the Royal Society 1895.
    """
    found = _correlation("Pearson's r", pearson_kernel, metric, human, cluster, seed, level, counts)
    return noted("pearson", found)


def agreement_share(unit: ArrayLike, label: ArrayLike, human: CodedRatings, *, level: float = 0.95) -> Estimate:
    """Share of outputs where a metric's label is the majority human label, 0 to 1, pooled over outputs.

    `unit`, `label` (outputs,): the metric's labels by unit label; outputs without both are left out. Where
    human labels tie for the majority, the metric gets 1/k if it names one of the k. A label that is no level
    of the human scale is wrong, not missing. Interval: cluster-robust by prompt; Wilson on prompts without
    spread. No common outputs: not estimable. Raises ValueError if a unit has two labels or lengths differ.
    """
    found, labels = judge_values(unit, label, human)
    credit = _majority_credit(found, labels, human)
    cluster, clusters = human.cluster_of_unit[found], len(human.cluster_labels)
    raters = human.rater[np.isin(human.unit, found)]
    scope = Scope(
        method="share equal to the majority human label, pooled over outputs",
        unit="share",
        level=level,
        n_units=len(found),
        n_clusters=len(np.unique(cluster)),
        n_raters=len(np.unique(raters[raters >= 0])),
        n_judgments=len(raters),
    )
    trials = weighted_count(cluster, np.ones(len(found)), clusters)
    return ratio_over_clusters(weighted_count(cluster, credit, clusters), trials, scope)


def _majority_credit(found: IntArray, labels: NDArray[Any], human: CodedRatings) -> FloatArray:
    """Credit of the metric for each output with a metric label and human ratings."""
    level = level_codes(labels, human)
    counts = human.counts()[found]
    winners = (counts == counts.max(axis=1, keepdims=True)) if counts.size else counts
    hit = (level >= 0) & np.asarray(winners[np.arange(len(found)), level], dtype=np.bool_)
    return np.where(hit, 1.0 / np.maximum(winners.sum(axis=1), 1), 0.0)


def _correlation(
    name: str,
    kernel_for: Callable[[FloatArray, FloatArray], Kernel],
    metric: ArrayLike,
    human: ArrayLike,
    cluster: ArrayLike,
    seed: int,
    level: float,
    counts: dict[str, int],
) -> Estimate:
    rows = complete_rows(cluster, metric=metric, human=human)
    x, y = rows.columns
    scope = Scope(f"{name}, pooled over outputs", "correlation", level, len(x), rows.groups, **counts)
    problem = undefined(x, y)
    if problem:
        return Estimate.not_estimable(reason=problem, **scope.fields())
    if rows.groups >= _influences.MANY_PROMPTS and (found := _influences.DERIVATIVES[name](x, y)) is not None:
        return _influences.estimate(found, rows.cluster, scope)
    resampler = Resampler(kernel_for, rows.columns, rows.cluster, rows.groups)
    if rows.groups < MIN_PROMPTS:
        return Estimate.insufficient(resampler.value, reason=too_few(rows.groups), **scope.fields())
    return percentile_estimate(resampler.value, resampler.draws(seed), scope, seed)


def undefined(x: FloatArray, y: FloatArray, what: str = "output") -> str:
    """Why there is no correlation of two columns, or an empty string."""
    if len(x) < 2:
        return f"With both a metric and a human result: n = {len(x)}. A correlation needs two {what}s or more."
    if np.ptp(x) == 0:
        return f"The metric has the same value on every {what}."
    if np.ptp(y) == 0:
        return f"The human result is the same on every {what}."
    return ""

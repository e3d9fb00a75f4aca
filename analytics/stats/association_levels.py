"""A metric against the human result inside prompts and between systems, and two metrics against each other.

Inside a prompt, easy and hard prompts cannot help the metric; between systems, a few points decide. The pooled
figures (`association`) mix the two. Every method says which one it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from analytics.stats import _few_systems as few
from analytics.stats._kernels import (
    Kernel,
    Resampler,
    kendall_kernel,
    pearson_kernel,
    percentile_estimate,
    spearman_kernel,
    too_few,
)
from analytics.stats._linearised import within
from analytics.stats._rows import Rows, complete_rows
from analytics.stats._within_prompt import Coefficient, Items, by_prompt, cluster_means, items_of
from analytics.stats.association import undefined
from analytics.stats.coding import FloatArray, IntArray
from analytics.stats.intervals import MIN_PROMPTS, Scope, mean_over_clusters, without_skew
from analytics.stats.results import Estimate, TestedEstimate

NAMES = {
    "kendall_tau_b": "Kendall's tau-b",
    "spearman": "Spearman's rho",
    "pearson": "Pearson's r",
    "pairwise_accuracy": "pairwise accuracy",
}
CORRELATIONS = ("kendall_tau_b", "spearman", "pearson")
_KERNELS = {"kendall_tau_b": kendall_kernel, "spearman": spearman_kernel, "pearson": pearson_kernel}
Level = Literal["pooled", "within_prompts", "between_systems"]


def within_prompts(
    coefficient: Coefficient,
    metric: ArrayLike,
    human: ArrayLike,
    cluster: ArrayLike,
    *,
    item: ArrayLike | None = None,
    level: float = 0.95,
    **counts: int,
) -> Estimate:
    """The coefficient of the outputs of each prompt, averaged over prompts of equal weight; -1 to 1.

    `metric`, `human` (outputs,) numbers, rows with a missing one are dropped; `cluster` (outputs,) the prompt of
    each. Where a cluster holds several prompts, `item` names the prompt inside which outputs are ranked. A prompt
    with one output, or where all metric values or all human results are equal, has no coefficient and is left
    out; a warning counts them. Interval: t(G-1) over clusters with their skewness removed, for coefficients of few
    outputs have a long tail: it covers .95 where plain t covers .91 to .93 with 12 to 30 prompts. None left: not
    estimable.
    Raises ValueError on unequal lengths, text, infinities or another coefficient.
    Source: Kendall, Rank Correlation Methods, 1948, for one prompt; Deutsch et al., EMNLP 2023, for the average.
    """
    name = _name(coefficient, CORRELATIONS)
    rows = complete_rows(cluster, metric=metric, human=human)
    groups = items_of(rows, item)
    x, y = rows.columns
    values = by_prompt(coefficient, x, y, groups.code)
    means, used = cluster_means(values, groups)
    scope = _scope(f"{name} within prompts, averaged over prompts", rows, level, counts, used, groups)
    if not len(means):
        return Estimate.not_estimable(reason=_nothing_to_rank(len(values)), **scope.fields())
    plain = mean_over_clusters(means, scope)
    method = f"{scope.method}; prompt-clustered interval, t({len(means) - 1}), skewness removed"
    return within(without_skew(means, plain, method), -1.0, 1.0).with_warnings(_left_out(values))


def between_systems(
    coefficient: few.SystemCoefficient,
    metric: ArrayLike,
    human: ArrayLike,
    system: ArrayLike,
    cluster: ArrayLike,
    *,
    seed: int = 0,
    level: float = 0.95,
    **counts: int,
) -> TestedEstimate:
    """The coefficient of systems' mean metric and mean human result, every prompt weighing the same.

    Interval: t(G-1) times the standard deviation over resampled prompts; it is for other prompts and these systems.
    p: permutation test over the systems, exact up to eight of them, else 9999 seeded permutations; no normal
    approximation. Under three systems: not estimable; where so few systems cannot reach p = .05 a warning says so.
    Under five systems, under 10 prompts, or where less than half of the spread of systems' means is more than
    noise: no interval; below .8 a warning says that the correlation is pulled towards 0. Simulated
    (docs/algorithms/coverage-automated.md), the interval covers .92 or more from 40 prompts on, and falls short with
    20 (.82 to .9 at low correlations).
    `pairwise_accuracy` is the share of pairs of systems put in the human order.
    Raises ValueError as `within_prompts`. Source: Fisher, The Design of Experiments, 1935, for the test;
    Kocmi et al., WMT 2021, for pairwise accuracy.
    """
    options: dict[str, Any] = {"seed": seed, "level": level, **counts}
    [found] = each_between_systems([coefficient], metric, human, system, cluster, **options).values()
    return found


def each_between_systems(
    coefficients: Sequence[few.SystemCoefficient],
    metric: ArrayLike,
    human: ArrayLike,
    system: ArrayLike,
    cluster: ArrayLike,
    *,
    seed: int = 0,
    level: float = 0.95,
    **counts: int,
) -> dict[str, TestedEstimate]:
    """`between_systems` of several coefficients, from the same resamples drawn once."""
    names = {coefficient: _name(coefficient, tuple(NAMES)) for coefficient in coefficients}
    rows = complete_rows(cluster, metric=metric, human=human)
    code, labels = rows.codes("system", system)
    means = few.ManyMeans(list(rows.columns), code, rows.cluster, len(labels), rows.groups)
    found = {}
    for coefficient, name in names.items():
        unit = "share" if coefficient == "pairwise_accuracy" else "correlation"
        scope = Scope(f"{name} between {len(labels)} systems", unit, level, len(rows), rows.groups, **counts)
        found[str(coefficient)] = _of_means(coefficient, means, len(labels), scope, seed)
    return found


def _of_means(
    coefficient: few.SystemCoefficient, means: few.ManyMeans, systems: int, scope: Scope, seed: int
) -> TestedEstimate:
    of_metric, of_human = means.observed
    problem = _few_systems(systems) or undefined(of_metric, of_human, "system")
    if problem:
        return few.untested(Estimate.not_estimable(reason=problem, **scope.fields()))
    function = few.COEFFICIENTS[coefficient]
    value = float(function(of_metric[None], of_human[None])[0])
    test = few.permutation_test(function, of_metric, of_human, seed)
    bounds = (0.0, 1.0) if coefficient == "pairwise_accuracy" else (-1.0, 1.0)
    estimate = few.estimate(value, means, lambda drawn: function(drawn[0], drawn[1]), bounds, scope, seed)
    return TestedEstimate(estimate.with_warnings(test.warning), test.p_value, test.null_value, test.name)


def metric_difference(
    coefficient: Coefficient,
    metric_a: ArrayLike,
    metric_b: ArrayLike,
    human: ArrayLike,
    cluster: ArrayLike,
    *,
    at: Level = "pooled",
    item: ArrayLike | None = None,
    system: ArrayLike | None = None,
    seed: int = 0,
    level: float = 0.95,
    **counts: int,
) -> Estimate:
    """The coefficient of metric A minus that of metric B with the same human results, paired.

    Both are computed on the outputs that have both metrics. Pooled and between systems: both change in the same
    resamples of prompts; within prompts: t(G-1) over prompts where both are defined. 0 is no difference. Two
    intervals that overlap are no test of a difference. Refusals as the single figures.
    Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, ch. 8 (paired resamples).
    """
    name = _name(coefficient, CORRELATIONS)
    rows = complete_rows(cluster, metric_a=metric_a, metric_b=metric_b, human=human)
    a, b, y = rows.columns
    scope = Scope(
        f"difference of {name} of two metrics, {at.replace('_', ' ')}, paired",
        "difference of correlations",
        level,
        len(rows),
        rows.groups,
        **counts,
    )
    if at == "within_prompts":
        groups = items_of(rows, item)
        gaps = by_prompt(coefficient, a, y, groups.code) - by_prompt(coefficient, b, y, groups.code)
        means, used = cluster_means(gaps, groups)
        scope = _scope(scope.method, rows, level, counts, used, groups)
        if not len(means):
            return Estimate.not_estimable(reason=_nothing_to_rank(len(gaps)), **scope.fields())
        return within(mean_over_clusters(means, scope), -2.0, 2.0).with_warnings(_left_out(gaps))
    if at == "between_systems":
        return _between(coefficient, rows, system, scope, seed)
    if at == "pooled":
        return _pooled(coefficient, rows, scope, seed)
    raise ValueError(f"Unknown level {at!r}: use pooled, within_prompts or between_systems.")


def _scope(method: str, rows: Rows, level: float, counts: dict[str, int], used: IntArray, items: Items) -> Scope:
    n_units = int(np.isin(items.code, used).sum())
    return Scope(method, "correlation", level, n_units, len(np.unique(items.cluster[used])), **counts)


def _left_out(values: FloatArray) -> str:
    skipped = int(np.isnan(values).sum())
    if not skipped:
        return ""
    return (
        f"{skipped} of {len(values)} prompts are left out: they have one output only, or the metric or the people "
        "gave all their outputs the same value."
    )


def _nothing_to_rank(prompts: int) -> str:
    if not prompts:
        return "No output has both a metric and a human result."
    return "No prompt has two outputs with different metric values and different human results."


def _few_systems(systems: int) -> str:
    if systems >= few.MIN_SYSTEMS:
        return ""
    return f"There are {systems} systems; a correlation between systems needs three or more."


def _between(coefficient: Coefficient, rows: Rows, system: ArrayLike | None, scope: Scope, seed: int) -> Estimate:
    if system is None:
        raise ValueError("A difference between systems needs the system of each output.")
    code, labels = rows.codes("system", system)
    means = few.ManyMeans(list(rows.columns), code, rows.cluster, len(labels), rows.groups)
    a, b, y = means.observed
    problem = _few_systems(len(labels)) or undefined(a, y, "system") or undefined(b, y, "system")
    if problem:
        return Estimate.not_estimable(reason=problem, **scope.fields())
    function = few.COEFFICIENTS[coefficient]
    value = float((function(a[None], y[None]) - function(b[None], y[None]))[0])

    def of(drawn: list[FloatArray]) -> FloatArray:
        return np.asarray(function(drawn[0], drawn[2]) - function(drawn[1], drawn[2]))

    return few.estimate(value, means, of, (-2.0, 2.0), scope, seed)


def _pooled(coefficient: Coefficient, rows: Rows, scope: Scope, seed: int) -> Estimate:
    a, b, y = rows.columns
    problem = undefined(a, y) or undefined(b, y)
    if problem:
        return Estimate.not_estimable(reason=problem, **scope.fields())
    make = _KERNELS[coefficient]

    def gap_kernel(a: FloatArray, b: FloatArray, y: FloatArray) -> Kernel:
        of_a, of_b = make(a, y), make(b, y)
        return lambda weights: of_a(weights) - of_b(weights)

    resampler = Resampler(gap_kernel, rows.columns, rows.cluster, rows.groups)
    if rows.groups < MIN_PROMPTS:
        return Estimate.insufficient(resampler.value, reason=too_few(rows.groups), **scope.fields())
    return percentile_estimate(resampler.value, resampler.draws(seed), scope, seed)


def _name(coefficient: str, accepted: tuple[str, ...]) -> str:
    if coefficient not in accepted:
        raise ValueError(f"Unknown coefficient {coefficient!r}: use {', '.join(accepted)}.")
    return NAMES[coefficient]

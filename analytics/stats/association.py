"""How an automated metric follows the human result, pooled over outputs (or pairs).

Pooled figures mix differences between prompts with differences between systems; `method` says so. Intervals:
percentile bootstrap of whole prompts with a stored seed, resampled as weights so that nothing is copied.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analytics.stats.coding import (
    CodedRatings,
    FloatArray,
    IntArray,
    ObjectArray,
    as_column,
    weighted_count,
)
from analytics.stats.intervals import (
    MIN_PROMPTS,
    Scope,
    few_prompts_warning,
    ratio_over_clusters,
)
from analytics.stats.results import Estimate
from analytics.stats.scores import prompt_means

RESAMPLES = 500
# Cells of a resamples x outputs array held at a time: small enough for the processor's cache.
_CHUNK_CELLS = 500_000
# Largest cross-table of distinct values for Kendall's counting; beyond it pairs are counted by merge sort.
_MAX_TABLE = 250_000

# A kernel takes outputs' weights (resamples, outputs) and returns a coefficient per resample, NaN where
# undefined.
_Kernel = Callable[[FloatArray], FloatArray]


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
    return _correlation("Kendall's tau-b", _kendall_kernel, metric, human, cluster, seed, level, counts)


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
    return _correlation("Spearman's rho", _spearman_kernel, metric, human, cluster, seed, level, counts)


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

    Source: Pearson, Proceedings of the Royal Society 1895.
    """
    return _correlation("Pearson's r", _pearson_kernel, metric, human, cluster, seed, level, counts)


def agreement_share(unit: ArrayLike, label: ArrayLike, human: CodedRatings, *, level: float = 0.95) -> Estimate:
    """Share of outputs where a metric's label is the majority human label, 0 to 1, pooled over outputs.

    `unit`, `label` (outputs,): the metric's labels by unit label; outputs without both are left out. Where
    human labels tie for the majority, the metric gets 1/k if it names one of the k. A label that is no level
    of the human scale is wrong, not missing. Interval: cluster-robust by prompt; Wilson on prompts without
    spread. No common outputs: not estimable. Raises ValueError if a unit has two labels or lengths differ.
    """
    units, labels = as_column("unit", unit), as_column("label", label)
    credit, found = _majority_credit(units, labels, human)
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


def _majority_credit(units: NDArray[Any], labels: NDArray[Any], human: CodedRatings) -> tuple[FloatArray, IntArray]:
    """Credit of the metric and unit code, for each output with a metric label and human ratings."""
    if len(units) != len(labels):
        raise ValueError(f"unit has {len(units)} entries, label {len(labels)}.")
    given = ~np.asarray(pd.isna(labels), dtype=np.bool_)
    units, labels = units[given].astype(str), labels[given]
    if len(np.unique(units)) != len(units):
        raise ValueError("A unit has more than one label of the metric.")
    found = pd.Index(human.unit_labels.astype(str)).get_indexer(pd.Index(units))
    labels, found = labels[found >= 0], found[found >= 0].astype(np.int64)
    domain = pd.Index(np.asarray(human.domain, dtype=object))
    level = domain.get_indexer(pd.Index(np.asarray([_plain(label) for label in labels], dtype=object)))
    counts = human.counts()[found]
    winners = (counts == counts.max(axis=1, keepdims=True)) if counts.size else counts
    hit = (level >= 0) & np.asarray(winners[np.arange(len(found)), level], dtype=np.bool_)
    return np.where(hit, 1.0 / np.maximum(winners.sum(axis=1), 1), 0.0), found


def _plain(label: Any) -> Any:
    """Booleans and numbers as floats, as in a coded domain."""
    return float(label) if isinstance(label, bool | int | float | np.number | np.bool_) else label


def _correlation(
    name: str,
    kernel_for: Callable[[FloatArray, FloatArray], _Kernel],
    metric: ArrayLike,
    human: ArrayLike,
    cluster: ArrayLike,
    seed: int,
    level: float,
    counts: dict[str, int],
) -> Estimate:
    x, y, code = _complete_rows(metric, human, cluster)
    groups = len(np.unique(code))
    scope = Scope(f"{name}, pooled over outputs", "correlation", level, len(x), groups, **counts)
    problem = _undefined(x, y)
    if problem:
        return Estimate.not_estimable(reason=problem, **scope.fields())
    kernel = kernel_for(x, y)
    value = float(kernel(np.ones((1, len(x))))[0])
    if groups < MIN_PROMPTS:
        reason = f"Only {groups} prompts have both figures: no interval below {MIN_PROMPTS}."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    draws = _bootstrap(kernel, code, groups, len(x), seed)
    defined = draws[np.isfinite(draws)]
    if len(defined) < 0.9 * RESAMPLES:
        reason = "More than a tenth of the resamples have a constant side, so no interval can be claimed."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    fields = scope.fields(f"percentile bootstrap of prompts, {RESAMPLES} resamples")
    estimate = Estimate(value, float(low), float(high), seed=seed, **fields)
    return estimate.with_warnings(few_prompts_warning(groups))


def _complete_rows(metric: ArrayLike, human: ArrayLike, cluster: ArrayLike) -> tuple[FloatArray, FloatArray, IntArray]:
    x, y, label = _numbers("metric", metric), _numbers("human", human), as_column("cluster", cluster)
    if not len(x) == len(y) == len(label):
        raise ValueError(f"Lengths differ: metric {len(x)}, human {len(y)}, cluster {len(label)}.")
    kept = np.isfinite(x) & np.isfinite(y)
    code, _ = pd.factorize(label[kept].astype(str), sort=True)  # sorted: draws do not depend on row order
    return x[kept], y[kept], code.astype(np.int64)


def _numbers(name: str, column: ArrayLike) -> FloatArray:
    try:
        return np.asarray(pd.to_numeric(as_column(name, column)), dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise ValueError(f"The {name} values must be numbers: {error}.") from error


def _undefined(x: FloatArray, y: FloatArray) -> str:
    if len(x) < 2:
        return f"With both a metric and a human result: n = {len(x)}. A correlation needs two outputs or more."
    if np.ptp(x) == 0:
        return "The metric has the same value on every output."
    if np.ptp(y) == 0:
        return "The human result is the same on every output."
    return ""


def _bootstrap(kernel: _Kernel, cluster: IntArray, groups: int, outputs: int, seed: int) -> FloatArray:
    """Coefficients of RESAMPLES resamples of whole clusters, drawn with replacement as integer weights."""
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(groups, np.full(groups, 1 / groups), size=RESAMPLES).astype(np.float64)
    rows = max(1, _CHUNK_CELLS // outputs)
    parts = np.split(weights, range(rows, RESAMPLES, rows))
    return np.concatenate([kernel(part[:, cluster]) for part in parts])


def _pearson_kernel(x: FloatArray, y: FloatArray) -> _Kernel:
    x, y = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    columns = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1)

    def kernel(weights: FloatArray) -> FloatArray:
        n, sx, sy, sxx, syy, sxy = (weights @ columns).T
        return _divide(n * sxy - sx * sy, (n * sxx - sx * sx) * (n * syy - sy * sy))

    return kernel


def _divide(covariance: FloatArray, product: FloatArray) -> FloatArray:
    defined = product > 1e-12
    root = np.sqrt(np.where(defined, product, 1.0))
    return np.where(defined, np.clip(covariance / root, -1.0, 1.0), np.nan)


def _spearman_kernel(x: FloatArray, y: FloatArray) -> _Kernel:
    sides = [_Ranker(x), _Ranker(y)]

    def kernel(weights: FloatArray) -> FloatArray:
        rx, ry = (side.ranks(weights) for side in sides)
        n = weights.sum(axis=1, keepdims=True)
        rx, ry = rx / n - 0.5, ry / n - 0.5  # weighted mid-ranks have mean n/2 exactly
        sxy, sxx, syy = ((weights * product).sum(axis=1) for product in (rx * ry, rx * rx, ry * ry))
        return _divide(sxy, sxx * syy)

    return kernel


class _Ranker:
    """Weighted mid-ranks of one fixed column for many weightings at once."""

    def __init__(self, column: FloatArray) -> None:
        self.order = np.argsort(column, kind="stable")
        ordered = column[self.order]
        self.start = np.flatnonzero(np.diff(ordered, prepend=-np.inf))
        self.group = np.unique(column, return_inverse=True)[1]

    def ranks(self, weights: FloatArray) -> FloatArray:
        sums = np.add.reduceat(weights[:, self.order], self.start, axis=1)
        return np.asarray((np.cumsum(sums, axis=1) - sums / 2)[:, self.group])


def _kendall_kernel(x: FloatArray, y: FloatArray) -> _Kernel:
    rows, row = np.unique(x, return_inverse=True)
    columns, column = np.unique(y, return_inverse=True)
    if len(rows) * len(columns) > _MAX_TABLE:
        return _kendall_by_sorting(x, y)
    shape = (len(rows), len(columns))
    cell = row * shape[1] + column

    def kernel(weights: FloatArray) -> FloatArray:
        tables = (weighted_count(cell, w, shape[0] * shape[1]).reshape(shape) for w in weights)
        return np.asarray([_tau_of_table(table) for table in tables])

    return kernel


def _tau_of_table(table: FloatArray) -> float:
    """Tau-b of a cross-table: (concordant - discordant) / sqrt of the pairs untied on each side."""
    above = np.cumsum(table, axis=0) - table  # rows before, same column
    before = np.cumsum(above, axis=1) - above  # and columns before
    after = above.sum(axis=1, keepdims=True) - before - above
    n2 = table.sum() ** 2
    untied = (n2 - np.sum(table.sum(axis=1) ** 2)) * (n2 - np.sum(table.sum(axis=0) ** 2))
    if untied <= 0:
        return math.nan
    return float(2 * np.sum(table * (before - after)) / math.sqrt(untied))


def _kendall_by_sorting(x: FloatArray, y: FloatArray) -> _Kernel:
    from scipy.stats import kendalltau  # a slow import that only this path needs

    def kernel(weights: FloatArray) -> FloatArray:
        drawn = (np.repeat(np.arange(len(x)), w.astype(np.int64)) for w in weights)
        return np.asarray([kendalltau(x[rows], y[rows]).statistic for rows in drawn])

    return kernel

"""Correlation coefficients of many weightings of the same rows at once, and the bootstrap that needs them.

A resample of whole clusters is a vector of weights, so nothing is copied.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.special import ndtr

from analytics.stats.coding import FloatArray, IntArray
from analytics.stats.intervals import MIN_PROMPTS, Scope, few_prompts_warning, t_quantile
from analytics.stats.results import Estimate

RESAMPLES = 500
# Cells of a resamples x outputs array held at a time: small enough for the processor's cache.
_CHUNK_CELLS = 500_000
# Draws up to this many are kept for the next figure (100 MB).
_KEPT_CELLS = 25_000_000
# Largest cross-table of distinct values for Kendall's counting; beyond it pairs are counted by merge sort.
_MAX_TABLE = 250_000
# Columns up to which a product of matrices is quicker than running sums.
_NARROW = 64

# A kernel takes outputs' weights (resamples, outputs) and returns a coefficient per resample, NaN where
# undefined.
Kernel = Callable[[FloatArray], FloatArray]


def bootstrap(kernel: Kernel, groups: int, seed: int, size: int) -> FloatArray:
    """`kernel` of RESAMPLES resamples of whole clusters, drawn with replacement: weights (resamples, groups), whole
    numbers. `size` is how many cells a resample needs, to keep a chunk of them in the processor's cache."""
    rows = max(1, _CHUNK_CELLS // max(size, groups))
    if groups * RESAMPLES <= _KEPT_CELLS:
        drawn = _draws(groups, seed)
        return np.concatenate([kernel(drawn[at : at + rows].astype(np.float64)) for at in range(0, RESAMPLES, rows)])
    rng = np.random.default_rng(seed)
    parts = []
    for start in range(0, RESAMPLES, rows):  # one generator, read in order: the chunks do not change the draws
        drawn = rng.multinomial(groups, np.full(groups, 1 / groups), size=min(rows, RESAMPLES - start))
        parts.append(kernel(drawn.astype(np.float64)))
    return np.concatenate(parts)


@lru_cache(maxsize=2)
def _draws(groups: int, seed: int) -> IntArray:
    """All resamples at once. Every metric and every criterion of a report draws the same ones, and drawing costs more
    than what is done with them. Not to be changed: it is kept."""
    drawn = np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), size=RESAMPLES)
    drawn = drawn.astype(np.int32)
    drawn.setflags(write=False)
    return drawn


class Resampler:
    """A coefficient of rows, and the same in resamples of their clusters.

    Rows with the same values are one: a resample is then a vector of their total weights, and a coefficient of a
    million ratings on a five-point scale costs no more than one of a small table.
    """

    def __init__(
        self,
        kernel_for: Callable[..., Kernel],
        columns: Sequence[FloatArray],
        cluster: IntArray,
        groups: int,
        weight: FloatArray | None = None,
    ) -> None:
        first, cell = _distinct(columns)
        self.kernel = kernel_for(*(column[first] for column in columns))
        self.groups, self.size = groups, len(first)
        given = np.ones(len(cell)) if weight is None else weight
        self.weights = coo_array((given, (cluster, cell)), shape=(groups, len(first))).tocsr()
        self.value = float(self.kernel(np.asarray(self.weights.sum(axis=0))[None])[0])

    def without_each(self) -> FloatArray:
        """Coefficients without each of the clusters, NaN where undefined."""
        return without_each(lambda left: self.kernel(np.asarray(left @ self.weights)), self.groups)

    def draws(self, seed: int) -> FloatArray:
        """Coefficients of the resamples, NaN where undefined."""
        return bootstrap(lambda drawn: self.kernel(np.asarray(drawn @ self.weights)), self.groups, seed, self.size)


def _distinct(columns: Sequence[FloatArray]) -> tuple[IntArray, IntArray]:
    """The first row of each distinct combination of values, and the combination of each row."""
    key = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        levels, code = np.unique(column, return_inverse=True)
        key = np.unique(key * len(levels) + code, return_inverse=True)[1]
    _, first = np.unique(key, return_index=True)
    return first, key


def percentile_estimate(value: float, draws: FloatArray, scope: Scope, seed: int) -> Estimate:
    """`value` with the percentile interval of its draws; with a tenth of them undefined, no interval.

    Percentiles of few prompts are too narrow twice over: by sqrt((G-1)/G), and as normal instead of t(G-1). So they are
    taken that much further out (Hesterberg, American Statistician 69, 2015, section 5.3).
    """
    defined = draws[np.isfinite(draws)]
    if len(defined) < 0.9 * RESAMPLES:
        reason = "More than a tenth of the resamples have a constant side, so no interval can be claimed."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    groups = scope.n_clusters
    tail = float(ndtr(-math.sqrt(groups / (groups - 1)) * t_quantile(scope.level, groups)))
    low, high = np.quantile(defined, [tail, 1 - tail])
    if high - low <= 1e-12:
        reason = "Every resample of prompts gives the same value, so no interval can be claimed."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    fields = scope.fields(f"percentile bootstrap of prompts, {RESAMPLES} resamples, widened for {groups} prompts")
    estimate = Estimate(value, float(low), float(high), seed=seed, **fields)
    return estimate.with_warnings(few_prompts_warning(groups))


def without_each(kernel: Kernel, groups: int) -> FloatArray:
    """`kernel` without each of the clusters, shape (groups,)."""
    rows = max(1, _CHUNK_CELLS // groups)
    parts = []
    for start in range(0, groups, rows):
        left = np.ones((min(rows, groups - start), groups))
        left[np.arange(len(left)), start + np.arange(len(left))] = 0.0
        parts.append(kernel(left))
    return np.concatenate(parts)


def jackknife_estimate(value: float, without: FloatArray, scope: Scope) -> Estimate:
    """`value` with t(G-1) times its leave-one-prompt-out error, on Fisher's scale artanh(r) where it has one.

    Percentiles do badly where a figure is a correlation over the root of a reliability: resamples of few prompts have
    no reliability at all, and the figure's distribution leans. A value beyond 1 keeps its own scale.
    Source: Miller, Biometrika 61, 1974; Fisher, Metron 1, 1921.
    """
    groups = scope.n_clusters
    if not np.isfinite(without).all():
        reason = "Without one of the prompts the figure is not defined, so no interval can be claimed."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    on_scale = bool(abs(value) < 1 and (abs(without) < 1).all())
    centre, values = (math.atanh(value), np.arctanh(without)) if on_scale else (value, without)
    error = math.sqrt((groups - 1) / groups * float(np.sum((values - values.mean()) ** 2)))
    if error <= 1e-12:
        reason = "Without any of the prompts the value is the same, so no interval can be claimed."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    half = t_quantile(scope.level, groups) * error
    low, high = centre - half, centre + half
    if on_scale:
        low, high = math.tanh(low), math.tanh(high)
    fields = scope.fields(f"jackknife of prompts{', on the scale of artanh' if on_scale else ''}, t({groups - 1})")
    return Estimate(value, low, high, **fields).with_warnings(few_prompts_warning(groups))


def too_few(groups: int) -> str:
    return f"Only {groups} prompts have both figures: no interval below {MIN_PROMPTS}."


def pearson_kernel(x: FloatArray, y: FloatArray) -> Kernel:
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


def spearman_kernel(x: FloatArray, y: FloatArray) -> Kernel:
    order = np.argsort(x, kind="stable")
    start = np.flatnonzero(np.diff(x[order], prepend=-np.inf))
    repeats = np.diff(start, append=len(x))
    levels, of_y = np.unique(y[order], return_inverse=True)
    one_hot = csr_array((np.ones(len(y)), (np.arange(len(y)), of_y)), shape=(len(y), len(levels)))

    def kernel(weights: FloatArray) -> FloatArray:
        ordered = weights[:, order]
        by_x, by_y = np.add.reduceat(ordered, start, axis=1), np.asarray(ordered @ one_hot)
        n = weights.sum(axis=1, keepdims=True)
        rx, ry = _centred_ranks(by_x, n), _centred_ranks(by_y, n)
        sxx, syy = np.einsum("bi,bi,bi->b", by_x, rx, rx), np.einsum("bi,bi,bi->b", by_y, ry, ry)
        sxy = np.einsum("bi,bi,bi->b", ordered, np.repeat(rx, repeats, axis=1), ry[:, of_y])
        return _divide(sxy, sxx * syy)

    return kernel


def _centred_ranks(sums: FloatArray, n: FloatArray) -> FloatArray:
    """Weighted mid-ranks of the levels as shares of all, less one half, which is their mean exactly."""
    return np.asarray((np.cumsum(sums, axis=1) - sums / 2) / n - 0.5)


def fits_table(x: FloatArray, y: FloatArray) -> bool:
    """Whether pairs are counted in a cross-table of distinct values, which takes weights that are no integers."""
    return len(np.unique(x)) * len(np.unique(y)) <= _MAX_TABLE


def kendall_kernel(x: FloatArray, y: FloatArray) -> Kernel:
    rows, row = np.unique(x, return_inverse=True)
    columns, column = np.unique(y, return_inverse=True)
    if len(rows) < len(columns):  # tau is the same either way, and a table is quick where it is long and narrow
        rows, row, columns, column = columns, column, rows, row
    if len(rows) * len(columns) > _MAX_TABLE:
        return _kendall_by_sorting(x, y)
    shape = (len(rows), len(columns))
    cell = row * shape[1] + column
    once = len(np.unique(cell)) == len(cell)
    step = max(1, _CHUNK_CELLS // (shape[0] * shape[1]))

    def kernel(weights: FloatArray) -> FloatArray:
        return np.concatenate([_taus(weights[at : at + step]) for at in range(0, len(weights), step)])

    def _taus(weights: FloatArray) -> FloatArray:
        flat = np.zeros((len(weights), shape[0] * shape[1]))
        if once:
            flat[:, cell] = weights
        else:
            for at, place in enumerate(cell.tolist()):
                flat[:, place] += weights[:, at]
        return _tau_of_tables(flat.reshape(-1, *shape))

    return kernel


def _tau_of_tables(table: FloatArray) -> FloatArray:
    """Tau-b of cross-tables (many, rows, columns): (concordant - discordant) / sqrt of the pairs untied on each side,
    NaN where a side has one value only."""
    lead = concordance(table)
    of_rows, of_columns = table.sum(axis=2), table.sum(axis=1)
    n2 = of_rows.sum(axis=1) ** 2
    untied = (n2 - np.sum(of_rows**2, axis=1)) * (n2 - np.sum(of_columns**2, axis=1))
    score = np.einsum("bij,bij->b", table, lead)
    return np.asarray(np.where(untied > 0, 2 * score / np.sqrt(np.where(untied > 0, untied, 1.0)), np.nan))


def concordance(table: FloatArray) -> FloatArray:
    """Of each cell of cross-tables (many, rows, columns): what lies in rows before it and columns before it, minus what
    lies in rows before it and columns after it."""
    above = np.cumsum(table, axis=1)  # rows before, same column
    above -= table
    if table.shape[2] <= _NARROW:
        # Times 1 where its column is before this one, -1 where it is after.
        places = np.arange(table.shape[2])
        return np.asarray(above @ np.sign(places[None, :] - places[:, None]).astype(np.float64))
    before = np.cumsum(above, axis=2)
    return np.asarray(2 * before - above - before[:, :, -1:])


def _kendall_by_sorting(x: FloatArray, y: FloatArray) -> Kernel:
    from scipy.stats import kendalltau  # a slow import that only this path needs

    def kernel(weights: FloatArray) -> FloatArray:
        drawn = (np.repeat(np.arange(len(x)), w.astype(np.int64)) for w in weights)
        return np.asarray([kendalltau(x[rows], y[rows]).statistic for rows in drawn])

    return kernel

"""Means of a few systems under resampled prompts, coefficients between them, and their permutation test."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import permutations
from typing import Literal, NamedTuple

import numpy as np
from scipy.stats import rankdata

from analytics.stats._kernels import RESAMPLES, bootstrap, too_few
from analytics.stats._linearised import within
from analytics.stats.coding import FloatArray, IntArray, weighted_count
from analytics.stats.intervals import MIN_PROMPTS, Scope, few_prompts_warning, t_quantile
from analytics.stats.results import Estimate, TestedEstimate

SystemCoefficient = Literal["kendall_tau_b", "spearman", "pearson", "pairwise_accuracy"]
# Takes systems' means (rows, systems) of both sides; one coefficient a row, NaN where undefined.
OfMeans = Callable[[FloatArray, FloatArray], FloatArray]

MIN_SYSTEMS = 3
# With fewer points even a perfect order is likely by chance, and a rank coefficient takes a handful of values.
SYSTEMS_FOR_INTERVAL = 5
MAX_EXACT = 8
PERMUTATIONS = 9_999
_SMALLEST_P = 0.05
# Shares of the variance between systems' means that is no noise: below the first no interval covers what it should.
NO_SIGNAL = 0.5
CLEAR_SIGNAL = 0.8
# Simulated at low correlations, intervals cover .82 to .9 with 20 prompts and what they should from here on.
ENOUGH_PROMPTS = 40
# Cells of a permutations x systems x systems array held at a time.
_CHUNK_CELLS = 4_000_000


class ManyMeans:
    """Systems' means on several columns over prompts of equal weight, observed and in resamples of the prompts."""

    def __init__(
        self, columns: list[FloatArray], system: IntArray, prompt: IntArray, systems: int, prompts: int
    ) -> None:
        cell = prompt * systems + system
        count = np.bincount(cell, minlength=prompts * systems)
        self.prompts = prompts
        self._drawn: dict[int, list[FloatArray]] = {}
        self.present = (count > 0).astype(np.float64).reshape(prompts, systems)
        self.cells = []
        for column in columns:
            # Standardised, so that rounding below means the same on every scale.
            column = (column - column.mean()) / (column.std() or 1.0) if len(column) else column
            sums = weighted_count(cell, column, prompts * systems)
            self.cells.append((sums / np.maximum(count, 1)).reshape(prompts, systems))
        self.observed = [side[0] for side in self.means(np.ones((1, prompts)))]

    def means(self, weights: FloatArray) -> list[FloatArray]:
        """Of each column, shape (rows of weights, systems); NaN for a system whose prompts were not drawn."""
        n = weights @ self.present
        n = np.where(n > 0, n, np.nan)
        # Rounded: means that are equal on paper may differ in the last digit, and would not be a tie.
        return [np.asarray(np.round(weights @ cells / n, 12)) for cells in self.cells]

    def drawn(self, seed: int) -> list[FloatArray]:
        """The same in resamples of prompts, each of shape (resamples, systems)."""
        if seed not in self._drawn:
            together = bootstrap(lambda w: np.hstack(self.means(w)), self.prompts, seed, self.prompts)
            self._drawn[seed] = np.split(together, len(self.cells), axis=1)
        return self._drawn[seed]


def estimate(
    value: float,
    means: ManyMeans,
    function: Callable[[list[FloatArray]], FloatArray],
    bounds: tuple[float, float],
    scope: Scope,
    seed: int,
) -> Estimate:
    """`value` with t(G-1) times its standard deviation over resampled prompts.

    Percentiles would not do: noise pulls a correlation of few points towards 0, and it does so twice in a resample.
    """
    if scope.n_clusters < MIN_PROMPTS:
        return Estimate.insufficient(value, reason=too_few(scope.n_clusters), **scope.fields())
    systems = len(means.observed[0])
    if systems < SYSTEMS_FOR_INTERVAL:
        reason = f"Only {systems} systems: no interval of a figure between fewer than {SYSTEMS_FOR_INTERVAL}."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    drawn = means.drawn(seed)
    draws = function(drawn)
    if np.isfinite(draws).mean() < 0.9:
        reason = "In more than a tenth of the resamples a system has no prompt or all means are equal."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    spread = float(np.nanstd(draws, ddof=1))
    if spread <= 1e-12:
        reason = "Every resample of prompts gives the same value, so no interval can be claimed."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    signal = min(map(_signal, means.observed, drawn))
    if signal < NO_SIGNAL:
        reason = f"The systems' means differ by little more than noise (share that is no noise: {max(signal, 0):.2f})."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    half = t_quantile(scope.level, scope.n_clusters) * spread
    fields = scope.fields(f"bootstrap of prompts, {RESAMPLES} resamples, t({scope.n_clusters - 1}) standard errors")
    found = within(Estimate(value, value - half, value + half, seed=seed, **fields), *bounds)
    few = few_prompts_warning(scope.n_clusters) or _few_for_means(scope.n_clusters)
    return found.with_warnings(few, _pulled(signal))


def _signal(observed: FloatArray, drawn: FloatArray) -> float:
    """The share of the variance between systems' means that is no noise; below 0 where noise is all there is."""
    systems = len(observed)
    centred = drawn - drawn.mean(axis=1, keepdims=True)
    noise = float(np.nanvar(centred, axis=0, ddof=1).mean()) * systems / (systems - 1)
    return 1 - noise / float(observed.var(ddof=1))


def _few_for_means(prompts: int) -> str:
    if prompts >= ENOUGH_PROMPTS:
        return ""
    return f"Only {prompts} prompts inform the systems' means: the interval is approximate below {ENOUGH_PROMPTS}."


def _pulled(signal: float) -> str:
    if signal >= CLEAR_SIGNAL:
        return ""
    return (
        f"Part of the differences between systems is noise (share that is not: {signal:.2f}), which pulls the "
        "correlation towards 0."
    )


def tau_b(x: FloatArray, y: FloatArray) -> FloatArray:
    dx, dy = _signs(x), _signs(y)
    untied = (abs(dx).sum(axis=(1, 2)) * abs(dy).sum(axis=(1, 2))).astype(np.float64)
    return _over((dx * dy).sum(axis=(1, 2)), np.sqrt(untied))


def spearman(x: FloatArray, y: FloatArray) -> FloatArray:
    return pearson(rankdata(x, axis=1), rankdata(y, axis=1))


def pearson(x: FloatArray, y: FloatArray) -> FloatArray:
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    return _over((x * y).sum(axis=1), np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1)))


def pairwise_accuracy(x: FloatArray, y: FloatArray) -> FloatArray:
    systems = x.shape[1]
    same = (_signs(x) == _signs(y)).sum(axis=(1, 2)) - systems
    return np.asarray(same / (systems * (systems - 1)), dtype=np.float64)


COEFFICIENTS: dict[str, OfMeans] = {
    "kendall_tau_b": tau_b,
    "spearman": spearman,
    "pearson": pearson,
    "pairwise_accuracy": pairwise_accuracy,
}


class Permutation(NamedTuple):
    p_value: float
    null_value: float
    name: str
    warning: str


def permutation_test(function: OfMeans, x: FloatArray, y: FloatArray, seed: int) -> Permutation:
    """Two-sided: the share of permutations of the systems at least as far from the mean of all of them."""
    systems = len(x)
    exact = systems <= MAX_EXACT
    orders = _orders(systems, seed)
    if not exact:
        # Systems are coded in the order of their names, which must not decide the draws.
        x, y = x[np.lexsort((y, x))], y[np.lexsort((y, x))]
    rows = max(1, _CHUNK_CELLS // systems**2)
    parts = (y[orders[start : start + rows]] for start in range(0, len(orders), rows))
    drawn = np.concatenate([function(x[None], part) for part in parts])
    observed, middle = float(function(x[None], y[None])[0]), float(drawn.mean())
    distance = abs(drawn - middle)
    as_far = int((distance >= abs(observed - middle) - 1e-12).sum())
    if not exact:
        name = f"two-sided permutation test over the systems, {PERMUTATIONS} draws, seed {seed}"
        return Permutation((1 + as_far) / (1 + len(drawn)), middle, name, "")
    smallest = float((distance >= distance.max() - 1e-12).mean())
    warning = f"With {systems} systems the smallest p that can be reached is {smallest:.2g}."
    name = f"two-sided exact permutation test over the systems, {math.factorial(systems)} orders"
    return Permutation(as_far / len(drawn), middle, name, warning if smallest > _SMALLEST_P else "")


@lru_cache(maxsize=4)
def _orders(systems: int, seed: int) -> IntArray:
    """All orders of the systems, or as many as are drawn. Not to be changed: they are kept, for every metric and every
    criterion of a report is tested against the same ones."""
    if systems <= MAX_EXACT:
        found = np.asarray(list(permutations(range(systems))))
    else:
        wanted = np.tile(np.arange(systems), (PERMUTATIONS, 1))
        found = np.random.default_rng(seed).permuted(wanted, axis=1)
    found.setflags(write=False)
    return found


def untested(estimate: Estimate) -> TestedEstimate:
    return TestedEstimate(estimate, None, 0.0, "permutation test over the systems")


def _signs(x: FloatArray) -> FloatArray:
    return np.sign(x[:, :, None] - x[:, None, :])


def _over(top: FloatArray, bottom: FloatArray) -> FloatArray:
    defined = bottom > 1e-12
    return np.where(defined, top / np.where(defined, bottom, 1.0), np.nan)

"""Means of a few systems under resampled prompts, coefficients between them, and their permutation test."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import permutations
from typing import Literal, NamedTuple

import numpy as np
from scipy.stats import rankdata

from analytics.stats.coding import FloatArray, IntArray, weighted_count
from analytics.stats.results import Estimate, TestedEstimate

SystemCoefficient = Literal["kendall_tau_b", "spearman", "pearson", "pairwise_accuracy"]
# Takes systems' means (rows, systems) of both sides; one coefficient a row, NaN where undefined.
OfMeans = Callable[[FloatArray, FloatArray], FloatArray]

MIN_SYSTEMS = 3
MAX_EXACT = 8
PERMUTATIONS = 9_999
_SMALLEST_P = 0.05
# Cells of a permutations x systems x systems array held at a time.
_CHUNK_CELLS = 4_000_000


class SystemMeans:
    """Systems' means (standardised) over prompts of equal weight, for many weightings of the prompts."""

    def __init__(self, values: FloatArray, system: IntArray, prompt: IntArray, systems: int, prompts: int) -> None:
        # Standardised, so that rounding below means the same on every scale.
        values = (values - values.mean()) / (values.std() or 1.0) if len(values) else values
        cell = prompt * systems + system
        count = np.bincount(cell, minlength=prompts * systems)
        sums = weighted_count(cell, values, prompts * systems)
        self.present = (count > 0).astype(np.float64).reshape(prompts, systems)
        self.cells = (sums / np.maximum(count, 1)).reshape(prompts, systems)

    def means(self, weights: FloatArray) -> FloatArray:
        """Shape (rows of weights, systems); NaN for a system whose prompts were not drawn."""
        n = weights @ self.present
        # Rounded: means that are equal on paper may differ in the last digit, and would not be a tie.
        return np.asarray(np.round(weights @ self.cells / np.where(n > 0, n, np.nan), 12))


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
    if exact:
        orders = np.asarray(list(permutations(range(systems))))
    else:
        rng = np.random.default_rng(seed)
        # Systems are coded in the order of their names, which must not decide the draws.
        x, y = x[np.lexsort((y, x))], y[np.lexsort((y, x))]
        orders = rng.permuted(np.tile(np.arange(systems), (PERMUTATIONS, 1)), axis=1)
    rows = max(1, _CHUNK_CELLS // systems**2)
    parts = (y[orders[start : start + rows]] for start in range(0, len(orders), rows))
    drawn = np.concatenate([function(np.broadcast_to(x, part.shape), part) for part in parts])
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


def untested(estimate: Estimate) -> TestedEstimate:
    return TestedEstimate(estimate, None, 0.0, "permutation test over the systems")


def _signs(x: FloatArray) -> FloatArray:
    return np.sign(x[:, :, None] - x[:, None, :])


def _over(top: FloatArray, bottom: FloatArray) -> FloatArray:
    defined = bottom > 1e-12
    return np.where(defined, top / np.where(defined, bottom, 1.0), np.nan)

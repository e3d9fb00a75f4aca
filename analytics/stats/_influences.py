"""Correlation coefficients with their derivatives towards each output: the interval of many prompts in one pass.

A resample of five thousand prompts tells what these derivatives tell, five hundred times as slowly; and with so many
prompts the distribution of a coefficient has no lean left that percentiles would have to follow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from analytics.stats._kernels import concordance
from analytics.stats.coding import FloatArray, IntArray, weighted_count
from analytics.stats.intervals import Scope, cluster_variance, t_quantile
from analytics.stats.results import Estimate

# From so many prompts on, derivatives take the place of resamples (simulated: docs/algorithms/coverage-automated.md).
MANY_PROMPTS = 1_000
# Cells of the one cross-table that Kendall's derivative needs.
_MAX_TABLE = 5_000_000


class Derived(NamedTuple):
    """A coefficient, and its derivative towards the weight of each row, shape (rows,)."""

    value: float
    influence: FloatArray


def estimate(found: Derived, cluster: IntArray, scope: Scope) -> Estimate:
    """t(G-1) times the prompt-clustered error, on Fisher's scale artanh(r).

    Source: Deville, Survey Methodology 25, 1999, for the derivatives; Fisher, Metron 1, 1921, for the scale.
    """
    error = math.sqrt(cluster_variance(found.influence, cluster))
    if error <= 1e-12 or abs(found.value) >= 1:
        reason = "All prompts look the same, so no interval can be claimed."
        return Estimate.insufficient(found.value, reason=reason, **scope.fields())
    half = t_quantile(scope.level, scope.n_clusters) * error / (1 - found.value**2)
    centre = math.atanh(found.value)
    fields = scope.fields(f"linearised by prompt on the scale of artanh, t({scope.n_clusters - 1})")
    return Estimate(found.value, math.tanh(centre - half), math.tanh(centre + half), **fields)


def kendall(x: FloatArray, y: FloatArray) -> Derived | None:
    """Tau-b; None where both sides have so many values that their cross-table would not fit.

    With s the pairs in the same order minus those in the other, tau = s / sqrt(u v), u and v the pairs untied on each
    side; of all three the derivative towards a row is twice that row's own pairs.
    """
    rows, row = np.unique(x, return_inverse=True)
    columns, column = np.unique(y, return_inverse=True)
    if len(rows) < len(columns):  # tau is the same either way, and a table is quick where it is long and narrow
        rows, row, columns, column = columns, column, rows, row
    shape = (len(rows), len(columns))
    if shape[0] * shape[1] > _MAX_TABLE:
        return None
    n, cell = len(x), row * shape[1] + column
    table = np.bincount(cell, minlength=shape[0] * shape[1]).astype(np.float64).reshape(shape)
    lead = (concordance(table[None]) + concordance(table[None, ::-1, ::-1])[:, ::-1, ::-1]).ravel()
    of_rows, of_columns = table.sum(axis=1), table.sum(axis=0)
    u, v = n**2 - float(of_rows @ of_rows), n**2 - float(of_columns @ of_columns)
    root = math.sqrt(u * v)
    tau = float(table.ravel() @ lead) / root
    own = (n - of_rows)[row] / u + (n - of_columns)[column] / v
    return Derived(tau, 2 * lead[cell] / root - tau * own)


def spearman(x: FloatArray, y: FloatArray) -> Derived:
    """Rho: Pearson's r of centred mid-ranks, each of which moves with the weight of every other row."""
    code_x, code_y = (np.unique(column, return_inverse=True)[1] for column in (x, y))
    rx, ry = _beyond(code_x, np.ones(len(x))), _beyond(code_y, np.ones(len(y)))
    sxx, syy, sxy = float(rx @ rx), float(ry @ ry), float(rx @ ry)
    # Towards a row: its own product, and what its weight does to the ranks of the others.
    of_xx, of_yy = rx * rx - 2 * _beyond(code_x, rx), ry * ry - 2 * _beyond(code_y, ry)
    of_xy = rx * ry - _beyond(code_x, ry) - _beyond(code_y, rx)
    root = math.sqrt(sxx * syy)
    rho = min(max(sxy / root, -1.0), 1.0)
    return Derived(rho, of_xy / root - rho / 2 * (of_xx / sxx + of_yy / syy))


def pearson(x: FloatArray, y: FloatArray) -> Derived:
    x, y = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    r = min(max(float(np.mean(x * y)), -1.0), 1.0)
    return Derived(r, (x * y - r / 2 * (x * x + y * y)) / len(x))


DERIVATIVES: dict[str, Callable[[FloatArray, FloatArray], Derived | None]] = {
    "Kendall's tau-b": kendall,
    "Spearman's rho": spearman,
    "Pearson's r": pearson,
}


def _beyond(code: IntArray, weight: FloatArray) -> FloatArray:
    """Of each row, half of the weight of the rows with a lower code minus half of that of the rows with a higher."""
    sums = weighted_count(code, weight, int(code.max()) + 1)
    up_to = np.cumsum(sums)
    return np.asarray((up_to - sums / 2 - up_to[-1] / 2)[code])

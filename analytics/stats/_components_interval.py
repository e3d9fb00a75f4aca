"""Generalised confidence intervals for ratios of variance components in any two-way design.

Each component gets the values that a sum of squares with a known distribution allows (Weerahandi, Journal of
the American Statistical Association 88, 1993; for intraclass correlations Cappelleri & Ting, Statistics in
Medicine 22, 2003):

- error: SSE / s2_e is chi-square with N - I - R + 1 degrees of freedom;
- raters: sum z_j^2 / (l_j (s2_e + l_j s2_rater)) over the R - 1 eigenvalues l_j of the system that is left when
  items are eliminated is chi-square with R - 1 (Wald, Annals of Mathematical Statistics 11, 1940): exact;
- items: sum (mean_i - mean)^2 / (s2_item + h_i s2_e) of the adjusted item means is close to chi-square with
  I - 1.

Items of one prompt are not independent. So the degrees of freedom of items and of error are at most those that
the scatter between prompts supports, 2 Q^2 / Var(Q) with Var(Q) = G/(G-1) times the centred squares of the
prompts' parts of Q (Satterthwaite, Biometrics Bulletin 2, 1946).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analytics.stats._additive import AdditiveFit
from analytics.stats._mixed import Components
from analytics.stats.coding import FloatArray, IntArray, weighted_count

DRAWS = 4000


@dataclass(frozen=True, eq=False)
class Pivots:
    """The three sums of squares of a table and its fitted components."""

    fit: AdditiveFit
    components: Components

    def draws(self, seed: int, count: int = DRAWS) -> tuple[FloatArray, FloatArray, FloatArray]:
        """`count` generalised values of the variances of items, raters and error."""
        rng = np.random.default_rng(seed)
        error = self._error(rng, count)
        return self._items(rng, error), self._raters(rng, error), error

    def _error(self, rng: np.random.Generator, count: int) -> FloatArray:
        squares = self.fit.residual**2
        own = weighted_count(self.fit.table.unit, squares, self.fit.table.n_units)
        supported = _supported(own, self.fit.table.size - 1, self.fit.table.cluster)
        freedom = min(float(self.fit.error_freedom), supported)
        return np.asarray(squares.sum() / self.fit.error_freedom * freedom / rng.chisquare(freedom, count))

    def _raters(self, rng: np.random.Generator, error: FloatArray) -> FloatArray:
        values, vectors = np.linalg.eigh(self.fit.normal)
        kept = values > 1e-9 * values.max()
        values, z = values[kept], vectors[:, kept].T @ self.fit.adjusted
        target = rng.chisquare(int(kept.sum()), len(error))
        return solve_variance(z**2 / values**2, 1 / values, error, target)

    def _items(self, rng: np.random.Generator, error: FloatArray) -> FloatArray:
        table = self.fit.table
        total = table.n_units - 1.0
        supported = _supported(self._deviation * self._weight, np.ones(table.n_units), table.cluster)
        freedom = min(total, supported)
        squares = weighted_count(table.size_class, self._deviation, len(table.sizes))
        return solve_variance(squares, self._noise, error, rng.chisquare(freedom, len(error)) * total / freedom)

    @cached_property
    def _noise(self) -> FloatArray:
        """h: the error variance of an adjusted item mean in units of s2_e, averaged over items of one size."""
        inverse, table = self.fit.inverse, self.fit.table
        return np.array([1 / m + np.sum(inverse * joint) / (m * m * n) for m, n, joint in table.joint_by_size])

    @cached_property
    def _weight(self) -> FloatArray:
        """The inverse of the variance of each item's adjusted mean, shape (units,)."""
        variance = self.components.item + self._noise * self.components.error
        return np.asarray((1 / variance)[self.fit.table.size_class])

    @cached_property
    def _deviation(self) -> FloatArray:
        """Squared distance of each item's adjusted mean from their weighted mean, shape (units,)."""
        table = self.fit.table
        adjusted = table.score - self.fit.effect[table.rater]
        mean = np.bincount(table.unit, adjusted, minlength=table.n_units) / table.size
        centre = float(np.sum(self._weight * mean) / self._weight.sum())
        return np.asarray((mean - centre) ** 2)


def _supported(own: FloatArray, share: FloatArray, cluster: IntArray) -> float:
    """Degrees of freedom of a sum of squares: its parts per unit, their expected shares, the units' prompts."""
    total, size = float(own.sum()), int(cluster.max()) + 1
    excess = weighted_count(cluster, own - total / float(share.sum()) * share, size)
    groups = int(np.count_nonzero(np.bincount(cluster)))
    variance = groups / (groups - 1) * float(np.sum(excess**2))
    return 2 * total**2 / variance if variance > 0 else np.inf


def solve_variance(squares: FloatArray, noise: FloatArray, error: FloatArray, target: FloatArray) -> FloatArray:
    """For each draw the variance s >= 0 with sum_j squares_j / (s + noise_j error) = target.

    The left side falls and is convex in s, so Newton's steps from 0 never overshoot; where it is below the
    target at once, s is 0.
    """
    s = np.zeros(len(error))
    for _ in range(60):
        below = s[:, None] + noise * error[:, None]
        parts = squares / below
        excess = parts.sum(axis=1) - target
        slope = (parts / below).sum(axis=1)
        # Without any squares there is nothing to explain: the slope is 0, and so is s.
        step = np.divide(np.maximum(excess, 0.0), slope, out=np.zeros_like(slope), where=slope > 0)
        s = s + step
        if np.all(step <= 1e-10 * np.maximum(s, 1e-300)):
            break
    return s

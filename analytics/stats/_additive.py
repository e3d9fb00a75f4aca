"""The additive model y_ur = mu_u + b_r + e on whatever units each rater judged, with the unit effects eliminated.

Least squares for b then needs one system of raters x raters (Searle, Casella & McCulloch, Variance Components,
1992, ch. 5), however many units there are. Severity (`raters`), means corrected for it (`rater_adjusted`) and
intraclass correlations (`icc`) stand on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analytics.stats._subsets import raters_present
from analytics.stats.coding import CodedRatings, FloatArray, IntArray, weighted_count

# Up to this many cells the units x raters table is dense and its cross-products are matrix products.
_DENSE_CELLS = 20_000_000


@dataclass(frozen=True, eq=False)
class Crossing:
    """Ratings of known raters as numbers: one entry per rating in `unit`, `rater` and `score`, sorted by unit.

    Units and raters are numbered anew, without gaps; `units` and `raters` are their codes in the table, and
    `cluster` is the prompt of each unit. Scores are centred on their mean, `centre`.
    """

    unit: IntArray
    rater: IntArray
    score: FloatArray
    cluster: IntArray
    units: IntArray
    raters: IntArray
    centre: float

    @property
    def n_units(self) -> int:
        return len(self.cluster)

    @property
    def n_raters(self) -> int:
        return len(self.raters)

    @property
    def complete(self) -> bool:
        """Whether every rater judged every unit."""
        return len(self.score) == self.n_units * self.n_raters

    @cached_property
    def size(self) -> FloatArray:
        """m_u, shape (units,)."""
        return np.bincount(self.unit, minlength=self.n_units).astype(np.float64)

    @cached_property
    def sizes(self) -> FloatArray:
        """The numbers of ratings that units have, ascending."""
        return np.flatnonzero(np.bincount(self.size.astype(np.int64))).astype(np.float64)

    @cached_property
    def size_class(self) -> IntArray:
        """The position of each unit's number of ratings in `sizes`, shape (units,)."""
        return np.searchsorted(self.sizes, self.size)

    @cached_property
    def unit_sum(self) -> FloatArray:
        return weighted_count(self.unit, self.score, self.n_units)

    @cached_property
    def unit_mean(self) -> FloatArray:
        return self.unit_sum / self.size

    @cached_property
    def judged(self) -> FloatArray:
        """Ratings of each rater, shape (raters,)."""
        return np.bincount(self.rater, minlength=self.n_raters).astype(np.float64)

    def rater_sum(self, per_rating: FloatArray) -> FloatArray:
        return weighted_count(self.rater, per_rating, self.n_raters)

    @cached_property
    def joint_by_size(self) -> list[tuple[float, int, FloatArray]]:
        """For each number of ratings a unit can have: that number, how many units have it, and how many of
        them each pair of raters both judged, shape (raters, raters)."""
        units = [np.flatnonzero(self.size_class == number) for number in range(len(self.sizes))]
        return [(m, len(found), self._joint(found)) for m, found in zip(self.sizes.tolist(), units, strict=True)]

    def _joint(self, units: IntArray) -> FloatArray:
        chosen = np.zeros(self.n_units, dtype=np.bool_)
        chosen[units] = True
        rows = np.flatnonzero(chosen[self.unit])
        number = np.cumsum(chosen) - 1
        if len(units) * self.n_raters <= _DENSE_CELLS:
            cell = number[self.unit[rows]] * self.n_raters + self.rater[rows]
            table = np.bincount(cell, minlength=len(units) * self.n_raters).reshape(-1, self.n_raters)
            return np.asarray(table.T @ table.astype(np.float64))
        from scipy.sparse import csr_array  # a slow import that only this path needs

        where = (number[self.unit[rows]], self.rater[rows])
        sparse = csr_array((np.ones(len(rows)), where), shape=(len(units), self.n_raters))
        return np.asarray((sparse.T @ sparse).todense())


def crossing(data: CodedRatings, score: FloatArray) -> Crossing:
    """The ratings of known raters, each with the `score` (codes,) of its level."""
    known = data.rater >= 0
    raters = raters_present(data)
    rated = np.bincount(data.unit[known], minlength=data.n_units) > 0
    units, unit = np.flatnonzero(rated), (np.cumsum(rated) - 1)[data.unit[known]]
    values = score[data.code[known]]
    centre = float(values.mean()) if len(values) else 0.0
    rater = np.searchsorted(raters, data.rater[known])
    return Crossing(unit, rater, values - centre, data.cluster_of_unit[units], units, raters, centre)


@dataclass(frozen=True, eq=False)
class AdditiveFit:
    """`effect` (raters,) sums to zero within each `group` (raters,) of raters who are linked by shared units;
    `residual` (ratings,); `normal` (raters, raters) and `adjusted` (raters,) are C and Q of C b = Q."""

    table: Crossing
    normal: FloatArray
    adjusted: FloatArray
    effect: FloatArray
    residual: FloatArray
    group: IntArray

    @property
    def n_groups(self) -> int:
        return int(self.group.max(initial=-1)) + 1

    @property
    def error_freedom(self) -> int:
        """N - I - R + the number of groups."""
        return len(self.table.score) - self.table.n_units - self.table.n_raters + self.n_groups

    @cached_property
    def inverse(self) -> FloatArray:
        """The generalised inverse of C under effects that sum to zero in each group."""
        same = self._same_group()
        return np.asarray(np.linalg.inv(self.normal + same) - same)

    @cached_property
    def unit_effect(self) -> FloatArray:
        """mu_u, on the scale of the scores, shape (units,)."""
        severity = weighted_count(self.table.unit, self.effect[self.table.rater], self.table.n_units)
        return np.asarray(self.table.centre + (self.table.unit_sum - severity) / self.table.size)

    @cached_property
    def unit_variance(self) -> FloatArray:
        """Variance of each mu_u in units of that of e: 1/m_u + n_u' C^- n_u / m_u^2, shape (units,)."""
        table, spread = self.table, np.zeros(self.table.n_units)
        for distance in range(int(table.size.max(initial=0))):  # two ratings of a unit that stand so far apart
            one, other = slice(0, len(table.unit) - distance), slice(distance, None)
            together = self.inverse[table.rater[one], table.rater[other]] * (table.unit[one] == table.unit[other])
            spread += weighted_count(table.unit[one], together, table.n_units) * (2 if distance else 1)
        return np.asarray(1 / table.size + np.maximum(spread, 0.0) / table.size**2)

    def _same_group(self) -> FloatArray:
        """The projection onto constants of each group, which C annihilates."""
        size = np.bincount(self.group)
        return np.asarray((self.group[:, None] == self.group[None, :]) / size[self.group][:, None])


def additive_fit(table: Crossing) -> AdditiveFit:
    normal, adjusted = np.diag(table.judged), table.rater_sum(table.score)
    for m, _, joint in table.joint_by_size:
        normal = normal - joint / m
    adjusted = adjusted - table.rater_sum(table.unit_mean[table.unit])
    group = _groups(normal)
    fit = AdditiveFit(table, normal, adjusted, np.zeros(0), np.zeros(0), group)
    effect = fit.inverse @ adjusted
    without = table.score - effect[table.rater]
    residual = without - (weighted_count(table.unit, without, table.n_units) / table.size)[table.unit]
    return AdditiveFit(table, normal, adjusted, effect, residual, group)


def _groups(normal: FloatArray) -> IntArray:
    """Raters linked by a chain of shared units have one number."""
    from scipy.sparse.csgraph import connected_components  # a slow import

    return connected_components(normal < -1e-12, directed=False)[1].astype(np.int64)

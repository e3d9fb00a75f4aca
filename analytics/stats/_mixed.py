"""Variance components of crossed raters and items by restricted maximum likelihood (REML), any design.

y = mu + item + rater + e, items and raters random. With theta = (s2_item, s2_rater) / s2_e the matrix
I + theta_i Z_i Z_i' + theta_r Z_r Z_r' is inverted in two steps: items have a closed form, what is left is raters x
raters. Items enter only through sums over those with the same number of ratings, so no evaluation grows with
their number. A grid over theta finds the neighbourhood of the optimum whatever the shape of the likelihood;
Newton's steps on its exact derivative end there. Source: Patterson & Thompson, Biometrika 58, 1971; Searle,
Casella & McCulloch, Variance Components, 1992, ch. 6.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from analytics.stats._additive import Crossing
from analytics.stats.coding import FloatArray, weighted_count

# theta = share / (1 - share): the grid runs over the share of the variance, from none to nearly all.
_SHARES = np.concatenate([[0.0], 1 / (1 + np.exp(-np.linspace(-9, 9, 25)))])
_THETAS = _SHARES / (1 - _SHARES)
# A log ratio below this is a variance of zero.
_NONE = -20.0
_LEAST = 1e-300

# Ratios -> -2 log restricted likelihood and its derivative towards each.
_Score = Callable[[FloatArray], tuple[float, FloatArray]]


@dataclass(frozen=True)
class Components:
    """Variances of items, raters and error; `rater` is None where raters were taken as fixed."""

    item: float
    rater: float | None
    error: float

    @property
    def agreement(self) -> float:
        """Absolute agreement of single ratings: s2_item / (s2_item + s2_rater + s2_e)."""
        return self.item / (self.item + (self.rater or 0.0) + self.error)

    @property
    def consistency(self) -> float:
        """s2_item / (s2_item + s2_e)."""
        return self.item / (self.item + self.error)


class _Products(NamedTuple):
    """Products of Z_r, 1 and y with the inverse of I + theta Z_i Z_i', or their derivatives towards theta."""

    raters: FloatArray  # Z_r' . Z_r
    ones: FloatArray  # Z_r' . 1
    y: FloatArray  # Z_r' . y
    one_one: float
    one_y: float
    y_y: float

    def less(self, other: _Products) -> _Products:
        raters, ones, y = self.raters - other.raters, self.ones - other.ones, self.y - other.y
        return _Products(raters, ones, y, self.one_one - other.one_one, self.one_y - other.one_y, self.y_y - other.y_y)


class Reml:
    """The likelihood of one table, from sums over units with the same number of ratings."""

    def __init__(self, table: Crossing) -> None:
        self.n, self.n_raters = len(table.score), table.n_raters
        self.m = table.sizes
        self.count = np.array([float(units) for _, units, _ in table.joint_by_size])
        self.joint = np.stack([joint for _, _, joint in table.joint_by_size])
        self.sum = weighted_count(table.size_class, table.unit_sum, len(self.m))
        self.sum_squares = weighted_count(table.size_class, table.unit_sum**2, len(self.m))
        cells = table.size_class[table.unit] * table.n_raters + table.rater
        sums = weighted_count(cells, table.unit_sum[table.unit], len(self.m) * table.n_raters)
        # Per class and rater: the sums of the units that the rater judged, and how many ratings those have.
        self.cross = sums.reshape(len(self.m), table.n_raters)
        self.met = self.m[:, None] * np.diagonal(self.joint, axis1=1, axis2=2)
        score, judged = table.score, table.judged
        rated = (float(score.sum()), float(np.sum(score * score)))
        self.plain = _Products(np.diag(judged), judged, table.rater_sum(score), float(self.n), *rated)

    def fit(self, *, fixed_raters: bool = False) -> Components:
        """The components that maximise the restricted likelihood; variances are zero or more.

        With `fixed_raters` each rater has a constant of his own instead of a variance.
        """
        if fixed_raters:
            along = [self._with_constants(theta)[0] for theta in _THETAS]
            best = _refined(lambda theta: self._with_constants(theta[0])[:2], _THETAS[[int(np.argmin(along))]])
            error = float(self._with_constants(best[0])[2])
            return Components(float(best[0]) * error, None, error)
        values = np.stack([self._along_raters(theta) for theta in _THETAS])
        start = _THETAS[list(np.unravel_index(int(np.argmin(values)), values.shape))]
        best = _refined(lambda theta: self._with_variance(theta[0], theta[1])[:2], start)
        error = float(self._with_variance(best[0], best[1])[2])
        return Components(float(best[0]) * error, float(best[1]) * error, error)

    def _products(self, theta: float) -> tuple[_Products, _Products, float, float]:
        """Products and their derivatives, log det(I + theta Z_i Z_i') and its derivative."""
        grown = 1 + theta * self.m
        found = self.plain.less(self._taken(theta / grown))
        derivative = self._taken(-1 / grown**2)
        return found, derivative, float(self.count @ np.log(grown)), float(self.count @ (self.m / grown))

    def _taken(self, weight: FloatArray) -> _Products:
        return _Products(
            np.tensordot(weight, self.joint, axes=1),
            weight @ self.met,
            weight @ self.cross,
            float(weight @ (self.m**2 * self.count)),
            float(weight @ (self.m * self.sum)),
            float(weight @ self.sum_squares),
        )

    def _along_raters(self, item: float) -> FloatArray:
        """-2 log restricted likelihood for every theta_rater of the grid."""
        h, _, log_items, _ = self._products(item)
        values, vectors = np.linalg.eigh(h.raters)
        ones, y = vectors.T @ h.ones, vectors.T @ h.y
        growth = _THETAS[:, None] * values
        taken = (_THETAS[:, None] / (1 + growth)) @ np.stack([ones * ones, ones * y, y * y], axis=1)
        weight = h.one_one - taken[:, 0]
        left = np.maximum(h.y_y - taken[:, 2] - (h.one_y - taken[:, 1]) ** 2 / weight, _LEAST)
        logs = log_items + np.log1p(growth).sum(axis=1) + np.log(weight)
        return np.asarray((self.n - 1) * np.log(left) + logs)

    def _with_variance(self, item: float, rater: float) -> tuple[float, FloatArray, float]:
        """-2 log restricted likelihood, its derivatives towards both ratios, and s2_e."""
        h, d, log_items, d_log = self._products(item)
        inverse = np.linalg.inv(np.eye(self.n_raters) + rater * h.raters)  # M^-1; K = theta_r M^-1
        ones, y = inverse @ h.ones, inverse @ h.y
        # Each quantity less what the raters take of it, a'Kb, with d(a'Kb) towards theta_i and theta_r.
        weight, d_weight = _less(rater, d, h.one_one, d.one_one, (h.ones, d.ones, ones), (h.ones, d.ones, ones))
        mean, d_mean = _less(rater, d, h.one_y, d.one_y, (h.ones, d.ones, ones), (h.y, d.y, y))
        square, d_square = _less(rater, d, h.y_y, d.y_y, (h.y, d.y, y), (h.y, d.y, y))
        left = max(square - mean**2 / weight, _LEAST)
        d_left = d_square - 2 * mean / weight * d_mean + (mean / weight) ** 2 * d_weight
        logs = log_items - float(np.linalg.slogdet(inverse)[1]) + math.log(weight)
        d_logs = np.array([d_log + rater * np.sum(inverse * d.raters), np.sum(inverse * h.raters)])
        value = (self.n - 1) * math.log(left) + logs
        return value, (self.n - 1) / left * d_left + d_logs + d_weight / weight, left / (self.n - 1)

    def _with_constants(self, item: float) -> tuple[float, FloatArray, float]:
        """The same with a constant for each rater; one derivative."""
        h, d, log_items, d_log = self._products(item)
        inverse = np.linalg.inv(h.raters)
        effect = inverse @ h.y
        freedom = self.n - self.n_raters
        left = max(h.y_y - float(h.y @ effect), _LEAST)
        d_left = d.y_y - 2 * float(d.y @ effect) + float(effect @ d.raters @ effect)
        value = freedom * math.log(left) + log_items - float(np.linalg.slogdet(inverse)[1])
        slope = freedom / left * d_left + d_log + float(np.sum(inverse * d.raters))
        return value, np.array([slope]), left / freedom


_Side = tuple[FloatArray, FloatArray, FloatArray]  # a vector a, its derivative towards theta_i, and M^-1 a


def _less(
    rater: float, d: _Products, whole: float, d_whole: float, left: _Side, right: _Side
) -> tuple[float, FloatArray]:
    a, d_a, of_a = left
    b, d_b, of_b = right
    by_item = rater * (d_a @ of_b + of_a @ d_b) - rater**2 * (of_a @ d.raters @ of_b)
    value = whole - rater * float(a @ of_b)
    return value, np.array([d_whole - float(by_item), -float(of_a @ of_b)])


def _refined(score: _Score, start: FloatArray) -> FloatArray:
    """Newton's steps in the logs of the ratios from a point of the grid; a ratio that wants below zero is zero."""
    theta = np.array(start, dtype=np.float64)
    at_zero = theta == 0
    # Beside zero the optimum may lie between the first two points of the grid.
    theta[at_zero] = np.where(score(theta)[1][at_zero] < 0, _THETAS[1] / 4, 0.0)
    free = theta > 0
    if not free.any():
        return theta

    def at(x: FloatArray) -> tuple[float, FloatArray]:
        point = theta.copy()
        point[free] = np.exp(x)
        value, slope = score(point)
        return value, slope[free] * np.exp(x)

    x = np.log(theta[free])
    value, slope = at(x)
    for _ in range(60):
        step = _newton_step(at, x, slope)
        while True:
            next_value, next_slope = at(x + step)
            if next_value <= value + 1e-12 * abs(value) or np.abs(step).max() < 1e-12:
                break
            step = step / 4
        x, value, slope = x + step, next_value, next_slope
        if np.abs(step).max() < 1e-11 or x.min() < _NONE:
            break
    theta[free] = np.where(x < _NONE, 0.0, np.exp(x))
    return theta


def _newton_step(at: _Score, x: FloatArray, slope: FloatArray) -> FloatArray:
    """-H^-1 slope with H from differences of the exact slope; curvatures are taken as positive, steps are short."""
    width = 1e-4
    shifts = width * np.eye(len(x))
    curve = np.stack([(at(x + shift)[1] - at(x - shift)[1]) / (2 * width) for shift in shifts])
    values, vectors = np.linalg.eigh((curve + curve.T) / 2)
    values = np.maximum(np.abs(values), 1e-6 * max(1.0, float(np.abs(values).max())))
    step = -vectors @ ((vectors.T @ slope) / values)
    return np.asarray(step / max(1.0, float(np.abs(step).max())))


def reml(table: Crossing, *, fixed_raters: bool = False) -> Components:
    """The components of one table; see `Reml.fit`."""
    return Reml(table).fit(fixed_raters=fixed_raters)

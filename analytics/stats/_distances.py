"""Disagreement between two categories, d(c, k) with d(c, c) = 0, at each level of measurement.

Every agreement coefficient here is a ratio of two mean disagreements, so one small interface serves all:
`pairs` for the observed part, `against` (sum over k of weight_k d(c, k)) for the expected part.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from analytics.stats.coding import CodedRatings, FloatArray, IntArray, Measurement

_CHUNK_CELLS = 2_000_000


class Distance(Protocol):
    def pairs(self, left: IntArray, right: IntArray) -> FloatArray:
        """d for each pair of codes, same shape as `left`."""

    def against(self, weights: FloatArray) -> FloatArray:
        """sum_k weights_k d(c, k) for every code c, shape (codes,)."""


class Nominal:
    """[c != k]."""

    def pairs(self, left: IntArray, right: IntArray) -> FloatArray:
        return np.asarray(left != right, dtype=np.float64)

    def against(self, weights: FloatArray) -> FloatArray:
        return np.asarray(weights.sum() - weights)


class SquaredDifference:
    """(x_c - x_k)^2: interval with the values as x, ordinal with the pooled mid-ranks as x."""

    def __init__(self, position: FloatArray) -> None:
        self.position = position - position.mean() if position.size else position  # avoids cancellation

    def pairs(self, left: IntArray, right: IntArray) -> FloatArray:
        return np.asarray((self.position[left] - self.position[right]) ** 2)

    def against(self, weights: FloatArray) -> FloatArray:
        x, total = self.position, weights.sum()
        first, second = weights @ x, weights @ (x * x)
        return np.asarray(np.maximum(total * x * x - 2 * first * x + second, 0.0))


class Ratio:
    """((c - k) / (c + k))^2, with 0/0 = 0. Quadratic in the number of distinct values."""

    def __init__(self, values: FloatArray) -> None:
        self.values = values

    def _distance(self, a: FloatArray, b: FloatArray) -> FloatArray:
        total = a + b
        return np.asarray((np.divide(a - b, total, out=np.zeros_like(total), where=total != 0)) ** 2)

    def pairs(self, left: IntArray, right: IntArray) -> FloatArray:
        return self._distance(self.values[left], self.values[right])

    def against(self, weights: FloatArray) -> FloatArray:
        rows = max(1, _CHUNK_CELLS // max(1, len(self.values)))
        blocks = [self.values[start : start + rows] for start in range(0, len(self.values), rows)]
        return np.concatenate([self._distance(b[:, None], self.values[None, :]) @ weights for b in blocks])


class Matrix:
    """1 - w for a declared matrix of agreement weights (Gwet)."""

    def __init__(self, weights: FloatArray) -> None:
        self.distance = 1.0 - weights

    def pairs(self, left: IntArray, right: IntArray) -> FloatArray:
        return np.asarray(self.distance[left, right])

    def against(self, weights: FloatArray) -> FloatArray:
        return np.asarray(self.distance @ weights)


def mid_ranks(marginal: FloatArray) -> FloatArray:
    """r_c = sum_{g<c} n_g + n_c / 2, so that (r_c - r_k)^2 is Krippendorff's ordinal d2 (2011, section E)."""
    return np.asarray(np.cumsum(marginal) - marginal / 2)


def alpha_distance(data: CodedRatings, measurement: Measurement, marginal: FloatArray) -> Distance:
    """Krippendorff's d2; at the ordinal level it depends on the pooled marginals, so on every subset anew."""
    if measurement == "nominal":
        return Nominal()
    if measurement == "ordinal":
        return SquaredDifference(mid_ranks(marginal))
    if measurement == "interval":
        return SquaredDifference(data.values())
    return Ratio(data.values())


def agreement_weights(data: CodedRatings, kind: str) -> FloatArray:
    """Gwet's agreement weights over the declared scale, shape (q, q); Handbook of Inter-Rater Reliability,
    ch. 3."""
    rank = np.arange(data.n_codes, dtype=np.float64)
    if kind == "identity":
        return np.eye(data.n_codes)
    if kind == "ordinal":  # 1 - C(|c - k| + 1, 2) / C(q, 2)
        gap = np.abs(rank[:, None] - rank[None, :])
        return np.asarray(1 - gap * (gap + 1) / (data.n_codes * (data.n_codes - 1)))
    position = data.values() if data.is_numeric else rank
    gap = np.abs(position[:, None] - position[None, :]) / (position[-1] - position[0])
    if kind == "linear":
        return np.asarray(1 - gap)
    if kind == "quadratic":
        return np.asarray(1 - gap * gap)
    raise ValueError(f"Unknown weights {kind!r}: use identity, ordinal, linear or quadratic.")

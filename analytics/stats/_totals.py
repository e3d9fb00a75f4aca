"""Sums over units from which every agreement coefficient follows, whole and without one rater.

A unit with counts n_uc contributes n_uc (n_uk - [c = k]) to each pair of categories. Only pairs of
categories that occur together are stored, so a slider with a thousand distinct values costs no more than a
five-point scale. Taking a rater out revisits that rater's units only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from analytics.stats._distances import Distance
from analytics.stats.coding import Cells, CodedRatings, FloatArray, IntArray, weighted_count

# Up to this many codes every pair of codes has its own slot, which needs no sorting.
_DENSE_CODES = 64
# Sums of fractions with ratings-per-unit denominators: anything smaller is rounding left by a subtraction.
_ROUNDING = 1e-11


@dataclass(frozen=True, eq=False)
class Totals:
    """Sums over units.

    `coincidence` and `share` have one entry per type of pair (weights 1/(m-1) and 1/(m(m-1))); `marginal`
    (n_c, pairable units only) and `prevalence` (sum of n_uc/m_u, all units) one per code.
    """

    left: IntArray
    right: IntArray
    coincidence: FloatArray
    share: FloatArray
    marginal: FloatArray
    prevalence: FloatArray
    units: float
    pairable: float


class _Pairs(NamedTuple):
    """Every ordered pair of cells of one pairable unit, sorted by unit."""

    unit: IntArray
    left: IntArray
    right: IntArray
    kind: IntArray
    start: IntArray  # per unit: first row here
    length: IntArray  # per unit: number of rows here


class PairTable:
    """The pairs of cells of a rating table and the totals over them."""

    def __init__(self, data: CodedRatings) -> None:
        self.data = data
        self.cells: Cells = data.cells
        self.size = data.ratings_per_unit.astype(np.float64)
        self.cell_start, self.cell_length = _runs(self.cells.unit, data.n_units)
        self.pairs = self._pair_rows()
        self.left_code, self.right_code, kind = self._kinds()
        self.pairs = self.pairs._replace(kind=kind)
        left, right = self.cells.n[self.pairs.left], self.cells.n[self.pairs.right]
        size = self.size[self.pairs.unit]
        self.product = left * right - np.where(self.pairs.left == self.pairs.right, left, 0.0)
        self.coincidence = self.product / (size - 1)
        self.share = self.coincidence / size
        self.whole = self._whole()

    def _pair_rows(self) -> _Pairs:
        usable = np.flatnonzero(self.data.pairable[self.cells.unit])
        unit = self.cells.unit[usable]
        repeat = self.cell_length[unit]
        left = np.repeat(usable, repeat)
        offset = np.arange(len(left)) - np.repeat(np.cumsum(repeat) - repeat, repeat)
        pair_unit = np.repeat(unit, repeat)
        right = self.cell_start[pair_unit] + offset
        start, length = _runs(pair_unit, self.data.n_units)
        return _Pairs(pair_unit, left, right, left, start, length)

    def _kinds(self) -> tuple[IntArray, IntArray, IntArray]:
        codes = max(self.data.n_codes, 1)
        key = self.cells.code[self.pairs.left] * codes + self.cells.code[self.pairs.right]
        if codes <= _DENSE_CODES:
            kinds = np.arange(codes * codes)
        else:
            kinds, key = np.unique(key, return_inverse=True)
        return kinds // codes, kinds % codes, key

    def _whole(self) -> Totals:
        prevalence = weighted_count(self.cells.code, self.cells.n / self.size[self.cells.unit], self.data.n_codes)
        units, pairable = float((self.size > 0).sum()), float(self.data.pairable.sum())
        return self._totals(self._sum(self.coincidence), self._sum(self.share), prevalence, units, pairable)

    def _sum(self, per_pair: FloatArray) -> FloatArray:
        return weighted_count(self.pairs.kind, per_pair, len(self.left_code))

    def _totals(
        self,
        coincidence: FloatArray,
        share: FloatArray,
        prevalence: FloatArray,
        units: float,
        pairable: float,
    ) -> Totals:
        marginal = weighted_count(self.left_code, coincidence, self.data.n_codes)
        return Totals(self.left_code, self.right_code, coincidence, share, marginal, prevalence, units, pairable)

    def distance_per_unit(self, distance: Distance, per_pair: FloatArray) -> FloatArray:
        """sum over a unit's pairs of `per_pair` times d(c, k), shape (units,)."""
        d = distance.pairs(self.left_code, self.right_code)[self.pairs.kind]
        return weighted_count(self.pairs.unit, per_pair * d, self.data.n_units)

    def code_sum_per_unit(self, per_code: FloatArray) -> FloatArray:
        """sum_c n_uc per_code_c, shape (units,)."""
        weights = self.cells.n * per_code[self.cells.code]
        return weighted_count(self.cells.unit, weights, self.data.n_units)

    def raters_with_pairs(self) -> IntArray:
        """Known raters who share at least one unit with another rater, ascending."""
        shared = self.data.pairable[self.data.unit] & (self.data.rater >= 0)
        return np.unique(self.data.rater[shared])

    def without_each_rater(self) -> Iterator[Totals]:
        """Totals without each of `raters_with_pairs`, in that order; exact, and cheap for any number of
        raters."""
        order = np.argsort(self.data.rater, kind="stable")
        ranked = self.data.rater[order]
        for rater in self.raters_with_pairs():
            low, high = np.searchsorted(ranked, [rater, rater + 1])
            rows = order[low:high]
            yield self._without(self.data.unit[rows], self.data.code[rows])

    def _without(self, unit: IntArray, code: IntArray) -> Totals:
        """Totals after removing one rating from each of the given (distinct) units."""
        rows, owner = _expand(self.pairs.start[unit], self.pairs.length[unit])
        left, right, removed = self.pairs.left[rows], self.pairs.right[rows], code[owner]
        n_left = self.cells.n[left] - (self.cells.code[left] == removed)
        n_right = self.cells.n[right] - (self.cells.code[right] == removed)
        product = n_left * n_right - np.where(left == right, n_left, 0.0)
        size = self.size[unit][owner]
        new = np.divide(product, size - 2, out=np.zeros_like(product), where=size > 2)
        kind, n_kinds, whole = self.pairs.kind[rows], len(self.left_code), self.whole
        coincidence = weighted_count(kind, new - self.coincidence[rows], n_kinds)
        share = weighted_count(kind, new / (size - 1) - self.share[rows], n_kinds)
        removed_units, removed_pairable = (self.size[unit] == 1).sum(), (self.size[unit] == 2).sum()
        return self._totals(
            _clean(whole.coincidence + coincidence),
            _clean(whole.share + share),
            _clean(whole.prevalence + self._prevalence_change(unit, code)),
            whole.units - float(removed_units),
            whole.pairable - float(removed_pairable),
        )

    def _prevalence_change(self, unit: IntArray, code: IntArray) -> FloatArray:
        rows, owner = _expand(self.cell_start[unit], self.cell_length[unit])
        count, size = self.cells.n[rows], self.size[unit][owner]
        left = count - (self.cells.code[rows] == code[owner])
        new = np.divide(left, size - 1, out=np.zeros_like(left), where=size > 1)
        return weighted_count(self.cells.code[rows], new - count / size, self.data.n_codes)


def _runs(sorted_keys: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Start and length of the run of each key 0..size-1 in a sorted array."""
    length = np.bincount(sorted_keys, minlength=size)
    return np.cumsum(length) - length, length


def _expand(start: IntArray, length: IntArray) -> tuple[IntArray, IntArray]:
    """Row numbers of many runs one after another, and the index of the run each comes from."""
    owner = np.repeat(np.arange(len(start)), length)
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(length) - length, length)
    return start[owner] + offset, owner


def _clean(sums: FloatArray) -> FloatArray:
    sums[np.abs(sums) < _ROUNDING] = 0.0
    return sums

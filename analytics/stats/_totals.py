"""Sums over units from which every agreement coefficient follows, whole and without one rater.

A unit with counts n_uc contributes n_uc (n_uk - [c = k]) to each pair of categories. Sums run over distinct
patterns of counts (`_patterns`) and store only pairs of categories that occur together, so neither a million
units of few levels nor a slider with a thousand distinct values is costly. Taking a rater out revisits that
rater's patterns only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from analytics.stats._distances import Distance
from analytics.stats._patterns import distinct_patterns, expand
from analytics.stats.coding import BoolArray, CodedRatings, FloatArray, IntArray, weighted_count

# Up to this many codes every pair of codes has its own slot, which needs no sorting.
_DENSE_CODES = 64
# Up to this many (rater, pattern, code) triples are counted in a table, beyond it by sorting.
_DENSE_TRIPLES = 5_000_000
# Up to this many numbers the totals without each rater are kept for the next coefficient.
_KEPT_CELLS = 10_000_000
# Sums of fractions with ratings-per-unit denominators: anything smaller is rounding left by a subtraction.
_ROUNDING = 1e-11


@dataclass(frozen=True, eq=False)
class Totals:
    """Sums over units.

    `coincidence` and `share` have one entry per type of pair (weights 1/(m-1) and 1/(m(m-1))); `marginal`
    (n_c, pairable units only) and `prevalence` (sum of n_uc/m_u, all units) one per code. `without` is the
    rater who was taken out, -1 if none.
    """

    left: IntArray
    right: IntArray
    coincidence: FloatArray
    share: FloatArray
    marginal: FloatArray
    prevalence: FloatArray
    units: float
    pairable: float
    without: int = -1


class _Pairs(NamedTuple):
    """Every ordered pair of cells of one pairable pattern, sorted by pattern."""

    pattern: IntArray
    left: IntArray
    right: IntArray
    kind: IntArray
    start: IntArray  # per pattern: first row here
    length: IntArray  # per pattern: number of rows here


class PairTable:
    """The pairs of cells of a rating table, by pattern, and the totals over all units.

    Arrays called “per pattern” have one entry per distinct count vector; `per_unit` spreads them.
    """

    def __init__(self, data: CodedRatings) -> None:
        self.data = data
        self.patterns = distinct_patterns(data)
        self.cells, self.size, self.times = self.patterns.cells, self.patterns.size, self.patterns.times
        self.pairable: BoolArray = self.size >= 2
        self.cell_start, self.cell_length = _runs(self.cells.unit, len(self.size))
        self.pairs = self._pair_rows()
        self.left_code, self.right_code, kind = self._kinds()
        self.pairs = self.pairs._replace(kind=kind)
        left, right = self.cells.n[self.pairs.left], self.cells.n[self.pairs.right]
        size = self.size[self.pairs.pattern]
        self.product = left * right - np.where(self.pairs.left == self.pairs.right, left, 0.0)
        self.coincidence = self.product / (size - 1)
        self.share = self.coincidence / size
        self.whole = self.weighted(self.times)

    def _pair_rows(self) -> _Pairs:
        usable = np.flatnonzero(self.pairable[self.cells.unit])
        pattern = self.cells.unit[usable]
        repeat = self.cell_length[pattern]
        left = np.repeat(usable, repeat)
        offset = np.arange(len(left)) - np.repeat(np.cumsum(repeat) - repeat, repeat)
        pair_pattern = np.repeat(pattern, repeat)
        right = self.cell_start[pair_pattern] + offset
        start, length = _runs(pair_pattern, len(self.size))
        return _Pairs(pair_pattern, left, right, left, start, length)

    def _kinds(self) -> tuple[IntArray, IntArray, IntArray]:
        codes = max(self.data.n_codes, 1)
        key = self.cells.code[self.pairs.left] * codes + self.cells.code[self.pairs.right]
        if codes <= _DENSE_CODES:
            kinds = np.arange(codes * codes)
        else:
            kinds, key = np.unique(key, return_inverse=True)
        return kinds // codes, kinds % codes, key

    def weighted(self, times: FloatArray) -> Totals:
        """Totals where each pattern occurs `times` (patterns,) times."""
        by_pair = times[self.pairs.pattern]
        weight = times[self.cells.unit] * self.cells.n / self.size[self.cells.unit]
        prevalence = weighted_count(self.cells.code, weight, self.data.n_codes)
        units, pairable = float(times[self.size > 0].sum()), float(times[self.pairable].sum())
        coincidence, share = self._sum(self.coincidence * by_pair), self._sum(self.share * by_pair)
        return self._totals(coincidence, share, prevalence, units, pairable)

    def _sum(self, per_pair: FloatArray) -> FloatArray:
        return weighted_count(self.pairs.kind, per_pair, len(self.left_code))

    def _totals(
        self,
        coincidence: FloatArray,
        share: FloatArray,
        prevalence: FloatArray,
        units: float,
        pairable: float,
        without: int = -1,
    ) -> Totals:
        marginal = weighted_count(self.left_code, coincidence, self.data.n_codes)
        kinds = (self.left_code, self.right_code)
        return Totals(*kinds, coincidence, share, marginal, prevalence, units, pairable, without)

    def per_unit(self, per_pattern: FloatArray) -> FloatArray:
        """The value of each unit's pattern, shape (units,)."""
        return per_pattern[self.patterns.of_unit]

    def distance_sum(self, distance: Distance, per_pair: FloatArray) -> FloatArray:
        """Per pattern: the sum over its pairs of `per_pair` times d(c, k)."""
        d = distance.pairs(self.left_code, self.right_code)[self.pairs.kind]
        return weighted_count(self.pairs.pattern, per_pair * d, len(self.size))

    def code_sum(self, per_code: FloatArray) -> FloatArray:
        """Per pattern: sum_c n_c per_code_c."""
        weights = self.cells.n * per_code[self.cells.code]
        return weighted_count(self.cells.unit, weights, len(self.size))

    @cached_property
    def raters_with_pairs(self) -> IntArray:
        """Known raters who share at least one unit with another rater, ascending."""
        shared = self.data.pairable[self.data.unit] & (self.data.rater >= 0)
        return np.flatnonzero(np.bincount(self.data.rater[shared]))

    def without_each_rater(self) -> Iterable[Totals]:
        """Totals without each of `raters_with_pairs`, in that order; exact."""
        if len(self.raters_with_pairs) * len(self.left_code) > _KEPT_CELLS:
            return self._leave_out()
        return self._left_out

    @cached_property
    def _left_out(self) -> tuple[Totals, ...]:
        return tuple(self._leave_out())

    def _leave_out(self) -> Iterator[Totals]:
        raters, pattern, code, times = self._ratings_by_rater()
        for rater in self.raters_with_pairs.tolist():
            span = slice(*np.searchsorted(raters, [rater, rater + 1]))
            yield self._without(rater, pattern[span], code[span], times[span])

    def _ratings_by_rater(self) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
        """Rater, pattern, code and how often, for every combination that occurs, sorted by rater."""
        data, patterns, codes = self.data, len(self.size), max(self.data.n_codes, 1)
        known = data.rater >= 0
        key = (data.rater * patterns + self.patterns.of_unit[data.unit]) * codes + data.code
        if len(data.rater_labels) * patterns * codes <= _DENSE_TRIPLES:
            counts = np.bincount(key[known], minlength=1)
            keys = np.flatnonzero(counts)
            times = counts[keys]
        else:
            keys, times = np.unique(key[known], return_counts=True)
        pair, code = np.divmod(keys, codes)
        rater, pattern = np.divmod(pair, patterns)
        return rater, pattern, code, times.astype(np.float64)

    def _without(self, rater: int, pattern: IntArray, code: IntArray, times: FloatArray) -> Totals:
        """Totals after removing a rating of `code` from `times` units of `pattern`, for each row given."""
        rows, owner = expand(self.pairs.start[pattern], self.pairs.length[pattern])
        left, right, removed = self.pairs.left[rows], self.pairs.right[rows], code[owner]
        n_left = self.cells.n[left] - (self.cells.code[left] == removed)
        n_right = self.cells.n[right] - (self.cells.code[right] == removed)
        product = n_left * n_right - np.where(left == right, n_left, 0.0)
        size = self.size[pattern][owner]
        new = np.divide(product, size - 2, out=np.zeros_like(product), where=size > 2)
        kind, n_kinds, whole, by_row = self.pairs.kind[rows], len(self.left_code), self.whole, times[owner]
        coincidence = weighted_count(kind, by_row * (new - self.coincidence[rows]), n_kinds)
        share = weighted_count(kind, by_row * (new / (size - 1) - self.share[rows]), n_kinds)
        single, pair = (times[self.size[pattern] == m].sum() for m in (1, 2))
        return self._totals(
            _clean(whole.coincidence + coincidence, whole.units),
            _clean(whole.share + share, whole.units),
            _clean(whole.prevalence + self._prevalence_change(pattern, code, times), whole.units),
            whole.units - float(single),
            whole.pairable - float(pair),
            rater,
        )

    def _prevalence_change(self, pattern: IntArray, code: IntArray, times: FloatArray) -> FloatArray:
        rows, owner = expand(self.cell_start[pattern], self.cell_length[pattern])
        count, size = self.cells.n[rows], self.size[pattern][owner]
        left = count - (self.cells.code[rows] == code[owner])
        new = np.divide(left, size - 1, out=np.zeros_like(left), where=size > 1)
        return weighted_count(self.cells.code[rows], times[owner] * (new - count / size), self.data.n_codes)


def _runs(sorted_keys: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Start and length of the run of each key 0..size-1 in a sorted array."""
    length = np.bincount(sorted_keys, minlength=size)
    return np.cumsum(length) - length, length


def _clean(sums: FloatArray, units: float) -> FloatArray:
    sums[np.abs(sums) < _ROUNDING * max(1.0, units / 1000)] = 0.0
    return sums

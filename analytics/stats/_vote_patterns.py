"""Distinct sets of votes: outputs that got the same labels from the same raters are computed once.

Three of ten raters on five levels make at most 15,000 different sets of votes, whatever the number of
outputs. Sets are told apart by the sum of two independent 64-bit numbers for each vote; that two different
sets among a million share both has a chance below 1e-26.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from analytics.stats.coding import CodedRatings, FloatArray, IntArray, weighted_count

_SEED = 20_240_229  # any fixed number: it decides nothing but the tags


@dataclass(frozen=True, eq=False)
class Patterns:
    """`votes` (patterns, raters * codes): how often a rater gave a label, repeats counted.

    `of_unit` (units,) is each unit's pattern, `weight` (patterns,) how many units have it. Raters of unknown
    identity share the last rater's columns.
    """

    of_unit: IntArray
    weight: FloatArray
    votes: csr_array
    n_raters: int


def vote_patterns(data: CodedRatings) -> Patterns:
    """The distinct sets of votes of a table with at least one rating."""
    unknown = bool((data.rater < 0).any())
    raters = len(data.rater_labels) + unknown
    rater = np.where(data.rater < 0, raters - 1, data.rater)
    column = rater * data.n_codes + data.code
    start = np.flatnonzero(np.diff(data.unit, prepend=-1))
    of_unit, first = _grouped(column, start, raters * data.n_codes)
    length = data.ratings_per_unit[first]
    indptr = np.concatenate([[0], np.cumsum(length)])
    row = np.repeat(start[first] - indptr[:-1], length) + np.arange(indptr[-1])
    votes = csr_array(
        (np.ones(len(row)), column[row], indptr), shape=(len(first), raters * data.n_codes), dtype=np.float64
    )
    votes.sum_duplicates()
    return Patterns(of_unit, weighted_count(of_unit, np.ones(len(of_unit)), len(first)), votes, raters)


def _grouped(column: IntArray, start: IntArray, columns: int) -> tuple[IntArray, IntArray]:
    """Pattern of each unit, and the first unit of each pattern."""
    tags: NDArray[np.uint64] = np.random.default_rng(_SEED).integers(0, 2**64, (2, columns), dtype=np.uint64)
    once, again = (np.add.reduceat(tag[column], start) for tag in tags)  # wraps around, as intended
    low, _ = pd.factorize(once)
    high, _ = pd.factorize(again)
    of_unit, _ = pd.factorize(low.astype(np.int64) * (int(high.max()) + 1) + high)
    # Codes are given in order of appearance, so the first units of the patterns are in the patterns' order.
    first = np.flatnonzero(~pd.Series(of_unit).duplicated().to_numpy())
    return of_unit.astype(np.int64), first

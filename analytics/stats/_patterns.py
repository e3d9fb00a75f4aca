"""Units with the same counts are one pattern: three ratings on five levels make 35, whatever the number of units.

Every agreement coefficient depends on a unit only through its counts, so sums run over patterns with their
multiplicity. Where all units differ (a slider), each is its own pattern and nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.stats.coding import Cells, CodedRatings, FloatArray, IntArray, weighted_count

# Beyond this a positional key would overflow, and a hash, checked afterwards, takes its place.
_MAX_KEY = 2**62


@dataclass(frozen=True, eq=False)
class Patterns:
    """`of_unit` (units,) is the pattern of each unit, `times` (patterns,) how many units have it, `size` its
    number of ratings, `cells` its counts, where `cells.unit` is the pattern."""

    of_unit: IntArray
    times: FloatArray
    size: FloatArray
    cells: Cells


def distinct_patterns(data: CodedRatings) -> Patterns:
    """The distinct count vectors of a rating table, in the order in which the sorted units first show them."""
    size = data.ratings_per_unit
    start = np.cumsum(size) - size
    of_unit, first = _number(_keys(data, size, start))
    if not _exact(data, size, start, of_unit, first):
        of_unit = first = np.arange(data.n_units)
    rows, owner = expand(start[first], size[first])
    cells = _cells(owner, data.code[rows], max(data.n_codes, 1))
    times = weighted_count(of_unit, np.ones(len(of_unit)), len(first))
    return Patterns(of_unit, times, size[first].astype(np.float64), cells)


def expand(start: IntArray, length: IntArray) -> tuple[IntArray, IntArray]:
    """Row numbers of many runs one after another, and the index of the run each comes from."""
    owner = np.repeat(np.arange(len(start)), length)
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(length) - length, length)
    return start[owner] + offset, owner


def _keys(data: CodedRatings, size: IntArray, start: IntArray) -> IntArray:
    """One number a unit, equal where the counts are equal: sum of base**code, base above every count."""
    base = int(size.max(initial=0)) + 1
    if base ** max(data.n_codes, 1) < _MAX_KEY:
        weight = base ** np.arange(data.n_codes, dtype=np.int64)
    else:
        weight = np.random.default_rng(0).integers(1, _MAX_KEY, data.n_codes)
    keys = np.zeros(data.n_units, dtype=np.int64)
    rated = size > 0  # reduceat gives a value, not a sum, for an empty run
    if rated.any():
        keys[rated] = np.add.reduceat(weight[data.code], start[rated])
    return keys


def _number(keys: IntArray) -> tuple[IntArray, IntArray]:
    """Number the keys in order of appearance; the first position of each."""
    of_unit, _ = pd.factorize(keys)
    first = np.flatnonzero(np.diff(np.maximum.accumulate(of_unit), prepend=-1))
    return of_unit.astype(np.int64), first


def _exact(data: CodedRatings, size: IntArray, start: IntArray, of_unit: IntArray, first: IntArray) -> bool:
    """Whether every unit has exactly the ratings of its pattern's first unit (a hash could collide)."""
    model = first[of_unit]
    if not np.array_equal(size, size[model]):
        return False
    rows, _ = expand(start[model], size)
    return bool(np.array_equal(data.code[rows], data.code))


def _cells(pattern: IntArray, code: IntArray, codes: int) -> Cells:
    key = pattern * codes + code  # sorted already: units are sorted by code
    first = np.flatnonzero(np.diff(key, prepend=-1))
    return Cells(pattern[first], code[first], np.diff(first, append=len(key)).astype(np.float64))

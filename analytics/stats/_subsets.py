"""Parts of a rating table that keep its units, prompts and raters, so that what is computed lines up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analytics.stats.coding import BoolArray, CodedRatings, IntArray


def keep_ratings(data: CodedRatings, kept: BoolArray) -> CodedRatings:
    """The ratings where `kept` (ratings,) holds. Labels stay, so units and raters may be left with none."""
    return replace(data, unit=data.unit[kept], code=data.code[kept], rater=data.rater[kept])


def keep_units(data: CodedRatings, kept: BoolArray) -> CodedRatings:
    """The ratings of the units where `kept` (units,) holds."""
    return keep_ratings(data, kept[data.unit])


def of_pair(data: CodedRatings, first: int, second: int) -> CodedRatings:
    """The ratings of two raters on the units that both judged."""
    judged = np.zeros((2, data.n_units), dtype=np.bool_)
    for row, rater in enumerate((first, second)):
        judged[row, data.unit[data.rater == rater]] = True
    shared: BoolArray = judged[0] & judged[1]
    return keep_ratings(data, shared[data.unit] & np.isin(data.rater, (first, second)))


def raters_present(data: CodedRatings) -> IntArray:
    """Codes of the known raters who rated anything, ascending."""
    known = data.rater[data.rater >= 0]
    return np.flatnonzero(np.bincount(known, minlength=len(data.rater_labels)))

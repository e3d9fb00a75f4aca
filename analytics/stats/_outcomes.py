"""The five answers to "which is better", and the codes that both kinds of preference table share."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analytics.stats.coding import BoolArray, IntArray, LabelColumn, as_column, distinct

Outcome = Literal["win", "tie", "both_good", "both_bad", "loss"]
OUTCOMES: tuple[Outcome, ...] = ("win", "tie", "both_good", "both_bad", "loss")
SCORES = np.array([1.0, 0.5, 0.5, 0.5, 0.0])
WIN, TIE, LOSS = 0, 1, 4
NO_OUTCOME = -1
# Seen from the other side.
TURNED = np.array([LOSS, 1, 2, 3, WIN])


def outcome_codes(outcome: LabelColumn) -> IntArray:
    """Index into OUTCOMES, NO_OUTCOME where missing. Accepts the names, or the scores 1, .5 and 0."""
    table: dict[Any, int] = {1.0: WIN, 0.5: TIE, 0.0: LOSS}
    table.update({name: code for code, name in enumerate(OUTCOMES)})
    words, given = distinct(outcome)  # -1 where missing, which is the last entry of `codes` below
    wrong = [word for word in given.tolist() if word not in table]
    if wrong:
        value = wrong[0].item() if isinstance(wrong[0], np.generic) else wrong[0]
        accepted = f"{', '.join(OUTCOMES)}, or a score of 1, 0.5 or 0"
        raise ValueError(f"Outcome {value!r} is not one of: {accepted}.")
    codes = np.array([*(table[word] for word in given.tolist()), NO_OUTCOME], dtype=np.int64)
    return np.asarray(codes[words])


def order_codes(a_shown_first: ArrayLike | None, size: int) -> IntArray:
    """1: A first, 0: B first, 2: unknown."""
    if a_shown_first is None:
        return np.full(size, 2, dtype=np.int64)
    array = as_column("a_shown_first", a_shown_first)
    if len(array) != size:
        raise ValueError(f"a_shown_first has {len(array)} entries, outcome {size}.")
    if array.dtype == np.bool_:
        return array.astype(np.int64)
    column = pd.Series(array, dtype=object)
    known = column.notna()
    bad = column[known & ~column.isin([True, False])]
    if len(bad):
        raise ValueError(f"a_shown_first must be True, False or missing; found {bad.iloc[0]!r}.")
    return np.asarray(np.where(known, column.eq(True), 2), dtype=np.int64)


def merged_outcome(low: IntArray, high: IntArray) -> tuple[IntArray, BoolArray]:
    """One answer from the least and the greatest outcome code of a pair's two orders, and whether they differ
    in side.

    Kinds of tie differ in name only: "tie" in one order and "both good" in the other is no change of side.
    """
    changed = np.asarray(SCORES[low] != SCORES[high])
    return np.where(low == high, low, TIE), changed

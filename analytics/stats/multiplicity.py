"""p values of many tests at once, adjusted so that each can be compared with the level itself.

Holm for a few comparisons declared before the data (any error at all is bad); Benjamini-Hochberg for exploring (a
share of false findings is accepted); Benjamini-Yekutieli where tests share data in unknown ways, as slices by
overlapping tags do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from analytics.stats.coding import FloatArray

Correction = Literal["holm", "benjamini_hochberg", "benjamini_yekutieli"]
Adjusted = tuple[float | None, ...]


def holm(p_values: Sequence[float | None]) -> Adjusted:
    """Holm's step-down p values: the chance of any false finding stays at the level, whatever the dependence.

    A test that could not be made (None) stays None and is not counted. Raises ValueError for a p outside 0..1 or NaN.
    Source: Holm, Scandinavian Journal of Statistics 6, 1979.
    """
    p, at = _given(p_values)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    return _placed(_back(np.minimum(steps, 1.0), order), at, len(p_values))


def benjamini_hochberg(p_values: Sequence[float | None]) -> Adjusted:
    """Benjamini & Hochberg's step-up p values: the expected share of false findings among those declared.

    For independent or positively dependent tests. None and errors as `holm`.
    Source: Benjamini & Hochberg, Journal of the Royal Statistical Society B 57, 1995.
    """
    p, at = _given(p_values)
    return _placed(_step_up(p[None, :], 1.0)[0] if len(p) else p, at, len(p_values))


def benjamini_yekutieli(p_values: Sequence[float | None]) -> Adjusted:
    """The same under any dependence: Benjamini-Hochberg times 1 + 1/2 + ... + 1/m.

    None and errors as `holm`. Source: Benjamini & Yekutieli, Annals of Statistics 29, 2001, theorem 1.3.
    """
    p, at = _given(p_values)
    return _placed(yekutieli_matrix(p[None, :])[0] if len(p) else p, at, len(p_values))


CORRECTIONS = {
    "holm": holm,
    "benjamini_hochberg": benjamini_hochberg,
    "benjamini_yekutieli": benjamini_yekutieli,
}


def yekutieli_matrix(p: FloatArray) -> FloatArray:
    """Benjamini-Yekutieli within each row of a matrix of p values (families, tests)."""
    return _step_up(p, float(np.sum(1 / np.arange(1, p.shape[1] + 1))))


def _step_up(p: FloatArray, factor: float) -> FloatArray:
    tests = p.shape[1]
    order = np.argsort(p, axis=1, kind="stable")
    ranked = np.take_along_axis(p, order, axis=1) * tests / np.arange(1, tests + 1) * factor
    steps = np.minimum.accumulate(ranked[:, ::-1], axis=1)[:, ::-1]
    found = np.empty_like(p)
    np.put_along_axis(found, order, np.minimum(steps, 1.0), axis=1)
    return found


def _given(p_values: Sequence[float | None]) -> tuple[FloatArray, list[int]]:
    at = [index for index, p in enumerate(p_values) if p is not None]
    given = np.asarray([p_values[index] for index in at], dtype=np.float64)
    wrong = np.flatnonzero(~((given >= 0) & (given <= 1)))
    if wrong.size:
        bad = at[wrong[0]]
        raise ValueError(f"p values lie between 0 and 1 (None: not tested); number {bad + 1} is {p_values[bad]}.")
    return given, at


def _back(ordered: FloatArray, order: np.ndarray) -> FloatArray:
    found = np.empty_like(ordered)
    found[order] = ordered
    return found


def _placed(adjusted: FloatArray, at: list[int], size: int) -> Adjusted:
    found: list[float | None] = [None] * size
    for index, value in zip(at, adjusted.tolist(), strict=True):
        found[index] = value
    return tuple(found)

"""How to spend human ratings where an automated judge helps: how many, on which outputs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from analytics.stats._rows import numbers, same_lengths
from analytics.stats.coding import FloatArray, IntArray

FLOOR_IN_STRATUM = 10
FLOOR_PROBABILITY = 0.1


def neyman_allocation(
    share: ArrayLike, residual_sd: ArrayLike, total: int, *, floor: int = FLOOR_IN_STRATUM
) -> IntArray:
    """Human ratings for each stratum, in proportion to share x sd of human less judge, none below the floor.

    `share`, `residual_sd` (strata,): strata's shares of the outputs, and sd(y - L f) from a pilot. Whole numbers that
    add up to `total`. Raises ValueError: lengths, negative or missing numbers, a total below floor x strata.
    Source: Neyman, Journal of the Royal Statistical Society 97, 1934; Fisch et al., arXiv 2406.04291, section 4.
    """
    w, sd = numbers("share", share), numbers("residual_sd", residual_sd)
    same_lengths(share=w, residual_sd=sd)
    if not len(w) or not ((w >= 0) & (sd >= 0)).all() or w.sum() <= 0:
        raise ValueError("Every stratum needs a share and a standard deviation from 0, and some share above 0.")
    if total < floor * len(w):
        raise ValueError(f"{total} ratings are fewer than the floor of {floor} in each of {len(w)} strata.")
    wanted = w * sd if (w * sd).sum() > 0 else w
    return _whole(floor + (total - floor * len(w)) * wanted / wanted.sum(), total)


def judgments_per_label(
    human_cost: float, judge_cost: float, judge_variance: float, residual_variance: float, tuning: float = 1.0
) -> float:
    """N / n with the smallest variance for a budget n c_h + N c_j: sqrt((c_h / c_j) L^2 var(g) / var(y - L f)).

    Raises ValueError for costs or a residual variance that are not above 0. Source: the minimum of
    L^2 var(g) / N + var(y - L f) / n under the budget (Lagrange); compare Cochran 1977, section 12.3.
    """
    if not (human_cost > 0 and judge_cost > 0 and residual_variance > 0 and judge_variance >= 0):
        raise ValueError("Costs and the residual variance must be above 0, the judge's variance at least 0.")
    return math.sqrt(human_cost / judge_cost * tuning**2 * judge_variance / residual_variance)


def labelling_probabilities(uncertainty: ArrayLike, expected: float, *, floor: float = FLOOR_PROBABILITY) -> FloatArray:
    """The chance to be rated of each output, in proportion to the judge's uncertainty, from the floor to 1.

    They add up to `expected` ratings. Draw by them, store them, and give them to `prediction_powered_mean` as
    inclusion probabilities: without them the sample is of no use for inference. Raises ValueError: a negative or
    missing uncertainty, fewer expected ratings than the floor asks for, or more than there are outputs.
    Source: Zrnic & Candès, Active Statistical Inference, ICML 2024, section 4.
    """
    u = numbers("uncertainty", uncertainty)
    if not len(u) or not (u >= 0).all():
        raise ValueError("Every output needs an uncertainty from 0.")
    if not 0 < floor <= 1 or not floor * len(u) <= expected <= len(u):
        raise ValueError(
            f"{len(u)} outputs can give from {floor * len(u):g} (the floor) to {len(u)} ratings; got {expected}."
        )
    low, high = 0.0, (1.0 if u.max() <= 0 else 1 / u[u > 0].min())
    if u.max() <= 0:
        return np.full(len(u), expected / len(u))
    for _ in range(200):  # the sum of the clipped chances grows with the factor
        middle = (low + high) / 2
        low, high = (middle, high) if np.clip(middle * u, floor, 1).sum() < expected else (low, middle)
    found = np.clip(high * u, floor, 1)
    # Outputs without any uncertainty take what is left when all others are certain to be drawn.
    free = found < 1
    if found.sum() < expected - 1e-9 and free.any():
        found[free] += (expected - found.sum()) / free.sum()
    return np.asarray(found)


def _whole(wanted: FloatArray, total: int) -> IntArray:
    """Largest remainders: whole numbers with the same sum."""
    base = np.floor(wanted + 1e-9).astype(np.int64)
    order = np.argsort(-(wanted - base), kind="stable")
    base[order[: total - int(base.sum())]] += 1
    return base

"""From a statistic's derivatives towards its units to an estimate clustered by prompt."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from analytics.stats.coding import FloatArray, IntArray
from analytics.stats.intervals import Scope, few_prompts_warning, t_quantile
from analytics.stats.proportions import wilson
from analytics.stats.results import Estimate

ONE_PROMPT = "There is one prompt only, so the spread between prompts cannot be estimated."
NO_SPREAD = "All prompts say the same, so no interval can be claimed."


def linearised(value: float, influence: FloatArray, cluster: IntArray, scope: Scope, *, share: bool) -> Estimate:
    """`value` with t(G-1) standard errors from `influence` (units,), summed by `cluster` (units,) codes.

    Variance: G/(G-1) times the centred squares of the sums over the G prompts that occur. A share is kept within
    0..1, and gets the Wilson interval on prompts where there is no spread; anything else without spread has no
    interval. One prompt: a value without an interval.
    """
    sizes = np.bincount(cluster)
    sums = np.bincount(cluster, influence)[sizes > 0]
    groups = len(sums)
    if groups < 2:
        return Estimate.insufficient(value, reason=ONE_PROMPT, **scope.fields())
    error = math.sqrt(groups / (groups - 1) * float(np.sum((sums - sums.mean()) ** 2)))
    if error <= 1e-12:
        return without_spread(value, groups, scope, share=share)
    half = t_quantile(scope.level, groups) * error
    low, high = value - half, value + half
    if share:
        low, high = max(low, 0.0), min(high, 1.0)
    fields: dict[str, Any] = scope.fields(f"cluster-robust by prompt, t({groups - 1})")
    return Estimate(value, low, high, **fields).with_warnings(few_prompts_warning(groups))


def without_spread(value: float, groups: int, scope: Scope, *, share: bool) -> Estimate:
    """An estimate that is the same in every prompt."""
    if not share:
        return Estimate.insufficient(value, reason=NO_SPREAD, **scope.fields())
    value = min(max(value, 0.0), 1.0)
    low, high = wilson(value * groups, groups, scope.level)
    fields = scope.fields("Wilson interval on prompts (no spread between prompts)")
    return Estimate(value, low, high, **fields).with_warnings(few_prompts_warning(groups))

"""Intervals for a proportion of independent trials (here: of prompts)."""

from __future__ import annotations

import math

from scipy.special import betaincinv, ndtri


def wilson(successes: float, trials: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson score interval for successes out of trials; both limits within [0, 1].

    `successes` may be fractional (a sum of prompt means). Raises ValueError unless 0 <= successes <= trials
    and trials > 0. Source: Wilson, JASA 1927; Brown, Cai & DasGupta, Statistical Science 2001, eq. 4.
    """
    _check(successes, trials, level)
    z = float(ndtri((1 + level) / 2))
    share = successes / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    low = 0.0 if successes == 0 else max(0.0, (centre - spread) / scale)
    high = 1.0 if successes == trials else min(1.0, (centre + spread) / scale)
    return low, high


def clopper_pearson(successes: float, trials: float, level: float = 0.95) -> tuple[float, float]:
    """Exact (conservative) binomial interval for successes out of trials.

    Same arguments and errors as `wilson`. Source: Clopper & Pearson, Biometrika 1934.
    """
    _check(successes, trials, level)
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, trials - successes + 1, tail))
    high = 1.0 if successes == trials else float(betaincinv(successes + 1, trials - successes, 1 - tail))
    return low, high


def _check(successes: float, trials: float, level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"The confidence level must lie between 0 and 1; got {level}.")
    if not (trials > 0 and 0 <= successes <= trials):
        raise ValueError(f"Need 0 <= successes <= trials and trials > 0; got {successes} of {trials}.")

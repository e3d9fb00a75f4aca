"""Simulated coverage of the intervals: does 95 % mean 95 % on clustered ordinal ratings?"""

from __future__ import annotations

import numpy as np
import pytest

from analytics.stats import agreement
from analytics.stats._coefficients import Alpha
from analytics.stats._totals import PairTable
from analytics.stats.coding import CodedRatings, code_ratings

pytestmark = pytest.mark.slow

RUNS = 100
SYSTEMS = 5


def ratings(rng: np.random.Generator, prompts: int, severity: np.ndarray, clustered: bool = True) -> CodedRatings:
    """Three of the raters judge each of five outputs of a prompt; outputs share the prompt's difficulty."""
    units = prompts * SYSTEMS
    unit = np.repeat(np.arange(units), 3)
    chosen = np.argsort(rng.random((units, len(severity))), axis=1)[:, :3].ravel()
    # Some prompts are judged with more noise than others: agreement, too, belongs to the prompt.
    noise = rng.choice([0.4, 1.2], prompts)[unit // SYSTEMS]
    quality = rng.normal(0, 0.9, prompts)[unit // SYSTEMS] + rng.normal(0, 0.5, units)[unit]
    value = np.clip(np.round(3 + quality + severity[chosen] + noise * rng.normal(size=len(unit))), 1, 5)
    cluster = unit // SYSTEMS if clustered else unit
    return code_ratings(unit, cluster, chosen, value, [1, 2, 3, 4, 5])


def true_alpha(severity_sd: float) -> float:
    rng = np.random.default_rng(99)
    data = ratings(rng, 8000, rng.normal(0, severity_sd, 200))
    value = Alpha(data, "ordinal").value(PairTable(data).whole)
    assert value is not None
    return value


def covered(population: agreement.Population, severity_sd: float, clustered: bool = True) -> float:
    rng = np.random.default_rng(2)
    truth = true_alpha(severity_sd)
    hits = 0
    for _ in range(RUNS):
        data = ratings(rng, 40, rng.normal(0, severity_sd, 6), clustered)
        estimate = agreement.krippendorff_alpha(data, "ordinal", population=population)
        hits += estimate.low <= truth <= estimate.high
    return hits / RUNS


def test_prompt_clustered_interval_covers_when_raters_do_not_differ():
    assert covered("these_raters", 0.0) >= 0.89  # .95 less three binomial standard errors of 100 runs


def test_ignoring_prompts_covers_less():
    assert covered("these_raters", 0.0, clustered=False) < covered("these_raters", 0.0)


def test_interval_for_raters_like_these_covers_the_population_of_raters():
    assert covered("raters_like_these", 0.5) >= 0.89


def test_items_alone_do_not_cover_the_population_of_raters():
    assert covered("these_raters", 0.5) < 0.89

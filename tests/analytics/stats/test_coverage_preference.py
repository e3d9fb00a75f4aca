"""Simulated coverage of the intervals of consensus and rankings; the whole table is in
docs/algorithms/coverage-preference.md."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analytics.stats import coverage_few_clusters
from tests.analytics.stats import coverage_preference as coverage

pytestmark = pytest.mark.slow

RUNS = 200
# .95 less three binomial standard errors.
ENOUGH = 0.95 - 3 * np.sqrt(0.95 * 0.05 / RUNS)


def by_figure(rows: list[coverage.Row]) -> dict[str, float]:
    return {row.figure: row.covered for row in rows}


@pytest.mark.parametrize(("prompts", "pairs"), [(10, 5), (30, 5), (30, 20), (100, 5)])
def test_intervals_of_rankings_cover(prompts: int, pairs: int):
    found = by_figure(coverage.of_rankings(prompts, RUNS, pairs))
    del found["the same, judgments as independent"]
    if prompts == 10:  # said in their docstrings, and by a warning below 20 prompts
        assert found.pop("win rate over opponents") > 0.85
    assert {figure: share for figure, share in found.items() if share < ENOUGH} == {}


def test_judgments_as_independent_cover_less_where_prompts_have_tastes():
    found = by_figure(coverage.of_rankings(30, RUNS, 20))
    assert found["the same, judgments as independent"] < found["Bradley-Terry strength"] - 0.02


@pytest.mark.parametrize("raters", [3, 10])
def test_clusters_of_prompts_and_raters_cover_raters_like_these_and_prompts_alone_do_not(raters: int):
    found = by_figure(coverage.of_raters(raters, RUNS // 2))
    assert found["Bradley-Terry, by prompt and rater"] > 0.88
    assert found["Bradley-Terry, by prompt"] < 0.8


def test_with_few_prompts_the_jackknife_covers_and_a_bootstrap_t_less():
    rows, lost = coverage_few_clusters.of_prompts(10, 2 * RUNS)
    found = {row.method: row.covered for row in rows}
    assert found["jackknife, t(G-1)"] > ENOUGH
    assert found["bootstrap-t"] < found["jackknife, t(G-1)"] - 0.04
    assert lost > 0.01


def test_consistency_covers():
    assert by_figure(coverage.of_consistency(100, RUNS))["answers alike in both orders"] > ENOUGH


def test_simultaneous_rank_sets_cover_and_percentiles_fall_short_where_systems_are_nearly_equal():
    apart = by_figure(coverage.of_ranks(coverage.STRENGTHS, 100, RUNS))
    assert min(apart.values()) > ENOUGH
    close = by_figure(coverage.of_ranks(coverage.CLOSE, 100, RUNS))
    assert close["ranks, simultaneous sets, all at once"] > ENOUGH
    assert 0.75 < close["rank, percentiles"] < 0.93


@pytest.mark.parametrize("spread", [0.0, 0.7])
def test_adjusted_means_cover_on_average(spread: float):
    [row] = coverage.of_adjusted_means(spread, RUNS)
    assert row.covered > 0.92


@pytest.mark.parametrize("raters", [3, 5, 10])
def test_shares_of_true_labels_cover_with_estimated_error_rates(raters: int):
    [row] = coverage.of_latent_shares(raters, RUNS)
    assert row.covered > ENOUGH

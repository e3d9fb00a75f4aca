"""Simulated coverage of agreement and of raters, in a short form of docs/algorithms/coverage-agreement.md.

Figures that fall short have a warning in `small_samples`: here they are held to what the warning says.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.analytics.stats import coverage_agreement as coverage

pytestmark = pytest.mark.slow

RUNS = 60
# Less three binomial standard errors of so few runs.
ENOUGH = 0.95 - 3 * np.sqrt(0.95 * 0.05 / RUNS)
AS_WARNED = 0.85 - 3 * np.sqrt(0.85 * 0.15 / RUNS)


def short(rows: list[coverage.Row], bound: float = ENOUGH) -> dict[str, float]:
    return {row.figure: row.covered for row in rows if row.covered < bound}


@pytest.mark.parametrize(("prompts", "systems"), [(30, 1), (100, 1), (30, 5)])
def test_these_raters_are_covered(prompts: int, systems: int):
    rows = coverage.of_coefficients(coverage.Design(prompts, systems, 5, 3, 0.0), RUNS, "these_raters")
    by_level = [row for row in rows if row.figure.startswith("specific")]
    assert short([row for row in rows if row not in by_level]) == {}
    assert short(by_level, AS_WARNED if prompts == 30 else ENOUGH) == {}


@pytest.mark.parametrize(("raters", "systems"), [(5, 1), (10, 1), (10, 5)])
def test_raters_like_these_are_covered_where_each_output_has_some_of_them(raters: int, systems: int):
    assert short(coverage.of_coefficients(coverage.Design(60, systems, raters, 3), RUNS)) == {}


@pytest.mark.parametrize("raters", [3, 5])
def test_few_raters_who_rate_everything_cover_as_much_as_the_warning_says(raters: int):
    rows = coverage.of_coefficients(coverage.Design(60, 5, raters, raters), RUNS)
    assert short(rows, AS_WARNED) == {}
    assert short([row for row in rows if row.figure in ("alpha, ordinal", "alpha, interval")]) == {}


def test_items_drawn_again_are_covered():
    assert short(coverage.of_bootstraps(coverage.Design(30, 1, 5, 3, 0.0), RUNS)) == {}


@pytest.mark.parametrize("systems", [1, 5])
def test_a_pair_of_raters_is_covered(systems: int):
    assert short(coverage.of_cohen(40, systems, RUNS)) == {}


@pytest.mark.parametrize(("raters", "systems", "bound"), [(5, 1, ENOUGH), (10, 5, ENOUGH), (5, 5, AS_WARNED)])
def test_intraclass_correlations_are_covered(raters: int, systems: int, bound: float):
    assert short(coverage.of_intraclass(coverage.Design(60, systems, raters, 3), RUNS), bound) == {}


def test_differences_of_two_groups_are_covered():
    assert short(coverage.of_differences(coverage.Design(60, 5, 8, 3), RUNS, "raters_like_these")) == {}


def test_figures_of_single_raters_are_covered():
    assert short(coverage.of_severity(60, 5, 5, RUNS)) == {}
    assert short(coverage.of_each_rater(coverage.Design(60, 5, 6, 3), RUNS)) == {}
    assert short(coverage.of_gold(10, 0.8, RUNS)) == {}


@pytest.mark.parametrize(("prompts", "raters"), [(20, 3), (60, 6)])
def test_concordance_of_rankings_is_covered(prompts: int, raters: int):
    assert short(coverage.of_rankings(prompts, raters, RUNS)) == {}


def test_agreement_on_marked_passages_is_covered():
    assert short(coverage.of_marks(40, 3, RUNS)) == {}

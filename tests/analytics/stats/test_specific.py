"""Specific agreement: every level by itself, with what is known about it."""

from __future__ import annotations

import pytest

from analytics.stats import specific
from analytics.stats.coding import code_ratings
from tests.analytics.stats.builders import PARADOX_SKEWED, from_cross_table, random_table


def test_under_skew_the_rare_level_shows_what_the_overall_figure_hides():
    found = specific.specific_agreement(from_cross_table(PARADOX_SKEWED))
    frequent, rare = found.agreement
    assert frequent.value > 0.9
    assert rare.value == pytest.approx(0.4)
    assert rare.high - rare.low > 3 * (frequent.high - frequent.low)
    assert found.counts == (175, 25)
    assert (frequent.n_units, rare.n_units) == (95, 20)


def test_a_level_is_known_only_as_well_as_the_prompts_that_have_it():
    unit = [u for u in range(30) for _ in "ab"]
    value = [3 if u < 4 else 1 for u in range(30) for _ in "ab"]
    data = code_ratings(unit, None, ["a", "b"] * 30, value, [1, 2, 3])
    common, never, rare = specific.specific_agreement(data).agreement
    assert (never.status, common.status, rare.status) == ("not_estimable", "ok", "insufficient")
    assert "has this level" in never.reason
    assert (common.value, common.high) == (1.0, 1.0)
    assert common.low < 0.9
    assert "Only 4 prompts" in rare.reason


def test_limits_stay_between_zero_and_one_and_the_method_says_how():
    for estimate in specific.specific_agreement(random_table(3, prompts=40).coded()).agreement:
        assert 0 <= estimate.low < estimate.value < estimate.high <= 1
        assert "effective sample size" in estimate.method


def test_single_ratings_say_nothing():
    table = random_table(2, prompts=20)
    data = table.coded()
    unit, cluster = [*table.unit, 900, 901], [*table.cluster, 900, 901]
    more = code_ratings(unit, cluster, [*table.rater, "r0", "r1"], [*table.value, 5, 5], table.domain)
    before, after = (specific.specific_agreement(d) for d in (data, more))
    assert [e.value for e in before.agreement] == pytest.approx([e.value for e in after.agreement])
    assert before.counts == after.counts

"""Scores per system: prompts weigh the same, order-only scales have no mean, no interval of width zero."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.stats import scores
from analytics.stats.coding import code_ratings


def one_per_prompt(values: list, domain: list | None = None):
    return code_ratings(range(len(values)), None, ["r"] * len(values), values, domain)


def test_every_prompt_weighs_the_same_however_many_ratings_it_has():
    unit = ["p1a"] * 4 + ["p1b", "p2a"]
    cluster = ["p1"] * 5 + ["p2"]
    data = code_ratings(unit, cluster, list("wxyzww"), [1, 1, 1, 1, 3, 5])
    estimate = scores.mean_score(data, "interval")
    assert estimate.value == pytest.approx(((1 + 3) / 2 + 5) / 2)
    assert (estimate.n_units, estimate.n_clusters, estimate.n_raters, estimate.n_judgments) == (3, 2, 4, 6)


@pytest.mark.parametrize(("level", "words"), [("ordinal", "order only"), ("nominal", "categories only")])
def test_a_mean_of_codes_without_distances_is_not_estimable(level: str, words: str):
    data = one_per_prompt([1, 2, 3])
    for estimate in (scores.mean_score(data, level), scores.difference(data, data, level)):
        assert (estimate.status, estimate.value) == ("not_estimable", None)
        assert words in estimate.reason


def test_no_data_one_prompt_and_no_spread():
    assert scores.mean_score(one_per_prompt([]), "interval").status == "not_estimable"
    assert scores.median_score(one_per_prompt([]), "ordinal").status == "not_estimable"
    one = scores.mean_score(one_per_prompt([4]), "interval")
    assert (one.status, one.value) == ("insufficient", 4.0)
    assert scores.median_score(one_per_prompt([4]), "ordinal").status == "insufficient"
    flat = scores.mean_score(one_per_prompt([4] * 12), "interval")
    assert (flat.status, flat.value) == ("insufficient", 4.0)
    assert "same mean" in flat.reason


def test_shares_of_unused_and_of_always_used_levels_have_a_width():
    shares = scores.level_shares(one_per_prompt([2] * 12, [1, 2, 3])).shares
    assert [share.value for share in shares] == [0.0, 1.0, 0.0]
    assert shares[0].low == 0.0
    assert shares[0].high > 0.2
    assert shares[1].low < 0.8
    assert all("Wilson" in share.method for share in shares)


def test_shares_add_up_and_count_ratings():
    data = code_ratings([1, 1, 2, 3], None, list("abaa"), [1, 2, 2, 3], [1, 2, 3, 4])
    distribution = scores.level_shares(data)
    assert sum(share.value for share in distribution.shares) == pytest.approx(1)
    assert distribution.counts == (1, 2, 1, 0)
    assert distribution.levels == (1.0, 2.0, 3.0, 4.0)


def test_labels_have_shares_but_no_median():
    data = one_per_prompt(["bad", "good"] * 6, ["bad", "good"])
    assert scores.level_shares(data).levels == ("bad", "good")
    assert "without numbers" in scores.median_score(data, "ordinal").reason
    assert "no order" in scores.median_score(data, "nominal").reason


def test_an_even_split_takes_the_lower_level_if_ordinal_and_the_middle_if_interval():
    data = one_per_prompt([1, 1, 4, 4], [1, 2, 3, 4])
    assert scores.median_score(data, "ordinal").value == 1.0
    assert scores.median_score(data, "interval").value == 2.5


def test_the_median_of_equal_prompts_has_limits_on_the_scale():
    estimate = scores.median_score(one_per_prompt([3] * 15, [1, 2, 3, 4, 5]), "ordinal")
    assert (estimate.value, estimate.low, estimate.high) == (3.0, 3.0, 3.0)
    mixed = scores.median_score(one_per_prompt([2, 3, 3, 4] * 4, [1, 2, 3, 4, 5]), "ordinal")
    assert (mixed.low, mixed.value, mixed.high) == (2.0, 3.0, 4.0)


def test_difference_is_paired_by_prompt_and_says_what_it_leaves_out():
    a = code_ratings(["a1", "a2", "a3"], ["p1", "p2", "p3"], ["r"] * 3, [5, 3, 1])
    b = code_ratings(["b2", "b1", "b4"], ["p2", "p1", "p4"], ["r"] * 3, [1, 4, 9])
    estimate = scores.difference(a, b, "interval")
    assert estimate.value == pytest.approx(1.5)
    assert (estimate.n_clusters, estimate.n_units, estimate.n_judgments) == (2, 4, 4)
    assert any("2 prompts" in text for text in estimate.warnings)
    back = scores.difference(b, a, "interval")
    assert (back.value, back.low) == (pytest.approx(-1.5), pytest.approx(-estimate.high))


def test_pairing_removes_the_difficulty_of_prompts():
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 3, 30)
    a = one_per_prompt((hard + 1 + rng.normal(0, 0.1, 30)).tolist())
    b = one_per_prompt((hard + rng.normal(0, 0.1, 30)).tolist())
    estimate = scores.difference(a, b, "interval")
    assert 0.9 < estimate.low < estimate.value < estimate.high < 1.1


def test_no_shared_prompt_is_not_estimable():
    a = code_ratings(["a"], ["p1"], ["r"], [1], [1, 2])
    b = code_ratings(["b"], ["p2"], ["r"], [1], [1, 2])
    for estimate in (scores.difference(a, b, "interval"), scores.superiority(a, b, "ordinal")):
        assert (estimate.status, estimate.n_clusters) == ("not_estimable", 0)


def test_superiority_of_a_system_that_always_wins_has_a_width():
    better, worse = one_per_prompt([3] * 12, [1, 2, 3]), one_per_prompt([1] * 12, [1, 2, 3])
    estimate = scores.superiority(better, worse, "ordinal")
    assert (estimate.value, estimate.high) == (1.0, 1.0)
    assert estimate.low < 0.8
    assert "no order" in scores.superiority(better, worse, "nominal").reason
    with pytest.raises(ValueError, match="different levels"):
        scores.superiority(better, one_per_prompt([1], [1, 2]), "ordinal")


def test_intervals_are_by_prompt_not_by_rating():
    """Ten ratings that repeat each prompt's score add nothing."""
    values = [1, 2, 3, 4, 5, 5, 4, 3, 2, 1]
    once = scores.mean_score(one_per_prompt(values), "interval")
    unit = [u for u in range(10) for _ in range(10)]
    many = code_ratings(unit, None, list(range(10)) * 10, [values[u] for u in unit])
    repeated = scores.mean_score(many, "interval")
    assert (repeated.low, repeated.high) == (pytest.approx(once.low), pytest.approx(once.high))

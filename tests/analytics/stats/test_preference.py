"""Preferences: prompts weigh the same, both orders are one judgment, certain results still have a width."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.stats import preference
from analytics.stats.preference import code_preferences


def simple(outcomes: list, prompts: list | None = None, first: list | None = None):
    rows = list(range(len(outcomes)))
    return code_preferences(prompts or rows, rows, [f"r{i}" for i in rows], outcomes, first)


@pytest.mark.parametrize(("outcome", "value"), [("win", 1.0), ("loss", 0.0)])
def test_a_certain_result_is_never_printed_without_width(outcome: str, value: float):
    estimate = preference.win_rate(simple([outcome] * 12))
    assert estimate.value == value
    assert estimate.high - estimate.low == pytest.approx(1.959964**2 / (12 + 1.959964**2))
    assert "Wilson" in estimate.method


def test_scores_and_words_say_the_same():
    words = simple(["win", "tie", "loss", "win"] * 4)
    numbers = simple([1, 0.5, 0, 1] * 4)
    assert preference.win_rate(words) == preference.win_rate(numbers)


def test_both_good_and_both_bad_are_ties_for_the_win_rate_and_counted_apart():
    data = simple(["both_good", "both_bad", "tie", "win"] * 3)
    assert preference.win_rate(data).value == pytest.approx((0.5 * 3 + 1) / 4)
    shares = preference.outcome_shares(data)
    assert shares.levels == ("win", "tie", "both_good", "both_bad", "loss")
    assert shares.counts == (3, 3, 3, 3, 0)


def test_a_prompt_with_many_judgments_does_not_outvote_the_others():
    data = simple(["loss"] * 8 + ["win", "win"], ["p1"] * 8 + ["p2", "p3"])
    assert preference.win_rate(data).value == pytest.approx(2 / 3)


def test_no_judgments_ties_only_and_one_prompt():
    assert preference.win_rate(simple([])).status == "not_estimable"
    ties = preference.win_rate_without_ties(simple(["tie", "both_bad"]))
    assert (ties.status, ties.reason) == ("not_estimable", "Every judgment is a tie.")
    one = preference.win_rate(simple(["win", "loss"], ["p", "p"]))
    assert (one.status, one.value) == ("insufficient", 0.5)
    bias = preference.position_bias(simple(["win", "loss"]))
    assert (bias.estimate.status, bias.p_value) == ("not_estimable", None)


def test_both_orders_by_one_rater_are_one_judgment():
    data = code_preferences(
        ["p1", "p1", "p2", "p2", "p3", "p3"],
        ["u1", "u1", "u2", "u2", "u3", "u3"],
        ["ann"] * 6,
        ["win", "win", "win", "loss", "tie", "both_good"],
        [True, False] * 3,
    )
    assert data.score.tolist() == [1.0, 0.5, 0.5]
    assert data.n_inconsistent == 1
    rate = preference.win_rate(data)
    assert rate.n_judgments == 3
    assert any("1 pairs were answered differently" in text for text in rate.warnings)
    assert preference.position_bias(data).estimate.n_judgments == 4


def test_two_raters_in_two_orders_are_two_judgments():
    data = code_preferences(["p", "p"], ["u", "u"], ["ann", "bob"], ["win", "loss"], [True, False])
    assert (len(data.outcome), data.n_inconsistent) == (2, 0)
    unknown = code_preferences(["p", "p"], ["u", "u"], [None, None], ["win", "loss"], [True, False])
    assert (len(unknown.outcome), unknown.n_inconsistent) == (2, 0)


def test_a_repeat_in_the_same_order_keeps_the_later_answer():
    data = code_preferences(["p", "p"], ["u", "u"], ["ann", "ann"], ["win", "loss"], [True, True])
    assert data.score.tolist() == [0.0]


def test_position_bias_counts_the_side_not_the_system():
    outcomes = ["win", "loss"] * 10
    always_first = preference.position_bias(simple(outcomes, first=[True, False] * 10))
    assert always_first.estimate.value == 1.0
    assert always_first.p_value == pytest.approx(2 * 0.5**20)
    never_first = preference.position_bias(simple(outcomes, first=[False, True] * 10))
    assert never_first.estimate.value == 0.0


def test_judgments_of_unknown_order_are_left_out_of_position_bias_only():
    data = simple(["win"] * 3 + ["loss"], first=[True, None, float("nan"), True])
    assert preference.position_bias(data).estimate.n_judgments == 2
    assert preference.win_rate(data).n_judgments == 4


def test_position_bias_interval_is_clustered_by_prompt():
    first = [True] * 200
    outcomes = (["win"] * 10 + ["loss"] * 10) * 10
    independent = preference.position_bias(simple(outcomes, first=first)).estimate
    by_prompt = preference.position_bias(simple(outcomes, [i // 10 for i in range(200)], first)).estimate
    assert by_prompt.value == independent.value == 0.5
    assert by_prompt.high - by_prompt.low > 2.5 * (independent.high - independent.low)


def test_missing_outcomes_are_dropped():
    data = simple(["win", None, float("nan"), "loss"])
    assert (len(data.outcome), data.n_missing) == (2, 2)


@pytest.mark.parametrize("outcome", ["a", "WIN", 2, -1, 0.25])
def test_other_outcomes_are_refused_with_the_accepted_ones(outcome: object):
    with pytest.raises(ValueError, match="is not one of: win, tie, both_good, both_bad, loss, or a score"):
        simple([outcome])


def test_bad_columns_are_refused():
    with pytest.raises(ValueError, match="must be True, False or missing"):
        simple(["win"], first=["left"])
    with pytest.raises(ValueError, match="a_shown_first has 1 entries"):
        simple(["win", "loss"], first=[True])
    with pytest.raises(ValueError, match="Pair 'u' appears in more than one cluster"):
        code_preferences(["p", "q"], ["u", "u"], ["a", "b"], ["win", "win"])
    with pytest.raises(ValueError, match="has no unit"):
        code_preferences(["p"], [None], ["a"], ["win"])


def test_prompt_preferences_align_with_their_labels():
    labels, means = preference.prompt_preferences(simple(["win", "loss", "tie"], ["q", "p", "p"]))
    assert dict(zip(labels, means, strict=True)) == {"p": 0.25, "q": 1.0}


@pytest.mark.parametrize("trials", [1, 7, 20])
def test_the_exact_test_sums_the_binomial(trials: int):
    from scipy.stats import binomtest

    for successes in range(trials + 1):
        expected = binomtest(successes, trials).pvalue
        assert preference.binomial_half(successes, trials) == pytest.approx(expected)


def test_a_planted_preference_is_found():
    rng = np.random.default_rng(1)
    outcomes = np.where(rng.random(400) < 0.7, "win", "loss").tolist()
    estimate = preference.win_rate(simple(outcomes))
    assert 0.6 < estimate.low < 0.7 < estimate.high < 0.8

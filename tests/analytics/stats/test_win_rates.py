"""Three win rates that are three numbers, and what the order of showing does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analytics.stats.battles import code_battles
from analytics.stats.position import first_choice, judge_positions, order_consistency, order_test
from analytics.stats.win_rates import win_rate_over_opponents, win_rate_over_prompts, win_rate_pooled
from tests.analytics.stats.battle_tables import from_counts, independent, simulated
from tests.analytics.stats.references_preference import JUDGED, both_orders, three_on_two_prompts

RATES = (win_rate_over_prompts, win_rate_pooled, win_rate_over_opponents)


def test_the_three_win_rates_differ_and_name_themselves():
    found = [rate(three_on_two_prompts()).of("amber") for rate in RATES]
    assert [x.value for x in found] == pytest.approx([5 / 12, 5 / 8, 7 / 12])
    assert [x.method.split(",")[0] for x in found] == [
        "win rate over prompts",
        "win rate pooled over judgments",
        "mean over 2 opponents of the win rate against each; cluster-robust by prompt",
    ]
    assert all("1 of 3 pairs of systems never met" in " ".join(x.warnings) for x in found)


@pytest.mark.parametrize("rate", RATES)
def test_all_wins_are_never_without_width(rate):
    found = rate(from_counts([("a", "b", 12, 0, 0)]))
    assert (found.of("a").value, found.of("b").value) == (1.0, 0.0)
    assert found.of("a").low == pytest.approx(12 / (12 + 1.959964**2))
    assert "Wilson" in found.of("a").method


@pytest.mark.parametrize("rate", RATES)
def test_no_judgments_and_one_prompt(rate):
    assert rate(code_battles([], [], [], [], [])).items == ()
    one = rate(code_battles(["p"] * 2, ["x", "y"], ["a"] * 2, ["b"] * 2, [1, 0])).of("a")
    assert (one.status, one.value) == ("insufficient", 0.5)
    with pytest.raises(ValueError, match="no system 'z'; there are a, b"):
        rate(from_counts([("a", "b", 1, 0, 1)])).of("z")


@pytest.mark.parametrize("rate", RATES)
def test_judgments_of_one_prompt_are_not_independent(rate):
    scores = ([1] * 10 + [0] * 10) * 10
    prompts = [i // 10 for i in range(200)]
    columns = (["x"] * 200, ["a"] * 200, ["b"] * 200, scores)
    together = rate(code_battles(prompts, *columns, unit=range(200))).of("a")
    apart = rate(code_battles(range(200), *columns)).of("a")
    assert together.value == apart.value == 0.5
    assert together.high - together.low > 2.5 * (apart.high - apart.low)


def test_the_interval_over_opponents_is_the_jackknife_of_prompts():
    data = simulated(np.random.default_rng(1), np.array([0.5, 0, -0.5]), 30, 4, prompt_sd=1.0)
    found = win_rate_over_opponents(data).of("0")
    judged = np.unique(data.cluster[(data.a == 0) | (data.b == 0)])
    rest = np.array([win_rate_over_opponents(data.rows(data.cluster != g)).items[0].value for g in judged])
    groups = len(judged)
    moved = rest - found.value
    jackknife = np.sqrt((groups - 1) / groups * np.sum((moved - moved.mean()) ** 2))
    quantile = stats.t.ppf(0.975, groups - 1)
    assert (found.high - found.low) / 2 / quantile * (groups - 1) / groups == pytest.approx(jackknife, rel=1e-9)


def test_an_opponent_met_in_one_prompt_is_warned_about():
    rows = [(prompt, "b", won) for prompt, won in zip(range(6), [1, 0, 1, 1, 0, 1], strict=True)] + [(0, "c", 1)]
    prompt, other, won = zip(*rows, strict=True)
    found = win_rate_over_opponents(code_battles(prompt, ["x"] * 7, ["a"] * 7, other, won))
    assert any("1 opponents were met in one prompt only" in text for text in found.of("a").warnings)
    assert found.of("a").value == pytest.approx((4 / 6 + 1) / 2)


# --- The order of showing --------------------------------------------------------------------------------


def test_first_choice_is_exact_where_prompts_have_one_answer_and_clustered_elsewhere():
    exact = first_choice(from_counts([("a", "b", 130, 0, 80)], first=True))
    assert "exact binomial" in exact.test
    prompts, outcome = np.repeat(np.arange(21), 10), [1] * 130 + [0] * 80
    columns = (["x"] * 210, ["a"] * 210, ["b"] * 210, outcome, [True] * 210)
    clustered = first_choice(code_battles(prompts, *columns, unit=range(210)))
    assert "cluster-robust by prompt, t(20)" in clustered.test
    assert clustered.estimate.value == exact.estimate.value
    assert clustered.p_value > 0.1 > exact.p_value


def test_first_choice_by_rater_is_wider_where_raters_have_habits():
    raters = np.repeat(np.arange(10), 40)
    outcome = np.where(np.arange(400) % 40 < np.repeat(np.linspace(5, 35, 10), 40), 1, 0)
    data = code_battles(range(400), raters, ["a"] * 400, ["b"] * 400, outcome, [True] * 400)
    by_prompt, by_rater = first_choice(data), first_choice(data, by_rater=True)
    assert by_rater.estimate.high - by_rater.estimate.low > 3 * (by_prompt.estimate.high - by_prompt.estimate.low)
    assert "by prompt and rater, t(9)" in by_rater.estimate.method
    assert by_rater.p_value > 0.5


def test_first_choice_reads_the_side_and_leaves_out_ties_and_unknown_orders():
    data = independent(
        [("a", "b", "win"), ("b", "a", "loss"), ("a", "b", "tie"), ("a", "b", "win"), ("a", "b", "loss")],
        [True, True, True, None, False],
    )
    found = first_choice(data)
    # a first and a won; b first and b lost; b first and b won.
    assert found.estimate.value == pytest.approx(2 / 3)
    assert found.estimate.n_judgments == 3


def test_unanimous_answers_still_have_a_test():
    same = code_battles([0, 0, 1, 1] * 5, ["x"] * 20, ["a"] * 20, ["b"] * 20, [1] * 20, [True] * 20, unit=range(20))
    found = first_choice(same)
    assert found.estimate.high == 1.0
    assert found.estimate.low < 1.0
    assert found.p_value > 0


def test_the_order_within_pairs():
    data = both_orders(JUDGED)
    assert order_consistency(data).value == pytest.approx(0.6)
    tested = order_test(data)
    assert (tested.estimate.value, tested.estimate.n_judgments) == (pytest.approx(15 / 40), 40)
    assert data.n_inconsistent == 40


def test_a_win_and_a_tie_are_inconsistent_but_take_no_side():
    data = both_orders({("win", "tie"): 3, ("tie", "both_bad"): 2})
    assert order_consistency(data).value == pytest.approx(0.4)
    assert order_test(data).estimate.reason == "No pair changed sides when the order changed."


def test_pairs_of_one_prompt_are_warned_about_by_the_exact_test():
    prompts = np.repeat([0, 0, 0, 1], 2)
    data = code_battles(
        prompts, np.repeat(list("wxyz"), 2), ["a"] * 8, ["b"] * 8, ["win", "loss"] * 4, [True, False] * 4
    )
    assert any("share a prompt" in text for text in order_test(data).estimate.warnings)


def test_nothing_in_both_orders_has_a_reason():
    data = from_counts([("a", "b", 3, 0, 2)], first=True)
    assert order_consistency(data).reason == "No rater judged a pair in both orders."
    assert order_test(data).p_value is None
    assert first_choice(from_counts([("a", "b", 3, 0, 2)])).estimate.status == "not_estimable"


def test_judges_are_described_one_by_one():
    rows = [
        ("ann", "p", "win", True),
        ("ann", "p", "win", False),
        ("bob", "p", "win", True),
        ("bob", "q", "loss", True),
    ]
    rater, prompt, outcome, first = zip(*rows, strict=True)
    data = code_battles(prompt, rater, ["a"] * 4, ["b"] * 4, outcome, first, gold=["win", "win", "win", None])
    ann, bob = judge_positions(data).judges
    assert (ann.judge, bob.judge) == ("ann", "bob")
    assert (ann.accuracy_a_first.value, ann.accuracy_b_first.value, ann.both_right.value) == (1.0, 1.0, 1.0)
    assert bob.accuracy_a_first.n_judgments == 1
    assert bob.both_right.status == bob.consistency.status == "not_estimable"
    assert judge_positions(from_counts([("a", "b", 1, 0, 1)])).judges == ()


def test_a_planted_position_bias_is_found():
    data = simulated(np.random.default_rng(2), np.array([0.3, 0.0, -0.3]), 300, 3, first=0.5)
    found = first_choice(data)
    assert found.estimate.low > 0.5
    assert found.p_value < 1e-4

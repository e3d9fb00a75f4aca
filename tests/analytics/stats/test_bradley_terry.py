"""Strengths: published fits, planted effects, priors that are said, clusters that widen, and honest refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.optimize import minimize

from analytics.stats.battles import code_battles
from analytics.stats.bradley_terry import SHOWN_FIRST, bradley_terry, davidson
from analytics.stats.strengths import difference, elo_scale, strength_differences, win_probabilities
from analytics.stats.style import style_control
from tests.analytics.stats.battle_tables import from_counts, independent, simulated

MODELS = pytest.mark.parametrize("model", [bradley_terry, davidson])
PLANTED = np.array([1.0, 0.3, -0.2, -1.1])


def half(estimate) -> float:
    return (estimate.high - estimate.low) / 2


def curvature(function, at: np.ndarray, step: float = 1e-3) -> np.ndarray:
    """Second differences."""
    unit = np.eye(len(at)) * step
    return np.array([[
        (function(at + i + j) - function(at + i - j) - function(at - i + j) + function(at - i - j)) / (4 * step**2)
        for i in unit] for j in unit])  # fmt: skip


@MODELS
@pytest.mark.parametrize("seed", [1, 2])
def test_newton_finds_the_maximum_that_a_plain_optimiser_finds(model, seed: int):
    data = simulated(np.random.default_rng(seed), PLANTED, 60, 3, first=0.4, log_nu=-0.5, length=0.5)
    found = model(data, position=True, features=["length"], clusters="model")
    scale = np.sqrt(np.mean(data.features**2))
    z = np.column_stack([data.position, data.features / scale])
    score, tie = data.score, ~data.decided

    def minus(parameters: np.ndarray) -> float:
        theta = np.append(parameters[:3], -parameters[:3].sum())
        eta = theta[data.a] - theta[data.b] + z @ parameters[3:5]
        if model is bradley_terry:
            return float(np.sum(np.logaddexp(0, -eta) * score + np.logaddexp(0, eta) * (1 - score)))
        nu = parameters[5]
        total = np.logaddexp(np.logaddexp(eta / 2, -eta / 2), nu)
        return float(-np.sum((score - 0.5) * eta * ~tie + nu * tie - total))

    best = minimize(minus, np.zeros(6 if model is davidson else 5), method="BFGS", options={"gtol": 1e-7})
    assert found.log_likelihood == pytest.approx(-best.fun)
    assert found.theta[:3] == pytest.approx(best.x[:3], abs=1e-4)
    effects = [found.effects[name].estimate for name in (SHOWN_FIRST, "length")]
    assert [e.value for e in effects] == pytest.approx(best.x[3:5], abs=1e-4)
    errors = np.sqrt(np.diag(np.linalg.inv(curvature(minus, best.x))))
    assert [half(e) / 1.959964 for e in effects] == pytest.approx(errors[3:5], rel=1e-3)
    assert found.standard_errors[:3] == pytest.approx(errors[:3], rel=1e-3)


def test_planted_strengths_position_and_length_are_recovered():
    data = simulated(np.random.default_rng(3), PLANTED, 2000, 3, first=0.5, length=0.8, log_nu=-0.7, prompt_sd=0.0)
    found = davidson(data, position=True, features=["length"])
    assert found.theta == pytest.approx(PLANTED, abs=0.12)
    assert found.effects[SHOWN_FIRST].estimate.value == pytest.approx(0.5, abs=0.08)
    assert found.effects["length"].p_value < 1e-10
    assert found.tie_parameter.value == pytest.approx(np.exp(-0.7), abs=0.05)
    # Without the features the stronger systems, whose answers are longer, seem stronger than they are.
    assert np.ptp(davidson(data).theta) > np.ptp(found.theta) + 0.3


def test_the_sandwich_is_the_sum_over_prompts_by_hand():
    """Two systems, ties as halves: theta = logit(p), V = G/(G-1) sum_g (s_g - n_g p)^2 / (n p q)^2."""
    prompt, score = np.repeat(np.arange(40), 3), np.random.default_rng(4).choice([0, 0.5, 1], 120)
    score[:60] = np.repeat(score[:20], 3)
    data = code_battles(prompt, ["x"] * 120, ["a"] * 120, ["b"] * 120, score, unit=range(120))
    found = difference(bradley_terry(data), "a", "b").estimate
    p = score.mean()
    sums = (score - p).reshape(40, 3).sum(axis=1)
    error = np.sqrt(40 / 39 * np.sum(sums**2)) / (120 * p * (1 - p))
    assert found.value == pytest.approx(np.log(p / (1 - p)))
    assert half(found) / 2.0226909 == pytest.approx(error)  # t with 39 degrees of freedom
    assert "cluster-robust by prompt, t(39)" in found.method


def test_large_tables_are_summed_sparsely_with_the_same_result(monkeypatch: pytest.MonkeyPatch):
    data = simulated(np.random.default_rng(5), PLANTED, 100, 5, prompt_sd=1.0, log_nu=-1.0)
    dense = davidson(data, position=True, clusters="prompts_and_raters")
    monkeypatch.setattr("analytics.stats._sandwich._DENSE_CELLS", 0)
    sparse = davidson(data, position=True, clusters="prompts_and_raters")
    assert sparse.covariance == pytest.approx(dense.covariance, abs=1e-12)


def test_prompts_with_tastes_of_their_own_widen_the_interval():
    data = simulated(np.random.default_rng(6), PLANTED, 80, 20, prompt_sd=2.0)
    robust, naive = bradley_terry(data), bradley_terry(data, clusters="model")
    assert robust.standard_errors.mean() > 1.5 * naive.standard_errors.mean()
    assert robust.theta == pytest.approx(naive.theta)


def test_raters_with_tastes_of_their_own_widen_it_further():
    data = simulated(np.random.default_rng(7), PLANTED, 400, 3, raters=8, rater_sd=1.0)
    prompts, both = bradley_terry(data), bradley_terry(data, clusters="prompts_and_raters")
    assert both.standard_errors.mean() > 2 * prompts.standard_errors.mean()
    assert any("8 raters inform this figure" in text for text in both.warnings)
    nameless = code_battles(data.cluster, [None] * len(data.a), data.a, data.b, data.score, unit=data.unit)
    alone = bradley_terry(nameless, clusters="prompts_and_raters")
    assert alone.standard_errors == pytest.approx(prompts.standard_errors)
    assert any("No rater has an identity" in text for text in alone.warnings)


def test_few_prompts_are_jackknifed_and_warned_about():
    data = simulated(np.random.default_rng(8), PLANTED, 12, 20, prompt_sd=1.0)
    found = bradley_terry(data)
    rest = np.array([bradley_terry(data.rows(data.cluster != g)).theta for g in range(12)])
    exact = np.sqrt(11 / 12 * np.sum((rest - found.theta) ** 2, axis=0))
    assert found.standard_errors == pytest.approx(exact, rel=0.05)
    assert "jackknife of prompts, t(11)" in found.of("0").method
    assert any("Only 12 prompts" in text for text in found.warnings)


# --- Connectivity and the prior --------------------------------------------------------------------------


@MODELS
def test_all_wins_need_a_prior_that_is_said_and_stay_wide(model):
    data = from_counts([("a", "b", 20, 0, 0), ("b", "c", 12, 0, 8)])
    found = model(data)
    assert found.prior
    assert any("half a virtual judgment" in text for text in found.of("a").warnings)
    gap = difference(found, "a", "b").estimate
    # Ten thousand to one is not excluded, nor shown: the sandwich of the residuals alone would be +- 0.3.
    assert gap.high - gap.low > 6
    assert "at least the model-based error" in gap.method
    refused = model(data, prior="never")
    assert {e.status for e in refused.strengths} == {"not_estimable"}
    assert "no finite maximum" in refused.reason
    assert json.dumps(refused.to_dict(), allow_nan=False)


def test_the_prior_is_half_a_judgment_for_a_pair():
    found = bradley_terry(from_counts([("a", "b", 20, 0, 0)]))
    assert difference(found, "a", "b").estimate.value == pytest.approx(np.log(20.25 / 0.25))
    asked = bradley_terry(from_counts([("a", "b", 5, 0, 5)]), prior="always")
    assert asked.prior
    assert any("As asked" in text for text in asked.warnings)
    assert not bradley_terry(from_counts([("a", "b", 5, 0, 5)])).prior


def test_davidson_needs_a_circle_of_wins_beside_its_ties():
    """With wins one way and ties, nu and the strengths can grow together without end."""
    one_way = from_counts([("a", "b", 5, 3, 0)])
    assert davidson(one_way).prior
    assert davidson(one_way, prior="never").reason
    assert not bradley_terry(one_way).prior  # half a win is enough there
    assert not davidson(from_counts([("a", "b", 5, 3, 1)])).prior


@MODELS
def test_groups_that_never_met_are_not_compared(model):
    data = independent(
        [("a", "b", "win"), ("b", "a", "win"), ("c", "d", "win"), ("c", "d", "win"), ("d", "c", "win")] * 9
    )
    found = model(data)
    assert found.component.tolist() == [0, 0, 1, 1]
    assert found.theta == pytest.approx([0, 0, np.log(2) / 2, -np.log(2) / 2])
    across = difference(found, "a", "c")
    assert (across.estimate.status, across.p_value) == ("not_estimable", None)
    assert "never met" in across.estimate.reason
    assert any("2 groups that never met" in text for text in found.of("c").warnings)
    assert difference(found, "c", "d").estimate.status == "ok"


# --- Position and features -------------------------------------------------------------------------------


def test_without_ties_davidson_is_bradley_terry_and_nu_is_not_estimable():
    data = from_counts([("a", "b", 7, 0, 3), ("b", "c", 6, 0, 5), ("c", "a", 4, 0, 4)])
    assert davidson(data).theta == pytest.approx(bradley_terry(data).theta)
    assert davidson(data).tie_parameter.reason == "There are no ties."
    assert bradley_terry(data).tie_parameter is None


def test_both_orders_tell_of_the_position_as_two_halves():
    prompt, outcome = np.repeat(np.arange(60), 2), ["win", "win"] * 25 + ["win", "loss"] * 25 + ["loss", "loss"] * 10
    data = code_battles(prompt, ["j"] * 120, ["a"] * 120, ["b"] * 120, outcome, [True, False] * 60)
    merged, by_order = bradley_terry(data), bradley_terry(data, position=True)
    assert merged.judgments == by_order.judgments == (60, 60)
    assert difference(merged, "a", "b").estimate.value == pytest.approx(np.log(37.5 / 22.5))
    # 50 of 60 with a first, 25 of 60 with b first.
    both = [np.log(50 / 10), np.log(25 / 35)]
    assert difference(by_order, "a", "b").estimate.value == pytest.approx(np.mean(both))
    assert by_order.effects[SHOWN_FIRST].estimate.value == pytest.approx((both[0] - both[1]) / 2)
    assert any("count as ties" in text for text in merged.warnings)
    assert any("count half for each order" in text for text in by_order.warnings)


def test_an_unknown_order_has_no_effect_and_says_so():
    found = bradley_terry(from_counts([("a", "b", 7, 0, 3)]), position=True)
    assert found.effects[SHOWN_FIRST].estimate.reason == "No judgment says which side was shown first."
    assert found.of("a").status == "ok"
    rows = [("a", "b", 1), ("a", "b", 0), ("b", "a", 1), ("b", "a", 0), ("a", "b", 1)] * 8
    part = bradley_terry(independent(rows, [True, True, True, True, None] * 8), position=True)
    assert any("8 of 40 showings" in text for text in part.warnings)


def test_a_side_that_always_wins_has_no_finite_effect():
    rows = [("a", "b", "win"), ("b", "a", "win")] * 20
    found = bradley_terry(independent(rows, [True] * 40), position=True)
    assert "separates wins from losses" in found.reason
    assert {e.status for e in found.strengths} == {"not_estimable"}


def test_features_that_tell_nothing_of_their_own_are_left_out_with_the_reason():
    rng = np.random.default_rng(9)
    a, b = rng.integers(0, 3, 300), rng.integers(1, 3, 300)
    b = (a + b) % 3
    own = np.array([3.0, 1.0, 0.5])  # every system always writes the same length
    other = rng.normal(size=300)
    data = code_battles(
        range(300), [None] * 300, a, b, rng.integers(0, 2, 300),
        features={"own": own[a] - own[b], "other": other, "twice": 2 * other, "none": np.zeros(300)},
    )  # fmt: skip
    found = style_control(data)
    assert found.coefficients["other"].estimate.status == "ok"
    assert "cannot be told apart" in found.coefficients["own"].estimate.reason
    assert "cannot be told apart" in found.coefficients["twice"].estimate.reason
    assert "same on both sides" in found.coefficients["none"].estimate.reason
    assert found.adjusted.of("0").status == "ok"
    assert json.dumps(found.to_dict(), allow_nan=False)


def test_a_planted_length_bias_is_adjusted_away_and_both_are_shown():
    data = simulated(np.random.default_rng(10), np.array([0.4, 0.0, -0.4]), 1500, 2, length=1.0)
    found = style_control(data, ["length"])
    assert found.coefficients["length"].estimate.low > 0.8
    assert np.ptp(found.unadjusted.theta) > np.ptp(found.adjusted.theta) + 0.1
    assert found.adjusted.theta == pytest.approx([0.4, 0, -0.4], abs=0.15)
    assert found.unadjusted.effects == {}


def test_unknown_options_are_refused_with_the_accepted_ones():
    data = from_counts([("a", "b", 1, 0, 1)])
    with pytest.raises(ValueError, match="'prompts', 'prompts_and_raters' or 'model'"):
        bradley_terry(data, clusters="raters")
    with pytest.raises(ValueError, match="'if_needed', 'never' or 'always'"):
        bradley_terry(data, prior="flat")
    with pytest.raises(ValueError, match="no feature 'length'; the judgments have: none"):
        bradley_terry(data, features=["length"])
    with pytest.raises(ValueError, match="have no features"):
        style_control(data)
    with pytest.raises(ValueError, match="no system 'z'"):
        difference(bradley_terry(data), "a", "z")
    with pytest.raises(ValueError, match="twice"):
        difference(bradley_terry(data), "a", "a")


# --- What is read from a fit -----------------------------------------------------------------------------


@MODELS
def test_nothing_one_prompt_and_ties_only_have_reasons(model):
    nothing = model(code_battles([], [], [], [], []))
    assert (nothing.systems, nothing.reason) == ((), "There are no judgments.")
    one = model(code_battles(["p"] * 4, list("wxyz"), ["a"] * 4, ["b"] * 4, [1, 0, 0.5, 1]))
    assert {e.status for e in one.strengths} == {"insufficient"}
    assert "one prompt only" in one.of("a").reason
    assert win_probabilities(one).of("a").status == elo_scale(one).of("a").status == "insufficient"
    assert difference(one, "a", "b").p_value is None
    ties = model(from_counts([("a", "b", 0, 9, 0)]))
    if model is bradley_terry:
        assert (ties.of("a").status, ties.of("a").value) == ("insufficient", pytest.approx(0.0))
    else:
        assert "Every judgment is a tie" in ties.reason
    for found in (nothing, one, ties):
        assert json.dumps(found.to_dict(), allow_nan=False)
        assert json.dumps(win_probabilities(found).to_dict(), allow_nan=False)
        assert json.dumps(elo_scale(found).to_dict(), allow_nan=False)
        assert json.dumps(strength_differences(found).to_dict(), allow_nan=False)


def test_a_difference_needs_the_covariance():
    """Overlapping intervals of two strengths, and a difference that is clear."""
    found = bradley_terry(from_counts([("a", "b", 60, 0, 40), ("a", "c", 60, 0, 40), ("b", "c", 50, 0, 50)]))
    gap = difference(found, "a", "b")
    own = found.standard_errors
    assert half(gap.estimate) / 1.968 != pytest.approx(np.hypot(own[0], own[1]), rel=0.1)
    assert gap.p_value == pytest.approx(difference(found, "b", "a").p_value)
    assert (gap.estimate.low > 0) == (gap.p_value < 0.05)


def test_win_probability_is_the_strength_on_another_scale():
    found = bradley_terry(from_counts([("a", "b", 30, 0, 12)]))
    chance = win_probabilities(found).of("a")
    strength = found.of("a")
    logits = [np.log(x / (1 - x)) for x in (chance.value, chance.low, chance.high)]
    assert logits == pytest.approx([strength.value, strength.low, strength.high])


def test_win_probability_with_ties_has_the_error_of_the_delta_method():
    found = davidson(from_counts([("a", "b", 40, 20, 12)]), clusters="model")
    theta, nu = found.theta[0], found.log_nu

    def chance(theta: float, log_nu: float) -> float:
        win, loss, tie = np.exp(theta / 2), np.exp(-theta / 2), np.exp(log_nu)
        score = (win + tie / 2) / (win + loss + tie)
        return np.log(score / (1 - score))

    step = 1e-6
    gradient = np.array(
        [chance(theta + step, nu) - chance(theta - step, nu), chance(theta, nu + step) - chance(theta, nu - step)]
    ) / (2 * step)
    error = np.sqrt(gradient @ found.nu_covariance[0] @ gradient)
    estimate = win_probabilities(found).of("a")
    low, high = (np.log(x / (1 - x)) for x in (estimate.low, estimate.high))
    assert (high - low) / 2 / 1.959964 == pytest.approx(error, rel=1e-5)


def test_more_of_the_same_halves_the_variance_and_leaves_the_strengths():
    data = simulated(np.random.default_rng(11), PLANTED, 100, 3)
    twice = code_battles(
        np.concatenate([data.cluster, data.cluster + 1000]), np.tile(data.rater, 2), np.tile(data.a, 2),
        np.tile(data.b, 2), np.tile(data.score, 2), unit=np.arange(2 * len(data.a)),
    )  # fmt: skip
    one, two = bradley_terry(data), bradley_terry(twice)
    assert two.theta == pytest.approx(one.theta)
    assert two.standard_errors**2 == pytest.approx(one.standard_errors**2 / 2 * (200 / 199) / (100 / 99))

"""PPI++: what the judge adds, what it must not be used for, strata, and how to spend human ratings."""

from __future__ import annotations

import json

import numpy as np
import pytest

from analytics.stats.label_budget import judgments_per_label, labelling_probabilities, neyman_allocation
from analytics.stats.prediction_powered import prediction_powered_mean, stratified_prediction_powered_mean


def population(seed: int = 0, size: int = 3000, noise: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """People's ratings and a judge's, which is half a point too high and follows them."""
    rng = np.random.default_rng(seed)
    human = rng.normal(3, 1, size)
    return human, human + 0.5 + noise * rng.normal(size=size)


def split(human: np.ndarray, judge: np.ndarray, rated: np.ndarray, **options):
    return prediction_powered_mean(human[rated], judge[rated], judge[~rated], **{"design": "random", **options})


def test_a_good_judge_narrows_the_interval_and_its_bias_is_gone():
    human, judge = population()
    rated = np.arange(3000) < 200
    result = split(human, judge, rated)
    width = result.estimate.high - result.estimate.low
    assert width < 0.65 * (result.classical.high - result.classical.low)
    assert result.estimate.low < human.mean() < result.estimate.high
    assert not result.judge_only.low < human.mean() < result.judge_only.high
    assert result.effective_n == pytest.approx(200 * ((result.classical.high - result.classical.low) / width) ** 2)
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))


def test_a_useless_judge_leaves_the_classical_mean():
    human, _ = population()
    rng = np.random.default_rng(3)
    rated = np.arange(3000) < 200
    against = split(human, -human + rng.normal(size=3000), rated)
    assert against.tuning == (0.0,)
    assert against.estimate.value == against.classical.value
    constant = split(human, np.ones(3000), rated)
    assert (constant.tuning, constant.effective_n) == ((0.0,), pytest.approx(200))


def test_the_tuned_weight_gives_the_smallest_variance_with_clusters_too():
    human, judge = population()
    cluster = np.arange(3000) // 5
    rated = np.arange(3000) % 5 < 1
    options = {"cluster": cluster[rated], "cluster_rest": cluster[~rated]}

    def width(tuning: float | None) -> float:
        estimate = split(human, judge, rated, tuning=tuning, **options).estimate
        return estimate.high - estimate.low

    [best] = split(human, judge, rated, **options).tuning
    assert 0.3 < best < 1
    assert width(None) == min(width(None), *(width(best + step) for step in (-0.05, 0.05)))


def test_outputs_of_one_prompt_are_one_observation():
    human, judge = population(size=300)
    rated = np.arange(300) < 100
    names = np.arange(300)
    once = split(human, judge, rated, cluster=names[rated], cluster_rest=names[~rated], tuning=0.7)
    five = [np.repeat(column, 5) for column in (human, judge, rated, names)]
    again = split(*five[:3], cluster=five[3][five[2]], cluster_rest=five[3][~five[2]], tuning=0.7)
    assert (again.estimate.low, again.estimate.high) == pytest.approx((once.estimate.low, once.estimate.high))
    assert again.estimate.n_clusters == 100


def test_without_probabilities_of_unequal_draws_the_figure_would_be_wrong():
    """High ratings were drawn four times as often; the judge sees only part of the difference."""
    human, judge = population(1, 20_000, noise=2.0)
    chance = np.where(human > 3, 0.2, 0.05)
    rated = np.random.default_rng(0).random(20_000) < chance
    naive = split(human, judge, rated)
    weighted = split(human, judge, rated, design="weighted", inclusion_probability=chance[rated])
    assert not naive.estimate.low < human.mean() < naive.estimate.high
    assert weighted.estimate.low < human.mean() < weighted.estimate.high
    equal = split(human, judge, rated, design="weighted", inclusion_probability=np.full(rated.sum(), 0.1))
    assert equal.estimate.value == naive.estimate.value


@pytest.mark.parametrize(
    ("design", "status", "reason"),
    [
        ("chosen", "not_estimable", "not drawn by chance"),
        ("census", "not_estimable", "another population"),
        ("weighted", "not_estimable", "inclusion probability"),
        ("unknown", "insufficient", "is not known"),
        ("random", "ok", ""),
    ],
)
def test_the_sample_design_decides_what_may_be_said(design: str, status: str, reason: str):
    human, judge = population(size=300)
    result = split(human, judge, np.arange(300) < 100, design=design)
    assert result.estimate.status == result.classical.status == status
    assert reason in result.estimate.reason


def test_few_ratings_claim_little():
    human, judge = population(size=300)
    few = split(human, judge, np.arange(300) < 30)
    assert any("Only 30 prompts have a human rating" in text for text in few.estimate.warnings)
    assert split(human, judge, np.arange(300) < 9).estimate.status == "insufficient"
    assert split(human, judge, np.arange(300) < 1).estimate.status == "not_estimable"
    assert "No output has both" in split(human, judge, np.arange(300) < 0).estimate.reason
    alone = prediction_powered_mean(human, judge, [], design="census")
    assert (alone.tuning, alone.estimate.value) == ((0.0,), alone.classical.value)


def test_missing_numbers_are_dropped_and_told():
    human, judge = population(size=300)
    rated = np.arange(300) < 100
    human[:5], judge[200] = np.nan, np.nan
    result = split(human, judge, rated)
    assert (result.n_labelled, result.n_unlabelled) == (95, 199)
    assert any("6 outputs without a number" in text for text in result.estimate.warnings)


def test_a_share_stays_within_0_and_1():
    rng = np.random.default_rng(0)
    human = (rng.random(60) < 0.97).astype(float)
    result = prediction_powered_mean(human[:40], human[:40], human[40:], design="random", share=True)
    assert result.estimate.high <= 1


def test_strata_of_the_judge_are_added_by_their_shares():
    human, judge = population(2, 4000)
    # The judge is worth much on low scores and nothing on high ones.
    judge = np.where(human < 3, judge, 4.0 + np.random.default_rng(1).normal(size=4000))
    stratum = np.where(judge < 3.5, "low", "high")
    rated = np.random.default_rng(5).random(4000) < 0.1
    result = stratified_prediction_powered_mean(
        human[rated], judge[rated], stratum[rated], judge[~rated], stratum[~rated], design="stratified"
    )
    high, low = result.tuning
    assert low > high + 0.3
    assert result.estimate.low < human.mean() < result.estimate.high
    shares = {name: float((stratum == name).mean()) for name in ("low", "high")}
    declared = stratified_prediction_powered_mean(
        human[rated],
        judge[rated],
        stratum[rated],
        judge[~rated],
        stratum[~rated],
        design="stratified",
        stratum_weights=shares,
    )
    assert declared.estimate.value == pytest.approx(result.estimate.value)


def test_a_stratum_without_ratings_is_named():
    result = stratified_prediction_powered_mean(
        [1, 2, 3], [1, 2, 3], ["a"] * 3, [1, 2], ["a", "b"], design="stratified"
    )
    assert "Stratum 'b'" in result.estimate.reason


def test_bad_input_is_refused():
    cases = (
        ({}, [1], [1, 2], "Lengths differ: human 1, judge 2"),
        ({"tuning": 2}, [1], [1], "tuning must lie between 0 and 1"),
        ({"cluster": [1]}, [1], [1], "of both the rated outputs and the others"),
        ({"inclusion_probability": [0.0]}, [1], [1], "above 0 and at most 1"),
        ({"inclusion_probability": [0.5, 0.5]}, [1], [1], "2 inclusion probabilities for 1"),
        ({}, [np.inf], [1], "human value is infinite"),
        ({}, ["good"], [1], "human values must be numbers"),
    )
    for options, human, judge, message in cases:
        with pytest.raises(ValueError, match=message):
            prediction_powered_mean(human, judge, [1, 2], **{"design": "random", **options})
    with pytest.raises(ValueError, match="stratum_weights must give a weight"):
        stratified_prediction_powered_mean(
            [1, 2], [1, 2], list("aa"), [1], ["a"], design="random", stratum_weights={"b": 1}
        )


# --- How to spend ratings ----------------------------------------------------------------------------------


def test_ratings_go_where_the_judge_errs_most():
    assert neyman_allocation([0.5, 0.5], [3.0, 1.0], 100).tolist() == [70, 30]
    assert neyman_allocation([0.5, 0.3, 0.2], [1, 1, 1], 101, floor=0).tolist() == [51, 30, 20]
    assert neyman_allocation([0.5, 0.5], [0.0, 0.0], 21).sum() == 21
    with pytest.raises(ValueError, match="fewer than the floor of 10"):
        neyman_allocation([0.5, 0.5], [1, 1], 19)
    with pytest.raises(ValueError, match="Every stratum needs"):
        neyman_allocation([0.5, None], [1, 1], 100)


def test_the_ratio_of_judgments_to_ratings_has_the_smallest_variance():
    best = judgments_per_label(1.0, 0.01, 0.8, 0.3, 0.9)

    def variance(ratio: float) -> float:
        n = 100 / (1.0 + 0.01 * ratio)
        return 0.9**2 * 0.8 / (n * ratio) + 0.3 / n

    assert variance(best) <= min(variance(best * 0.9), variance(best * 1.1))
    with pytest.raises(ValueError, match="above 0"):
        judgments_per_label(0, 1, 1, 1)


def test_chances_add_up_and_keep_their_floor():
    u = np.random.default_rng(0).exponential(size=500)
    chance = labelling_probabilities(u, 120)
    assert chance.sum() == pytest.approx(120)
    assert chance.min() == pytest.approx(0.1)
    assert chance.max() <= 1
    assert labelling_probabilities([0, 0, 1, 1], 3).tolist() == pytest.approx([0.5, 0.5, 1, 1])
    assert labelling_probabilities([0, 0], 1).tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match="can give from 50"):
        labelling_probabilities(u, 20)

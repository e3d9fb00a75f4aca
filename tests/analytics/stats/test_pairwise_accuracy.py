"""acc_eq with tie calibration: by brute force, with its traps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from analytics.stats import pairwise_accuracy


def brute(metric: np.ndarray, human: np.ndarray, cluster: np.ndarray, epsilon: float) -> float:
    shares = []
    for prompt in np.unique(cluster):
        rows = np.flatnonzero(cluster == prompt)
        right = [
            (0 if abs(metric[i] - metric[j]) <= epsilon + 1e-12 else np.sign(metric[i] - metric[j]))
            == np.sign(human[i] - human[j])
            for i, j in itertools.combinations(rows, 2)
        ]
        if right:
            shares.append(np.mean(right))
    return float(np.mean(shares))


def sample(seed: int, prompts: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(prompts), rng.integers(1, 6, prompts))
    human = rng.integers(1, 4, len(cluster)).astype(float)
    return np.round(human + rng.normal(size=len(cluster)), 1), human, cluster


@pytest.mark.parametrize("seed", range(4))
def test_no_threshold_is_better_than_the_calibrated_one(seed: int):
    metric, human, cluster = sample(seed)
    result = pairwise_accuracy.within_prompts(metric, human, cluster)
    every = [0.0, *np.unique(abs(metric[:, None] - metric[None, :]))]
    assert result.estimate.value == pytest.approx(max(brute(metric, human, cluster, e) for e in every), abs=1e-12)
    assert result.estimate.value == pytest.approx(brute(metric, human, cluster, result.epsilon), abs=1e-12)
    given = pairwise_accuracy.within_prompts(metric, human, cluster, epsilon=0.5)
    assert given.estimate.value == pytest.approx(brute(metric, human, cluster, 0.5), abs=1e-12)
    assert not given.calibrated


def test_equal_differences_are_one_threshold():
    """.3 - .2 and .2 - .1 differ in the last digit, and must become ties together."""
    result = pairwise_accuracy.pooled([0.1, 0.2, 0.3], [1, 1, 1], range(3))
    assert (result.estimate.value, result.human_ties) == (1.0, 1.0)
    only = pairwise_accuracy.pooled([0.1, 0.2, 0.3], [1, 1, 2], range(3), epsilon=0.1)
    assert only.estimate.value == pytest.approx(2 / 3)


def test_a_metric_that_says_equal_gets_the_share_of_human_ties():
    metric, human, cluster = sample(2)
    result = pairwise_accuracy.pooled(np.ones(len(metric)), human, cluster)
    assert result.estimate.value == pytest.approx(result.human_ties)


def test_many_pairs_are_drawn_with_the_seed_whatever_the_order(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pairwise_accuracy, "MAX_PAIRS", 20_000)
    rng = np.random.default_rng(0)
    human = rng.normal(size=400).round()
    metric = human + rng.normal(size=400)
    cluster = np.arange(400) // 4
    drawn = pairwise_accuracy.pooled(metric, human, cluster, seed=1)
    order = rng.permutation(400)
    assert pairwise_accuracy.pooled(metric[order], human[order], cluster[order], seed=1) == drawn
    assert "20,000 pairs drawn" in drawn.estimate.method
    monkeypatch.setattr(pairwise_accuracy, "MAX_PAIRS", 10**6)
    every = pairwise_accuracy.pooled(metric, human, cluster)
    assert every.n_pairs == 400 * 399 // 2
    assert drawn.estimate.value == pytest.approx(every.estimate.value, abs=0.02)


def test_what_cannot_be_compared_says_why():
    alone = pairwise_accuracy.within_prompts([1, 2], [1, 2], [1, 2])
    assert alone.estimate.status == "not_estimable"
    assert (alone.epsilon, alone.to_dict()["n_pairs"]) == (None, 0)
    assert pairwise_accuracy.pooled([], [], []).estimate.status == "not_estimable"
    assert pairwise_accuracy.difference([1, 2], [1, 2], [1, 2], [1, 2]).status == "not_estimable"
    assert pairwise_accuracy.pooled([1, 2], [1, 2], [1, 2]).estimate.status == "insufficient"
    with pytest.raises(ValueError, match="epsilon must be a finite number from 0"):
        pairwise_accuracy.within_prompts([1, 2], [1, 2], [1, 1], epsilon=-1)

"""The judge beside another person, and the correlation without the people's noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analytics.stats import _kernels, attenuation, ceiling
from analytics.stats.coding import CodedRatings, code_ratings


def rated(seed: int = 0, units: int = 120, raters: int = 4, noise: float = 0.8) -> tuple[CodedRatings, np.ndarray]:
    """Ratings 1..5, some missing, two outputs a prompt; and the outputs' true quality."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(0, 1.2, units)
    unit, rater = np.repeat(np.arange(units), raters), np.tile(np.arange(raters), units)
    value = np.clip(np.round(3 + quality[unit] + noise * rng.normal(size=len(unit))), 1, 5)
    kept = rng.random(len(unit)) < 0.8
    return code_ratings(unit[kept], unit[kept] // 2, rater[kept], value[kept], [1, 2, 3, 4, 5]), quality


def one_more_rater(quality: np.ndarray, seed: int = 9, noise: float = 0.8) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(np.round(3 + quality + noise * rng.normal(size=len(quality))), 1, 5)


@pytest.mark.parametrize("measure", ["agreement", "pearson", "spearman", "kendall_tau_b"])
def test_a_judge_who_is_one_more_rater_reaches_the_ceiling(measure: str):
    human, quality = rated()
    result = ceiling.human_ceiling(range(120), one_more_rater(quality), human, measure)
    assert result.difference.value == pytest.approx(result.judge.value - result.human.value)
    assert result.difference.low < 0 < result.difference.high
    assert {e.n_units for e in (result.judge, result.human, result.difference)} == {result.judge.n_units}


@pytest.mark.parametrize("measure", ["pearson", "spearman", "kendall_tau_b"])
def test_correlations_are_those_of_the_pairs_written_out(measure: str):
    human, quality = rated(3, units=60, raters=3)
    # Only outputs with three ratings, so that every pair has the same weight and can be written out.
    full = np.flatnonzero(human.ratings_per_unit == 3)
    names = human.unit_labels[full].astype(int)
    judge = one_more_rater(quality)[names]
    with_judge, with_each_other = [], []
    for unit, answer in zip(full, judge, strict=True):
        values = human.values()[human.code[human.unit == unit]]
        with_judge += [(value, answer) for value in values]
        with_each_other += [(values[i], values[j]) for i in range(3) for j in range(3) if i != j]
    scipy = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall_tau_b": stats.kendalltau}[measure]
    result = ceiling.human_ceiling(names, judge, human, measure)
    assert result.judge.value == pytest.approx(scipy(*zip(*with_judge, strict=True)).statistic, abs=1e-9)
    assert result.human.value == pytest.approx(scipy(*zip(*with_each_other, strict=True)).statistic, abs=1e-9)


def test_the_consensus_would_have_favoured_the_judge():
    """The judge is one more rater: with the mean rating it seems better than people are with each other."""
    human, quality = rated(1, units=600)
    judge = one_more_rater(quality)
    means = np.bincount(human.unit, human.values()[human.code]) / human.ratings_per_unit
    with_consensus = np.corrcoef(judge[human.unit_labels.astype(int)], means)[0, 1]
    fair = ceiling.human_ceiling(range(600), judge, human, "pearson")
    assert with_consensus > fair.human.high
    assert fair.judge.value < fair.human.high


def test_an_answer_outside_the_scale_is_wrong_and_a_missing_one_is_left_out():
    human = code_ratings([1, 1, 2, 2], None, list("xyxy"), list("aabb"), ["a", "b"])
    result = ceiling.human_ceiling([1, 2], ["a", "c"], human)
    assert (result.judge.value, result.human.value) == (0.5, 1.0)
    assert ceiling.human_ceiling([1, 2], ["a", None], human).judge.n_units == 1


def test_what_cannot_be_compared_says_why(monkeypatch: pytest.MonkeyPatch):
    human, quality = rated()
    single = code_ratings([1, 2], None, ["x", "x"], [1, 2])
    assert "two human ratings" in ceiling.human_ceiling([1, 2], [1, 2], single).judge.reason
    assert ceiling.human_ceiling([], [], human).difference.status == "not_estimable"
    constant = ceiling.human_ceiling(range(120), [3] * 120, human, "pearson")
    assert "same value" in constant.judge.reason
    few = ceiling.human_ceiling(range(10), quality[:10], human, "spearman")
    assert few.judge.status == few.difference.status == "insufficient"
    monkeypatch.setattr(_kernels, "_MAX_TABLE", 3)
    assert "too many distinct values" in ceiling.human_ceiling(range(120), quality, human, "kendall_tau_b").judge.reason


def test_bad_input_is_refused():
    human, _ = rated()
    with pytest.raises(ValueError, match="convert the judge's values"):
        ceiling.human_ceiling([0, 1], ["4", "5"], human)
    labels = code_ratings([1, 1], None, list("xy"), list("ab"))
    with pytest.raises(ValueError, match="convert its values"):
        ceiling.human_ceiling([1], [1], labels)
    with pytest.raises(ValueError, match="labels, not numbers"):
        ceiling.human_ceiling([1], ["a"], labels, "pearson")
    with pytest.raises(ValueError, match="more than one label"):
        ceiling.human_ceiling([1, 1], [1, 2], human)
    with pytest.raises(ValueError, match="Unknown measure"):
        ceiling.human_ceiling([1], [1], human, "kappa")


def test_the_corrected_correlation_is_that_with_the_true_quality():
    human, quality = rated(2, units=2000, raters=3)
    metric = quality + np.random.default_rng(1).normal(size=2000)
    result = attenuation.disattenuated(range(2000), metric, human)
    true = np.corrcoef(metric, quality)[0, 1]
    assert result.observed.high < true
    assert result.corrected.low < true < result.corrected.high
    assert result.corrected.value == pytest.approx(result.observed.value / np.sqrt(result.reliability.value))


def test_the_corrected_interval_is_the_jackknife_of_prompts_on_fishers_scale():
    human, quality = rated(4, units=30)
    metric = quality + np.random.default_rng(2).normal(size=30)
    found = attenuation.disattenuated(range(30), metric, human).corrected
    without = []
    for prompt in range(15):
        kept = np.flatnonzero(human.cluster_labels[human.cluster_of_unit].astype(int)[human.unit] != prompt)
        unit = human.unit_labels[human.unit[kept]].astype(int)
        left = code_ratings(unit, unit // 2, human.rater[kept], human.values()[human.code[kept]], [1, 2, 3, 4, 5])
        units = np.unique(unit)
        without.append(np.arctanh(attenuation.disattenuated(units, metric[units], left).corrected.value))
    half = stats.t.ppf(0.975, 14) * np.sqrt(14 * np.var(without))
    assert found.low == pytest.approx(np.tanh(np.arctanh(found.value) - half))
    assert found.high == pytest.approx(np.tanh(np.arctanh(found.value) + half))


def test_no_reliable_difference_is_no_correction():
    rng = np.random.default_rng(0)
    human = code_ratings(np.repeat(range(40), 2), None, list("xy") * 40, np.tile([1, 5], 40), [1, 5])
    nothing = attenuation.disattenuated(range(40), rng.normal(size=40), human)
    assert "same on every output" in nothing.corrected.reason
    value = np.tile([1, 5], 40)
    value[:2] = [1, 1]
    noisy = attenuation.disattenuated(
        range(40), rng.normal(size=40), code_ratings(np.repeat(range(40), 2), None, list("xy") * 40, value, [1, 5])
    )
    assert noisy.corrected.status == "not_estimable"
    assert "no more than their noise" in noisy.corrected.reason
    once = code_ratings(range(12), None, ["x"] * 12, range(12))
    assert "No output has two ratings" in attenuation.disattenuated(range(12), range(12), once).reliability.reason


def test_a_correction_beyond_one_is_shown_and_doubted():
    unit = np.repeat(range(30), 2)
    value = unit % 5 + np.tile([0, 2], 30)
    human = code_ratings(unit, None, list("xy") * 30, value)
    result = attenuation.disattenuated(range(30), np.arange(30) % 5, human)
    assert result.corrected.value > 1
    assert any("beyond 1" in text for text in result.corrected.warnings)
    with pytest.raises(ValueError, match="Unknown coefficient"):
        attenuation.disattenuated(range(30), range(30), human, "kendall_tau_b")

"""Metric against human result: equal to scipy, resampled by prompt, reproducible, refused with a reason."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analytics.stats import _influences, _kernels, association
from analytics.stats.coding import code_ratings

FUNCTIONS = {
    association.kendall_tau_b: stats.kendalltau,
    association.spearman: stats.spearmanr,
    association.pearson: stats.pearsonr,
}


def sample(seed: int = 0, prompts: int = 25, levels: int | None = 5):
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(prompts), 4)
    human = rng.normal(0, 1, prompts)[cluster] + rng.normal(0, 1, len(cluster))
    metric = human + rng.normal(0, 1, len(cluster))
    if levels:
        metric, human = np.round(metric), np.round(human * 2)
    return metric, human, cluster


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("levels", [None, 5])
@pytest.mark.parametrize("seed", range(3))
def test_the_value_equals_scipy(function, levels: int | None, seed: int):
    metric, human, cluster = sample(seed, levels=levels)
    expected = FUNCTIONS[function](metric, human).statistic
    assert function(metric, human, cluster).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_weighted_resample_equals_the_resample_written_out(function):
    metric, human, cluster = sample(1)
    kernel = {
        association.kendall_tau_b: _kernels.kendall_kernel,
        association.spearman: _kernels.spearman_kernel,
        association.pearson: _kernels.pearson_kernel,
    }[function](metric, human)
    rng = np.random.default_rng(0)
    weights = rng.multinomial(25, np.full(25, 1 / 25), size=5)[:, cluster].astype(float)
    written_out = []
    for weight in weights:
        rows = np.repeat(np.arange(len(metric)), weight.astype(int))
        written_out.append(FUNCTIONS[function](metric[rows], human[rows]).statistic)
    assert kernel(weights) == pytest.approx(written_out, abs=1e-12)


def test_counting_by_sorting_equals_counting_by_table(monkeypatch: pytest.MonkeyPatch):
    data = sample(2)
    by_table = association.kendall_tau_b(*data, seed=5)
    monkeypatch.setattr(_kernels, "_MAX_TABLE", 0)
    by_sorting = association.kendall_tau_b(*data, seed=5)
    assert by_sorting.value == pytest.approx(by_table.value, abs=1e-12)
    assert (by_sorting.low, by_sorting.high) == pytest.approx((by_table.low, by_table.high), abs=1e-12)


def test_small_chunks_give_the_same_interval(monkeypatch: pytest.MonkeyPatch):
    whole = association.spearman(*sample(2), seed=5)
    monkeypatch.setattr(_kernels, "_CHUNK_CELLS", 700)
    assert association.spearman(*sample(2), seed=5) == whole


def test_the_seed_is_stored_and_decides_the_interval():
    first, again, other = (association.pearson(*sample(), seed=seed) for seed in (7, 7, 8))
    assert first == again
    assert first.seed == 7
    assert first.low != other.low
    assert first.value == other.value


def test_whole_prompts_are_resampled():
    """Four identical outputs a prompt carry the information of one."""
    rng = np.random.default_rng(0)
    metric, human = rng.normal(size=30), rng.normal(size=30)
    once = association.pearson(metric, human, range(30))
    copies = association.pearson(np.repeat(metric, 4), np.repeat(human, 4), np.repeat(range(30), 4))
    assert (copies.low, copies.high) == pytest.approx((once.low, once.high))
    apart = association.pearson(np.repeat(metric, 4), np.repeat(human, 4), range(120))
    assert apart.high - apart.low < 0.7 * (once.high - once.low)


def test_the_level_is_named_and_counts_are_kept():
    estimate = association.spearman(*sample(), n_raters=3, n_judgments=300)
    assert "pooled over outputs" in estimate.method
    assert (estimate.n_units, estimate.n_clusters, estimate.n_raters, estimate.n_judgments) == (
        100,
        25,
        3,
        300,
    )


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("metric", "human", "reason"),
    [
        ([1] * 20, list(range(20)), "metric has the same value"),
        (list(range(20)), [2] * 20, "human result is the same"),
        ([], [], "a human result: n = 0"),
        ([1, None, float("nan")], [1, 2, 3], "a human result: n = 1"),
    ],
)
def test_undefined_correlations_say_why(function, metric: list, human: list, reason: str):
    estimate = function(metric, human, range(len(metric)))
    assert estimate.status == "not_estimable"
    assert reason in estimate.reason


def test_few_prompts_and_nearly_constant_columns_claim_no_interval():
    few = association.pearson(*sample(prompts=9))
    assert (few.status, few.low) == ("insufficient", None)
    lonely = association.kendall_tau_b([1] + [0] * 19, list(range(20)), range(20))
    assert lonely.status == "insufficient"
    assert "constant" in lonely.reason


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="Lengths differ: metric 1, human 2, cluster 2"):
        association.pearson([1], [1, 2], [1, 2])
    with pytest.raises(ValueError, match="metric values must be numbers"):
        association.pearson(["high", "low"], [1, 2], [1, 2])


def test_human_means_are_per_output_over_raters():
    data = code_ratings(["b", "a", "a"], ["p2", "p1", "p1"], list("xxy"), [5, 1, 2])
    labels, clusters, means = association.human_means(data)
    assert (labels.tolist(), clusters.tolist(), means.tolist()) == (["a", "b"], ["p1", "p2"], [1.5, 5.0])


def test_labels_of_every_type_are_compared_with_the_majority():
    human = code_ratings([1, 1, 2, 3], None, list("xyxx"), [True, True, False, True], [0, 1])
    assert association.agreement_share([1, 2, 3], [True, False, False], human).value == pytest.approx(2 / 3)
    assert association.agreement_share([1, 2, 3], [1, 0, 0], human).value == pytest.approx(2 / 3)
    assert association.agreement_share([1, 2], [7, 0], human).value == pytest.approx(1 / 2)


def test_agreement_share_refuses_and_reports_missing_overlap():
    human = code_ratings([1, 2], None, list("xx"), ["a", "b"])
    assert association.agreement_share([8, 9], ["a", "b"], human).status == "not_estimable"
    assert association.agreement_share([1, 2], ["a", None], human).n_units == 1
    with pytest.raises(ValueError, match="more than one label"):
        association.agreement_share([1, 1], ["a", "b"], human)
    with pytest.raises(ValueError, match="label 1"):
        association.agreement_share([1, 2], ["a"], human)


def test_perfect_agreement_with_the_majority_has_a_width():
    human = code_ratings(range(12), None, ["x"] * 12, ["a", "b"] * 6)
    estimate = association.agreement_share(range(12), ["a", "b"] * 6, human)
    assert estimate.value == 1.0
    assert estimate.low < 0.8


DERIVED = {
    "kendall": (_influences.kendall, _kernels.kendall_kernel),
    "spearman": (_influences.spearman, _kernels.spearman_kernel),
    "pearson": (_influences.pearson, _kernels.pearson_kernel),
}


@pytest.mark.parametrize("name", DERIVED)
@pytest.mark.parametrize("levels", [None, 5])
def test_a_derivative_is_what_a_little_more_weight_does(name: str, levels: int | None):
    metric, human, _ = sample(3, prompts=12, levels=levels)
    derived, kernel_for = DERIVED[name]
    kernel, ones, step = kernel_for(metric, human), np.ones((len(metric),) * 2), 1e-5 * np.eye(len(metric))
    moved = (kernel(ones + step) - kernel(ones - step)) / 2e-5
    found = derived(metric, human)
    assert found.influence == pytest.approx(moved, abs=1e-8)
    assert found.value == pytest.approx(float(kernel(ones[:1])[0]), abs=1e-12)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_many_prompts_get_the_interval_that_resamples_give(function, monkeypatch: pytest.MonkeyPatch):
    data = sample(4, prompts=300)
    resampled = function(*data, seed=1)
    monkeypatch.setattr(_influences, "MANY_PROMPTS", 300)
    derived = function(*data, seed=1)
    assert derived.value == pytest.approx(resampled.value, abs=1e-12)
    assert derived.seed is None
    assert "linearised" in derived.method
    width = resampled.high - resampled.low
    assert [derived.low, derived.high] == pytest.approx([resampled.low, resampled.high], abs=0.1 * width)


def test_a_cross_table_too_large_for_derivatives_is_resampled(monkeypatch: pytest.MonkeyPatch):
    data = sample(5, prompts=12)
    monkeypatch.setattr(_influences, "MANY_PROMPTS", 12)
    monkeypatch.setattr(_influences, "_MAX_TABLE", 1)
    assert "bootstrap" in association.kendall_tau_b(*data, seed=1).method


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_perfect_correlation_of_many_prompts_claims_no_interval(function, monkeypatch: pytest.MonkeyPatch):
    metric, _, cluster = sample(6, prompts=12)
    monkeypatch.setattr(_influences, "MANY_PROMPTS", 12)
    found = function(metric, metric, cluster)
    assert (found.value, found.status) == (pytest.approx(1.0, abs=1e-12), "insufficient")

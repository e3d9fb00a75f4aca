"""Inside prompts, between systems, and two metrics: equal to scipy, named, paired, refused with a reason."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analytics.stats import _few_systems, _within_prompt, association, association_levels
from analytics.stats._few_systems import permutation_test
from analytics.stats._kernels import kendall_kernel
from analytics.stats.intervals import Scope, mean_over_clusters, without_skew

SCIPY = {"kendall_tau_b": stats.kendalltau, "spearman": stats.spearmanr, "pearson": stats.pearsonr}


def outputs(seed: int = 0, prompts: int = 30, systems: int = 5) -> tuple[np.ndarray, ...]:
    """Metric, human result, system, prompt; some cells missing."""
    rng = np.random.default_rng(seed)
    cluster, system = np.repeat(np.arange(prompts), systems), np.tile(np.arange(systems), prompts)
    human = rng.normal(size=prompts)[cluster] + 0.4 * system + rng.normal(size=len(cluster))
    metric = np.round(human + rng.normal(size=len(cluster)), 1)
    kept = rng.random(len(cluster)) < 0.9
    return metric[kept], np.round(human[kept]), system[kept], cluster[kept]


@pytest.mark.parametrize("coefficient", SCIPY)
def test_the_value_within_prompts_is_the_mean_of_scipys(coefficient: str):
    metric, human, _, cluster = outputs(1)
    found = []
    for prompt in np.unique(cluster):
        x, y = metric[cluster == prompt], human[cluster == prompt]
        if len(x) > 1 and np.ptp(x) and np.ptp(y):
            found.append(SCIPY[coefficient](x, y).statistic)
    estimate = association_levels.within_prompts(coefficient, metric, human, cluster)
    assert estimate.value == pytest.approx(np.mean(found), abs=1e-12)
    assert estimate.n_clusters == len(found)
    assert "within prompts" in estimate.method


def test_large_prompts_are_counted_by_sorting(monkeypatch: pytest.MonkeyPatch):
    metric, human, _, cluster = outputs(1)
    by_pairs = association_levels.within_prompts("kendall_tau_b", metric, human, cluster)
    monkeypatch.setattr(_within_prompt, "_MAX_PAIRS", 0)
    by_sorting = association_levels.within_prompts("kendall_tau_b", metric, human, cluster)
    assert by_sorting.value == pytest.approx(by_pairs.value, abs=1e-12)


def test_prompts_without_an_order_are_counted_and_left_out():
    metric, human = [1, 2, 3, 3, 5, 1, 2], [1, 2, 1, 2, 9, 4, 4]
    estimate = association_levels.within_prompts("spearman", metric, human, [1, 1, 2, 2, 3, 4, 4])
    assert (estimate.value, estimate.n_clusters, estimate.n_units) == (1.0, 1, 2)
    assert "3 of 4 prompts are left out" in estimate.warnings[0]


def test_difficulty_of_prompts_cannot_help_within_prompts():
    """Simpson: the metric orders prompts rightly and the outputs of each prompt wrongly."""
    cluster = np.repeat(np.arange(20), 3)
    human = 10.0 * cluster + np.tile([1, 2, 3], 20)
    metric = 10.0 * cluster - np.tile([1, 2, 3], 20)
    assert association.kendall_tau_b(metric, human, cluster).value > 0.9
    assert association_levels.within_prompts("kendall_tau_b", metric, human, cluster).value == pytest.approx(-1)


def test_skewed_means_have_a_longer_limit_on_the_side_of_their_tail_and_symmetric_ones_those_of_t():
    scope = Scope("a mean", "points", n_clusters=6)
    skewed = np.array([0.9, 0.95, 0.8, 1.0, 0.85, -0.7])
    plain = mean_over_clusters(skewed, scope)
    found = without_skew(skewed, plain, "skewness removed")
    assert plain.value - plain.low == pytest.approx(plain.high - plain.value)
    assert found.value - found.low > 1.5 * (found.high - found.value)
    # Hall's transformation of each limit's t is Student's quantile again.
    error, third = skewed.std(ddof=1) / np.sqrt(6), stats.skew(skewed) / 3
    for limit, quantile in ((found.low, stats.t.ppf(0.975, 5)), (found.high, stats.t.ppf(0.025, 5))):
        t = (found.value - limit) / error
        turned = t + third * t**2 / 6**0.5 + third**2 * t**3 / 18 + third / (2 * 6**0.5)
        assert turned == pytest.approx(quantile)
    even = np.array([1.0, 2.0, 4.0, 5.0])
    assert without_skew(even, mean_over_clusters(even, scope), "") == mean_over_clusters(even, scope)


def test_a_cluster_of_several_items_is_ranked_item_by_item():
    human, metric = [1, 2, 10, 11], [1, 2, 0, 0.5]
    together = association_levels.within_prompts("kendall_tau_b", metric, human, ["family"] * 4)
    apart = association_levels.within_prompts("kendall_tau_b", metric, human, ["family"] * 4, item=list("aabb"))
    assert (together.value, apart.value, apart.n_clusters) == (pytest.approx(-1 / 3), 1.0, 1)
    with pytest.raises(ValueError, match="Item 'a' appears in more than one cluster"):
        association_levels.within_prompts("kendall_tau_b", metric, human, [1, 2, 3, 4], item=list("aabb"))


@pytest.mark.parametrize("coefficient", SCIPY)
def test_the_value_between_systems_is_scipys_on_means_of_prompts(coefficient: str):
    metric, human, system, cluster = outputs(2)
    result = association_levels.between_systems(coefficient, metric, human, system, cluster)
    x = [metric[system == s].mean() for s in range(5)]
    y = [human[system == s].mean() for s in range(5)]
    assert result.estimate.value == pytest.approx(SCIPY[coefficient](x, y).statistic, abs=1e-9)
    assert "between 5 systems" in result.estimate.method
    assert "exact permutation test over the systems, 120 orders" in result.test
    assert any("Only 30 prompts inform the systems' means" in text for text in result.estimate.warnings)


@pytest.mark.parametrize("statistic", ["spearman", "kendall_tau_b"])
def test_the_exact_p_is_scipys(statistic: str):
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=6), rng.normal(size=6)
    function = _few_systems.COEFFICIENTS[statistic]
    exact = stats.permutation_test(
        (y,), lambda z: SCIPY[statistic](x, z).statistic, permutation_type="pairings", n_resamples=np.inf
    )
    assert permutation_test(function, x, y, 0).p_value == pytest.approx(exact.pvalue, abs=1e-12)


def test_many_systems_are_permuted_with_the_seed_whatever_their_names():
    rng = np.random.default_rng(0)
    x = rng.normal(size=12)
    y = x + rng.normal(size=12)
    first = permutation_test(_few_systems.spearman, x, y, 5)
    turned = permutation_test(_few_systems.spearman, x[::-1], y[::-1], 5)
    assert first == turned
    assert "9999 draws, seed 5" in first.name


def test_few_systems_are_told_what_they_cannot_show():
    result = association_levels.between_systems("pearson", [1, 2, 3], [1, 2, 4], list("abc"), [1, 1, 1])
    assert result.estimate.status == "insufficient"
    assert any("smallest p that can be reached is 0.33" in text for text in result.estimate.warnings)
    two = association_levels.between_systems("pearson", [1, 2], [1, 2], list("ab"), [1, 1])
    assert two.estimate.status == "not_estimable"
    assert two.p_value is None


@pytest.mark.parametrize(("systems", "status"), [(3, "insufficient"), (4, "insufficient"), (5, "ok")])
def test_between_few_systems_there_is_a_value_and_no_interval(systems: int, status: str):
    columns = outputs(2)
    metric, human, system, cluster = (column[columns[2] < systems] for column in columns)
    found = association_levels.between_systems("pearson", metric, human, system, cluster).estimate
    assert (found.status, found.value is None) == (status, False)
    assert status == "ok" or f"Only {systems} systems" in found.reason
    gap = association_levels.metric_difference(
        "pearson", metric, -metric, human, cluster, at="between_systems", system=system
    )
    assert gap.status == status


def test_systems_that_always_come_out_alike_have_no_interval():
    metric, human, system, cluster = outputs()
    apart = association_levels.between_systems("kendall_tau_b", 100 * system, human + 100 * system, system, cluster)
    assert (apart.estimate.status, apart.estimate.value) == ("insufficient", 1.0)
    assert "Every resample" in apart.estimate.reason


def test_a_correlation_of_noise_claims_no_interval():
    rng = np.random.default_rng(3)
    system, cluster = np.tile(np.arange(5), 40), np.repeat(np.arange(40), 5)
    alike = association_levels.between_systems("pearson", rng.normal(size=200), rng.normal(size=200), system, cluster)
    assert alike.estimate.status == "insufficient"
    assert "little more than noise" in alike.estimate.reason
    human = 0.35 * system + rng.normal(size=200)
    some = association_levels.between_systems("pearson", human + rng.normal(size=200), human, system, cluster)
    assert some.estimate.status == "ok"
    assert any("pulls the correlation towards 0" in text for text in some.estimate.warnings)


@pytest.mark.parametrize("at", ["pooled", "within_prompts", "between_systems"])
def test_a_metric_does_not_differ_from_itself_and_swapping_turns_the_sign(at: str):
    metric, human, system, cluster = outputs(3)
    other = np.round(metric + np.random.default_rng(1).normal(size=len(metric)))
    options = {"at": at, "system": system, "seed": 2}
    found = association_levels.metric_difference("spearman", metric, other, human, cluster, **options)
    turned = association_levels.metric_difference("spearman", other, metric, human, cluster, **options)
    assert turned.value == pytest.approx(-found.value)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
    same = association_levels.metric_difference("spearman", metric, metric, human, cluster, **options)
    assert (same.value, same.status) == (0.0, "insufficient")


def test_the_difference_is_paired():
    """Two metrics that share their noise differ by less than their two intervals would say."""
    metric, human, _, cluster = outputs(5, prompts=60)
    other = metric + 0.2 * np.random.default_rng(1).normal(size=len(metric))
    gap = association_levels.metric_difference("pearson", metric, other, human, cluster)
    alone = association.pearson(metric, human, cluster)
    assert gap.high - gap.low < 0.5 * (alone.high - alone.low)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="Lengths differ: metric 1, human 2, cluster 2"):
        association_levels.within_prompts("pearson", [1], [1, 2], [1, 1])
    with pytest.raises(ValueError, match="Lengths differ: system 1, cluster 2"):
        association_levels.between_systems("pearson", [1, 2], [1, 2], ["a"], [1, 1])
    with pytest.raises(ValueError, match="metric value is infinite"):
        association_levels.within_prompts("pearson", [1, np.inf], [1, 2], [1, 1])
    with pytest.raises(ValueError, match="metric values must be numbers"):
        association_levels.within_prompts("pearson", ["high", "low"], [1, 2], [1, 1])
    with pytest.raises(ValueError, match="A row has no cluster"):
        association_levels.within_prompts("pearson", [1, 2], [1, 2], [1, None])
    with pytest.raises(ValueError, match="Unknown coefficient 'tau'"):
        association_levels.within_prompts("tau", [1, 2], [1, 2], [1, 1])
    with pytest.raises(ValueError, match="Unknown level 'item'"):
        association_levels.metric_difference("pearson", [1, 2], [1, 2], [1, 2], [1, 1], at="item")
    with pytest.raises(ValueError, match="needs the system"):
        association_levels.metric_difference("pearson", [1, 2], [1, 2], [1, 2], [1, 1], at="between_systems")


@pytest.mark.parametrize(
    ("metric", "human", "reason"),
    [
        ([], [], "No output has both"),
        ([None, np.nan], [1, 2], "No output has both"),
        ([1, 1], [1, 2], "No prompt has two outputs"),
        ([1, 2], [3, 3], "No prompt has two outputs"),
    ],
)
def test_nothing_to_rank_says_why(metric: list, human: list, reason: str):
    estimate = association_levels.within_prompts("pearson", metric, human, [1] * len(metric))
    assert estimate.status == "not_estimable"
    assert reason in estimate.reason


@pytest.mark.parametrize("levels", [3, 200])
def test_the_kernel_of_kendall_counts_as_scipy_does_in_narrow_and_wide_tables(levels: int):
    rng = np.random.default_rng(levels)
    x, y = rng.integers(0, levels, 400).astype(float), rng.integers(0, levels, 400).astype(float)
    drawn = rng.multinomial(400, np.full(400, 1 / 400), size=3).astype(float)
    found = kendall_kernel(x, y)(drawn)
    for weights, tau in zip(drawn.astype(int), found, strict=True):
        again = np.repeat(np.arange(400), weights)
        assert tau == pytest.approx(stats.kendalltau(x[again], y[again]).statistic, abs=1e-12)


def test_several_coefficients_between_systems_are_those_of_each_alone():
    metric, human, system, cluster = outputs(2)
    found = association_levels.each_between_systems(["spearman", "pairwise_accuracy"], metric, human, system, cluster)
    for name, together in found.items():
        assert together == association_levels.between_systems(name, metric, human, system, cluster)

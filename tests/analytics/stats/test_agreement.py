"""Agreement: refusals with reasons, intervals against independent computations, our core against the
package."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.stats import _package_alpha, agreement
from analytics.stats._coefficients import Alpha, PercentAgreement
from analytics.stats._distances import agreement_weights
from analytics.stats._estimation import scope_of, spread_of
from analytics.stats._kappas import GwetAC
from analytics.stats._package_alpha import package_alpha
from analytics.stats._totals import PairTable
from analytics.stats.coding import CodedRatings, code_ratings
from analytics.stats.intervals import t_quantile
from tests.analytics.stats.builders import PARADOX_SKEWED, from_cross_table, krippendorff_2011, random_table

LEVELS = ["nominal", "ordinal", "interval", "ratio"]


def one_value(prompts: int = 12, raters: int = 2, domain: list[float] | None = None) -> CodedRatings:
    unit = [u for u in range(prompts) for _ in range(raters)]
    return code_ratings(unit, None, list("abcdefgh"[:raters]) * prompts, [3] * len(unit), domain)


def coefficients(data: CodedRatings) -> list:
    levels = [Alpha(data, level) for level in LEVELS]
    weights = [GwetAC(agreement_weights(data, kind), kind) for kind in ("identity", "ordinal", "quadratic")]
    return [PercentAgreement(), *levels, *weights]


# Our core against others


@pytest.mark.parametrize("level", LEVELS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), continuous=st.booleans())
def test_our_alpha_equals_the_krippendorff_package(level: str, seed: int, continuous: bool):
    pytest.importorskip("krippendorff")
    table = random_table(seed, raters=5, shown=0.5)
    noise = np.random.default_rng(seed).random(len(table.value)) if continuous else 0
    data = code_ratings(table.unit, table.cluster, table.rater, table.value + noise)
    value, source = package_alpha(data, level)
    assert Alpha(data, level).value(PairTable(data).whole) == pytest.approx(value, abs=1e-12)
    assert source.startswith("krippendorff ")


def test_without_the_package_our_core_gives_the_point_value(monkeypatch: pytest.MonkeyPatch):
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(_package_alpha, "import_module", absent)
    estimate = agreement.krippendorff_alpha(krippendorff_2011(), "ordinal")
    assert estimate.value == pytest.approx(0.8153875037548814, abs=1e-12)
    assert "package" not in estimate.method
    assert "krippendorff 0" not in estimate.method


def test_the_report_names_the_package_that_gave_the_value():
    pytest.importorskip("krippendorff")
    method = agreement.krippendorff_alpha(krippendorff_2011(), "ordinal").method
    assert "point value by krippendorff" in method


@pytest.mark.parametrize("seed", range(3))
def test_totals_without_a_rater_equal_totals_of_the_other_ratings(seed: int):
    table = random_table(seed, raters=5, shown=0.6)
    data = table.coded()
    whole = PairTable(data)
    for rater, totals in zip(whole.raters_with_pairs, whole.without_each_rater(), strict=True):
        others = table.rows(np.flatnonzero(table.rater != data.rater_labels[rater])).coded()
        direct = PairTable(others).whole
        for here, there in zip(coefficients(data), coefficients(others), strict=True):
            assert here.value(totals) == pytest.approx(there.value(direct), abs=1e-12)


@pytest.mark.parametrize("index", range(8))
def test_influence_is_the_derivative(index: int):
    """One more copy of a unit among 300 copies of the table moves the coefficient by that unit's
    influence."""
    table = random_table(5, prompts=6, raters=3, shown=0.8)
    many = np.tile(np.arange(len(table.unit)), 300)
    copies = table.rows(many)
    shift = 1000 * (np.arange(len(many)) // len(table.unit))

    def code(extra: np.ndarray) -> CodedRatings:
        unit = np.concatenate([copies.unit + shift, table.unit[extra] + 10_000_000])
        rater = np.concatenate([copies.rater, table.rater[extra]])
        value = np.concatenate([copies.value, table.value[extra]])
        return code_ratings(unit, None, rater, value, table.domain)

    base = code(np.array([], dtype=int))
    before = PairTable(base)
    statistic = coefficients(base)[index]
    influence = statistic.influence(before)
    moved, predicted = [], []
    for unit in np.unique(table.unit):
        after = PairTable(code(np.flatnonzero(table.unit == unit))).whole
        moved.append(statistic.value(after) - statistic.value(before.whole))
        predicted.append(influence[base.unit_labels.tolist().index(unit)])
    assert moved == pytest.approx(predicted, rel=0.02, abs=2e-7)


@pytest.mark.parametrize("index", range(8))
def test_linearised_variance_agrees_with_the_jackknife_over_prompts(index: int):
    table = random_table(11, prompts=60, systems=3)
    data = table.coded()
    statistic = coefficients(data)[index]
    whole = PairTable(data)
    half = spread_of(whole, statistic, "these_raters", scope_of(whole, 0.95, statistic.name)).half
    without = []
    for prompt in np.unique(table.cluster):
        rest = table.rows(np.flatnonzero(table.cluster != prompt)).coded()
        without.append(coefficients(rest)[index].value(PairTable(rest).whole))
    groups = len(without)
    jackknife = (groups - 1) / groups * np.sum((np.array(without) - np.mean(without)) ** 2)
    assert half == pytest.approx(2.000995 * np.sqrt(jackknife), rel=0.05)


def test_duplicating_every_item_halves_the_variance():
    def variance(copies: int) -> float:
        table = random_table(4, systems=1, shown=1.0)
        rows = np.tile(np.arange(len(table.unit)), copies)
        shift = 1000 * (np.arange(len(rows)) // len(table.unit))
        unit = table.unit[rows] + shift
        data = code_ratings(unit, None, table.rater[rows], table.value[rows], table.domain)
        whole = PairTable(data)
        scope = scope_of(whole, 0.95, "")
        half = spread_of(whole, PercentAgreement(), "these_raters", scope).half
        groups = scope.n_clusters
        return (half / t_quantile(0.95, groups)) ** 2 * (groups - 1) / groups

    assert variance(2) == pytest.approx(variance(1) / 2)


def test_both_variances_are_one_where_every_unit_has_two_ratings():
    data = random_table(2, shown=1.0).coded()
    ratio, published = (agreement.gwet_ac1(data, variance=v) for v in ("ratio", "gwet"))
    assert ratio.low == pytest.approx(published.low)
    assert ratio.high == pytest.approx(published.high)


# Intervals


def test_prompts_not_outputs_are_the_unit_of_independence():
    """Five systems a prompt that share the prompt's difficulty: ignoring prompts makes the interval too
    narrow."""
    table = random_table(3, prompts=30, systems=5)
    by_prompt = agreement.krippendorff_alpha(table.coded(), "ordinal", population="these_raters")
    unclustered = code_ratings(table.unit, None, table.rater, table.value, table.domain)
    by_output = agreement.krippendorff_alpha(unclustered, "ordinal", population="these_raters")
    assert by_prompt.value == by_output.value
    assert by_prompt.high - by_prompt.low > 1.2 * (by_output.high - by_output.low)
    assert (by_prompt.n_clusters, by_output.n_clusters) == (30, 150)


def test_a_severe_rater_widens_the_interval_for_raters_like_these_only():
    table = random_table(6, prompts=60, raters=4)
    harsh = np.where(table.rater == "r0", np.clip(table.value - 2, 1, 5), table.value)
    data = code_ratings(table.unit, table.cluster, table.rater, harsh, table.domain)
    these = agreement.krippendorff_alpha(data, "interval", population="these_raters")
    like = agreement.krippendorff_alpha(data, "interval")
    assert like.value == these.value
    assert like.high - like.low > 1.5 * (these.high - these.low)
    assert "jackknife" in like.method
    assert "these raters" in these.method


def test_a_wider_population_never_has_a_narrower_interval():
    for seed in range(5):
        data = random_table(seed).coded()
        for function in (agreement.percent_agreement, agreement.gwet_ac1):
            like, these = function(data), function(data, population="these_raters")
            assert like.low <= these.low + 1e-12


@pytest.mark.parametrize("raters", [["a", "b"], [None, None], ["", ""]])
def test_with_fewer_than_three_known_raters_it_says_so(raters: list[str | None]):
    table = random_table(1, raters=2, shown=1.0)
    data = code_ratings(table.unit, table.cluster, raters * (len(table.unit) // 2), table.value)
    estimate = agreement.krippendorff_alpha(data, "ordinal")
    assert estimate.status == "ok"
    assert any("annot generalise beyond these raters" in text for text in estimate.warnings)
    assert estimate.n_raters == len({name for name in raters if name})


def test_raters_of_unknown_identity_count_for_agreement_but_not_for_the_jackknife():
    table = random_table(8)
    flags = np.isin(table.rater, ["r0", "r1"])
    known = code_ratings(table.unit, table.cluster, table.rater, table.value, rater_known=flags)
    estimate = agreement.krippendorff_alpha(known, "ordinal")
    assert estimate.value == pytest.approx(agreement.krippendorff_alpha(table.coded(), "ordinal").value)
    assert estimate.n_raters == 2
    assert "jackknife" not in estimate.method
    assert any(f"{(~flags).sum()} of {len(flags)} ratings" in text for text in estimate.warnings)


def test_below_twenty_prompts_it_warns_and_below_ten_it_claims_no_interval():
    assert any("Only 12 prompts" in w for w in agreement.gwet_ac1(random_table(1).coded()).warnings)
    assert not agreement.gwet_ac1(random_table(1, prompts=20).coded()).warnings
    few = agreement.krippendorff_alpha(random_table(1, prompts=9).coded(), "ordinal")
    assert few.status == "insufficient"
    assert few.value is not None
    assert (few.low, few.high) == (None, None)
    assert "Only 9 prompts" in few.reason


def test_the_upper_limit_is_clipped_at_one_and_says_so():
    estimate = agreement.krippendorff_alpha(krippendorff_2011(), "ordinal")
    assert estimate.high == 1.0
    assert "clipped at 1" in estimate.method


def test_the_level_of_confidence_moves_the_limits():
    data = random_table(1).coded()
    wide, narrow = (agreement.gwet_ac1(data, level=level) for level in (0.99, 0.8))
    assert wide.low < narrow.low < narrow.high < wide.high
    assert (wide.level, narrow.level) == (0.99, 0.8)


# Degenerate data


@pytest.mark.parametrize("level", LEVELS)
def test_all_ratings_equal_alpha_is_not_estimable_and_agreement_is_one(level: str):
    data = one_value(domain=[1, 2, 3, 4, 5])
    alpha = agreement.krippendorff_alpha(data, level)
    assert alpha.status == "not_estimable"
    assert "equal" in alpha.reason
    percent = agreement.percent_agreement(data)
    assert (percent.value, percent.high) == (1.0, 1.0)
    assert percent.low == pytest.approx(12 / (12 + 1.959964**2))  # Wilson, never 1 -+ 0


def test_perfect_agreement_on_several_levels_is_never_one_with_no_width():
    unit = [u for u in range(15) for _ in "ab"]
    value = [1 + u % 3 for u in unit]
    data = code_ratings(unit, None, ["a", "b"] * 15, value, [1, 2, 3])
    for estimate in (agreement.krippendorff_alpha(data, "ordinal"), agreement.gwet_ac1(data)):
        assert estimate.value == 1.0
        assert estimate.low < 0.8
        assert "Wilson" in estimate.method


def test_no_agreement_at_all_has_a_width_too():
    unit = [u for u in range(15) for _ in "ab"]
    data = code_ratings(unit, None, ["a", "b"] * 15, [1, 2] * 15, [1, 2])
    percent = agreement.percent_agreement(data)
    assert (percent.value, percent.low) == (0.0, 0.0)
    assert percent.high == pytest.approx(1.959964**2 / (15 + 1.959964**2))


def test_no_variation_between_prompts_short_of_perfect_claims_no_interval():
    unit = [u for u in range(15) for _ in "abc"]
    data = code_ratings(unit, None, ["a", "b", "c"] * 15, [1, 1, 2] * 15, [1, 2])
    estimate = agreement.percent_agreement(data, population="these_raters")
    assert estimate.status == "insufficient"
    assert estimate.value == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("unit", "rater", "value", "reason"),
    [
        ([], [], [], "no ratings"),
        ([1, 2, 3], ["a", "a", "a"], [1, 2, 3], "one rater only"),
        ([1, 2, 3], ["a", "b", "c"], [1, 2, 3], "No output has two ratings"),
        ([1, 1, 1], ["a", "b", "c"], [1, 2, 3], "Only one output"),
        ([1, 1, 2], ["a", "b", "a"], [1, float("nan"), 3], "one rater only"),
    ],
)
def test_too_little_data_is_not_estimable_with_the_reason(unit: list, rater: list, value: list, reason: str):
    data = code_ratings(unit, None, rater, value, [1, 2, 3])
    report = agreement.summary(data, "ordinal")
    assert {estimate.status for estimate in report.estimates.values()} == {"not_estimable"}
    assert all(reason in estimate.reason for estimate in report.estimates.values())


def test_a_scale_of_one_observed_level_has_no_ac1_until_it_is_declared():
    assert "declare the whole scale" in agreement.gwet_ac1(one_value()).reason
    assert agreement.gwet_ac1(one_value(domain=[1, 2, 3])).value == 1.0


def test_measurements_are_not_categories():
    table = random_table(1)
    value = table.value + np.random.default_rng(0).random(len(table.value))
    data = code_ratings(table.unit, table.cluster, table.rater, value)
    assert "needs categories" in agreement.gwet_ac1(data).reason
    assert agreement.krippendorff_alpha(data, "interval").status == "ok"


def test_ac1_uses_the_declared_scale_and_names_it():
    table = random_table(1)
    declared = code_ratings(table.unit, table.cluster, table.rater, table.value, range(1, 8))
    observed = code_ratings(table.unit, table.cluster, table.rater, table.value)
    assert agreement.gwet_ac1(declared).value > agreement.gwet_ac1(observed).value
    assert "q = 7 levels (declared)" in agreement.gwet_ac1(declared).method
    assert "observed" in agreement.gwet_ac1(observed).method
    ordinal = [agreement.krippendorff_alpha(data, "ordinal").value for data in (declared, observed)]
    assert ordinal[0] == pytest.approx(ordinal[1])


def test_zero_is_a_rating():
    table = random_table(1)
    from_zero = code_ratings(table.unit, table.cluster, table.rater, table.value - 1, range(5))
    estimate = agreement.krippendorff_alpha(from_zero, "ordinal")
    assert estimate.n_judgments == agreement.krippendorff_alpha(table.coded(), "ordinal").n_judgments
    assert estimate.value == pytest.approx(agreement.krippendorff_alpha(table.coded(), "ordinal").value)


def test_text_is_refused_where_numbers_are_needed():
    data = code_ratings([1, 1, 2, 2], None, list("abab"), ["10", "9", "10", "10"])
    for level in ("ordinal", "interval", "ratio"):
        with pytest.raises(ValueError, match="must be numbers"):
            agreement.krippendorff_alpha(data, level)
    with pytest.raises(ValueError, match="must be numbers"):
        agreement.gwet_ac2(data, "ordinal")
    with pytest.raises(ValueError, match="below zero"):
        agreement.krippendorff_alpha(code_ratings([1, 1], None, list("ab"), [-1, 2]), "ratio")


# Summary


def test_summary_has_the_four_statistics_at_every_level():
    data = random_table(1).coded()
    for level, weights in (("nominal", None), ("ordinal", "ordinal"), ("interval", "quadratic")):
        report = agreement.summary(data, level)
        assert list(report.estimates) == [
            "percent_agreement",
            "krippendorff_alpha",
            "gwet_ac1",
            "gwet_ac2",
        ]
        assert report.ac2_weights == weights
        assert (report.estimates["gwet_ac2"].status == "ok") == (weights is not None)
        assert sum(report.shares.counts) == len(data.unit)
        assert report.estimates["krippendorff_alpha"] == agreement.krippendorff_alpha(data, level)
        assert report.to_dict()["level_of_measurement"] == level
        assert any("Only 12 prompts" in text for text in report.warnings)


def test_skew_is_flagged_with_both_coefficients_shown():
    skewed = agreement.summary(from_cross_table(PARADOX_SKEWED), "nominal")
    assert skewed.estimates["krippendorff_alpha"].value < 0.35
    assert skewed.estimates["gwet_ac1"].value > 0.8
    assert "Skewed categories" in skewed.warnings[0]
    balanced = agreement.summary(from_cross_table([[40, 9], [6, 45]]), "nominal")
    assert not any("Skewed" in text for text in balanced.warnings)


def test_one_large_category_is_enough_for_the_skew_flag():
    data = random_table(1).coded()
    alpha, ac1 = agreement.krippendorff_alpha(data, "nominal"), agreement.gwet_ac1(data)
    assert agreement.skew_warning(alpha, alpha, 0.81)
    assert not agreement.skew_warning(alpha, alpha, 0.79)
    assert not agreement.skew_warning(alpha, alpha, None)
    undefined = agreement.krippendorff_alpha(one_value(), "nominal")
    assert agreement.skew_warning(undefined, ac1, 1.0)

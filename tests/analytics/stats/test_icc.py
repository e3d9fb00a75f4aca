"""Intraclass correlations: the likelihood against its definition, designs, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.stats import icc
from analytics.stats._additive import additive_fit, crossing
from analytics.stats._mixed import Reml, reml
from analytics.stats.coding import CodedRatings, code_ratings
from tests.analytics.stats.references_agreement import shrout_fleiss


def two_way(
    seed: int, items: int = 14, raters: int = 4, shown: float = 0.7, systems: int = 1, sd: tuple = (1.0, 0.6, 0.8)
) -> CodedRatings:
    rng = np.random.default_rng(seed)
    unit, rater = np.divmod(np.flatnonzero(rng.random(items * raters) < shown), raters)
    item, severity, noise = sd
    value = item * rng.normal(size=items)[unit] + severity * rng.normal(size=raters)[rater]
    value = value + noise * rng.normal(size=len(unit))
    return code_ratings(unit, unit // systems, [f"r{r}" for r in rater], value)


def minus_twice_restricted_likelihood(data: CodedRatings, item: float, rater: float, error: float) -> float:
    """By the definition, with the whole covariance matrix (Patterson & Thompson 1971)."""
    table = crossing(data, data.values())
    z_item, z_rater = np.eye(table.n_units)[table.unit], np.eye(table.n_raters)[table.rater]
    v = item * z_item @ z_item.T + rater * z_rater @ z_rater.T + error * np.eye(len(table.score))
    inverse, ones = np.linalg.inv(v), np.ones(len(table.score))
    weight = ones @ inverse @ ones
    left = table.score - (ones @ inverse @ table.score) / weight
    return float(np.linalg.slogdet(v)[1] + np.log(weight) + left @ inverse @ left)


@pytest.mark.parametrize("seed", range(6))
def test_reml_is_where_the_restricted_likelihood_is_greatest(seed: int):
    data = two_way(seed, sd=[(1, 0.6, 0.8), (0, 1, 1), (1, 0, 1)][seed % 3])
    found = reml(crossing(data, data.values()))
    best = minus_twice_restricted_likelihood(data, found.item, found.rater, found.error)
    for factors in np.random.default_rng(seed).uniform(0.8, 1.25, (60, 3)):
        moved = np.maximum([found.item, found.rater, found.error], 1e-3) * factors
        assert minus_twice_restricted_likelihood(data, *moved) >= best - 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_the_derivative_is_that_of_the_likelihood(seed: int):
    data = two_way(seed)
    sums = Reml(crossing(data, data.values()))
    point, width = np.array([0.7, 0.3]), 1e-5
    slope = sums._with_variance(*point)[1]
    moved = [
        (sums._with_variance(*(point + shift))[0] - sums._with_variance(*(point - shift))[0]) / (2 * width)
        for shift in width * np.eye(2)
    ]
    assert slope == pytest.approx(moved, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("fixed", [False, True])
def test_on_a_complete_table_the_likelihood_gives_the_analysis_of_variance(fixed: bool):
    data = shrout_fleiss()
    found = reml(crossing(data, data.values()), fixed_raters=fixed)
    value = found.consistency if fixed else found.agreement
    assert value == pytest.approx(icc.icc(data, "interval", "3,1" if fixed else "2,1").value, abs=1e-9)


def test_an_incomplete_table_keeps_every_rating_and_fills_nothing_in():
    data = two_way(1, items=30, shown=0.6)
    estimate = icc.icc_2_1(data, "interval")
    assert estimate.n_judgments == len(data.unit)
    assert "REML, empty cells left empty" in estimate.method
    assert estimate.seed == 0
    assert estimate.low < estimate.value < estimate.high


def test_severity_lowers_agreement_and_not_consistency():
    data = two_way(3, items=60, raters=6, shown=0.8, sd=(1, 1.5, 0.5))
    found = icc.icc_of(data, "interval")
    assert found["2,1"].value < found["3,1"].value - 0.2
    assert found["2,1"].value < found["2,k"].value
    assert "raters like these" in found["2,1"].method
    assert "these raters" in found["3,1"].method


def test_outputs_of_one_prompt_are_not_independent():
    """Five systems that share the prompt's level: as if they were independent, the interval is too narrow."""
    rng = np.random.default_rng(5)
    unit = np.repeat(np.arange(150), 3)
    rater = [f"r{i}" for i in np.tile(np.arange(3), 150)]
    value = rng.normal(size=30)[unit // 5] + 0.1 * rng.normal(size=150)[unit] + 0.5 * rng.normal(size=450)
    by_prompt = icc.icc_3_1(code_ratings(unit, unit // 5, rater, value), "interval")
    by_output = icc.icc_3_1(code_ratings(unit, None, rater, value), "interval")
    assert by_prompt.value == pytest.approx(by_output.value)
    assert by_prompt.high - by_prompt.low > 1.5 * (by_output.high - by_output.low)
    assert "McGraw-Wong" in by_output.method
    assert "generalised" in by_prompt.method


def test_more_ratings_to_average_raise_the_reliability_of_the_mean():
    data = two_way(2, items=30)
    single = icc.icc_2_1(data, "interval").value
    assert icc.icc_2_k(data, "interval", k=1).value == pytest.approx(single)
    assert icc.icc_2_k(data, "interval", k=5).value == pytest.approx(5 * single / (1 + 4 * single))
    assert "k = 5" in icc.icc_2_k(data, "interval", k=5).method
    with pytest.raises(ValueError, match="number of ratings"):
        icc.icc_2_k(data, "interval", k=0.5)


def test_additive_effects_of_an_incomplete_table_solve_least_squares():
    data = two_way(8, items=20, shown=0.6)
    table = crossing(data, data.values())
    fit = additive_fit(table)
    design = np.hstack([np.eye(table.n_units)[table.unit], np.eye(table.n_raters)[table.rater]])
    solution = np.linalg.lstsq(design, table.score, rcond=None)[0]
    effects = solution[table.n_units :] - solution[table.n_units :].mean()
    assert fit.effect == pytest.approx(effects, abs=1e-9)
    assert fit.residual == pytest.approx(table.score - design @ solution, abs=1e-9)
    assert fit.error_freedom == len(table.score) - np.linalg.matrix_rank(design)


@pytest.mark.parametrize(
    ("unit", "rater", "value", "reason"),
    [
        ([], [], [], "needs two or more"),
        ([1, 2, 3], ["a"] * 3, [1, 2, 3], "Raters with ratings: 1"),
        ([1, 1], ["a", "b"], [1, 2], "Items with ratings: 1"),
        ([1, 2], ["a", "b"], [1, 2], "No output has two ratings"),
        ([1, 1, 2, 2], ["a", "b"] * 2, [3, 3, 3, 3], "All ratings are equal"),
        ([1, 1, 2], ["a", "b", "a"], [1, 2, 3], "nothing is left to estimate error"),
        ([1, 1, 2, 2], [None] * 4, [1, 2, 3, 4], "unknown identity"),
    ],
)
def test_too_little_is_not_estimable_with_the_reason(unit: list, rater: list, value: list, reason: str):
    for estimate in icc.icc_of(code_ratings(unit, None, rater, value), "interval", ("2,1", "3,k")).values():
        assert estimate.status == "not_estimable"
        assert reason in estimate.reason


def test_items_that_do_not_differ_have_no_agreement_and_no_consistency_to_speak_of():
    data = code_ratings([1, 1, 2, 2], None, ["a", "b"] * 2, [1, 2, 1, 2])
    assert icc.icc_2_1(data, "interval").value == 0
    assert "Items do not differ" in icc.icc_3_1(data, "interval").reason


def test_perfect_agreement_is_one_without_an_interval():
    data = code_ratings([1, 1, 2, 2, 3, 3], None, ["a", "b"] * 3, [1, 1, 4, 4, 2, 2])
    for estimate in icc.icc_of(data, "interval").values():
        assert (estimate.status, estimate.value) == ("insufficient", 1.0)


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_variances_need_distances(level: str):
    assert "need distances" in icc.icc_2_1(shrout_fleiss(), level).reason


def test_wrong_values_and_forms_are_refused():
    labels = code_ratings([1, 1], None, ["a", "b"], ["10", "9"])
    with pytest.raises(ValueError, match="must be numbers"):
        icc.icc_2_1(labels, "interval")
    with pytest.raises(ValueError, match="Unknown form"):
        icc.icc(shrout_fleiss(), "interval", "1,1")


def test_few_prompts_with_several_outputs_have_no_interval():
    estimate = icc.icc_2_1(two_way(4, items=30, systems=5), "interval")
    assert estimate.status == "insufficient"
    assert "Only 6 prompts" in estimate.reason


def test_few_raters_and_groups_that_never_meet_are_said():
    warnings = icc.icc_2_1(two_way(4, items=30, raters=3), "interval").warnings
    assert any("Only 3 raters" in text for text in warnings)
    unit = np.repeat(np.arange(40), 2)
    rater = [("a", "b", "c", "d")[2 * (u % 2) + side] for u in range(40) for side in (0, 1)]
    value = np.random.default_rng(0).normal(size=80) + unit % 7
    warnings = icc.icc_2_1(code_ratings(unit, None, rater, value), "interval").warnings
    assert any("2 groups" in text for text in warnings)


def test_raters_who_mark_alike_to_the_last_digit_have_an_interval():
    """No squares between raters: nothing to divide by, and no spread of raters either."""
    unit = [u for u in range(24) for _ in "ab"]
    cluster = [u // 2 for u in unit]
    value = [1 + (u * 7) % 4 + (u % 2 == who) for u in range(24) for who in (0, 1)]
    found = icc.icc_2_1(code_ratings(unit, cluster, ["a", "b"] * 24, value, [1, 2, 3, 4, 5]), "interval")
    assert found.status == "ok"
    assert found.low <= found.value <= found.high

"""Weighted totals with a declared rule for what is missing, MQM, and cumulative shares."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.stats import mqm, scores
from analytics.stats.coding import CodedRatings, code_ratings
from analytics.stats.weighted_totals import WeightedCriterion, weighted_total, weighted_total_difference


def rated(
    values: list, unit: list | None = None, cluster: list | None = None, domain: tuple = (1, 2, 3, 4, 5)
) -> CodedRatings:
    names = list(range(len(values))) if unit is None else unit
    return code_ratings(names, cluster, ["r"] * len(values), values, domain)


def criterion(
    key: str, values: list, weight: float = 1.0, measurement: str = "interval", **options
) -> WeightedCriterion:
    points = options.pop("points", None)
    return WeightedCriterion(key, rated(values, **options), measurement, weight, points)


def two(first: list, second: list, **options) -> list[WeightedCriterion]:
    return [criterion("correct", first, 2.0, **options), criterion("clear", second, 1.0, **options)]


def test_the_rule_for_missing_criteria_is_declared_and_told():
    values = two([5, 4, 3], [1, 2, None])
    complete = weighted_total(values, missing="complete")
    assert (complete.estimate.value, complete.n_complete, complete.n_incomplete) == (10.5, 2, 1)
    assert "1 outputs lack a criterion and are left out, as declared." in complete.estimate.warnings
    stretched = weighted_total(values, missing="renormalise")
    assert stretched.estimate.value == pytest.approx((11 + 10 + 9) / 3)
    assert "stretched, as declared" in stretched.estimate.warnings[-1]
    refused = weighted_total(values, missing="refuse")
    assert refused.estimate.status == "not_estimable"
    assert "1 of 3 outputs lack a criterion" in refused.estimate.reason
    with pytest.raises(TypeError):
        weighted_total(values)
    with pytest.raises(ValueError, match="Unknown rule"):
        weighted_total(values, missing="zero")


def test_correlated_criteria_are_not_added_as_if_independent():
    rng = np.random.default_rng(0)
    quality = np.clip(np.round(rng.normal(3, 1, 200)), 1, 5).tolist()
    same = weighted_total(two(quality, quality), missing="complete", interval="t").estimate
    other = weighted_total(two(quality, rng.permutation(quality).tolist()), missing="complete", interval="t").estimate
    assert same.value == pytest.approx(other.value)
    assert (same.high - same.low) == pytest.approx((other.high - other.low) * 3 / np.sqrt(5), rel=0.1)


def test_the_bootstrap_of_whole_prompts_is_as_wide_as_t():
    rng = np.random.default_rng(1)
    values = two(
        rng.integers(1, 6, 60).tolist(), rng.integers(1, 6, 60).tolist(), cluster=(np.arange(60) // 4).tolist()
    )
    drawn = weighted_total(values, missing="complete", seed=4).estimate
    by_t = weighted_total(values, missing="complete", interval="t").estimate
    assert (drawn.seed, drawn.n_clusters) == (4, 15)
    assert drawn.high - drawn.low == pytest.approx(by_t.high - by_t.low, rel=0.15)
    assert weighted_total(values, missing="complete", seed=4).estimate == drawn


def test_ordinal_levels_are_not_added_up_without_points():
    values = [criterion("tone", ["good", "bad"], measurement="ordinal", domain=("bad", "good"))]
    refused = weighted_total(values, missing="complete")
    assert "'tone' is ordinal" in refused.estimate.reason
    pointed = [
        criterion("tone", ["good", "bad"], measurement="ordinal", domain=("bad", "good"), points={"bad": 0, "good": 10})
    ]
    assert weighted_total(pointed, missing="complete").estimate.value == 5
    lacking = [criterion("tone", ["good"], measurement="ordinal", domain=("bad", "good"), points={"bad": 0})]
    with pytest.raises(ValueError, match="no points to level 'good'"):
        weighted_total(lacking, missing="complete")


def test_totals_of_two_systems_are_paired_by_prompt():
    rng = np.random.default_rng(2)
    base = rng.integers(1, 5, 40)
    prompts = [f"p{i}" for i in range(40)]
    old = two(base.tolist(), base.tolist(), cluster=prompts, unit=[f"old{i}" for i in range(40)])
    up = np.where(np.arange(40) % 2, base + 1, base).tolist()
    new = two(up, up, cluster=prompts, unit=[f"new{i}" for i in range(40)])
    gap = weighted_total_difference(new, old, missing="complete")
    assert gap.value == pytest.approx(1.5)
    alone = weighted_total(new, missing="complete").estimate
    assert gap.high - gap.low < 0.7 * (alone.high - alone.low)
    fewer = two(base[:30].tolist(), base[:30].tolist(), cluster=prompts[:30])
    assert any("10 prompts" in text for text in weighted_total_difference(new, fewer, missing="complete").warnings)
    with pytest.raises(ValueError, match="same criteria with the same weights"):
        weighted_total_difference(new, [*old[:1], criterion("clear", [1], 3.0)], missing="complete")


def test_totals_refuse_what_cannot_be_one_number():
    with pytest.raises(ValueError, match="at least one criterion"):
        weighted_total([], missing="complete")
    with pytest.raises(ValueError, match="named twice"):
        weighted_total([criterion("a", [1]), criterion("a", [1])], missing="complete")
    with pytest.raises(ValueError, match="weight of 'a' must be a finite number above 0"):
        weighted_total([criterion("a", [1], 0.0)], missing="complete")
    clash = [criterion("a", [1], cluster=["p"]), criterion("b", [1], cluster=["q"])]
    with pytest.raises(ValueError, match="more than one cluster"):
        weighted_total(clash, missing="complete")
    with pytest.raises(ValueError, match="no declared scale"):
        weighted_total([criterion("a", [1, 2], domain=None)], missing="complete", rescale=True)
    empty = weighted_total([criterion("a", [])], missing="complete")
    assert empty.estimate.status == "not_estimable"
    few = weighted_total([criterion("a", [1, 2, 3])], missing="complete").estimate
    assert (few.status, few.low) == ("insufficient", None)
    alike = weighted_total([criterion("a", [3] * 20)], missing="complete").estimate
    assert alike.status == "insufficient"


# --- MQM ---------------------------------------------------------------------------------------------------


def test_a_segment_without_errors_counts_as_0_and_raters_are_averaged():
    columns = ([1, 1, 2], [1, 1, 2], list("xyx"), ["Style", "No-error", "No-error"], ["major", "no-error", "no-error"])
    assert mqm.mqm_score(*columns).value == pytest.approx((2.5 + 0) / 2)


def test_weights_are_declared():
    columns = ([1], None, ["x"], ["Fluency/Punctuation"], ["minor"])
    assert mqm.mqm_score(*columns).value == 0.1
    plain = mqm.MqmWeights(severity={"minor": 2.0}, minor={}, any={})
    assert mqm.mqm_score(*columns, weights=plain).value == 2.0


def test_mqm_by_system_and_its_refusals():
    found = mqm.mqm_scores(list("ab"), [1, 1], None, ["x", "x"], ["Style", "Style"], ["major", "minor"])
    assert {name: estimate.value for name, estimate in found.items()} == {"a": 5.0, "b": 1.0}
    assert mqm.mqm_score([], None, [], [], []).status == "not_estimable"
    one = mqm.mqm_score([1, 2], ["d", "d"], ["x", "x"], ["Style"] * 2, ["major", "minor"])
    assert (one.status, one.value) == ("insufficient", 3.0)
    for columns, message in (
        (([1], None, ["x"], ["Style"], ["severe"]), "Severity 'severe' has no points: use major, minor"),
        (([1], None, ["x"], ["Style"], [None]), "no category or no severity"),
        (([1, 1], ["d", "e"], ["x", "x"], ["Style"] * 2, ["major"] * 2), "more than one document"),
        (([1, 2], None, ["x"], ["Style"], ["major"]), "Lengths differ: segment 2"),
        (([1], None, [None], ["Style"], ["major"]), "A row has no rater"),
    ):
        with pytest.raises(ValueError, match=message):
            mqm.mqm_score(*columns)


# --- Cumulative shares --------------------------------------------------------------------------------------


def test_cumulative_shares_add_up_and_leave_out_the_whole():
    data = rated([1, 2, 2, 5] * 5)
    found = scores.cumulative_shares(data, "ordinal")
    plain = scores.level_shares(data)
    assert found.levels == (1.0, 2.0, 3.0, 4.0)
    assert [e.value for e in found.shares] == pytest.approx(np.cumsum([e.value for e in plain.shares])[:-1])
    assert found.counts == (5, 15, 15, 15)
    nominal = scores.cumulative_shares(data, "nominal")
    assert {e.status for e in nominal.shares} == {"not_estimable"}
    assert {e.status for e in scores.cumulative_shares(rated([]), "ordinal").shares} == {"not_estimable"}
    with pytest.raises(ValueError, match="ordinal level must be numbers"):
        scores.cumulative_shares(code_ratings([1, 2], None, ["r", "r"], ["10", "9"]), "ordinal")

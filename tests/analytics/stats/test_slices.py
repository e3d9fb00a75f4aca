"""Slices against the rest, many tests, partial pooling, one mix of prompts."""

from __future__ import annotations

import json

import numpy as np
import pytest

from analytics.stats.multiplicity import benjamini_hochberg, benjamini_yekutieli, holm
from analytics.stats.pooling import partial_pooling, ranked
from analytics.stats.slices import mix_adjusted_difference, slice_interaction, slices


def scored(
    seed: int = 0, prompts: int = 120, effect: float = 1.0
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Three rows a prompt; one slice differs by `effect`, one does not, one has too few prompts."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(prompts), 3)
    legal, code, rare = cluster % 4 == 0, cluster % 3 == 0, cluster < 5
    value = 3 + effect * legal + rng.normal(0, 0.7, prompts)[cluster] + rng.normal(0, 0.5, len(cluster))
    return value, cluster, {"legal": legal, "code": code, "rare": rare}


def test_a_planted_effect_is_found_in_its_slice_only():
    value, cluster, membership = scored()
    legal, code, rare = slices(value, cluster, membership)
    assert legal.interaction.estimate.low < 1 < legal.interaction.estimate.high
    assert legal.p_adjusted < 0.001
    assert code.p_adjusted > 0.05
    assert (rare.estimate.status, rare.p_adjusted) == ("not_estimable", None)
    assert "5 prompts" in rare.estimate.reason
    assert json.loads(json.dumps([one.to_dict() for one in (legal, code, rare)], allow_nan=False))


def test_a_hidden_slice_is_not_counted_in_the_correction():
    value, cluster, membership = scored()
    shown = slices(value, cluster, {"legal": membership["legal"]}, correction="holm")[0]
    beside = slices(value, cluster, {"legal": membership["legal"], "rare": membership["rare"]}, correction="holm")[0]
    assert beside.p_adjusted == shown.p_adjusted == shown.interaction.p_value


def test_a_system_that_wins_everywhere_has_no_interaction():
    value, cluster, membership = scored(effect=0.0)
    legal = slices(value + 5, cluster, membership)[0]
    assert legal.estimate.low > 7
    assert legal.interaction.p_value > 0.05


def test_outputs_of_one_prompt_are_one_observation():
    rng = np.random.default_rng(1)
    value, inside = rng.normal(size=40), np.arange(40) < 15
    once = slice_interaction(value, range(40), inside)
    again = slice_interaction(np.repeat(value, 6), np.repeat(range(40), 6), np.repeat(inside, 6))
    assert again.p_value == pytest.approx(once.p_value)
    assert (again.estimate.low, again.estimate.high) == pytest.approx((once.estimate.low, once.estimate.high))


def test_prompts_on_both_sides_are_paired():
    """Turns of one conversation in and out of a slice share the conversation's level."""
    rng = np.random.default_rng(2)
    level = rng.normal(0, 3, 60)
    value = np.concatenate([level + 0.5 + rng.normal(0, 0.3, 60), level + rng.normal(0, 0.3, 60)])
    inside = np.arange(120) < 60
    paired = slice_interaction(value, np.tile(np.arange(60), 2), inside)
    apart = slice_interaction(value, range(120), inside)
    assert paired.estimate.low < 0.5 < paired.estimate.high
    assert paired.p_value < 1e-6 < apart.p_value


def test_bad_input_of_slices_is_refused():
    value, cluster, membership = scored()
    with pytest.raises(ValueError, match="There are no slices"):
        slices(value, cluster, {})
    with pytest.raises(ValueError, match="Unknown correction 'bonferroni'"):
        slices(value, cluster, membership, correction="bonferroni")
    with pytest.raises(ValueError, match="Lengths differ: legal 2, value 360"):
        slices(value, cluster, {"legal": [True, False]})
    with pytest.raises(ValueError, match="must be True or False for each row; found 'yes'"):
        slice_interaction([1, 2], [1, 2], ["yes", "no"])
    nothing = slice_interaction([], [], [])
    assert nothing.estimate.status == "not_estimable"
    alike = slice_interaction([1.0] * 40, range(40), np.arange(40) < 20)
    assert (alike.estimate.status, alike.p_value) == ("insufficient", None)


def test_adjusted_p_values_keep_order_ties_and_gaps():
    p = [0.04, None, 0.01, 0.01, 1.0]
    for function in (holm, benjamini_hochberg, benjamini_yekutieli):
        adjusted = function(p)
        assert adjusted[1] is None
        assert adjusted[2] == adjusted[3] <= adjusted[0] <= adjusted[4] == 1.0
        assert function([0.03]) == (0.03,)
        assert function([]) == ()
        assert function([None]) == (None,)
        backwards = function(p[::-1])[::-1]
        assert [x for x in backwards if x is not None] == pytest.approx([x for x in adjusted if x is not None])
    for bad in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="between 0 and 1"):
            holm([0.5, bad])


def test_noisy_slices_are_shrunk_most_and_the_ranking_changes():
    names = ["large", "medium", "small", "tiny", "other", "more"]
    errors = [0.02, 0.05, 0.1, 0.8, 0.05, 0.05]
    pooled = partial_pooling([0.6, 0.5, 0.4, 1.5, 0.45, 0.5], errors)
    assert (
        np.argsort(pooled.weight)[::-1].tolist() == np.argsort(errors, kind="stable").tolist() or pooled.weight[3] < 0.1
    )
    assert ranked(names, pooled)[0] == "large"
    assert all(e.low < e.value < e.high for e in pooled.shrunk)


def test_equal_errors_are_shrunk_as_james_and_stein_do():
    rng = np.random.default_rng(0)
    value = rng.normal(0, 2, 40)
    pooled = partial_pooling(value, np.ones(40))
    james_stein = 37 / np.sum((value - value.mean()) ** 2)
    assert 1 - pooled.weight[0] == pytest.approx(james_stein, rel=0.05)
    assert pooled.p_value < 0.001


def test_slices_that_do_not_differ_are_shrunk_far_and_said_not_to_differ():
    pooled = partial_pooling(np.linspace(-0.1, 0.1, 20), np.ones(20))
    assert pooled.p_value > 0.999
    assert pooled.weight[0] < 0.25
    exact = partial_pooling(np.arange(20.0), np.full(20, 1e-3))
    assert exact.weight[0] == pytest.approx(1, abs=1e-6)


def test_other_units_change_nothing_but_the_units():
    value, error = [28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18]
    pooled = partial_pooling(value, error)
    scaled = partial_pooling(np.asarray(value) * 1e4 + 5, np.asarray(error) * 1e4)
    assert scaled.weight == pytest.approx(pooled.weight, abs=1e-6)
    assert scaled.shrunk[0].high == pytest.approx(pooled.shrunk[0].high * 1e4 + 5, rel=1e-5)


def test_bad_input_of_pooling_is_refused():
    few = partial_pooling([1, 2, 3], [1, 1, 1])
    assert [e.status for e in few.shrunk] == ["not_estimable"] * 3
    assert few.to_dict()["tau"] is None
    with pytest.raises(ValueError, match="no ranking"):
        ranked(["a", "b", "c"], few)
    for value, error in (([1, None, 3, 4], [1] * 4), ([1, 2, 3, 4], [1, 0, 1, 1])):
        with pytest.raises(ValueError, match="a value and a standard error above 0"):
            partial_pooling(value, error)
    with pytest.raises(ValueError, match="Lengths differ"):
        partial_pooling([1, 2], [1])


def test_a_difference_of_mixes_is_no_difference_of_systems():
    """Both are equally good on easy and on hard prompts; A was given the easy ones."""
    rng = np.random.default_rng(0)
    is_a = np.arange(400) < 200
    hard = np.where(is_a, np.arange(400) % 10 < 2, np.arange(400) % 10 < 8)
    value = np.where(hard, 2.0, 4.0) + rng.normal(0, 0.5, 400)
    raw = value[is_a].mean() - value[~is_a].mean()
    found = mix_adjusted_difference(value, range(400), is_a, np.where(hard, "hard", "easy"))
    assert raw > 1
    assert found.low < 0 < found.high
    declared = mix_adjusted_difference(
        value, range(400), is_a, np.where(hard, "hard", "easy"), stratum_weights={"hard": 1, "easy": 0}
    )
    assert declared.value == pytest.approx(value[is_a & hard].mean() - value[~is_a & hard].mean())


def test_strata_of_one_system_are_left_out_and_told():
    value, is_a = [1, 2, 3, 1, 2, 2, 9, 9], [True, True, True, False, False, False, True, True]
    found = mix_adjusted_difference(value, range(8), is_a, ["s"] * 6 + ["t"] * 2)
    assert found.value == pytest.approx(2 - 5 / 3)
    assert "left out: t" in found.warnings[1]
    nothing = mix_adjusted_difference(value[5:], range(3), is_a[5:], ["s", "t", "t"])
    assert nothing.status == "not_estimable"
    with pytest.raises(ValueError, match="weight from 0 for every stratum"):
        mix_adjusted_difference(value, range(8), is_a, ["s"] * 6 + ["t"] * 2, stratum_weights={"s": 1})


def test_a_side_on_which_every_prompt_shows_the_same_claims_no_difference():
    """Ten ties have no spread, but the next prompt need not be a tie: a difference from 0 spread would be false."""
    value = [0.5] * 12 + [0.4, 0.9, 0.7] * 8
    inside = [True] * 12 + [False] * 24
    found = slice_interaction(value, list(range(36)), inside, share=True)
    assert (found.estimate.status, found.p_value) == ("insufficient", None)
    assert "the slice shows the same" in found.estimate.reason
    turned = slice_interaction(value, list(range(36)), [not each for each in inside], share=True)
    assert "the rest shows the same" in turned.estimate.reason

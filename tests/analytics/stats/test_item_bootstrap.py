"""The item bootstrap by patterns is the item bootstrap, and knows where it does not hold."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.stats import agreement
from analytics.stats._patterns import distinct_patterns
from analytics.stats.coding import CodedRatings, code_ratings
from analytics.stats.item_bootstrap import item_bootstrap
from tests.analytics.stats.builders import random_table


def one_output_a_prompt(seed: int = 1, prompts: int = 60) -> CodedRatings:
    return random_table(seed, prompts=prompts, systems=1).coded()


@pytest.mark.parametrize("statistic", ["krippendorff_alpha", "gwet_ac1", "fleiss_kappa", "brennan_prediger"])
def test_it_agrees_with_the_linearised_interval(statistic: str):
    from analytics.stats import kappas

    data = one_output_a_prompt(prompts=150)
    linearised = {
        "krippendorff_alpha": lambda: agreement.krippendorff_alpha(data, "ordinal", population="these_raters"),
        "gwet_ac1": lambda: agreement.gwet_ac1(data, population="these_raters"),
        "fleiss_kappa": lambda: kappas.fleiss_kappa(data, population="these_raters"),
        "brennan_prediger": lambda: kappas.brennan_prediger(data, population="these_raters"),
    }[statistic]()
    found = item_bootstrap(data, "ordinal", statistic=statistic)
    assert found.value == pytest.approx(linearised.value, abs=1e-12)
    assert found.high - found.low == pytest.approx(linearised.high - linearised.low, rel=0.15)
    assert "these raters" in found.method


def test_a_draw_of_patterns_is_a_draw_of_outputs():
    """Weights on patterns give the coefficient of the table in which outputs are repeated that often."""
    from analytics.stats._coefficients import Alpha
    from analytics.stats._totals import PairTable

    table = random_table(3, prompts=30, systems=1)
    data = table.coded()
    whole = PairTable(data)
    drawn = np.random.default_rng(0).integers(0, 30, 30)
    times = np.bincount(whole.patterns.of_unit[drawn], minlength=len(whole.times)).astype(float)
    rows = np.concatenate([np.flatnonzero(table.unit == unit) for unit in drawn])
    copy = np.concatenate([np.full((table.unit == unit).sum(), n) for n, unit in enumerate(drawn)])
    resampled = code_ratings(copy, None, table.rater[rows], table.value[rows], table.domain)
    direct = Alpha(resampled, "ordinal").value(PairTable(resampled).whole)
    assert Alpha(data, "ordinal").value(whole.weighted(times)) == pytest.approx(direct, abs=1e-12)


def test_the_seed_decides_and_is_stored():
    data = one_output_a_prompt()
    first, again, other = (item_bootstrap(data, "nominal", resamples=200, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)
    assert (first.seed, other.seed) == (1, 2)


def test_several_outputs_of_a_prompt_are_sent_to_the_linearised_interval():
    found = item_bootstrap(random_table(1, prompts=30).coded(), "ordinal")
    assert (found.status, found.low) == ("insufficient", None)
    assert "linearised by prompt" in found.reason


def test_refusals():
    data = one_output_a_prompt()
    with pytest.raises(ValueError, match="who gave each rating"):
        item_bootstrap(data, "ordinal", statistic="conger_kappa")
    assert "Only 6 prompts" in item_bootstrap(one_output_a_prompt(prompts=6), "ordinal").reason
    equal = code_ratings(np.repeat(np.arange(20), 2), None, ["a", "b"] * 20, [3] * 40, [1, 2, 3])
    assert item_bootstrap(equal, "ordinal").status == "not_estimable"
    assert "no variation" in item_bootstrap(equal, "ordinal", statistic="percent_agreement").reason


@pytest.mark.parametrize("values", [5, 400])
def test_patterns_are_exact_for_short_scales_and_for_sliders(values: int):
    """Units with the same ratings, and only those, are one pattern."""
    rng = np.random.default_rng(0)
    unit = np.repeat(np.arange(200), 3)
    value = rng.integers(0, values, 600)
    data = code_ratings(unit, None, ["a", "b", "c"] * 200, value, list(range(values)))
    patterns = distinct_patterns(data)
    rows = np.sort(value.reshape(200, 3), axis=1)
    for one in range(0, 200, 7):
        same = (rows == rows[one]).all(axis=1)
        assert np.array_equal(patterns.of_unit == patterns.of_unit[one], same)
    assert patterns.times.sum() == 200
    assert patterns.cells.n.sum() == 3 * len(patterns.times)


def test_a_hash_that_collides_is_noticed(monkeypatch: pytest.MonkeyPatch):
    from analytics.stats import _patterns

    data = one_output_a_prompt()
    expected = agreement.krippendorff_alpha(data, "ordinal")
    monkeypatch.setattr(_patterns, "_keys", lambda data, size, start: np.zeros(data.n_units, dtype=np.int64))
    assert len(distinct_patterns(data).times) == data.n_units
    found = agreement.krippendorff_alpha(data, "ordinal")
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))

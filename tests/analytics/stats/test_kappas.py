"""The kappas: what each is for, what it refuses, and how they relate."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.stats import agreement, kappas
from analytics.stats.coding import code_ratings
from tests.analytics.stats.builders import from_cross_table, random_table
from tests.analytics.stats.references_agreement import ABSTRACTORS, four_raters

FUNCTIONS = [kappas.fleiss_kappa, kappas.conger_kappa, kappas.brennan_prediger]


def test_cohen_takes_the_outputs_that_both_of_the_pair_judged():
    table = random_table(2, prompts=20, shown=0.7)
    pair = table.rows(np.flatnonzero(np.isin(table.rater, ["r1", "r3"])))
    shared = np.isin(pair.unit, [u for u in np.unique(pair.unit) if (pair.unit == u).sum() == 2])
    both = pair.rows(np.flatnonzero(shared)).coded()
    named = kappas.cohen_kappa(table.coded(), pair=("r1", "r3"))
    assert named.value == pytest.approx(kappas.cohen_kappa(both).value, abs=1e-12)
    assert named.n_judgments == shared.sum()
    assert "of r1 and r3" in named.method
    assert "these raters" in named.method
    assert not any("generalise" in text for text in named.warnings)


@pytest.mark.parametrize("pair", [None, ("r0", "r9"), ("r0", "r0")])
def test_cohen_without_two_named_raters_is_refused(pair: tuple[str, str] | None):
    with pytest.raises(ValueError, match=r"two raters"):
        kappas.cohen_kappa(random_table(1).coded(), pair=pair)


def test_cohen_of_two_raters_who_share_nothing_is_not_estimable():
    data = code_ratings([1, 2, 3, 4], None, list("aabb"), [1, 2, 1, 2], [1, 2])
    assert kappas.cohen_kappa(data).status == "not_estimable"


def test_cohen_by_its_formula_on_a_random_table():
    table = random_table(4, raters=2, shown=1.0)
    first, second = (table.value[table.rater == name] for name in ("r0", "r1"))
    gap = (first[:, None] - second[None, :]) ** 2
    weighted = 1 - np.mean((first - second) ** 2) / gap.mean()
    assert kappas.cohen_kappa(table.coded(), "quadratic").value == pytest.approx(weighted, abs=1e-12)


def test_conger_by_its_formula_is_the_mean_over_pairs_of_raters():
    table = random_table(5, shown=1.0)
    columns = np.stack([table.value[table.rater == f"r{i}"] for i in range(4)])
    pairs = [(i, j) for i in range(4) for j in range(i)]
    observed = np.mean([np.mean(columns[i] == columns[j]) for i, j in pairs])
    expected = np.mean([np.mean(columns[i][:, None] == columns[j][None, :]) for i, j in pairs])
    value = kappas.conger_kappa(table.coded()).value
    assert value == pytest.approx((observed - expected) / (1 - expected), abs=1e-12)


def test_conger_says_what_is_missing_and_refuses_raters_who_are_not_crossed():
    assert any("9% of the rater by output cells are empty" in w for w in kappas.conger_kappa(four_raters()).warnings)
    unit = np.repeat(np.arange(40), 2)
    rater = [f"r{(u + side * (1 + u % 5)) % 10}" for u in range(40) for side in (0, 1)]
    sparse = code_ratings(unit, None, rater, np.arange(80) % 3, [0, 1, 2])
    estimate = kappas.conger_kappa(sparse)
    assert estimate.status == "not_estimable"
    assert "not crossed" in estimate.reason
    assert kappas.fleiss_kappa(sparse).status == "ok"


def test_conger_needs_to_know_who_gave_each_rating():
    table = random_table(1)
    data = code_ratings(table.unit, table.cluster, [None] * len(table.unit), table.value, table.domain)
    assert "unknown identity" in kappas.conger_kappa(data).reason
    assert kappas.fleiss_kappa(data).status == "ok"


def test_conger_without_a_rater_is_conger_of_the_others():
    """The jackknife of Conger's kappa leaves the rater out of the chance term too."""
    from analytics.stats._totals import PairTable

    table = random_table(6, shown=0.9)
    data = table.coded()
    coefficient = kappas.kappa_coefficient(data, "Conger's kappa", "linear")
    whole = PairTable(data)
    for rater, totals in zip(whole.raters_with_pairs, whole.without_each_rater(), strict=True):
        others = table.rows(np.flatnonzero(table.rater != data.rater_labels[rater])).coded()
        assert coefficient.value(totals) == pytest.approx(kappas.conger_kappa(others, "linear").value, abs=1e-12)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_kappa_needs_categories_and_an_order_for_its_weights(function):
    table = random_table(1)
    noise = np.random.default_rng(0).random(len(table.value))
    slider = code_ratings(table.unit, table.cluster, table.rater, table.value + noise)
    assert "needs categories" in function(slider).reason
    labels = code_ratings([1, 1, 2, 2], None, list("abab"), ["10", "9", "10", "10"])
    with pytest.raises(ValueError, match="must be numbers"):
        function(labels, "linear")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_all_ratings_equal(function):
    unit = np.repeat(np.arange(12), 2)
    estimate = function(code_ratings(unit, None, ["a", "b"] * 12, [2] * 24, [1, 2, 3]))
    if function is kappas.brennan_prediger:
        assert (estimate.value, estimate.high) == (1.0, 1.0)
        assert estimate.low < 1
    else:
        assert estimate.status == "not_estimable"
        assert "All ratings are equal" in estimate.reason


def test_an_unknown_population_or_weighting_is_refused():
    data = random_table(1).coded()
    with pytest.raises(ValueError, match="Unknown population"):
        kappas.fleiss_kappa(data, population="everybody")
    with pytest.raises(ValueError, match="Unknown weights"):
        kappas.fleiss_kappa(data, "cubic")


def test_both_populations_are_named():
    data = random_table(1).coded()
    for function in (agreement.gwet_ac1, *FUNCTIONS):
        assert "these raters" in function(data, population="these_raters").method
        assert "raters like these" in function(data).method


def test_brennan_prediger_does_not_move_with_prevalence():
    skewed, balanced = from_cross_table([[80, 10], [5, 5]]), from_cross_table([[40, 9], [6, 45]])
    assert kappas.brennan_prediger(skewed).value == pytest.approx(kappas.brennan_prediger(balanced).value)
    assert kappas.fleiss_kappa(skewed).value < kappas.fleiss_kappa(balanced).value - 0.3


def test_scotts_pi_and_cohens_kappa_differ_only_in_the_chance_term():
    data = from_cross_table(ABSTRACTORS)
    assert 0 < kappas.cohen_kappa(data).value - kappas.fleiss_kappa(data).value < 1e-3

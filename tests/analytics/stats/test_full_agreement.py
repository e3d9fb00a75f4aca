"""All of agreement at once is what each function says by itself."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from analytics.stats import agreement, icc, kappas
from analytics.stats.coding import code_ratings
from analytics.stats.full_agreement import full_agreement
from tests.analytics.stats.builders import from_counts, from_cross_table, random_table

SINGLE = {
    "percent_agreement": agreement.percent_agreement,
    "gwet_ac1": agreement.gwet_ac1,
    "gwet_ac2": partial(agreement.gwet_ac2, weights="quadratic"),
    "fleiss_kappa": kappas.fleiss_kappa,
    "conger_kappa": kappas.conger_kappa,
    "brennan_prediger": kappas.brennan_prediger,
    "brennan_prediger_weighted": partial(kappas.brennan_prediger, weights="quadratic"),
}


def test_each_figure_is_that_of_its_own_function():
    data = random_table(3, prompts=30, raters=4).coded()
    found = full_agreement(data, "interval")
    for name, function in SINGLE.items():
        assert replace(found.estimates[name], warnings=()) == replace(function(data), warnings=()), name
    alpha = agreement.krippendorff_alpha(data, "interval")
    assert replace(found.estimates["krippendorff_alpha"], warnings=()) == replace(alpha, warnings=())
    assert found.estimates["icc_2_1"].value == pytest.approx(icc.icc_2_1(data, "interval").value)
    assert found.weights == "quadratic"


def test_what_does_not_fit_the_level_is_not_there_or_has_its_reason():
    data = random_table(3, prompts=30, raters=4).coded()
    nominal = full_agreement(data, "nominal")
    assert nominal.weights is None
    assert not {"gwet_ac2", "fleiss_kappa_weighted", "cohen_kappa"} & set(nominal.estimates)
    assert nominal.estimates["icc_2_1"].status == "not_estimable"
    assert "nominal" in nominal.estimates["icc_2_1"].reason


def test_two_known_raters_have_cohens_kappa_and_nameless_ones_do_not():
    two = full_agreement(from_cross_table([[40, 5], [5, 20]]), "nominal")
    assert two.estimates["cohen_kappa"].value == pytest.approx(
        kappas.cohen_kappa(from_cross_table([[40, 5], [5, 20]])).value
    )
    assert "cohen_kappa" not in full_agreement(from_counts([[2, 0], [1, 1]] * 10), "nominal").estimates


def test_an_ordered_scale_is_not_called_skewed_for_its_near_misses():
    """Near misses leave alpha high and AC1 low; neither is off by what one answer that dominates would do."""
    unit = [u for u in range(60) for _ in "abc"]
    value = [1 + u % 5 + (who == u % 3) * (1 if u % 5 < 4 else -1) for u in range(60) for who in range(3)]
    data = code_ratings(unit, None, ["a", "b", "c"] * 60, value, [1, 2, 3, 4, 5])
    found = full_agreement(data, "ordinal")
    assert found.estimates["krippendorff_alpha"].value > found.estimates["gwet_ac1"].value + 0.2
    assert not any(text.startswith("Skewed") for text in found.warnings)
    skewed = full_agreement(from_cross_table([[80, 10], [5, 5]]), "ordinal")
    assert skewed.warnings[0].startswith("Skewed")

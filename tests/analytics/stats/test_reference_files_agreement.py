"""Every agreement and rater figure of the reference data beside the repository, to the stated tolerance."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.stats import agreement, icc, kappas, raters
from analytics.stats._additive import crossing
from analytics.stats.coding import CodedRatings, code_ratings
from analytics.stats.icc import _Model
from analytics.stats.intervals import t_quantile
from analytics.stats.results import Estimate
from tests.analytics.stats.builders import from_counts, from_cross_table, reference_file

LEVELS = [1, 2, 3, 4, 5]
IRRCAC = "published_R_irrCAC_1.4"
PYTHON = "python_irrCAC_0.4.4 cac.raw4raters"


def expected(dataset: str) -> dict[str, Any]:
    return json.loads(reference_file(f"{dataset}/expected.json").read_text())


def standard_error(estimate: Estimate, units: int) -> float:
    """Undoes estimate -+ t(n - 1) SE on the side that is not clipped."""
    return (estimate.value - estimate.low) / t_quantile(0.95, units)


# Gwet

KAPPAS = {
    "gwet": lambda data, weights, **o: (
        agreement.gwet_ac1(data, **o) if weights == "identity" else agreement.gwet_ac2(data, weights, **o)
    ),
    "fleiss": kappas.fleiss_kappa,
    "conger": kappas.conger_kappa,
    "bp": kappas.brennan_prediger,
}


def four_raters() -> CodedRatings:
    frame = pd.read_csv(reference_file("gwet_irrcac/cac.raw4raters.csv"))
    long = frame.melt(id_vars="Units", var_name="rater")
    return code_ratings(long["Units"], None, long["rater"], long["value"], LEVELS)


@pytest.mark.parametrize("weights", ["identity", "ordinal", "linear", "quadratic"])
@pytest.mark.parametrize("coefficient", KAPPAS)
def test_gwets_four_raters_by_the_python_package(coefficient: str, weights: str):
    value, error, (low, _) = expected("gwet_irrcac")[PYTHON][weights][coefficient]
    found = KAPPAS[coefficient](four_raters(), weights, population="these_raters", variance="gwet")
    assert found.value == pytest.approx(value, abs=1e-5)
    assert standard_error(found, 12) == pytest.approx(error, abs=1e-5)
    assert found.low == pytest.approx(low, abs=2e-5)


@pytest.mark.parametrize(
    ("coefficient", "function"),
    [
        ("fleiss", kappas.fleiss_kappa),
        ("conger", kappas.conger_kappa),
        ("brennan_prediger", kappas.brennan_prediger),
    ],
)
def test_gwets_four_raters_as_published(coefficient: str, function):
    value, error, (low, high) = expected("gwet_irrcac")[IRRCAC]["cac.raw4raters (unweighted)"][coefficient]
    found = function(four_raters(), population="these_raters", variance="gwet")
    assert found.value == pytest.approx(value, abs=1e-5)
    assert standard_error(found, 12) == pytest.approx(error, abs=1e-5)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-4)


def test_alpha_of_gwets_four_raters():
    """Our standard error is the delta method by unit with both derivatives of the chance term."""
    value, error, _ = expected("gwet_irrcac")[IRRCAC]["cac.raw4raters (unweighted)"]["krippendorff"]
    found = agreement.krippendorff_alpha(four_raters(), "nominal", population="these_raters")
    assert found.value == pytest.approx(value, abs=1e-5)
    assert standard_error(found, found.n_clusters) == pytest.approx(error, rel=0.12)


@pytest.mark.parametrize(("coefficient", "function"), [("fleiss", "fleiss_kappa"), ("brennan_prediger",) * 2])
def test_gwets_six_raters(coefficient: str, function: str):
    frame = pd.read_csv(reference_file("gwet_irrcac/distrib.6raters.csv"))
    value, error, limits = expected("gwet_irrcac")[IRRCAC]["distrib.6raters"][coefficient]
    found = getattr(kappas, function)(from_counts(frame.drop(columns="Subject")))
    assert found.value == pytest.approx(value, abs=1e-6)
    assert standard_error(found, 15) == pytest.approx(error, abs=1e-6)
    assert (found.low, found.high) == pytest.approx(limits, abs=1e-3)


@pytest.mark.parametrize(
    ("coefficient", "function"),
    [("cohen", "cohen_kappa"), ("scott", "fleiss_kappa"), ("brennan_prediger", "brennan_prediger")],
)
def test_gwets_abstractors(coefficient: str, function: str):
    frame = pd.read_csv(reference_file("gwet_irrcac/cont3x3abstractors.csv"), index_col=0)
    value, error, limits = expected("gwet_irrcac")[IRRCAC]["cont3x3abstractors"][coefficient]
    found = getattr(kappas, function)(from_cross_table(frame.to_numpy().tolist()))
    assert found.value == pytest.approx(value, abs=1e-6)
    # The published variance of a two-rater cross-table divides by n, ours by n - 1.
    ours = standard_error(found, 100) * np.sqrt(99 / 100)
    assert ours == pytest.approx(error, abs=1e-6)
    half = t_quantile(0.95, 100) * ours
    assert (found.value - half, found.value + half) == pytest.approx(limits, abs=5.1e-4)


def test_gwets_four_categories():
    frame = pd.read_csv(reference_file("gwet_irrcac/cac.dist4cat.csv"))
    value = expected("gwet_irrcac")[IRRCAC]["cac.dist4cat"]["gwet_ac1"][0]
    assert agreement.gwet_ac1(from_counts(frame[["a", "b", "c"]])).value == pytest.approx(value, abs=1e-6)


# Fleiss, Feinstein & Cicchetti, Shrout & Fleiss


def test_fleiss_1971():
    frame = pd.read_csv(reference_file("fleiss1971/counts.csv"))
    kappa = kappas.fleiss_kappa(from_counts(frame.drop(columns="item"))).value
    assert kappa == pytest.approx(expected("fleiss1971")["fleiss_kappa"], abs=1e-6)
    assert kappa == pytest.approx(0.4302445, abs=1e-6)


@pytest.mark.parametrize("name", ["table1", "table2"])
def test_the_kappa_paradox(name: str):
    figures = expected("kappa_paradox")[name]
    data = from_cross_table(np.asarray(figures["table"], dtype=int).tolist())
    assert agreement.percent_agreement(data).value == pytest.approx(figures["po"], abs=1e-12)
    assert kappas.cohen_kappa(data).value == pytest.approx(figures["cohen_kappa"], abs=1e-12)
    assert kappas.fleiss_kappa(data).value == pytest.approx(figures["scott_pi"], abs=1e-12)
    assert agreement.gwet_ac1(data).value == pytest.approx(figures["gwet_ac1"], abs=1e-12)
    assert kappas.brennan_prediger(data).value == pytest.approx(figures["brennan_prediger"], abs=1e-12)


def test_shrout_and_fleiss_1979():
    frame = pd.read_csv(reference_file("shrout_fleiss1979/ratings.csv"))
    figures = expected("shrout_fleiss1979")
    data = code_ratings(frame["item"], None, frame["rater"], frame["value"])
    for form, found in icc.icc_of(data, "interval").items():
        assert found.value == pytest.approx(figures["icc"][f"ICC({form})"], abs=1e-4)
        assert (found.low, found.high) == pytest.approx(figures["ci95"][f"ICC({form})"], abs=5.1e-3)
    squares = _Model(crossing(data, data.values()), None, 0.95, 0).squares
    anova = (squares.rows, squares.columns, squares.error)
    assert anova == pytest.approx([figures["anova"][f"MS_{name}"] for name in ("rows", "cols", "error")])


# Collections of human judgments


def judged(dataset: str) -> CodedRatings:
    frame = pd.read_csv(reference_file(f"{dataset}/human.csv"))
    return code_ratings(frame["item"], None, frame["rater"], frame["value"])


@pytest.mark.parametrize("dataset", ["alttest_cebab_stars", "alttest_mtbench", "alttest_summeval", "alttest_wax"])
def test_collections_of_human_judgments(dataset: str):
    figures, data = expected(dataset), judged(dataset)
    for level, value in figures["krippendorff_alpha"].items():
        assert agreement.krippendorff_alpha(data, level).value == pytest.approx(value, abs=1e-6)
    percent, ac1 = agreement.percent_agreement(data).value, agreement.gwet_ac1(data).value
    assert percent == pytest.approx(figures["percent_agreement_mean_over_items"], abs=1e-9)
    assert ac1 == pytest.approx(figures["gwet_ac1_unweighted_observed_categories"], abs=1e-9)


@pytest.mark.parametrize(
    ("dataset", "level"),
    [
        ("alttest_cebab_stars", "interval"),
        ("alttest_mtbench", "nominal"),
        ("alttest_summeval", "interval"),
        ("alttest_wax", "nominal"),
    ],
)
def test_alpha_without_each_rater(dataset: str, level: str):
    figures, data = expected(dataset), judged(dataset)
    whole = agreement.krippendorff_alpha(data, level).value
    found = raters.leave_one_out_alpha(data, level)
    without = {figure.rater: whole + figure.estimate.value for figure in found.figures}
    stated = figures[f"leave_one_rater_out_alpha_{level}"]
    assert {rater: without[rater] for rater in stated} == pytest.approx(stated, abs=1e-9)


def test_recognising_textual_entailment():
    frame = pd.read_csv(reference_file("snow_rte/labels.csv"))
    figures = expected("snow_rte")
    data = code_ratings(frame["item"], None, frame["rater"], frame["value"], [0, 1])
    found = agreement.krippendorff_alpha(data, "nominal")
    assert found.value == pytest.approx(figures["alpha_nominal"], abs=1e-6)
    assert (found.n_units, found.n_raters, found.n_judgments) == (800, 164, 8000)


def test_numeric_emotions():
    frame = pd.read_csv(reference_file("emotion_numeric/labels.csv"))
    data = code_ratings(frame["item"], None, frame["rater"], frame["value"])
    alpha = agreement.krippendorff_alpha(data, "interval")
    assert alpha.value == pytest.approx(expected("emotion_numeric")["alpha_interval"], abs=1e-6)
    # Ten of 38 raters an item: nearly the same question, so nearly the same answer.
    assert icc.icc_2_1(data, "interval").value == pytest.approx(alpha.value, abs=0.05)

"""Published figures on reference data kept beside the repository (not copied into it: some have no
licence)."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from analytics.stats import agreement
from analytics.stats.coding import CodedRatings, code_ratings
from analytics.stats.intervals import t_quantile
from tests.analytics.stats.builders import from_counts, from_cross_table, reference_file

LEVELS = [1, 2, 3, 4, 5]


def standard_error(estimate: agreement.Estimate, units: int) -> float:
    """Undoes estimate -+ t(n - 1) SE on the side that is not clipped."""
    return (estimate.value - estimate.low) / t_quantile(0.95, units)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_krippendorff_2011_from_its_file(level: str):
    frame = pd.read_csv(reference_file("krippendorff2011/ratings.csv"))
    expected = json.loads(reference_file("krippendorff2011/expected.json").read_text())
    data = code_ratings(frame["item"], None, frame["rater"], frame["value"], LEVELS)
    estimate = agreement.krippendorff_alpha(data, level)
    assert estimate.value == pytest.approx(expected["alpha"][level], abs=1e-12)
    assert estimate.n_judgments == expected["n_pairable_values"]


@pytest.mark.parametrize("criterion", ["Informativeness", "Relevance", "Fluency", "Coherence"])
def test_judgebench_newsroom(criterion: str):
    frame = pd.read_csv(reference_file("judgebench_newsroom/ratings.csv")).query("criterion == @criterion")
    expected = json.loads(reference_file("judgebench_newsroom/expected.json").read_text())
    # A slot is a position in a list of ratings, not a person.
    data = code_ratings(
        frame["item"],
        None,
        frame["slot"],
        frame["value"],
        LEVELS,
        rater_known=np.zeros(len(frame), dtype=bool),
    )
    estimate = agreement.krippendorff_alpha(data, "ordinal")
    assert estimate.value == pytest.approx(expected["alpha"][criterion]["published_alpha"], abs=1e-9)
    assert estimate.n_raters == 0
    assert any("annot generalise beyond these raters" in text for text in estimate.warnings)


def summeval() -> CodedRatings:
    frame = pd.read_csv(reference_file("alttest_summeval/human.csv"))
    source = pd.read_csv(reference_file("alttest_summeval/items.csv")).set_index("item")["source_id"]
    document = source.str.split("__").str[0]
    return code_ratings(frame["item"], frame["item"].map(document), frame["rater"], frame["value"], LEVELS)


def test_summeval_alpha_at_three_levels_and_its_other_figures():
    data = summeval()
    expected = json.loads(reference_file("alttest_summeval/expected.json").read_text())
    for level, value in expected["krippendorff_alpha"].items():
        assert agreement.krippendorff_alpha(data, level).value == pytest.approx(value, abs=1e-9)
    interval = agreement.krippendorff_alpha(data, "interval")
    assert interval.value == pytest.approx(0.718697, abs=1e-6)
    assert (interval.n_units, interval.n_clusters, interval.n_raters) == (6400, 100, 3)
    percent = expected["percent_agreement_mean_over_items"]
    assert agreement.percent_agreement(data).value == pytest.approx(percent, abs=1e-9)
    ac1 = expected["gwet_ac1_unweighted_observed_categories"]
    assert agreement.gwet_ac1(data).value == pytest.approx(ac1, abs=1e-9)


def test_summeval_without_each_rater():
    from analytics.stats._coefficients import Alpha
    from analytics.stats._totals import PairTable

    data = summeval()
    expected = json.loads(reference_file("alttest_summeval/expected.json").read_text())
    table = PairTable(data)
    values = [Alpha(data, "interval").value(totals) for totals in table.without_each_rater()]
    by_rater = dict(zip(data.rater_labels[table.raters_with_pairs], values, strict=True))
    assert by_rater == pytest.approx(expected["leave_one_rater_out_alpha_interval"], abs=1e-9)


def published(dataset: str) -> dict[str, list]:
    expected = json.loads(reference_file("gwet_irrcac/expected.json").read_text())
    return expected["published_R_irrCAC_1.4"][dataset]


FUNCTIONS = {"gwet_ac1": agreement.gwet_ac1, "percent_agreement": agreement.percent_agreement}


@pytest.mark.parametrize("coefficient", FUNCTIONS)
def test_gwets_four_raters(coefficient: str):
    frame = pd.read_csv(reference_file("gwet_irrcac/cac.raw4raters.csv"))
    long = frame.melt(id_vars="Units", var_name="rater")
    data = code_ratings(long["Units"], None, long["rater"], long["value"], LEVELS)
    value, error, (low, high) = published("cac.raw4raters (unweighted)")[coefficient]
    estimate = FUNCTIONS[coefficient](data, population="these_raters", variance="gwet")
    assert estimate.value == pytest.approx(value, abs=1e-5)
    assert standard_error(estimate, 12) == pytest.approx(error, abs=1e-5)
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=5e-4)


def test_gwets_six_raters():
    frame = pd.read_csv(reference_file("gwet_irrcac/distrib.6raters.csv"))
    data = from_counts(frame.drop(columns="Subject"))
    value, error, limits = published("distrib.6raters")["gwet_ac1"]
    estimate = agreement.gwet_ac1(data)
    assert estimate.value == pytest.approx(value, abs=1e-6)
    assert standard_error(estimate, 15) == pytest.approx(error, abs=1e-6)
    assert (estimate.low, estimate.high) == pytest.approx(limits, abs=1e-3)


def test_alpha_has_the_standard_error_of_fleiss_kappa_scaled():
    """With six ratings on each of 15 units alpha = 1 - (1 - kappa) 89/90, so its error is 89/90 of kappa's.

    R irrCAC prints .08243 for alpha instead: it takes the chance term's derivative once, not twice.
    """
    frame = pd.read_csv(reference_file("gwet_irrcac/distrib.6raters.csv"))
    kappa_error = published("distrib.6raters")["fleiss"][1]
    estimate = agreement.krippendorff_alpha(from_counts(frame.drop(columns="Subject")), "nominal")
    assert estimate.value == pytest.approx(published("distrib.6raters")["krippendorff"][0], abs=1e-6)
    assert standard_error(estimate, 15) == pytest.approx(kappa_error * 89 / 90, abs=1e-7)


def test_alpha_of_gwets_four_raters_has_the_error_of_the_whole_formula():
    """R irrCAC prints .14548, which is the error of Fleiss' kappa of the same outputs: it leaves out that alpha is
    1 - (1 - kappa)(n - 1)/n. Both are the delta method's; derivatives by finite differences of a plain formula."""
    frame = pd.read_csv(reference_file("gwet_irrcac/cac.raw4raters.csv"))
    counts = np.array([[(row == level).sum() for level in LEVELS] for row in frame.drop(columns="Units").to_numpy()])
    paired = counts[counts.sum(axis=1) >= 2].astype(float)

    def alpha(times: np.ndarray, correction: float) -> float:
        rows = paired * (times / (paired.sum(axis=1) - 1))[:, None]
        together = rows.T @ paired - np.diag(rows.sum(axis=0))
        given = together.sum(axis=1)
        n = given.sum()
        return 1 - (n - correction) * (n - np.trace(together)) / (n**2 - given @ given)

    def error(correction: float) -> float:
        step = 1e-6 * np.eye(len(paired))
        slope = np.array([(alpha(1 + h, correction) - alpha(1 - h, correction)) / 2e-6 for h in step])
        return float(np.sqrt(len(slope) / (len(slope) - 1) * np.sum((slope - slope.mean()) ** 2)))

    long = frame.melt(id_vars="Units", var_name="rater")
    data = code_ratings(long["Units"], None, long["rater"], long["value"], LEVELS)
    estimate = agreement.krippendorff_alpha(data, "nominal", population="these_raters")
    value, printed, _ = published("cac.raw4raters (unweighted)")["krippendorff"]
    assert estimate.value == pytest.approx(value, abs=1e-5)
    assert error(0) == pytest.approx(printed, abs=1e-5)
    assert standard_error(estimate, 11) == pytest.approx(error(1), abs=1e-7)
    assert standard_error(estimate, 11) == pytest.approx(0.14194, abs=5e-6)


@pytest.mark.parametrize("coefficient", FUNCTIONS)
def test_gwets_abstractors(coefficient: str):
    frame = pd.read_csv(reference_file("gwet_irrcac/cont3x3abstractors.csv"), index_col=0)
    value, error, limits = published("cont3x3abstractors")[coefficient]
    estimate = FUNCTIONS[coefficient](from_cross_table(frame.to_numpy().tolist()))
    assert estimate.value == pytest.approx(value, abs=1e-6)
    # The published variance of a two-rater cross-table divides by n, ours (and the raw-data one) by n - 1.
    assert standard_error(estimate, 100) * np.sqrt(99 / 100) == pytest.approx(error, abs=1e-6)
    assert (estimate.low, estimate.high) == pytest.approx(limits, abs=1e-3)


def test_a_rating_of_zero_is_not_missing():
    frame = pd.read_csv(reference_file("gwet_irrcac/cac.raw5obser.csv"))
    long = frame.melt(id_vars="Unit", var_name="rater")
    data = code_ratings(long["Unit"], None, long["rater"], long["value"])
    assert data.domain == (0.0, 1.0, 2.0, 3.0)
    assert len(data.unit) == long["value"].notna().sum()


def test_fleiss_1971():
    frame = pd.read_csv(reference_file("fleiss1971/counts.csv"))
    expected = json.loads(reference_file("fleiss1971/expected.json").read_text())
    data = from_counts(frame.drop(columns="item"))
    alpha = agreement.krippendorff_alpha(data, "nominal").value
    assert alpha == pytest.approx(expected["alpha_nominal"], abs=1e-9)
    assert agreement.gwet_ac1(data).value == pytest.approx(expected["gwet_ac1"], abs=1e-5)
    assert agreement.percent_agreement(data).value == pytest.approx(expected["percent_agreement"], abs=1e-5)

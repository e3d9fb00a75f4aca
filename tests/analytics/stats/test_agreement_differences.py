"""Differences of two agreements: paired by prompt, with the raters that are in both."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.stats import agreement
from analytics.stats.agreement_differences import agreement_difference
from analytics.stats.coding import CodedRatings, code_ratings
from tests.analytics.stats.builders import Table, random_table


def noisier(table: Table, seed: int = 0) -> CodedRatings:
    """The same raters and outputs, with more disagreement."""
    shift = np.random.default_rng(seed).integers(-1, 2, len(table.value))
    return code_ratings(table.unit, table.cluster, table.rater, np.clip(table.value + shift, 1, 5), table.domain)


@pytest.mark.parametrize("statistic", ["krippendorff_alpha", "percent_agreement", "gwet_ac2", "conger_kappa"])
def test_the_value_is_the_difference_of_the_two(statistic: str):
    table = random_table(1, prompts=20)
    a, b = table.coded(), noisier(table)
    found = agreement_difference(a, b, "ordinal", statistic=statistic, weights="ordinal")
    from analytics.stats import kappas

    each = {
        "krippendorff_alpha": lambda d: agreement.krippendorff_alpha(d, "ordinal"),
        "percent_agreement": agreement.percent_agreement,
        "gwet_ac2": lambda d: agreement.gwet_ac2(d, "ordinal"),
        "conger_kappa": lambda d: kappas.conger_kappa(d, "ordinal"),
    }[statistic]
    assert found.value == pytest.approx(each(a).value - each(b).value, abs=1e-12)
    assert found.low < found.value < found.high
    back = agreement_difference(b, a, "ordinal", statistic=statistic, weights="ordinal")
    assert (back.value, back.low) == (pytest.approx(-found.value), pytest.approx(-found.high))


def test_nothing_differs_from_itself():
    data = random_table(1, prompts=20).coded()
    found = agreement_difference(data, data, "ordinal")
    assert (found.status, found.value) == ("insufficient", 0.0)


def test_pairing_removes_what_prompts_have_in_common():
    table = random_table(3, prompts=60)
    a, b = table.coded(), noisier(table)
    paired, apart = (
        agreement_difference(a, b, "ordinal", pairing=pairing, population="these_raters")
        for pairing in ("prompts", "none")
    )
    assert paired.value == apart.value
    assert paired.high - paired.low < 0.9 * (apart.high - apart.low)
    assert "paired by prompt" in paired.method
    assert "unpaired" in apart.method


def test_a_rater_in_both_is_left_out_of_both():
    """The same severe rater moves both figures alike: counted as two raters, the interval would be far wider."""
    table = random_table(6, prompts=60)
    harsh = np.where(table.rater == "r0", np.clip(table.value - 2, 1, 5), table.value)
    a = code_ratings(table.unit, table.cluster, table.rater, harsh, table.domain)
    shift = np.random.default_rng(1).integers(0, 2, len(harsh))
    other = np.clip(harsh + shift, 1, 5)
    same = code_ratings(table.unit, table.cluster, table.rater, other, table.domain)
    renamed = code_ratings(table.unit, table.cluster, [f"x{r}" for r in table.rater], other, table.domain)
    together, apart = (agreement_difference(a, b, "interval") for b in (same, renamed))
    assert together.value == pytest.approx(apart.value)
    assert together.high - together.low < 0.6 * (apart.high - apart.low)
    assert (together.n_raters, apart.n_raters) == (4, 8)
    assert "raters like these" in together.method


def test_prompts_of_one_side_only_are_left_out_and_counted():
    table = random_table(2, prompts=30)
    early, late = table.rows(np.flatnonzero(table.cluster < 20)), table.rows(np.flatnonzero(table.cluster >= 10))
    found = agreement_difference(early.coded(), noisier(late), "ordinal")
    assert found.n_clusters == 10
    assert any("20 prompts" in text and "left out" in text for text in found.warnings)
    apart = agreement_difference(early.coded(), noisier(late), "ordinal", pairing="none")
    assert apart.n_clusters == 20
    assert not any("left out" in text for text in apart.warnings)


def test_too_little_on_either_side_is_not_estimable_with_the_reason():
    full = random_table(1, prompts=20).coded()
    single = code_ratings([1, 2], [0, 1], ["a", "b"], [1, 2], [1, 2, 3, 4, 5])
    equal = code_ratings(np.repeat(np.arange(40), 2), None, ["a", "b"] * 40, [3] * 80, [1, 2, 3, 4, 5])
    assert "No output has two ratings" in agreement_difference(full, single, "ordinal", pairing="none").reason
    assert "equal" in agreement_difference(full, equal, "ordinal", pairing="none").reason
    few = random_table(1, prompts=5)
    assert agreement_difference(few.coded(), noisier(few), "ordinal").status == "insufficient"


def test_two_raters_cannot_speak_for_others():
    table = random_table(1, prompts=20, raters=2, shown=1.0)
    found = agreement_difference(table.coded(), noisier(table), "ordinal")
    assert any("generalise" in text for text in found.warnings)
    assert "these raters" in found.method


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"statistic": "kappa"}, "Unknown statistic"),
        ({"pairing": "raters"}, "Unknown pairing"),
        ({"population": "all"}, "Unknown population"),
        ({"statistic": "fleiss_kappa", "weights": "cubic"}, "Unknown weights"),
    ],
)
def test_unknown_options_are_refused(options: dict, message: str):
    data = random_table(1).coded()
    with pytest.raises(ValueError, match=message):
        agreement_difference(data, data, "ordinal", **options)

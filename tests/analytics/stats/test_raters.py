"""What each rater does: planted severity and spam are found, and nothing is said of a rater with too little."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.stats import agreement, raters
from analytics.stats.coding import CodedRatings, code_ratings
from tests.analytics.stats.builders import Table, random_table


def study(prompts: int = 60, seed: int = 1, shown: float = 0.7) -> Table:
    return random_table(seed, prompts=prompts, raters=5, shown=shown)


def with_values(table: Table, value: np.ndarray) -> CodedRatings:
    return code_ratings(table.unit, table.cluster, table.rater, value, table.domain)


def spammed(table: Table, rater: str = "r2") -> CodedRatings:
    """One rater answers at random."""
    noise = np.random.default_rng(9).integers(1, 6, len(table.value))
    return with_values(table, np.where(table.rater == rater, noise, table.value))


# Leave-one-out alpha


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_leave_one_out_alpha_is_the_difference_of_two_alphas(level: str):
    table = study(prompts=20)
    data = table.coded()
    found = raters.leave_one_out_alpha(data, level)
    for name in np.unique(table.rater):
        others = table.rows(np.flatnonzero(table.rater != name)).coded()
        both = [agreement.krippendorff_alpha(d, level).value for d in (others, data)]
        assert found.of(name).estimate.value == pytest.approx(both[0] - both[1], abs=1e-12)


def test_a_spammer_is_flagged_and_only_the_spammer():
    found = raters.leave_one_out_alpha(spammed(study()), "ordinal")
    assert [figure.rater for figure in found.figures if figure.flagged] == ["r2"]
    assert found.of("r2").estimate.low > 0.05
    assert found.of("r2").q_value < 0.001
    assert "these raters" in found.of("r2").estimate.method


def test_the_interval_is_paired_and_agrees_with_the_jackknife_over_prompts():
    table = study(prompts=40)
    found = raters.leave_one_out_alpha(table.coded(), "ordinal").of("r1").estimate

    def gap(rows: Table) -> float:
        return raters.leave_one_out_alpha(rows.coded(), "ordinal").of("r1").estimate.value

    without = np.array([gap(table.rows(np.flatnonzero(table.cluster != prompt))) for prompt in range(40)])
    error = np.sqrt(39 / 40 * np.sum((without - without.mean()) ** 2))
    assert (found.high - found.low) / 2 == pytest.approx(2.0227 * error, rel=0.1)


def test_below_twenty_shared_items_a_rater_has_a_value_and_no_verdict():
    table = study()
    few = np.flatnonzero((table.rater != "r4") | (table.unit < 15))
    data = spammed(table.rows(few), "r4")
    for found in (
        raters.leave_one_out_alpha(data, "ordinal"),
        raters.severity(data, "interval"),
        raters.consensus_agreement(data),
        raters.consensus_distance(data, "interval"),
    ):
        figure = found.of("r4")
        assert figure.estimate.status == "insufficient"
        assert "Insufficient data" in figure.estimate.reason
        assert figure.estimate.value is not None
        assert (figure.p_value, figure.q_value, figure.flagged) == (None, None, False)
        assert found.of("r0").estimate.status == "ok"


def test_alpha_that_cannot_be_computed_has_no_difference():
    two = random_table(1, prompts=30, raters=2, shown=1.0).coded()
    assert "Without this rater" in raters.leave_one_out_alpha(two, "ordinal").of("r0").estimate.reason
    equal = code_ratings(np.repeat(np.arange(30), 3), None, ["a", "b", "c"] * 30, [2] * 90, [1, 2])
    assert "equal" in raters.leave_one_out_alpha(equal, "nominal").of("a").estimate.reason
    assert raters.leave_one_out_alpha(code_ratings([], None, [], [], [1, 2]), "nominal").figures == ()


# Severity


def test_planted_severity_is_recovered_whatever_each_rater_was_given():
    """r0 is two points stricter and mostly judged the good outputs: raw means would hide it."""
    rng = np.random.default_rng(4)
    unit = np.repeat(np.arange(200), 5)
    rater = np.tile(np.arange(5), 200)
    quality = rng.normal(0, 1.5, 200)[unit]
    kept = rng.random(1000) < np.where(rater == 0, 1 / (1 + np.exp(-3 * quality)), 0.6)
    value = (quality + np.array([-2, 0.5, 0.5, 0.5, 0.5])[rater] + 0.5 * rng.normal(size=1000))[kept]
    names = np.array([f"r{r}" for r in rater], dtype=object)[kept]
    found = raters.severity(code_ratings(unit[kept], None, names, value), "interval")
    assert found.of("r0").estimate.low < -2 < found.of("r0").estimate.high
    assert found.of("r1").estimate.low < 0.5 < found.of("r1").estimate.high
    assert value[names == "r0"].mean() > value[names == "r1"].mean() - 1.5  # what raw means would say
    assert found.of("r0").flagged
    assert sum(figure.estimate.value for figure in found.figures) == pytest.approx(0, abs=1e-9)
    assert abs(found.of("r0").shrunk) < abs(found.of("r0").estimate.value)


def test_raters_who_do_not_differ_are_drawn_together():
    found = raters.severity(study(prompts=40).coded(), "interval")
    spread = [[figure.estimate.value for figure in found.figures], [figure.shrunk for figure in found.figures]]
    assert np.ptp(spread[1]) < 0.5 * np.ptp(spread[0])
    assert not any(figure.flagged for figure in found.figures)


def test_severity_on_an_ordinal_scale_is_in_ridits_and_turns_with_the_scale():
    table = study()
    harsh = np.where(table.rater == "r0", np.clip(table.value - 1, 1, 5), table.value)
    found = raters.severity(with_values(table, harsh), "ordinal")
    turned = raters.severity(with_values(table, 6 - harsh), "ordinal")
    assert found.of("r0").estimate.unit == "ridits"
    assert -0.5 < found.of("r0").estimate.high < 0
    assert turned.of("r0").estimate.value == pytest.approx(-found.of("r0").estimate.value)
    assert "no order" in raters.severity(table.coded(), "nominal").of("r0").estimate.reason


def test_groups_that_never_meet_and_raters_who_meet_nobody():
    unit = [*np.repeat(np.arange(60), 2), 100, 101]
    rater = [("a", "b", "c", "d")[2 * (u % 2) + side] for u in range(60) for side in (0, 1)] + ["e", "e"]
    value = [*np.random.default_rng(0).normal(size=120), 1.0, 2.0]
    found = raters.severity(code_ratings(unit, None, rater, value), "interval")
    assert any("2 groups" in text for text in found.warnings)
    assert found.of("a").estimate.value == pytest.approx(-found.of("b").estimate.value)
    assert "shares no output" in found.of("e").estimate.reason


# Agreement with the others


def test_a_rater_never_meets_his_own_rating():
    """Three raters who never agree: with the own vote in the consensus each would score a third."""
    unit = np.repeat(np.arange(30), 3)
    data = code_ratings(unit, None, ["a", "b", "c"] * 30, [1, 2, 3] * 30, [1, 2, 3])
    assert raters.consensus_agreement(data).of("a").estimate.value == 0.0


@pytest.mark.parametrize("seed", range(3))
def test_the_credit_is_that_of_counting_the_others(seed: int):
    table = study(prompts=15, seed=seed, shown=0.8)
    data = table.coded()
    credit = raters.leave_one_out_credit(data)
    for row in range(len(data.unit)):
        others = data.code[(data.unit == data.unit[row]) & (np.arange(len(data.unit)) != row)]
        counts = np.bincount(others, minlength=5)
        winners = np.flatnonzero(counts == counts.max()) if len(others) else []
        assert credit[row] == pytest.approx(1 / len(winners) if data.code[row] in winners else 0)


def test_a_spammer_agrees_less_and_is_further_away_than_the_others():
    data = spammed(study(prompts=200))
    share, distance = raters.consensus_agreement(data), raters.consensus_distance(data, "interval")
    assert [figure.rater for figure in share.figures if figure.flagged] == ["r2"]
    assert [figure.rater for figure in distance.figures if figure.flagged] == ["r2"]
    assert share.of("r2").details["difference"] < -0.1
    assert distance.of("r2").details["difference"] > 0.5


def test_levels_that_a_figure_does_not_fit():
    data = study().coded()
    assert "no means" in raters.consensus_distance(data, "ordinal").of("r0").estimate.reason
    noise = np.random.default_rng(0).random(len(study().value))
    slider = code_ratings(study().unit, study().cluster, study().rater, study().value + noise)
    assert "needs categories" in raters.consensus_agreement(slider).of("r0").estimate.reason
    labels = code_ratings([1, 1], None, ["a", "b"], ["10", "9"])
    with pytest.raises(ValueError, match="must be numbers"):
        raters.severity(labels, "interval")


def test_raters_of_unknown_identity_have_no_figure_but_their_ratings_count():
    table = study()
    known = table.rater != "r4"
    data = code_ratings(table.unit, table.cluster, table.rater, table.value, table.domain, rater_known=known)
    for found in (raters.leave_one_out_alpha(data, "ordinal"), raters.consensus_agreement(data)):
        assert [figure.rater for figure in found.figures] == ["r0", "r1", "r2", "r3"]
    alone = table.rows(np.flatnonzero(known)).coded()
    with_unknown, without = (raters.consensus_agreement(d).of("r0").estimate for d in (data, alone))
    assert with_unknown.value != without.value


def test_figures_are_found_by_name_and_are_plain_json():
    found = raters.severity(study().coded(), "interval")
    assert set(found.to_dict()["raters"]) == {"r0", "r1", "r2", "r3", "r4"}
    with pytest.raises(KeyError, match="'nobody'"):
        found.of("nobody")

"""Ranks with their uncertainty, and whether a ranking can stand for the pairs at all."""

from __future__ import annotations

import json

import numpy as np
import pytest

from analytics.stats.battles import code_battles
from analytics.stats.bradley_terry import bradley_terry, davidson
from analytics.stats.ranks import rank_table, strongest
from analytics.stats.strengths import strength_differences
from analytics.stats.transitivity import circular_triads, goodness_of_fit
from tests.analytics.stats.battle_tables import baseball, from_counts, independent, simulated, tournament

LADDER = [("a", "b", 70, 0, 30), ("b", "c", 70, 0, 30), ("a", "c", 84, 0, 16)]


def test_systems_far_apart_have_certain_ranks():
    table = rank_table(bradley_terry(from_counts(LADDER)))
    assert [(r.value, r.low, r.high) for r in table.ranks] == [(1, 1, 1), (2, 2, 2), (3, 3, 3)]
    assert table.place == (1, 2, 3)
    assert (table.better_than, table.worse_than) == ((2, 1, 0), (0, 1, 2))
    assert strongest(table) == ("a",)


def test_equal_systems_share_every_rank():
    table = rank_table(
        bradley_terry(from_counts([("a", "b", 50, 0, 50), ("b", "c", 50, 0, 50), ("a", "c", 50, 0, 50)]))
    )
    assert {(r.low, r.high) for r in table.ranks} == {(1, 3)}
    assert {(r.low, r.high) for r in table.simultaneous} == {(1, 3)}
    assert {r.value for r in table.ranks} == {1.0}
    assert table.place == (1, 1, 1)
    assert set(strongest(table)) == {"a", "b", "c"}
    assert any("nearly equal" in text for text in table.ranks[0].warnings)


def test_simultaneous_sets_contain_what_single_differences_settle():
    fit = bradley_terry(simulated(np.random.default_rng(1), np.linspace(1, -1, 8), 100, 3))
    table = rank_table(fit)
    for rank, simultaneous, place in zip(table.ranks, table.simultaneous, table.place, strict=True):
        assert simultaneous.low <= rank.value <= simultaneous.high
        assert simultaneous.low <= place  # one at a time is less careful than all at once
    width = [sum(r.high - r.low for r in part) for part in (table.ranks, table.simultaneous)]
    assert width[0] < width[1]


def test_holm_counts_are_those_of_the_adjusted_p_values():
    fit = bradley_terry(simulated(np.random.default_rng(2), np.linspace(1, -1, 5), 60, 3))
    found = strength_differences(fit)
    p = np.array([item.p_value for item in found.items])
    order = np.argsort(p)
    adjusted = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    significant = {found.pairs[i] for i, value in zip(order, adjusted, strict=True) if value <= 0.05}
    better = dict.fromkeys(fit.systems, 0)
    for (a, b), item in zip(found.pairs, found.items, strict=True):
        if (a, b) in significant:
            better[a if item.estimate.value > 0 else b] += 1
    assert rank_table(fit).better_than == tuple(better.values())
    assert 0 < len(significant) < len(p)


def test_the_seed_decides_and_is_stored():
    fit = bradley_terry(baseball())
    first, again, other = (rank_table(fit, seed=seed, draws=200) for seed in (5, 5, 6))
    assert first.to_dict() == again.to_dict()
    assert first.ranks[0].seed == 5
    assert first.simultaneous[0].method != other.simultaneous[0].method  # another critical value


def test_few_prompts_draw_from_t():
    fit = bradley_terry(simulated(np.random.default_rng(3), np.array([0.4, 0, -0.4]), 12, 10))
    assert "t draws" in rank_table(fit).ranks[0].method
    assert "normal draws" in rank_table(bradley_terry(baseball())).ranks[0].method


def test_ranks_count_within_systems_that_met():
    rows = [("a", "b", "win"), ("b", "a", "win"), ("c", "d", "win"), ("c", "d", "win"), ("d", "c", "win")] * 40
    table = rank_table(bradley_terry(independent(rows)))
    assert [r.value for r in table.ranks] == [1, 1, 1, 2]
    assert max(r.high for r in table.ranks + table.simultaneous) == 2


def test_fits_without_intervals_give_ranks_without_intervals():
    one = rank_table(bradley_terry(code_battles(["p"] * 3, list("xyz"), ["a"] * 3, ["b"] * 3, [1, 0, 1])))
    assert [(r.status, r.value) for r in one.ranks] == [("insufficient", 1.0), ("insufficient", 2.0)]
    never = rank_table(bradley_terry(from_counts([("a", "b", 3, 0, 0)]), prior="never"))
    assert {r.status for r in never.ranks} == {"not_estimable"}
    assert rank_table(bradley_terry(code_battles([], [], [], [], []))).ranks == ()
    ties = rank_table(bradley_terry(from_counts([("a", "b", 0, 9, 0)])))
    assert {r.status for r in ties.ranks} == {"insufficient"}
    for table in (one, never, ties):
        assert json.dumps(table.to_dict(), allow_nan=False)
    with pytest.raises(ValueError, match="at least 100 draws; got 10"):
        rank_table(bradley_terry(baseball()), draws=10)


# --- Goodness of fit -------------------------------------------------------------------------------------


def test_degrees_of_freedom_are_cells_less_parameters():
    assert [
        goodness_of_fit(baseball(), resamples=1, by_order=by_order, position=position).df
        for by_order, position in ((False, False), (True, False), (True, True))
    ] == [15, 36, 35]
    ties = simulated(np.random.default_rng(4), np.array([0.5, 0, -0.5, 0.2]), 300, 3, log_nu=-0.5)
    assert goodness_of_fit(ties, model="davidson").df == 6 * 2 - 3 - 1


def test_large_cells_use_chi_squared_and_small_ones_a_seeded_bootstrap():
    large = goodness_of_fit(from_counts([*LADDER]))
    assert large.method == "chi-squared with 1 degrees of freedom"
    assert large.seed is None
    small = goodness_of_fit(baseball(), resamples=50, seed=3)
    assert "50 resamples" in small.method
    assert small.seed == 3
    assert small == goodness_of_fit(baseball(), resamples=50, seed=3)
    assert small.smallest_expected < 5


def test_the_bootstrap_agrees_with_chi_squared_where_both_hold(monkeypatch: pytest.MonkeyPatch):
    data = from_counts([("a", "b", 30, 0, 24), ("b", "c", 28, 0, 22), ("a", "c", 25, 0, 27)])
    by_table = goodness_of_fit(data)
    monkeypatch.setattr("analytics.stats.transitivity.SMALL_CELL", 1e9)
    by_draws = goodness_of_fit(data, resamples=400)
    assert by_draws.p_value == pytest.approx(by_table.p_value, abs=0.08)


def test_results_that_go_round_do_not_fit():
    circle = from_counts([("a", "b", 70, 5, 25), ("b", "c", 70, 5, 25), ("c", "a", 70, 5, 25)])
    assert goodness_of_fit(circle).p_value < 1e-6
    assert goodness_of_fit(circle, model="davidson").p_value < 1e-6
    assert bradley_terry(circle).theta == pytest.approx(0.0, abs=1e-9)
    assert davidson(circle).theta == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("data", "options", "reason"),
    [
        (code_battles([], [], [], [], []), {}, "There are no judgments."),
        (from_counts([("a", "b", 0, 4, 0)]), {}, "no judgments that chose a side"),
        (from_counts([("a", "b", 4, 0, 3)]), {}, "too few to test"),
        (from_counts(LADDER), {"model": "davidson"}, "There are no ties"),
        (tournament({"a": "bc", "b": "c"}), {}, "no finite maximum"),
    ],
)
def test_what_cannot_be_tested_has_a_reason(data, options: dict, reason: str):
    found = goodness_of_fit(data, **options)
    assert (found.statistic, found.p_value) == (None, None)
    assert reason in found.reason
    assert json.dumps(found.to_dict(), allow_nan=False)


def test_several_judgments_a_prompt_are_warned_about():
    data = simulated(np.random.default_rng(5), np.array([0.5, 0, -0.5]), 50, 4)
    assert any("takes as independent" in text for text in goodness_of_fit(data, resamples=5).warnings)
    assert goodness_of_fit(from_counts(LADDER)).warnings == ()
    with pytest.raises(ValueError, match="by_order=True"):
        goodness_of_fit(data, position=True)


# --- Circular triads -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_circular_triads_are_kendalls_count(seed: int):
    """n(n-1)(2n-1)/12 - 1/2 sum of squared scores, for a tournament without ties."""
    size = 9
    wins = np.random.default_rng(seed).random((size, size)) < 0.5
    beats = {
        str(i): "".join(str(j) for j in range(size) if (i < j and wins[i, j]) or (i > j and not wins[j, i]))
        for i in range(size)
    }
    found = circular_triads(tournament(beats), worst=1000)
    scores = np.array([len(losers) for losers in beats.values()])
    assert found.circular == size * (size - 1) * (2 * size - 1) / 12 - np.sum(scores**2) / 2
    assert found.circular == len(found.worst)
    assert found.decidable == 84
    assert found.zeta == pytest.approx(1 - 24 * found.circular / (size**3 - size))
    for triad in found.worst:
        assert triad.second in beats[triad.first]
        assert triad.third in beats[triad.second]
        assert triad.first in beats[triad.third]


def test_the_worst_triad_has_the_strongest_weakest_lead():
    weak = [("a", "b", 6, 0, 4), ("b", "c", 9, 0, 1), ("c", "a", 9, 0, 1)]
    strong = [("d", "e", 8, 0, 2), ("e", "f", 8, 0, 2), ("f", "d", 8, 0, 2)]
    found = circular_triads(from_counts(weak + strong), worst=1)
    assert found.circular == 2
    [triad] = found.worst
    assert {triad.first, triad.second, triad.third} == {"d", "e", "f"}
    assert triad.shares == pytest.approx((0.8, 0.8, 0.8))
    assert triad.weakest == pytest.approx(0.6 * np.sqrt(10))
    assert json.dumps(found.to_dict(), allow_nan=False)


def test_zeta_is_not_claimed_where_pairs_are_missing_or_tied():
    tied = circular_triads(from_counts([("a", "b", 2, 0, 2), ("b", "c", 3, 0, 1), ("a", "c", 3, 0, 1)]))
    assert (tied.zeta, tied.decidable) == (None, 0)
    assert "tied" in tied.reason
    two = circular_triads(from_counts([("a", "b", 2, 0, 1)]))
    assert "Fewer than three" in two.reason
    assert circular_triads(code_battles([], [], [], [], [])).circular == 0

"""Speed and straight-lining: planted spammers are found, careful raters are not."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.stats.rater_behaviour import _longest_runs, pace, speed_scores, straight_lining


def times(seed: int = 0, items: int = 60, fast: str | None = "d") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Four raters on the same items, some of which take three times as long; one rater clicks through."""
    rng = np.random.default_rng(seed)
    unit, rater = np.tile(np.arange(items), 4), np.repeat(["a", "b", "c", "d"], items)
    seconds = np.exp(3 + np.log(3) * (unit % 2) + 0.3 * rng.normal(size=4 * items))
    return rater, unit, np.where(rater == fast, 1.5, seconds) if fast else seconds


# Speed


def test_a_rater_who_clicks_through_is_flagged_and_only_that_rater():
    found = pace(*times())
    assert [figure.rater for figure in found.figures if figure.flagged] == ["d"]
    assert found.of("d").details["fast_share"] > 0.9
    assert found.of("d").estimate.high < 0.2
    assert found.of("a").estimate.low < 1.2
    assert not any(figure.flagged for figure in pace(*times(fast=None)).figures)


def test_slow_raters_are_not_flagged():
    rater, unit, seconds = times(fast=None)
    found = pace(rater, unit, np.where(rater == "d", seconds * 20, seconds))
    assert not any(figure.flagged for figure in found.figures)
    assert found.of("d").estimate.low > 5


def test_long_items_do_not_make_a_rater_slow():
    """One rater gets the long items only; centred by item or by length the pace is the usual one."""
    rater, unit, seconds = times(fast=None, items=80)
    kept = (rater != "a") | (unit % 2 == 1)
    long = np.where(unit % 2 == 1, 900.0, 300.0)
    by_item = pace(rater[kept], unit[kept], seconds[kept]).of("a").estimate
    by_length = pace(rater[kept], unit[kept], seconds[kept], length=long[kept]).of("a").estimate
    for estimate in (by_item, by_length):
        assert estimate.low < 1 < estimate.high
    assert np.median(seconds[kept & (rater == "a")]) > 1.5 * np.median(seconds[kept & (rater == "b")])


def test_pauses_and_missing_times_are_left_out_and_counted():
    rater, unit, seconds = times(fast=None)
    seconds = seconds.copy()
    seconds[:3] = [4000, np.nan, 0]
    centred, z = speed_scores(unit, seconds)
    assert np.isnan(centred[:3]).all()
    assert np.isfinite(z[3:]).all()
    assert pace(rater, unit, seconds).of("a").details["left_out"] == 3


def test_robust_z_by_hand():
    """Items judged once are centred on the median of all: logs 0, 1, 2, 3, 10 have median 2 and MAD 1."""
    _, z = speed_scores(range(5), np.exp([0.0, 1, 2, 3, 5]))
    assert z == pytest.approx(np.array([-2, -1, 0, 1, 3]) / 1.4826)


def test_few_times_and_none_at_all():
    found = pace(["a"] * 15 + ["b"] * 30 + ["c"], [*range(15), *range(30), 1], [9.0 + x % 7 for x in range(45)] + [-1])
    assert (found.of("a").estimate.status, found.of("a").p_value) == ("insufficient", None)
    assert found.of("c").estimate.status == "not_estimable"
    assert found.of("b").estimate.status == "ok"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a"], [1, 2], [1.0, 2.0]), "Lengths differ"),
        ((["a", "a"], [1], [1.0, 2.0]), "Lengths differ"),
        ((["a", "a"], [1, 2], ["slow", "fast"]), "must be numbers"),
    ],
)
def test_bad_columns_are_refused(arguments: tuple, message: str):
    with pytest.raises(ValueError, match=message):
        pace(*arguments)


def test_a_length_of_zero_is_refused():
    with pytest.raises(ValueError, match="not above zero"):
        speed_scores([1, 2], [3.0, 4.0], length=[10, 0])


# Straight-lining


def answers(seed: int = 0, n: int = 60) -> tuple[list, list, np.ndarray]:
    rng = np.random.default_rng(seed)
    return [*(["a"] * n), *(["b"] * n), *(["c"] * n)], [*range(n)] * 3, rng.integers(1, 6, 3 * n)


def test_honest_raters_are_not_flagged():
    assert not any(line.flagged for line in straight_lining(*answers()).raters)


def test_one_value_for_ever_is_found_by_its_entropy():
    rater, position, value = answers()
    found = straight_lining(rater, position, np.where(np.array(rater) == "c", 3, value))
    assert [line.rater for line in found.raters if line.flagged] == ["c"]
    assert (found.of("c").longest_run, found.of("c").entropy) == (60, 0.0)
    assert found.of("c").expected_run == 60  # shuffling shows nothing
    assert found.of("c").expected_entropy > 0.9


def test_answers_in_blocks_are_found_by_their_runs():
    rater, position, value = answers()
    blocks = np.where(np.array(rater) == "b", 1 + np.tile(np.repeat(np.arange(5), 12), 3), value)
    found = straight_lining(rater, position, blocks)
    assert [line.rater for line in found.raters if line.flagged] == ["b"]
    assert found.of("b").longest_run == 12
    assert found.of("b").expected_run < 6
    assert found.of("b").entropy == pytest.approx(1)


def test_the_order_is_that_of_the_positions():
    rater, position, value = answers()
    shuffled = np.random.default_rng(1).permutation(len(value))
    again = straight_lining(np.array(rater)[shuffled], np.array(position)[shuffled], value[shuffled])
    assert again == straight_lining(rater, position, value)


def test_below_twenty_judgments_and_without_others_there_is_no_verdict():
    few = straight_lining(["a"] * 19 + ["b"] * 30, [*range(19), *range(30)], [1] * 19 + [1, 2] * 15)
    assert (few.of("a").p_value, few.of("a").flagged) == (None, False)
    assert "Insufficient data: 19" in few.of("a").reason
    assert "no other rater" in straight_lining(["a"] * 30, range(30), [1] * 30).of("a").reason
    assert straight_lining([], [], []).raters == ()


def test_missing_answers_are_left_out_and_lengths_are_compared():
    found = straight_lining(["a"] * 25 + [None], [*range(26)], [1, 2] * 12 + [float("nan"), 1])
    assert found.of("a").n == 24
    with pytest.raises(ValueError, match="Lengths differ"):
        straight_lining(["a"], [1, 2], [1, 2])


def test_runs():
    rows = np.array([[1, 1, 1, 2, 2], [1, 2, 1, 2, 1], [3, 3, 3, 3, 3], [1, 2, 2, 2, 1]])
    assert _longest_runs(rows).tolist() == [3, 1, 5, 3]

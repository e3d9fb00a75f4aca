"""Gold accuracy and consistency with oneself."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.stats.coding import code_ratings
from analytics.stats.rater_quality import gold_accuracy, repeat_consistency

# Gold


def answers(values: dict[str, list], domain: list | None = None):
    unit = [u for given in values.values() for u in range(len(given))]
    rater = [name for name, given in values.items() for _ in given]
    return code_ratings(unit, None, rater, [v for given in values.values() for v in given], domain)


def test_the_confusion_table_says_what_was_answered_instead():
    data = answers({"ann": ["cat", "cat", "dog"], "bob": ["dog", "dog", "dog"]}, ["cat", "dog"])
    found = gold_accuracy(data, {0: "cat", 1: "dog", 2: "dog"})
    assert found.levels == ("cat", "dog")
    assert found.confusion["ann"] == ((1, 0), (1, 1))
    assert found.confusion["bob"] == ((0, 1), (0, 2))
    assert found.accuracy.of("bob").estimate.value == pytest.approx(2 / 3)
    assert found.pooled.value == pytest.approx(4 / 6)
    assert found.to_dict()["confusion"]["ann"] == [[1, 0], [1, 1]]


def test_items_without_a_known_answer_do_not_count():
    data = answers({"ann": [1, 2, 3]}, [1, 2, 3])
    assert gold_accuracy(data, {1: 2, "elsewhere": 3}).accuracy.of("ann").estimate.n_judgments == 1
    assert gold_accuracy(data, {}).accuracy.figures == ()
    assert gold_accuracy(data, {}).pooled.status == "not_estimable"


def test_a_number_near_the_right_one_is_right_within_the_tolerance():
    data = answers({"ann": [0.9, 1.3, 2.0]})
    gold = {0: 1.0, 1: 1.0, 2: 1.0}
    assert gold_accuracy(data, gold).accuracy.of("ann").estimate.value == 0
    assert gold_accuracy(data, gold, tolerance=0.1).accuracy.of("ann").estimate.value == pytest.approx(1 / 3)
    assert gold_accuracy(data, gold, tolerance=0.3).accuracy.of("ann").estimate.value == pytest.approx(2 / 3)


def test_few_items_are_said_and_shrink_more():
    rng = np.random.default_rng(2)
    given = {f"r{i}": (rng.random(60) < p).astype(float) for i, p in enumerate([0.95, 0.9, 0.6, 0.5])}
    given["new"] = np.array([1.0, 1.0, 1.0, 1.0])
    found = gold_accuracy(answers({k: v.tolist() for k, v in given.items()}, [0, 1]), dict.fromkeys(range(60), 1))
    new, old = found.accuracy.of("new"), found.accuracy.of("r0")
    assert any("Only 4 gold items" in text for text in new.estimate.warnings)
    assert not old.estimate.warnings
    assert new.estimate.value - new.shrunk > 3 * abs(old.estimate.value - old.shrunk)
    assert new.estimate.low < 0.55


@pytest.mark.parametrize(
    ("gold", "tolerance", "message"),
    [
        ({0: 9}, 0, "outside the scale: 1.0, 2.0, 3.0"),
        ({0: "1"}, 0, "outside the scale"),
        ({0: 1}, -1, "0 or more"),
        ({0: 1}, float("nan"), "0 or more"),
    ],
)
def test_bad_gold_is_refused(gold: dict, tolerance: float, message: str):
    with pytest.raises(ValueError, match=message):
        gold_accuracy(answers({"ann": [1, 2, 3]}, [1, 2, 3]), gold, tolerance=tolerance)


def test_labels_have_no_tolerance():
    with pytest.raises(ValueError, match="tolerance must be 0"):
        gold_accuracy(answers({"ann": ["a"]}, ["a", "b"]), {0: "a"}, tolerance=1)


# Repeats


def repeats(n: int = 30, noise: float = 0.0, min_lag: int = 1, lag: int = 50):
    rng = np.random.default_rng(3)
    first = rng.integers(1, 6, n)
    second = np.where(rng.random(n) < noise, rng.integers(1, 6, n), first)
    unit, position = [*range(n)] * 2, [*range(n), *(lag + np.arange(n))]
    value = np.concatenate([first, second])
    return repeat_consistency(unit, None, ["ann"] * 2 * n, position, value, "ordinal", [1, 2, 3, 4, 5], min_lag=min_lag)


def test_a_rater_who_repeats_himself_is_consistent_and_one_who_guesses_is_not():
    steady, guessing = repeats().of("ann"), repeats(noise=0.9).of("ann")
    assert steady.estimate.value == 1.0
    assert steady.estimate.low < 1
    assert guessing.estimate.high < 0.7
    assert steady.details == {"median_lag": 50.0, "same_share": 1.0}
    assert "with himself" in steady.estimate.method
    assert steady.estimate.n_raters == 1


def test_a_repetition_that_comes_too_soon_is_left_out():
    assert repeats(min_lag=50).of("ann").estimate.n_units == 30
    assert repeats(min_lag=51).of("ann").estimate.status == "not_estimable"


def test_below_twenty_repeated_items_there_is_no_verdict():
    figure = repeats(n=15).of("ann")
    assert figure.estimate.status == "insufficient"
    assert "Insufficient data: 15" in figure.estimate.reason


def test_items_judged_once_and_blank_answers_are_no_repeats():
    found = repeat_consistency(
        [1, 1, 2, 3, 3], None, ["a"] * 4 + [None], [1, 9, 2, 3, 8], [1, float("nan"), 2, 3, 3], "nominal"
    )
    assert [figure.rater for figure in found.figures] == ["a"]
    assert found.of("a").estimate.status == "not_estimable"
    assert found.of("a").details["same_share"] is None


def test_occasions_are_kept_apart_by_rater():
    """Two raters who are each steady but disagree with each other are both consistent."""
    unit = [*range(25)] * 4
    rater = ["a"] * 50 + ["b"] * 50
    value = [*(u % 3 for u in range(25))] * 2 + [*((u + 1) % 3 for u in range(25))] * 2
    found = repeat_consistency(unit, None, rater, [*range(50)] * 2, value, "nominal")
    assert [figure.estimate.value for figure in found.figures] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("position", "message"),
    [([1], "one length"), (["first", "second"], "Positions number"), ([1, float("inf")], "missing or infinite")],
)
def test_bad_positions_are_refused(position: list, message: str):
    with pytest.raises(ValueError, match=message):
        repeat_consistency([1, 1], None, ["a", "a"], position, [1, 2], "nominal")

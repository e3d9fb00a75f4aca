"""The alternative annotator test: its arithmetic, the whole curve, clusters, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from analytics.stats.alternative_annotator import alternative_annotator_test
from analytics.stats.coding import CodedRatings, code_ratings


def annotated(
    seed: int = 0, units: int = 200, error: float = 0.3, per_prompt: int = 1
) -> tuple[CodedRatings, np.ndarray]:
    """Three annotators give the true one of four labels, or with probability `error` any; some are missing."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(list("abcd"), units)
    unit, rater = np.repeat(np.arange(units), 3), np.tile(list("xyz"), units)
    value = np.where(rng.random(len(unit)) < error, rng.choice(list("abcd"), len(unit)), truth[unit])
    kept = rng.random(len(unit)) < 0.9
    return code_ratings(unit[kept], unit[kept] // per_prompt, rater[kept], value[kept], list("abcd")), truth


def by_hand(human: CodedRatings, judge: np.ndarray, rater: str, epsilon: float) -> tuple[float, float]:
    """The judge's advantage over one annotator and the p value, written out output by output."""
    wins, losses = [], []
    for unit in range(human.n_units):
        rows = np.flatnonzero(human.unit == unit)
        own = [row for row in rows if human.rater_labels[human.rater[row]] == rater]
        if not own or len(rows) < 2:
            continue
        others = [human.domain[human.code[row]] for row in rows if row != own[0]]
        answer = judge[human.unit_labels[unit]]
        of_judge = np.mean([answer == other for other in others])
        of_rater = np.mean([human.domain[human.code[own[0]]] == other for other in others])
        wins.append(of_judge >= of_rater)
        losses.append(of_rater >= of_judge)
    lead = np.asarray(losses, dtype=float) - np.asarray(wins, dtype=float)
    return float(np.mean(wins)), float(stats.ttest_1samp(lead, epsilon, alternative="less").pvalue)


def test_every_annotator_is_compared_as_written_out():
    human, truth = annotated()
    result = alternative_annotator_test(range(200), truth, human, epsilon=0.2)
    assert [one.rater for one in result.annotators] == ["x", "y", "z"]
    for one in result.annotators:
        assert (one.judge_advantage, one.p_value) == pytest.approx(by_hand(human, truth, one.rater, 0.2), abs=1e-12)
    means = [one.judge_advantage for one in result.annotators]
    assert result.advantage_probability.value == pytest.approx(np.mean(means))
    assert (result.winning_rate.value, result.passes) == (1.0, True)


def test_the_winning_rate_is_a_count_of_tests_without_an_interval():
    human, truth = annotated()
    rate = alternative_annotator_test(range(200), truth, human, epsilon=0.2).winning_rate
    assert (rate.status, rate.low) == ("insufficient", None)
    assert "takes 4 values" in rate.reason


def test_the_whole_curve_over_epsilon_is_there():
    human, truth = annotated(error=0.15)
    rng = np.random.default_rng(1)
    judge = np.where(rng.random(200) < 0.3, rng.choice(list("abcd"), 200), truth)
    result = alternative_annotator_test(range(200), judge, human, epsilon=0.123)
    curve = dict(result.curve)
    assert {0.0, 0.1, 0.123, 0.2, 0.4} <= curve.keys()
    assert list(curve.values()) == sorted(curve.values())
    assert curve[0.123] == result.winning_rate.value
    assert not result.passes
    assert curve[result.passes_from] >= 0.5
    assert max(rate for epsilon, rate in curve.items() if epsilon < result.passes_from) < 0.5
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))


def test_outputs_of_one_prompt_are_one_observation():
    """Every output five times over: clustered, the p values stay; as independent they shrink."""
    human, truth = annotated(units=60)
    copies = np.tile(np.arange(60), 5)
    unit = np.arange(300)
    rows = [(u, human.rater_labels[r], human.domain[c], s) for u, s in enumerate(copies) for r, c in answers(human, s)]
    again = code_ratings([r[0] for r in rows], [r[3] for r in rows], [r[1] for r in rows], [r[2] for r in rows])
    judge = np.roll(truth, 1)
    judge[:40] = truth[:40]
    once = alternative_annotator_test(range(60), judge, human, epsilon=0.2)
    clustered = alternative_annotator_test(unit, judge[copies], again, epsilon=0.2)
    independent = alternative_annotator_test(unit, judge[copies], again, epsilon=0.2, clustered=False)
    p = [[one.p_value for one in test.annotators] for test in (once, clustered, independent)]
    assert p[1] == pytest.approx(p[0])
    assert all(abs(a - 0.5) > abs(b - 0.5) for a, b in zip(p[2], p[1], strict=True))
    assert clustered.annotators[0].n_clusters == once.annotators[0].n_clusters


def answers(human: CodedRatings, label: int) -> list[tuple[int, int]]:
    rows = np.flatnonzero(human.unit_labels[human.unit] == label)
    return [(human.rater[row], human.code[row]) for row in rows]


def test_numbers_are_scored_by_their_distance_and_ties_are_exact():
    rng = np.random.default_rng(0)
    unit, rater = np.repeat(np.arange(50), 3), np.tile(list("xyz"), 50)
    value = rng.integers(1, 6, 150)
    human = code_ratings(unit, None, rater, value, [1, 2, 3, 4, 5])
    first = value.reshape(50, 3)[:, 0]
    judge = alternative_annotator_test(range(50), first, human, epsilon=0.2, scoring="neg_rmse")
    assert judge.annotators[0].judge_advantage == judge.annotators[0].annotator_advantage == 1.0
    # The same on a scale with decimals, where sums of squares differ in the last digit.
    scaled = code_ratings(unit, None, rater, value / 10 + 0.3)
    again = alternative_annotator_test(range(50), first / 10 + 0.3, scaled, epsilon=0.2, scoring="neg_rmse")
    assert [one.judge_advantage for one in again.annotators] == [one.judge_advantage for one in judge.annotators]


def test_annotators_with_few_outputs_and_nameless_ratings_are_not_tested_but_count_as_others():
    human, truth = annotated()
    rows = [
        (u, human.rater_labels[r], human.domain[c]) for u, r, c in zip(human.unit, human.rater, human.code, strict=True)
    ]
    rows += [(u, "late", "a") for u in range(10)] + [(u, None, "b") for u in range(200)]
    unit, rater, value = zip(*rows, strict=True)
    judge = truth[[int(label) for label in human.unit_labels]]
    result = alternative_annotator_test(
        range(human.n_units), judge, code_ratings(unit, None, rater, value, list("abcd")), epsilon=0.2
    )
    assert result.left_out == ("late",)
    assert [one.rater for one in result.annotators] == ["x", "y", "z"]


def test_nothing_to_test_says_why():
    human, truth = annotated(units=20)
    result = alternative_annotator_test(range(20), truth, human, epsilon=0.2)
    assert (result.passes, result.curve, result.winning_rate.status) == (None, (), "not_estimable")
    assert "30 outputs" in result.winning_rate.reason
    assert alternative_annotator_test([], [], human, epsilon=0.2).advantage_probability.status == "not_estimable"
    alone = code_ratings(range(40), None, ["x"] * 40, ["a"] * 40)
    assert alternative_annotator_test(range(40), ["a"] * 40, alone, epsilon=0.2).passes is None


def test_two_annotators_are_few():
    unit = np.repeat(np.arange(40), 2)
    human = code_ratings(unit, None, list("xy") * 40, list("ab") * 40)
    result = alternative_annotator_test(range(40), ["a"] * 40, human, epsilon=0.2)
    assert "Only 2 annotators" in result.winning_rate.warnings[0]
    assert result.advantage_probability.value == 1.0  # nobody else agrees with anybody


def test_bad_input_is_refused():
    human, truth = annotated()
    for options, message in (
        ({"epsilon": 1.2}, "between 0 and 1"),
        ({"epsilon": 0.2, "scoring": "kappa"}, "accuracy or neg_rmse"),
        ({"epsilon": 0.2, "q": 0}, "q must lie"),
        ({"epsilon": 0.2, "min_units": 1}, "min_units"),
        ({"epsilon": 0.2, "scoring": "neg_rmse"}, "labels, not numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            alternative_annotator_test(range(200), truth, human, **options)
    numeric = code_ratings([1, 1], None, list("xy"), [1, 2])
    with pytest.raises(ValueError, match="the judge gave text"):
        alternative_annotator_test([1], ["1"], numeric, epsilon=0.2)

"""From a long table of comparisons to codes: sides, both orders, repeats, features, bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics.stats.battles import code_battles, difference_of
from analytics.stats.connectivity import connectivity, win_matrix
from tests.analytics.stats.battle_tables import from_counts, independent, tournament


def test_both_sides_of_writing_a_judgment_are_one():
    data = code_battles(
        ["p", "q"], ["r", "r"], ["b", "a"], ["a", "b"], ["win", "loss"], [True, False], gold=["loss", None],
        features={"length": [2.0, -2.0]},
    )  # fmt: skip
    assert data.systems == ("a", "b")
    assert data.score.tolist() == [0.0, 0.0]
    assert data.position.tolist() == [-1, -1]
    assert data.gold.tolist() == [0, -1]  # the right answer to the first is a win of a
    assert data.features[:, 0].tolist() == [-2.0, -2.0]


def test_both_orders_by_one_rater_are_one_judgment():
    data = code_battles(
        list("ppppqq"), ["ann", "ann", "bob", "bob", "ann", None], ["a"] * 6, ["b"] * 6,
        ["win", "loss", "win", "win", "tie", "both_good"], [True, False] * 3,
    )  # fmt: skip
    one = data.merged
    assert one.score.tolist() == [0.5, 1.0, 0.5, 0.5]
    assert one.position.tolist() == [0, 0, 1, -1]  # the nameless answer stays apart
    assert data.n_inconsistent == 1
    assert data.weight.tolist() == [0.5] * 4 + [1, 1]
    assert one.merged is one


def test_a_win_in_one_order_and_a_tie_in_the_other_is_inconsistent_and_two_kinds_of_tie_are_not():
    data = code_battles(
        list("ppqq"), ["ann"] * 4, ["a"] * 4, ["b"] * 4, ["win", "tie", "both_good", "both_bad"], [True, False] * 2
    )
    assert data.n_inconsistent == 1
    assert data.merged.score.tolist() == [0.5, 0.5]


def test_a_repeat_in_the_same_order_keeps_the_later_answer():
    data = code_battles(["p"] * 3, ["ann"] * 3, ["a"] * 3, ["b"] * 3, ["win", "loss", "loss"], [True, True, False])
    assert data.n_repeats == 1
    assert data.merged.score.tolist() == [0.0]
    assert data.n_inconsistent == 0


def test_outputs_of_the_same_systems_on_one_prompt_are_told_apart_by_unit():
    columns = (["p"] * 2, ["ann"] * 2, ["a"] * 2, ["b"] * 2, ["win", "loss"], [True, True])
    assert len(code_battles(*columns).a) == 1
    assert len(code_battles(*columns, unit=["u1", "u2"]).a) == 2


def test_missing_outcomes_are_dropped_with_their_gold_and_features():
    data = code_battles(
        [1, 2, 3], ["x", "y", "z"], ["a"] * 3, ["b"] * 3, ["win", None, float("nan")],
        gold=[None, "win", "win"], features={"length": [1.0, 2.0, 3.0]},
    )  # fmt: skip
    assert (len(data.a), data.n_missing) == (1, 2)
    assert data.gold.tolist() == [-1]


def test_nothing_is_a_table_too():
    data = code_battles([], [], [], [], [])
    assert (data.systems, data.merged.score.tolist(), data.n_inconsistent) == ((), [], 0)
    assert connectivity(data).n_components == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outcome": ["best"]}, "Outcome 'best' is not one of: win, tie, both_good, both_bad, loss, or a score"),
        ({"outcome": [2]}, "Outcome 2 is not one of"),
        ({"system_b": ["a"]}, "compares system 'a' with itself"),
        ({"system_a": [None]}, "has no system"),
        ({"cluster": [None]}, "has no prompt"),
        ({"rater": ["x", "y"]}, "one length; found cluster 1, rater 2, system_a 1"),
        ({"a_shown_first": [True, False]}, "a_shown_first has 2 entries, outcome 1"),
        ({"a_shown_first": ["left"]}, "True, False or missing"),
        ({"gold": ["right"]}, "Outcome 'right' is not one of"),
        ({"gold": []}, "gold has 0 entries"),
        ({"features": {"length": [float("nan")]}}, "Feature 'length' must be a finite number in every row; row 0"),
        ({"features": {"length": ["long"]}}, "Feature 'length' must be numbers"),
        ({"features": {"length": [1, 2]}}, "feature 'length' has 2 entries"),
        ({"unit": ["u", "v"]}, "unit has 2 entries"),
        ({"cluster": np.ones((1, 1))}, "one-dimensional"),
    ],
)
def test_bad_columns_are_refused_in_words(change: dict, message: str):
    columns = {"cluster": ["p"], "rater": ["x"], "system_a": ["a"], "system_b": ["b"], "outcome": ["win"]}
    with pytest.raises(ValueError, match=message):
        code_battles(**columns | change)


def test_a_pair_has_one_prompt_and_one_pair_of_systems():
    with pytest.raises(ValueError, match="Pair 'u' has more than one prompt or pair of systems"):
        code_battles(["p", "q"], ["x", "y"], ["a", "a"], ["b", "b"], [1, 0], unit=["u", "u"])
    with pytest.raises(ValueError, match="Pair 'u' has more than one"):
        code_battles(["p", "p"], ["x", "y"], ["a", "a"], ["b", "c"], [1, 0], unit=["u", "u"])


def test_a_difference_is_antisymmetric_and_refuses_what_has_no_logarithm():
    there, back = difference_of([9, 0], [4, 4], log=True), difference_of([4, 4], [9, 0], log=True)
    assert there == pytest.approx([np.log(2), -np.log(5)])
    assert there == pytest.approx(-back)
    with pytest.raises(ValueError, match="found a negative one"):
        difference_of([-1], [1], log=True)
    with pytest.raises(ValueError, match="missing or infinite"):
        difference_of([None], [1.0])
    with pytest.raises(ValueError, match="of_a has 1 entries, of_b 2"):
        difference_of([1], [1, 2])


def test_connectivity_is_fords_condition():
    ring = connectivity(tournament({"a": "b", "b": "c", "c": "a"}))
    assert ring.beaten_both_ways.all()
    assert ring.some_cycle
    ladder = connectivity(tournament({"a": "bc", "b": "c"}))
    assert not ladder.beaten_both_ways.any()
    assert not ladder.some_cycle
    with_a_tie = connectivity(independent([("a", "b", "win"), ("b", "c", "win"), ("a", "c", "tie")]))
    assert with_a_tie.beaten_both_ways.all()  # a tie is half a win for both
    assert not with_a_tie.some_cycle
    islands = connectivity(independent([("a", "b", 1), ("b", "a", 1), ("c", "d", 1)]))
    assert islands.component.tolist() == [0, 0, 1, 1]
    assert islands.beaten_both_ways.tolist() == [True, True, False, False]


def test_the_win_matrix_counts_a_tie_half_for_each():
    assert win_matrix(from_counts([("a", "b", 3, 2, 1)])).tolist() == [[0, 4], [2, 0]]
    assert win_matrix(from_counts([("a", "b", 3, 2, 1)]), ties=0).tolist() == [[0, 3], [1, 0]]


@pytest.mark.parametrize("dtype", ["str", "category", object])
def test_columns_of_pandas_and_plain_lists_give_the_same_codes(dtype):
    columns = {
        "cluster": ["p", "q", "q", "r"],
        "rater": ["ann", "", "bob", "ann"],
        "system_a": ["b", "a", "c", "a"],
        "system_b": ["a", "c", "b", "b"],
        "outcome": ["win", None, "loss", "both_bad"],
        "a_shown_first": [True, False, None, True],
    }
    frame = pd.DataFrame({name: pd.Series(values, dtype=dtype) for name, values in columns.items() if name[0] != "a"})
    plain = code_battles(**columns, unit=["u", "v", "w", "x"], gold=["tie", None, None, "win"])
    pandas = code_battles(
        **frame,
        a_shown_first=columns["a_shown_first"],
        unit=pd.Series(["u", "v", "w", "x"], dtype=dtype),
        gold=pd.Series(["tie", None, None, "win"], dtype=dtype),
    )
    assert (plain.systems, plain.n_missing) == (("a", "b", "c"), 1)
    for name, value in vars(plain).items():
        assert np.array_equal(value, getattr(pandas, name)), name

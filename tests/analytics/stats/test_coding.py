"""From a long table to codes: missing values, domains, repeats, unknown raters, bad input."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from analytics.stats.coding import code_ratings, coded_labels, coded_raters, known_raters, label_column


def code(value, domain=None, rater=None, unit=None, **options):
    units = unit or list(range(len(value)))
    return code_ratings(units, None, rater or ["r"] * len(value), value, domain, **options)


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA, pd.NaT])
def test_missing_values_are_dropped_and_zero_is_kept(missing: object):
    data = code([0, missing, 2])
    assert data.domain == (0.0, 2.0)
    assert len(data.unit) == 2
    assert data.n_missing == 1


@pytest.mark.parametrize(
    ("value", "domain"),
    [
        ([True, False], (0.0, 1.0)),
        ([Decimal("1.5"), Decimal(2)], (1.5, 2.0)),
        (np.array([3, 1], dtype=np.int8), (1.0, 3.0)),
        (pd.Series([1, None], dtype="Int64"), (1.0,)),
        (pd.Series(["b", "a"]), ("a", "b")),
        (pd.Categorical(["no", "yes"]), ("no", "yes")),
        ([None, None], ()),
        ([], ()),
    ],
)
def test_values_of_every_origin(value: object, domain: tuple):
    assert code(value).domain == domain


def test_numbers_are_ordered_as_numbers_whatever_order_they_are_declared_in():
    data = code([10, 9, 2], [10, 2, 9])
    assert data.domain == (2.0, 9.0, 10.0)
    assert data.code.tolist() == [2, 1, 0]


def test_labels_keep_their_declared_order():
    data = code(["good", "bad"], ["bad", "fair", "good"])
    assert data.code.tolist() == [2, 0]
    data.require("ordinal")
    with pytest.raises(ValueError, match="must be numbers"):
        data.require("interval")


def test_numbers_in_text_have_no_order_until_one_is_declared():
    with pytest.raises(ValueError, match="must be numbers"):
        code(["10", "9"]).require("ordinal")
    declared = code(["10", "9"], ["9", "10"])
    declared.require("ordinal")
    assert declared.code.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("value", "domain", "message"),
    [
        ([1, 6], [1, 2, 3], "Value 6.0 is outside the declared domain: 1.0, 2.0, 3.0"),
        (["x"], ["a", "b"], "Value 'x' is outside the declared domain: 'a', 'b'"),
        (["1"], [1, 2], "Value '1' is outside the declared domain: 1.0, 2.0"),
        ([1], ["1", "2"], "Value 1.0 is outside the declared domain: '1', '2'"),
        ([1, "a"], None, "all numbers or all text"),
        ([datetime.date(2024, 1, 1)], None, "all numbers or all text"),
        ([float("inf")], None, "finite"),
        ([1], [1, 1], "repeats a level"),
        ([1], [], "domain is empty"),
    ],
)
def test_bad_values_are_refused_in_words(value: list, domain: list | None, message: str):
    with pytest.raises(ValueError, match=message):
        code(value, domain)


def test_columns_of_different_lengths_are_refused_with_the_lengths():
    with pytest.raises(ValueError, match=r"unit 2, cluster 2, rater 1, value 2"):
        code_ratings([1, 2], None, ["r"], [1, 2])
    with pytest.raises(ValueError, match="one-dimensional"):
        code_ratings(np.ones((2, 2)), None, ["r"], [1])
    with pytest.raises(ValueError, match="rater_known"):
        code([1, 2], rater_known=[True])


def test_a_unit_belongs_to_one_prompt():
    with pytest.raises(ValueError, match="Unit 'u1' appears in more than one cluster"):
        code_ratings(["u1", "u1"], ["p1", "p2"], ["a", "b"], [1, 2])
    with pytest.raises(ValueError, match="has no unit"):
        code_ratings(["u1", None], ["p1", "p2"], ["a", "b"], [1, 2])


def test_a_raters_later_rating_of_a_unit_replaces_the_earlier():
    data = code([1, 5, 2], unit=["u", "u", "u"], rater=["a", "a", "b"])
    assert data.n_repeats == 1
    assert sorted(data.domain[c] for c in data.code) == [2.0, 5.0]


def test_a_blank_later_rating_replaces_nothing():
    data = code([1, None], unit=["u", "u"], rater=["a", "a"])
    assert [data.domain[c] for c in data.code] == [1.0]


@pytest.mark.parametrize("rater", [[None, None], ["", ""], [float("nan")] * 2])
def test_unknown_raters_are_kept_apart(rater: list):
    data = code([1, 5], unit=["u", "u"], rater=rater)
    assert data.ratings_per_unit.tolist() == [2]
    assert data.rater.tolist() == [-1, -1]
    assert len(data.rater_labels) == 0


def test_named_raters_can_be_declared_unknown():
    data = code([1, 5, 3], unit=["u"] * 3, rater=["slot0", "slot0", "ann"], rater_known=[False, False, True])
    assert sorted(data.rater.tolist()) == [-1, -1, 0]
    assert data.rater_labels.tolist() == ["ann"]


def test_labels_of_mixed_types_are_told_apart_from_row_order():
    forward = code_ratings([2, "a", 10], None, ["r"] * 3, [1, 2, 3])
    backward = code_ratings([10, "a", 2], None, ["r"] * 3, [3, 2, 1])
    assert forward.unit_labels.tolist() == backward.unit_labels.tolist()
    assert forward.code.tolist() == backward.code.tolist()


def test_counts_and_cells_say_the_same():
    data = code([1, 1, 2, 3], unit=["u", "u", "u", "v"], rater=list("abca"))
    assert data.counts().tolist() == [[2, 1, 0], [0, 0, 1]]
    assert data.cells.n.tolist() == [2, 1, 1]
    assert data.pairable.tolist() == [True, False]


LABELS = ["b", None, "a", "b", "10", "9"]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(LABELS),
        pd.Series(LABELS, dtype="string"),
        pd.Series(LABELS, dtype=object),
        pd.Series(LABELS, dtype="category"),
        pd.Categorical(LABELS, categories=["b", "unused", "9", "a", "10"]),
        pd.Index(LABELS),
        LABELS,
    ],
    ids=["text", "text with NA", "object", "category", "categories in another order", "index", "list"],
)
def test_names_are_the_same_however_pandas_keeps_them(column):
    labels = label_column("rater", column)
    known = known_raters(labels, None)
    codes, found = coded_raters(labels, known)
    assert known.tolist() == [True, False, True, True, True, True]
    assert codes.tolist() == [3, -1, 2, 3, 0, 1]
    assert found.tolist() == ["10", "9", "a", "b"]
    with pytest.raises(ValueError, match="No name here"):
        coded_labels(labels, "No name here.")


def test_categories_that_are_numbers_are_sorted_as_numbers():
    codes, found = coded_labels(label_column("unit", pd.Series([10, 9, 10], dtype="category")), "")
    assert (codes.tolist(), found.tolist()) == ([1, 0, 1], [9, 10])

"""How much a disagreement matters: pure functions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.disagreement import distance, importance, share


@pytest.mark.parametrize(
    ("values", "level", "domain", "apart"),
    [
        (["yes", "no"], "nominal", None, 1.0),
        (["a", "a", "b"], "nominal", None, 2 / 3),
        ([1.0, 3.0], "ordinal", [1.0, 2.0, 3.0], 1.0),
        ([1.0, 2.0], "ordinal", [1.0, 2.0, 3.0], 0.5),
        # Order only: how far the numbers of the levels are apart says nothing.
        ([1.0, 10.0], "ordinal", [1.0, 10.0, 100.0], 0.5),
        ([1.0, 10.0], "interval", [1.0, 10.0, 100.0], 9 / 99),
        ([0.0, 5.0], "ratio", [0.0, 10.0], 0.5),
        ([2.0, 2.0, 2.0], "interval", [1.0, 5.0], 0.0),
        ([2.0], "interval", [1.0, 5.0], 0.0),
        ([7.0, 7.0], "interval", None, 0.0),
    ],
)
def test_distance_follows_the_level_of_measurement(
    values: list[float | str], level: str, domain: list[float | str] | None, apart: float
) -> None:
    assert distance(values, level, domain) == pytest.approx(apart)


LEVELS = st.sampled_from(["nominal", "ordinal", "interval", "ratio"])
VALUES = st.lists(st.sampled_from([1.0, 2.0, 3.0, 4.0, 5.0]), min_size=2, max_size=6)


@given(values=VALUES, level=LEVELS, data=st.data())
def test_distance_is_a_share_and_does_not_know_the_raters_order(
    values: list[float], level: str, data: st.DataObject
) -> None:
    domain = [1.0, 2.0, 3.0, 4.0, 5.0]
    found = distance(values, level, domain)
    assert 0 <= found <= 1
    assert (found == 0) == (len(set(values)) == 1)
    assert distance(data.draw(st.permutations(values)), level, domain) == pytest.approx(found)


@given(values=VALUES)
def test_ordinal_distance_takes_any_rising_numbers_alike(values: list[float]) -> None:
    domain = [1.0, 2.0, 3.0, 4.0, 5.0]
    stretched = [value**3 for value in values]
    assert distance(values, "ordinal", domain) == pytest.approx(
        distance(stretched, "ordinal", [value**3 for value in domain])
    )


def test_a_prompt_weighs_the_same_however_many_outputs_it_has() -> None:
    assert share(1, 10) == 0.1
    assert share(2, 10) == 0.05
    assert share(0, 0) == 1.0


def test_importance_grows_with_each_of_the_three() -> None:
    base = importance(0.5, 1.0, 0.1)
    assert importance(1.0, 1.0, 0.1) == 2 * base
    assert importance(0.5, 3.0, 0.1) == 3 * base
    assert importance(0.5, 1.0, 0.05) == base / 2
    assert importance(1.0, 0.0, 1.0) == 0.0

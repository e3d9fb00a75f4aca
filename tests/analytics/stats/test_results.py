"""The contract of a result: never NaN, never a value without an interval or a reason."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from analytics.stats.proportions import clopper_pearson, wilson
from analytics.stats.results import Distribution, Estimate, TestedEstimate


def test_numpy_numbers_become_plain_and_nan_becomes_none():
    estimate = Estimate.insufficient(np.float64(0.5), low=np.nan, high=np.inf, reason="Too few.")
    assert type(estimate.value) is float
    assert json.loads(json.dumps(estimate.to_dict(), allow_nan=False))["low"] is None


def test_every_field_of_the_contract_is_serialised():
    assert set(Estimate(0.5, 0.1, 0.9).to_dict()) == {
        "value", "low", "high", "level", "status", "reason", "method", "unit", "n_units", "n_clusters",
        "n_raters",
        "n_judgments", "seed", "warnings",
    }  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        {"value": 0.5},
        {"value": 0.5, "low": float("nan"), "high": 1.0},
        {"value": 0.5, "status": "not_estimable", "reason": "Because."},
        {"value": None, "status": "not_estimable"},
        {"value": 0.5, "status": "insufficient"},
    ],
)
def test_a_value_without_interval_or_reason_cannot_be_made(arguments: dict):
    with pytest.raises(ValueError, match="status|reason|value"):
        Estimate(**arguments)


def test_not_estimable_carries_its_counts():
    estimate = Estimate.not_estimable(reason="No pairs.", n_units=3, method="alpha")
    assert (estimate.value, estimate.status, estimate.n_units) == (None, "not_estimable", 3)


def test_warnings_are_added_once_and_estimates_do_not_change():
    first = Estimate(0.5, 0.1, 0.9, warnings=("a",))
    second = first.with_warnings("b", "", "a")
    assert (first.warnings, second.warnings) == (("a",), ("a", "b"))
    with pytest.raises(FrozenInstanceError):
        first.value = 1.0


def test_distribution_and_tested_estimate_serialise():
    share = Estimate(0.5, 0.1, 0.9)
    whole = Distribution((1.0, 2.0), (3, 3), (share, share))
    assert whole.largest_share() == 0.5
    assert whole.to_dict()["levels"][1] == {"level": 2.0, "count": 3, "share": share.to_dict()}
    assert Distribution((), (), ()).largest_share() is None
    tested = TestedEstimate(share, 0.03, 0.5, "exact").to_dict()
    assert (tested["value"], tested["p_value"], tested["null_value"]) == (0.5, 0.03, 0.5)


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
@pytest.mark.parametrize("arguments", [(1, 0), (-1, 5), (6, 5), (1, 5, 1.0), (float("nan"), 5)])
def test_impossible_counts_are_refused(interval, arguments: tuple):
    with pytest.raises(ValueError, match="successes|level"):
        interval(*arguments)


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
@pytest.mark.parametrize("successes", range(0, 11))
def test_proportion_intervals_mirror_and_contain_the_share(interval, successes: int):
    low, high = interval(successes, 10)
    mirrored = interval(10 - successes, 10)
    assert 0 <= low <= successes / 10 <= high <= 1
    assert (1 - mirrored[1], 1 - mirrored[0]) == pytest.approx((low, high))

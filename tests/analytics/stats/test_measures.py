"""Means and quantiles of what outputs took."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.stats.measures import prompt_difference, prompt_mean, prompt_quantile


def prompts(count: int, each: int = 1) -> np.ndarray:
    return np.repeat(np.arange(count), each).astype(object)


def test_every_prompt_weighs_the_same():
    found = prompt_quantile(np.array([1.0, 1.0, 1.0, 9.0, 9.0]), np.array(list("aaabc"), dtype=object), 0.5, unit="ms")
    assert found.value == 9.0


def test_outputs_that_only_repeat_their_prompt_tell_no_more_than_one():
    once = prompt_quantile(np.arange(40.0), prompts(40), 0.5, unit="ms")
    again = prompt_quantile(np.repeat(np.arange(40.0), 5), prompts(40, 5), 0.5, unit="ms")
    assert again.value == once.value
    assert again.high - again.low >= once.high - once.low


def test_a_quantile_far_out_needs_many_prompts():
    assert prompt_quantile(np.arange(71.0), prompts(71), 0.95, unit="ms").status == "insufficient"
    enough = prompt_quantile(np.arange(80.0), prompts(80), 0.95, unit="ms")
    assert (enough.status, enough.value, enough.high) == ("ok", 75.0, 78.0)
    alike = prompt_quantile(np.repeat(np.arange(30.0), 5), prompts(30, 5), 0.95, unit="ms")
    assert "tell as much as" in alike.reason


def test_what_cannot_be_known_has_a_reason():
    nothing = np.array([], dtype=object)
    assert prompt_mean(np.array([]), nothing, unit="ms").status == "not_estimable"
    assert prompt_quantile(np.array([]), nothing, 0.5, unit="ms").status == "not_estimable"
    assert prompt_difference(np.array([]), np.array([]), unit="ms").status == "not_estimable"
    assert prompt_quantile(np.arange(9.0), np.zeros(9, dtype=object), 0.5, unit="ms").status == "insufficient"


@pytest.mark.parametrize("values", [np.array([1.0, np.nan]), np.array([1.0, np.inf]), np.array([1.0])])
def test_bad_input_is_refused(values: np.ndarray):
    with pytest.raises(ValueError, match="finite"):
        prompt_mean(values, prompts(2), unit="ms")
    with pytest.raises(ValueError, match="finite"):
        prompt_difference(values, np.zeros(2) if len(values) == 2 else np.zeros(3), unit="ms")


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0])
def test_a_share_outside_is_refused(share: float):
    with pytest.raises(ValueError, match="between 0 and 1"):
        prompt_quantile(np.arange(3.0), prompts(3), share, unit="ms")

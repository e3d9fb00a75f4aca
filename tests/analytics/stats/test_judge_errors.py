"""The lean of a judge, level by level."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.stats.coding import code_ratings
from analytics.stats.judge_errors import errors_by_level

OUTPUTS = 240


def rated(seed: int = 5):
    """Three noisy raters of one scale, and a judge who is as noisy."""
    rng = np.random.default_rng(seed)
    worth = rng.normal(0, 1, OUTPUTS)
    given = np.clip(np.round(3 + worth[:, None] + rng.normal(0, 0.7, (OUTPUTS, 4))), 1, 5)
    unit, rater = np.repeat(np.arange(OUTPUTS), 3), np.tile(np.arange(3), OUTPUTS)
    return (
        code_ratings(unit, unit, rater, given[:, :3].ravel(), [1, 2, 3, 4, 5]),
        given[:, 3],
        given[:, :3].mean(axis=1),
    )


def test_a_judge_who_is_only_as_noisy_as_people_has_no_lean():
    human, judge, _ = rated()
    low = errors_by_level(np.arange(OUTPUTS), judge, human).levels[0]
    assert low.judge["above"].low > 0.25, "it is above people where they are lowest, as everybody is"
    assert low.lean.low < 0 < low.lean.high


def test_a_judge_who_is_mild_with_bad_outputs_leans_there_and_not_elsewhere():
    human, judge, mean = rated()
    found = errors_by_level(np.arange(OUTPUTS), np.clip(judge + (mean < 2.5), 1, 5), human).levels
    assert found[0].lean.low > 0
    assert found[4].lean.low < 0 < found[4].lean.high


def test_shares_add_up_and_a_level_that_nobody_gave_is_not_estimable():
    human = code_ratings([0, 0, 1, 1], [0, 0, 1, 1], list("abab"), [1, 2, 2, 2], [1, 2, 3])
    one, _, three = errors_by_level([0, 1], [1, 2], human).levels
    assert sum(e.value for e in one.judge.values()) == pytest.approx(1)
    assert {e.status for e in (*three.judge.values(), three.lean)} == {"not_estimable"}


def test_outputs_with_one_rating_or_without_the_judge_are_left_out():
    human = code_ratings([0, 0, 1, 2, 2], [0, 0, 1, 2, 2], list("ababa"), [1, 1, 1, 1, 1], [1, 2])
    assert errors_by_level([0, 1], [2, 2], human).levels[0].lean.n_judgments == 2


def test_two_answers_to_one_output_are_refused():
    human, judge, _ = rated()
    with pytest.raises(ValueError, match="more than one"):
        errors_by_level([0, 0], judge[:2], human)

"""The rubric doctor's statistics: quiet on a sound rubric, however small the pilot, and right about planted faults."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analytics.stats.coding import CodedRatings, code_ratings
from analytics.stats.rubric_checks import Checked, Question, check_rubric

LEVELS = [1.0, 2.0, 3.0, 4.0]
SYSTEMS = ("old", "new")


def rated(
    rng: np.random.Generator, prompts: int, raters: int, noise: float, gap: float = 0.8, truth: Any = None
) -> np.ndarray:
    """Ratings (units, raters) of two systems on each prompt: truth and a rater's error, cut into four levels."""
    base = rng.normal(0, 1, prompts) if truth is None else truth
    units = np.repeat(base, 2) + np.tile([0.0, gap], prompts) + rng.normal(0, 0.6, 2 * prompts)
    seen = units[:, None] + rng.normal(0, noise, (len(units), raters))
    return np.clip(np.floor(seen + 2.6), 1, 4)


def table(values: np.ndarray, units: np.ndarray | None = None) -> CodedRatings:
    n, raters = values.shape
    rows = np.arange(n) if units is None else units
    unit = np.repeat(rows, raters)
    keep = ~np.isnan(values.ravel())
    return code_ratings(
        np.array([f"u{u}" for u in unit])[keep], np.array([f"p{u // 2}" for u in unit])[keep],
        np.tile([f"r{r}" for r in range(raters)], n)[keep], values.ravel()[keep], LEVELS,
    )  # fmt: skip


def question(key: str, values: np.ndarray, unable: int = 0) -> Question:
    even = np.arange(len(values)) % 2 == 0
    sides = {name: table(values[own], np.flatnonzero(own)) for name, own in zip(SYSTEMS, (even, ~even), strict=True)}
    prompts = len(values) // 2
    asked = np.full(prompts, 2 * values.shape[1])
    said = np.zeros(prompts, dtype=int)
    said[:unable] = values.shape[1]
    return Question(key, "ordinal", table(values), sides, asked, said)


def signs(found: Checked) -> list[str]:
    return [sign.cause for sign in found.signs]


@pytest.mark.parametrize(("prompts", "raters"), [(10, 3), (30, 3), (60, 5)])
def test_a_sound_rubric_hears_nothing(prompts: int, raters: int) -> None:
    """Four sound criteria, 40 pilots: few may say anything at all (1 in 20, 5 or fewer in 98 of 100 runs)."""
    loud = 0
    for seed in range(40):
        rng = np.random.default_rng([seed, prompts])
        found = check_rubric([question(f"q{n}", rated(rng, prompts, raters, 0.7)) for n in range(4)])
        loud += any(each.verdict in ("look", "does_not_work") for each in found)
    assert loud <= 5


def test_two_levels_that_nobody_can_tell_apart_are_named() -> None:
    named = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        values = np.where(rng.random((60, 4)) < 0.1, rng.integers(1, 5, (60, 4)), rng.integers(2, 4, (60, 4)))
        found = check_rubric([question("mixed", values.astype(float)), question("sound", rated(rng, 30, 4, 0.5))])
        assert found[0].verdict == "does_not_work"
        assert found[1].verdict == "works"
        named += any(sign.levels == (2.0, 3.0) for sign in found[0].signs)
    assert named == 10


def test_one_rater_apart_is_named_and_no_other() -> None:
    rng = np.random.default_rng(1)
    values = rated(rng, 40, 4, 0.4)
    values[:, 2] = rng.integers(1, 5, len(values))
    (found,) = check_rubric([question("q", values)])
    assert [(s.cause, s.rater) for s in found.signs] == [("one_rater_apart", "r2")]
    assert found.signs[0].estimate.low is not None
    assert found.signs[0].estimate.n_clusters == 40


def test_skew_cannot_judge_and_no_gap_are_said_when_they_are_sure() -> None:
    rng = np.random.default_rng(2)
    crowded = np.where(rng.random((160, 3)) < 0.03, 3.0, 4.0)
    assert "skew" in signs(check_rubric([question("q", crowded)])[0])
    assert "skew" not in signs(check_rubric([question("q", crowded[:10])])[0])  # five prompts prove nothing
    assert signs(check_rubric([question("q", rated(rng, 40, 3, 0.5), unable=16)])[0]) == ["cannot_judge"]
    same = rated(rng, 600, 2, 0.3, gap=0.0)
    same[1::2] = same[::2]
    assert signs(check_rubric([question("q", same)])[0]) == ["does_not_separate"]


def test_a_criterion_that_repeats_another_is_named_once() -> None:
    rng = np.random.default_rng(3)
    first = rated(rng, 40, 3, 0.5)
    twin = np.where(rng.random(first.shape) < 0.01, np.clip(first + 1, 1, 4), first)
    found = check_rubric([question("a", first), question("b", twin), question("c", rated(rng, 40, 3, 0.5))])
    assert [(each.key, sign.cause, sign.other) for each in found for sign in each.signs] == [("b", "redundant", "a")]


def test_too_little_is_said_to_be_too_little() -> None:
    (found,) = check_rubric([question("q", np.full((2, 3), 4.0))])
    assert (found.verdict, found.signs, found.alpha.value) == ("unsettled", (), None)

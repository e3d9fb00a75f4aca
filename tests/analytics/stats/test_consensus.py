"""Consensus: a tie is a tie, the votes stay beside it, and a mean is corrected for who rated."""

from __future__ import annotations

import json

import numpy as np
import pytest

from analytics.stats.coding import code_ratings
from analytics.stats.consensus import NO_LABEL, majority_vote, median_vote
from analytics.stats.rater_adjusted import rater_adjusted_mean


def votes(*per_output: str, domain: str = "abc"):
    unit = [i for i, labels in enumerate(per_output) for _ in labels]
    rater = [f"r{j}" for labels in per_output for j, _ in enumerate(labels)]
    return code_ratings(unit, None, rater, list("".join(per_output)), list(domain))


def test_a_tie_is_no_label_whatever_the_order_of_labels():
    for domain in ("abc", "cba"):
        found = majority_vote(votes("aab", "ab", "ba", "abc", "cc", domain=domain))
        assert found.labels() == ["a", None, None, None, "c"]
        assert found.tied.tolist() == [1, 2, 2, 3, 1]
        assert found.states() == ["majority", "tie", "tie", "tie", "majority"]
        assert found.to_adjudicate() == []
        assert found.decided.value == pytest.approx(2 / 5)


def test_ties_wait_for_a_person_where_the_policy_says_so():
    found = majority_vote(votes("aab", "ab"), ties="adjudicate")
    assert found.states() == ["majority", "adjudicate"]
    assert found.to_adjudicate() == [1]
    assert found.code.tolist() == [0, NO_LABEL]


def test_the_votes_stay_beside_the_consensus():
    found = majority_vote(votes("aab", "c"))
    assert (found.votes.unit.tolist(), found.votes.code.tolist(), found.votes.n.tolist()) == (
        [0, 0, 1],
        [0, 1, 2],
        [2, 1, 1],
    )
    assert found.share.tolist() == pytest.approx([2 / 3, 1.0])
    assert any("1 of 2 outputs have one rating" in text for text in found.decided.warnings)


def test_no_ratings_and_an_unknown_policy():
    empty = majority_vote(code_ratings([], None, [], []))
    assert (empty.decided.status, empty.labels()) == ("not_estimable", [])
    assert json.dumps(empty.to_dict(), allow_nan=False)
    with pytest.raises(ValueError, match="'tie' or 'adjudicate'"):
        majority_vote(votes("a"), ties="alphabet")


def test_the_median_exists_at_the_ordinal_level_and_lies_between_at_the_interval_level():
    data = code_ratings([1, 1, 1, 1, 2, 2, 2], None, list("wxyzwxy"), [5, 1, 2, 4, 3, 1, 1], [1, 2, 3, 4, 5])
    assert median_vote(data, "ordinal").tolist() == [2.0, 1.0]
    assert median_vote(data, "interval").tolist() == [3.0, 1.0]
    with pytest.raises(ValueError, match="no order"):
        median_vote(data, "nominal")


# --- Means corrected for severity ------------------------------------------------------------------------


def random_ratings(seed: int, outputs: int = 12, raters: int = 5, n: int = 60):
    rng = np.random.default_rng(seed)
    unit, rater = rng.integers(0, outputs, n), rng.integers(0, raters, n)
    value = rng.normal(size=outputs)[unit] + rng.normal(size=raters)[rater] + rng.normal(0, 0.3, n)
    return code_ratings(unit, None, [f"r{i}" for i in rater], value.round(3), keep_repeats=True)


def test_it_is_the_least_squares_solution_with_its_errors():
    data = random_ratings(1)
    found = rater_adjusted_mean(data, "interval")
    outputs, raters = data.n_units, len(data.rater_labels)
    design = np.zeros((len(data.unit), outputs + raters - 1))
    design[np.arange(len(data.unit)), data.unit] = 1
    for rater in range(raters - 1):
        design[:, outputs + rater] = (data.rater == rater) * 1.0 - (data.rater == raters - 1)
    value = data.values()[data.code]
    solution, rss, _, _ = np.linalg.lstsq(design, value, rcond=None)
    df = len(value) - design.shape[1]
    error = np.sqrt(rss[0] / df * np.diag(np.linalg.inv(design.T @ design)))
    assert found.df == df
    assert found.adjusted == pytest.approx(solution[:outputs])
    assert found.error == pytest.approx(error[:outputs])
    assert found.severity[:-1] == pytest.approx(solution[outputs:])


def test_planted_severity_is_taken_out_again():
    rng = np.random.default_rng(3)
    quality, severity = rng.normal(0, 1, 200), np.array([-1.5, -0.5, 0.5, 1.5])
    chosen = np.argsort(rng.random((200, 4)), axis=1)[:, :2]
    unit, rater = np.repeat(np.arange(200), 2), chosen.ravel()
    value = quality[unit] + severity[rater] + rng.normal(0, 0.2, 400)
    found = rater_adjusted_mean(code_ratings(unit, None, [f"r{i}" for i in rater], value), "interval")
    assert found.severity == pytest.approx(severity, abs=0.1)
    assert np.std(found.adjusted - quality) < 0.3 < np.std(found.raw - quality)


def test_doubling_the_outputs_leaves_every_mean():
    data = random_ratings(2)
    rows = [data.unit, data.rater, data.values()[data.code]]
    unit, rater, value = (np.concatenate([x, x]) for x in rows)
    twice = code_ratings(
        unit + 100 * (np.arange(len(unit)) >= len(data.unit)), None, [f"r{i}" for i in rater], value, keep_repeats=True
    )
    once = rater_adjusted_mean(data, "interval").adjusted
    assert rater_adjusted_mean(twice, "interval").adjusted == pytest.approx(np.concatenate([once, once]))


def test_groups_of_raters_that_share_no_output_are_not_compared():
    data = code_ratings([1, 1, 2, 2, 3, 3, 4, 4], None, list("ababcdcd"), [1, 2, 3, 5, 8, 9, 4, 6])
    found = rater_adjusted_mean(data, "interval")
    assert found.component.tolist() == [0, 0, 1, 1]
    assert found.df == 8 - 4 - 4 + 2
    assert found.adjusted == pytest.approx([1.5, 4.0, 8.5, 5.0])
    assert any("2 groups that share no outputs" in text for text in found.estimate(0).warnings)


def test_nothing_to_estimate_an_error_from_is_said():
    bare = rater_adjusted_mean(code_ratings([1, 2], None, ["a", "a"], [1, 3]), "interval")
    assert (bare.estimate(0).status, bare.estimate(0).value) == ("insufficient", 1.0)
    assert "as many outputs and raters as ratings" in bare.reason
    exact = rater_adjusted_mean(code_ratings([1, 1, 2, 2], None, list("abab"), [1, 2, 3, 4]), "interval")
    assert "exactly" in exact.estimate(1).reason
    nameless = rater_adjusted_mean(code_ratings([1, 1], None, [None, None], [1, 2]), "interval")
    assert nameless.estimates() == ()
    assert "known identity" in nameless.reason
    assert json.dumps(nameless.to_dict(), allow_nan=False)
    mixed = rater_adjusted_mean(
        code_ratings([1, 1, 1, 2, 2], None, ["a", "b", None, "a", "b"], [1, 2, 9, 4, 6]), "interval"
    )
    assert mixed.adjusted == pytest.approx([1.5, 5.0])
    assert any("1 of 5 ratings" in text for text in mixed.warnings)


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_levels_without_a_mean_are_refused(level: str):
    with pytest.raises(ValueError, match="no meaning"):
        rater_adjusted_mean(code_ratings([1], None, ["a"], [1]), level)

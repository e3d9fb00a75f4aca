"""Dawid and Skene's model: repeats are replicates, planted errors come back, and what it cannot know is said."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from analytics.stats.coding import CodedRatings, code_ratings
from analytics.stats.dawid_skene import dawid_skene, one_coin
from tests.analytics.stats.references_consensus import anaesthetists, three_raters

MODELS = pytest.mark.parametrize("model", [dawid_skene, one_coin])


def planted(
    seed: int, accuracy: Sequence[float], outputs: int = 400, codes: int = 3
) -> tuple[CodedRatings, np.ndarray]:
    """Every rater judges every output; an error is any other label."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(codes, outputs, p=[0.5, 0.3, 0.2] if codes == 3 else [0.6, 0.4])
    unit = np.repeat(np.arange(outputs), len(accuracy))
    rater = np.tile(np.arange(len(accuracy)), outputs)
    wrong = (truth[unit] + rng.integers(1, codes, len(unit))) % codes
    said = np.where(rng.random(len(unit)) < np.asarray(accuracy)[rater], truth[unit], wrong)
    return code_ratings(unit, None, [f"r{i}" for i in rater], said, list(range(codes))), truth


@MODELS
def test_planted_accuracies_come_back_and_beat_the_majority(model):
    data, truth = planted(1, [0.95, 0.9, 0.45, 0.45, 0.45])
    found = model(data)
    assert found.converged
    accuracy = np.einsum("rkk,k->r", found.confusion, [0.5, 0.3, 0.2])
    assert accuracy == pytest.approx([0.95, 0.9, 0.45, 0.45, 0.45], abs=0.07)
    right = np.mean(np.array(found.labels(), dtype=float) == truth)
    votes = data.counts()
    majority = np.mean(
        (votes.argmax(axis=1) == truth) & (np.sort(votes, axis=1)[:, -1] > np.sort(votes, axis=1)[:, -2])
    )
    assert right > 0.93
    assert right > majority + 0.1


@MODELS
def test_the_likelihood_never_falls(model):
    data, _ = planted(2, [0.8, 0.7, 0.6, 0.5], outputs=60)
    path = [model(data, smoothing=0, max_iterations=steps).log_likelihood for steps in range(1, 15)]
    assert np.all(np.diff(path) >= -1e-9)
    assert "Not converged" in " ".join(model(data, max_iterations=2).warnings)


def test_repeats_are_replicates_if_kept():
    data = anaesthetists()
    assert (data.n_repeats, len(data.unit)) == (0, 45 * 7)
    last_only = code_ratings(
        data.unit_labels[data.unit], None, data.rater_labels[data.rater], data.values()[data.code], [1, 2, 3, 4]
    )
    assert last_only.n_repeats == 45 * 2
    assert dawid_skene(data).log_likelihood < dawid_skene(last_only).log_likelihood - 20


def test_posterior_entropy_and_labels_say_the_same():
    found = dawid_skene(anaesthetists(), smoothing=0)
    assert found.posterior.sum(axis=1) == pytest.approx(1.0)
    p = found.posterior[found.unit_labels.tolist().index(6)]
    p = p[p > 0]
    assert found.entropy[6] == pytest.approx(-(p * np.log2(p)).sum())
    assert set(found.most_uncertain(3)) == {34, 37, 6}  # patients 35, 38 and 7
    assert found.labels()[:4] == [1.0, 4.0, 2.0, 2.0]
    assert found.confusion.sum(axis=2) == pytest.approx(1.0)


def test_smoothing_moves_the_third_digit_only():
    exact, smooth = (dawid_skene(anaesthetists(), smoothing=x) for x in (0.0, 0.01))
    gap = [a.value - b.value for a, b in zip(exact.shares.shares, smooth.shares.shares, strict=True)]
    assert 1e-5 < np.abs(gap).max() < 0.01
    assert (smooth.confusion > 0).all()


@MODELS
def test_without_smoothing_twice_the_outputs_give_the_same(model):
    data, _ = planted(3, [0.9, 0.8, 0.6], outputs=50)
    units = np.concatenate([data.unit, data.unit + 1000])
    twice = code_ratings(units, None, np.tile(data.rater, 2), np.tile(data.values()[data.code], 2), [0, 1, 2])
    once, again = (model(x, smoothing=0, tolerance=1e-13, max_iterations=5000) for x in (data, twice))
    values = [[share.value for share in found.shares.shares] for found in (once, again)]
    assert values[0] == pytest.approx(values[1], abs=1e-6)
    assert again.log_likelihood == pytest.approx(2 * once.log_likelihood)


@MODELS
def test_other_names_of_the_categories_give_the_same_classes(model):
    data, _ = planted(4, [0.9, 0.8, 0.6], outputs=80)
    names = np.array(["zeta", "alpha", "mu"], dtype=object)
    renamed = code_ratings(data.unit, None, data.rater, names[data.code], names.tolist()[::-1])
    before, after = model(data), model(renamed)
    assert after.posterior[:, ::-1] == pytest.approx(before.posterior, abs=1e-9)


def test_units_and_patterns_agree_with_a_plain_loop():
    """The sums over distinct sets of votes are those over outputs."""
    data, _ = planted(5, [0.8, 0.7, 0.6], outputs=40)
    found = dawid_skene(data, smoothing=0)
    total = 0.0
    for unit in range(data.n_units):
        rows = np.flatnonzero(data.unit == unit)
        joint = [share.value for share in found.shares.shares]
        for row in rows:
            joint = joint * found.confusion[data.rater[row], :, data.code[row]]
        total += np.log(joint.sum())
        assert found.posterior[unit] == pytest.approx(joint / joint.sum(), abs=1e-3)
    assert found.log_likelihood == pytest.approx(total, rel=1e-5)


def test_shares_are_wider_where_raters_are_worse():
    width = []
    for accuracy in ([0.99] * 3, [0.6] * 3):
        share = dawid_skene(planted(6, accuracy, codes=2)[0]).shares.shares[0]
        width.append(share.high - share.low)
    assert width[1] > 1.5 * width[0]
    assert width[0] == pytest.approx(2 * 1.966 * np.sqrt(0.6 * 0.4 / 400), rel=0.05)


def test_barely_identified_fits_are_said_to_be():
    data, _ = planted(7, [0.9, 0.8], outputs=30)
    assert "barely identified" in " ".join(dawid_skene(data).warnings)
    few = dawid_skene(anaesthetists()).warnings
    assert any("5 of 5 raters gave fewer than 10 labels for each class" in text for text in few)
    assert not any("barely" in text for text in few)
    assert "fewer than 10 labels" not in " ".join(one_coin(anaesthetists()).warnings)


def test_a_majority_of_raters_worse_than_chance_switches_the_labels():
    data, truth = planted(8, [0.9, 0.9, 0.15, 0.15, 0.15, 0.15, 0.15], codes=2)
    found = one_coin(data)
    assert np.mean(np.array(found.labels(), dtype=float) == truth) < 0.2  # the trap, not a virtue
    assert any("2 of 7 raters come out worse than chance" in text for text in found.warnings)
    good, _ = planted(8, [0.9, 0.8, 0.7], codes=2)
    assert "switched" not in " ".join(one_coin(good).warnings)


@MODELS
def test_raters_of_unknown_identity_share_one_table(model):
    data = three_raters()
    known = np.where(data.rater == 2, None, data.rater_labels[data.rater])
    mixed = code_ratings(data.unit, None, known, np.array(["a", "b"])[data.code], ["a", "b"])
    found = model(mixed)
    assert found.rater_labels.tolist() == ["x", "y", "unknown raters"]
    assert found.confusion[2, 0, 0] == pytest.approx(0.7, abs=0.02)
    assert any("2000 of 6000 ratings come from raters of unknown identity" in text for text in found.warnings)


@MODELS
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (code_ratings([], None, [], [], ["a", "b"]), "There are no ratings."),
        (code_ratings([1, 1], None, ["x", "y"], ["a", "a"], ["a"]), "one level"),
        (code_ratings([1, 2], None, ["x", "y"], ["a", "b"], ["a", "b"]), "No output has two ratings"),
    ],
)
def test_what_cannot_be_fitted_has_a_reason(model, data: CodedRatings, reason: str):
    found = model(data)
    assert reason in found.reason
    assert {share.status for share in found.shares.shares} == {"not_estimable"}
    assert (found.labels(), found.log_likelihood, found.most_uncertain(3)) == ([], None, [])
    assert json.dumps(found.to_dict(), allow_nan=False)


@MODELS
def test_all_alike_is_certain_but_never_without_width(model):
    data = code_ratings(np.repeat(np.arange(20), 3), None, list("xyz") * 20, ["a"] * 60, ["a", "b"])
    found = model(data)
    assert found.labels() == ["a"] * 20
    share = found.shares.shares[0]
    assert share.value == pytest.approx(1.0)
    assert share.high - share.low > 0.1


@MODELS
@pytest.mark.parametrize("smoothing", [-0.1, float("nan"), float("inf")])
def test_bad_options_are_refused(model, smoothing: float):
    with pytest.raises(ValueError, match="smoothing must be a number from 0"):
        model(anaesthetists(), smoothing=smoothing)
    with pytest.raises(ValueError, match="max_iterations"):
        model(anaesthetists(), max_iterations=0)

"""Published figures of consensus and rankings, on reference data kept beside the repository."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.stats import association
from analytics.stats.battles import Battles, code_battles
from analytics.stats.bradley_terry import SHOWN_FIRST, bradley_terry, davidson
from analytics.stats.coding import code_ratings
from analytics.stats.consensus import majority_vote, median_vote
from analytics.stats.dawid_skene import dawid_skene, one_coin
from analytics.stats.position import judge_positions
from analytics.stats.rater_adjusted import rater_adjusted_mean
from analytics.stats.strengths import difference
from analytics.stats.transitivity import goodness_of_fit
from analytics.stats.win_rates import win_rate_over_opponents, win_rate_pooled
from tests.analytics.stats.battle_tables import from_counts
from tests.analytics.stats.builders import reference_file


def expected(name: str) -> dict[str, Any]:
    return json.loads(reference_file(f"{name}/expected.json").read_text())


def half(estimate) -> float:
    return (estimate.high - estimate.low) / 2 / 1.959963985


# --- Consensus -------------------------------------------------------------------------------------------


def test_dawid_skene_1979():
    frame = pd.read_csv(reference_file("dawid_skene1979/labels.csv"))
    want = expected("dawid_skene1979")
    data = code_ratings(frame["patient"], None, frame["observer"], frame["label"], [1, 2, 3, 4], keep_repeats=True)
    found = dawid_skene(data, smoothing=0)
    assert [share.value for share in found.shares.shares] == pytest.approx(want["prevalence"], abs=1e-3)
    assert found.log_likelihood == pytest.approx(want["loglik"], abs=1e-2)
    assert found.labels() == want["consensus"]
    assert found.posterior == pytest.approx(np.array(want["posterior"]), abs=1e-4)
    for number, observer in enumerate(found.rater_labels.tolist()):
        table = np.array(want["confusion_true_by_observed"][str(observer)])
        assert found.confusion[number] == pytest.approx(table, abs=1e-4)


def test_snow_rte():
    frame = pd.read_csv(reference_file("snow_rte/labels.csv"))
    truth = pd.read_csv(reference_file("snow_rte/truth.csv"))
    want = expected("snow_rte")
    data = code_ratings(frame["item"], None, frame["rater"], frame["value"], [0, 1], keep_repeats=True)
    right = truth.set_index("item")["truth"].loc[data.unit_labels.astype(int)].to_numpy()

    def accuracy(found: Any) -> float:
        return float(np.mean(np.array(found.labels(), dtype=float) == right))

    votes = majority_vote(data)
    hits = np.where(votes.code >= 0, votes.code == right, 1 / votes.tied)
    assert hits.mean() == pytest.approx(want["majority_accuracy_ties_fractional"], abs=1e-6)
    shared = association.agreement_share(truth["item"], truth["truth"].astype(float), data)
    assert shared.value == pytest.approx(want["majority_accuracy_ties_fractional"], abs=1e-6)
    exact = dawid_skene(data, smoothing=0)
    assert exact.log_likelihood == pytest.approx(want["dawid_skene_loglik"], abs=1e-3)
    assert accuracy(exact) == pytest.approx(want["dawid_skene_accuracy_converged"], abs=0.003)
    twenty = dawid_skene(data, smoothing=0, max_iterations=20, tolerance=0)
    assert accuracy(twenty) == pytest.approx(want["dawid_skene_accuracy_20_iterations"], abs=0.003)
    assert accuracy(dawid_skene(data)) == pytest.approx(want["dawid_skene_accuracy_smoothing_.01"], abs=0.003)
    assert accuracy(one_coin(data)) == pytest.approx(want["published"]["MACE (Hovy 2013)"], abs=0.006)


def test_emotion_numeric():
    frame = pd.read_csv(reference_file("emotion_numeric/labels.csv"))
    truth = pd.read_csv(reference_file("emotion_numeric/truth.csv")).set_index("item")["truth"]
    want = expected("emotion_numeric")
    data = code_ratings(frame["item"], None, frame["rater"], frame["value"])
    right = truth.loc[data.unit_labels.astype(int)].to_numpy()
    means = rater_adjusted_mean(data, "interval")
    for name, consensus in (("mean", means.raw), ("median", median_vote(data, "interval"))):
        gap = consensus - right
        assert np.abs(gap).mean() == pytest.approx(want[name]["MAE"], abs=1e-3)
        assert np.sqrt(np.mean(gap**2)) == pytest.approx(want[name]["RMSE"], abs=1e-3)


# --- Rankings --------------------------------------------------------------------------------------------


def baseball() -> Battles:
    frame = pd.read_csv(reference_file("agresti_baseball/games.csv"))
    return from_counts([(h, a, hw, 0, aw) for h, a, hw, aw in frame.itertuples(index=False)], first=True)


def test_agresti_baseball():
    want = expected("agresti_baseball")
    plain, home = (bradley_terry(baseball(), position=position, clusters="model") for position in (False, True))
    for team, value in want["model1_vs_Baltimore"].items():
        gap = difference(plain, team, "Baltimore").estimate
        assert gap.value == pytest.approx(value, abs=1e-4)
        assert half(gap) == pytest.approx(want["model1_se"][team], abs=1e-4)
    effect = home.effects[SHOWN_FIRST].estimate
    assert effect.value == pytest.approx(want["model2_home_advantage"], abs=1e-4)
    assert half(effect) == pytest.approx(want["model2_home_se"], abs=1e-4)
    worth = np.exp(home.theta) / np.exp(home.theta).sum()
    assert dict(zip(home.systems, worth, strict=True)) == pytest.approx(want["model2_abilities_sum1"], abs=1e-4)
    deviance = goodness_of_fit(baseball(), by_order=True, resamples=1).statistic
    assert deviance == pytest.approx(want["model1_deviance"], abs=1e-4)


def test_springall_ties():
    frame = pd.read_csv(reference_file("springall_ties/contests.csv"), dtype={"a": str, "b": str})
    want = expected("springall_ties")
    rows = [(a, b, won, tied, lost) for a, b, won, lost, tied in frame.itertuples(index=False)]
    found = davidson(from_counts(rows), clusters="model")
    for item, value in want["davidson_log_worth_vs_item9"].items():
        gap = difference(found, item, "9").estimate
        assert gap.value == pytest.approx(value, abs=1e-4)
        assert half(gap) == pytest.approx(want["se"][item], abs=1e-4)
    assert found.tie_parameter.value == pytest.approx(want["nu"], abs=1e-5)
    factor = np.log(found.tie_parameter.high / found.tie_parameter.value)
    assert factor / 1.959963985 == pytest.approx(want["se_log_nu"], abs=1e-4)
    assert found.log_likelihood == pytest.approx(want["loglik_without_constant"], abs=1e-4)


@pytest.mark.parametrize("name", ["food", "simple"])
def test_evalica(name: str):
    frame = pd.read_csv(reference_file(f"evalica_{name}/comparisons.csv"), dtype=str)
    golden = pd.read_csv(reference_file(f"evalica_{name}/golden.csv"), dtype={"item": str})
    outcome = frame["winner"].map({"left": "win", "right": "loss", "tie": "tie"})
    rows = range(len(frame))
    data = code_battles(rows, [None] * len(frame), frame["left"], frame["right"], outcome, [True] * len(frame))

    def scores(algorithm: str) -> dict[str, float]:
        part = golden[golden["algorithm"] == algorithm]
        return dict(zip(part["item"], part["score"], strict=True))

    theta = bradley_terry(data).theta
    worth = np.exp(theta) / np.exp(theta).sum()
    assert dict(zip(data.systems, worth, strict=True)) == pytest.approx(scores("bradley_terry"), abs=1e-6)
    rates = win_rate_over_opponents(data)
    found = {system: estimate.value for system, estimate in zip(rates.systems, rates.items, strict=True)}
    assert found == pytest.approx(scores("average_win_rate"), abs=1e-6)
    pooled = win_rate_pooled(data)
    counts = {s: e.value * e.n_judgments for s, e in zip(pooled.systems, pooled.items, strict=True)}
    assert counts == pytest.approx(scores("counting"), abs=1e-6)
    assert max(abs(found[s] - e.value) for s, e in zip(pooled.systems, pooled.items, strict=True)) > 0.02


def test_llmbar_natural():
    frame = pd.read_csv(reference_file("llmbar_natural/judgments.csv"), dtype={"item": int})
    label = pd.read_csv(reference_file("llmbar_natural/labels.csv")).set_index("item")["label"]
    want = expected("llmbar_natural")["evaluators"]
    judge = frame["judge"] + "|" + frame["prompt"]
    words = {1.0: "win", 2.0: "loss"}
    # An answer that could not be read is neither right nor the same as the other order's: a tie.
    answers = [frame[column].map(words).fillna("tie") for column in ("winner_original", "winner_swapped")]
    gold = frame["item"].map(label).map({1: "win", 2: "loss"})
    size = len(frame)
    data = code_battles(
        np.tile(frame["item"], 2),
        np.tile(judge, 2),
        ["output_1"] * 2 * size,
        ["output_2"] * 2 * size,
        np.concatenate(answers),
        [True] * size + [False] * size,
        gold=np.tile(gold, 2),
    )
    # The file has runs without published figures too.
    judges = [found for found in judge_positions(data).judges if found.judge in want]
    assert len(judges) == len(want) == 57
    for found in judges:
        published = {key: value / 100 for key, value in want[found.judge]["published"].items()}
        assert found.accuracy_a_first.value == pytest.approx(published["correct_False"], abs=1e-9)
        assert found.accuracy_b_first.value == pytest.approx(published["correct_True"], abs=1e-9)
        mean = (found.accuracy_a_first.value + found.accuracy_b_first.value) / 2
        assert mean == pytest.approx(published["correct_average"], abs=1e-9)
        assert found.both_right.value == pytest.approx(published["correct_both"], abs=1e-9)
        assert found.consistency.value == pytest.approx(published["equal"], abs=1e-9)
        assert found.consistency.n_judgments == want[found.judge]["n"]

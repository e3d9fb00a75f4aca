"""Published figures of judges, prediction-powered means and MQM on reference data kept beside the repository."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.stats.alternative_annotator import alternative_annotator_test
from analytics.stats.coding import code_ratings
from analytics.stats.intervals import t_quantile
from analytics.stats.mqm import mqm_scores
from analytics.stats.prediction_powered import prediction_powered_mean
from tests.analytics.stats.builders import reference_file


def expected(name: str) -> dict[str, Any]:
    return json.loads(reference_file(f"{name}/expected.json").read_text())


@pytest.mark.parametrize("name", ["mtbench", "wax", "cebab_stars", "summeval"])
def test_the_alternative_annotator_test_of_every_published_judge(name: str):
    asked = expected(f"alttest_{name}")["alt_test"]
    human = pd.read_csv(reference_file(f"alttest_{name}/human.csv"))
    judges = pd.read_csv(reference_file(f"alttest_{name}/judges.csv"))
    data = code_ratings(human["item"], None, human["rater"], human["value"])
    for judge, row in asked["rows"].items():
        answers = judges[judges["judge"] == judge]
        found = alternative_annotator_test(
            answers["item"],
            answers["value"],
            data,
            epsilon=asked["epsilon"],
            scoring=asked["scoring"],
            q=asked["fdr_q"],
        )
        again = row["recomputed"]
        assert found.winning_rate.value == pytest.approx(again["winning_rate"], abs=1e-9), judge
        assert found.advantage_probability.value == pytest.approx(again["advantage_probability"], abs=1e-9), judge
        assert sorted(one.p_value for one in found.annotators) == pytest.approx(sorted(again["p_values"]), abs=1e-9)
        assert found.winning_rate.value == pytest.approx(row["published"]["winning_rate"], abs=0.0051)
        published = row["published"]["advantage_probability"]
        assert found.advantage_probability.value == pytest.approx(published, abs=0.0051)


def summeval() -> tuple[pd.DataFrame, dict[str, Any]]:
    """Mean human rating and judge of each item, whether it is labelled, and its document."""
    asked = expected("alttest_summeval")["ppi_mean"]
    human = pd.read_csv(reference_file("alttest_summeval/human.csv")).groupby("item")["value"].mean()
    judges = pd.read_csv(reference_file("alttest_summeval/judges.csv"))
    judge = judges[judges["judge"] == asked["judge"]].set_index("item")["value"]
    source = pd.read_csv(reference_file("alttest_summeval/items.csv")).set_index("item")["source_id"]
    frame = pd.DataFrame({"human": human, "judge": judge, "document": source.str.split("__").str[0]})
    item = frame.index.to_numpy().astype(np.uint64)
    frame["rated"] = (item * np.uint64(2654435761)) % np.uint64(2**32) < np.uint64(2**29)
    return frame, asked


def test_the_prediction_powered_mean_of_summeval():
    frame, asked = summeval()
    rated, rest = frame[frame["rated"]], frame[~frame["rated"]]
    result = prediction_powered_mean(rated["human"], rated["judge"], rest["judge"], design="random")
    form = asked["closed_form"]
    assert (result.n_labelled, result.n_unlabelled) == (asked["n"], asked["N"])
    assert result.tuning[0] == pytest.approx(form["lambda"], abs=1e-9)
    assert result.estimate.value == pytest.approx(form["mean"], abs=1e-9)
    error = (result.estimate.high - result.estimate.value) / t_quantile(0.95, asked["n"])
    assert error == pytest.approx(form["se"], abs=1e-9)
    assert result.estimate.value == pytest.approx(asked["ppi_plus_plus_mean"], abs=0.003)
    assert (result.estimate.low, result.estimate.high) == pytest.approx(asked["ppi_plus_plus_ci95"], abs=0.003)
    assert result.classical.value == pytest.approx(asked["classical_mean"], abs=1e-9)
    assert (result.classical.low, result.classical.high) == pytest.approx(asked["classical_ci95"], abs=0.003)
    plain = prediction_powered_mean(rated["human"], rated["judge"], rest["judge"], design="random", tuning=1.0)
    assert plain.estimate.value == pytest.approx(asked["ppi_lam1_mean"], abs=1e-9)
    assert (plain.estimate.low, plain.estimate.high) == pytest.approx(asked["ppi_lam1_ci95"], abs=0.003)
    assert result.judge_only.value == pytest.approx(asked["judge_only_mean"], abs=1e-9)
    assert not result.judge_only.low < asked["truth_all_items"] < result.judge_only.high
    by_document = prediction_powered_mean(
        rated["human"],
        rated["judge"],
        rest["judge"],
        design="random",
        cluster=rated["document"],
        cluster_rest=rest["document"],
    )
    assert by_document.estimate.n_clusters == 100
    assert by_document.estimate.low < asked["truth_all_items"] < by_document.estimate.high


def test_mqm_of_every_published_system():
    errors = pd.read_csv(reference_file("mqm_ted_ende/errors.csv"))
    asked = expected("mqm_ted_ende")
    found = mqm_scores(
        errors["system"], errors["seg_id"], errors["doc"], errors["rater"], errors["category"], errors["severity"]
    )
    values = {name: estimate.value for name, estimate in found.items()}
    assert values == pytest.approx(asked["system_mqm"], abs=1e-6)
    for name, value in asked["published"].items():
        assert values["ref" if name == "ref.A" else name] == pytest.approx(value, abs=0.011)
    assert {estimate.n_clusters for estimate in found.values()} == {5}

"""How the statistics of automated scores, gates, slices and totals read the tables of the property tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analytics.stats import (
    alternative_annotator,
    association_levels,
    attenuation,
    ceiling,
    gates,
    judge_errors,
    misclassification,
    mqm,
    pairwise_accuracy,
    pooling,
    prediction_powered,
    scores,
    slices,
    weighted_totals,
)
from analytics.stats.association import human_means

if TYPE_CHECKING:
    from tests.analytics.stats.builders import Table


class Outputs(NamedTuple):
    """One row an output: a metric, a second metric, people's mean rating."""

    unit: np.ndarray
    cluster: np.ndarray
    metric: np.ndarray
    other: np.ndarray
    human: np.ndarray

    @property
    def system(self) -> np.ndarray:
        return self.unit % 4

    @property
    def rated(self) -> np.ndarray:
        """Every other output: those that people rated in a study with a sample."""
        return self.unit % 2 == 0


def outputs(table: Table) -> Outputs:
    units, first_row = np.unique(table.unit, return_index=True)
    _, clusters, means = human_means(table.coded())
    _, _, other = human_means(table.coded("value_b"))
    return Outputs(units, clusters, table.metric[first_row], other, means)


def within(coefficient: str) -> Callable[[Table, str], Any]:
    def run(table: Table, measurement: str) -> Any:
        o = outputs(table)
        return association_levels.within_prompts(coefficient, o.metric, o.human, o.cluster)

    return run


def between(coefficient: str) -> Callable[[Table, str], Any]:
    def run(table: Table, measurement: str) -> Any:
        o = outputs(table)
        # Systems that differ, in units of the scale: without that no interval is claimed.
        metric, human = (column + column.std() * np.array([0, 2, 1, 3])[o.system] for column in (o.metric, o.human))
        return association_levels.between_systems(coefficient, metric, human, o.system, o.cluster, seed=3)

    return run


def accuracy_within(table: Table, measurement: str) -> Any:
    o = outputs(table)
    return pairwise_accuracy.within_prompts(o.metric, o.human, o.cluster).estimate


def accuracy_pooled(table: Table, measurement: str) -> Any:
    o = outputs(table)
    return pairwise_accuracy.pooled(o.metric, o.human, o.cluster).estimate


def accuracy_difference(table: Table, measurement: str) -> Any:
    o = outputs(table)
    return pairwise_accuracy.difference(o.metric, o.other, o.human, o.cluster)


def metric_difference(table: Table, measurement: str) -> Any:
    o = outputs(table)
    return association_levels.metric_difference("spearman", o.metric, o.other, o.human, o.cluster, seed=3)


def judge_labels(table: Table) -> tuple[np.ndarray, np.ndarray]:
    units, first_row = np.unique(table.unit, return_index=True)
    return units, np.clip(np.round(3 + table.metric[first_row]), 1, 5)


def human_ceiling(table: Table, measurement: str) -> Any:
    return ceiling.human_ceiling(*judge_labels(table), table.coded()).difference


def disattenuated(table: Table, measurement: str) -> Any:
    o = outputs(table)
    return attenuation.disattenuated(o.unit, o.metric, table.coded()).corrected


def alternative(table: Table, measurement: str) -> Any:
    units, labels = judge_labels(table)
    test = alternative_annotator.alternative_annotator_test(units, labels, table.coded(), epsilon=0.2, min_units=5)
    return test.advantage_probability


def rogan_gladen(table: Table, measurement: str) -> Any:
    o = outputs(table)
    says, is_ = o.metric > 0, o.human >= 3
    options = {"cluster": o.cluster, "validated_cluster": o.cluster, "design": "random"}
    return misclassification.rogan_gladen(says, says, is_, **options).estimate


def powered(table: Table, measurement: str) -> Any:
    o = outputs(table)
    return prediction_powered.prediction_powered_mean(
        o.human[o.rated],
        o.metric[o.rated],
        o.metric[~o.rated],
        design="random",
        cluster=o.cluster[o.rated],
        cluster_rest=o.cluster[~o.rated],
    ).estimate


def stratified(table: Table, measurement: str) -> Any:
    o = outputs(table)
    stratum = o.cluster % 2
    return prediction_powered.stratified_prediction_powered_mean(
        o.human[o.rated],
        o.metric[o.rated],
        stratum[o.rated],
        o.metric[~o.rated],
        stratum[~o.rated],
        design="stratified",
        cluster=o.cluster[o.rated],
        cluster_rest=o.cluster[~o.rated],
    ).estimate


def gate(function: Callable[..., Any]) -> Callable[[Table, str], Any]:
    def run(table: Table, measurement: str) -> Any:
        difference, prompts = scores.prompt_differences(table.coded(), table.coded("value_b"))
        return function(difference, prompts, margin=0.5).estimate

    return run


def interaction(table: Table, measurement: str) -> Any:
    o = outputs(table)
    return slices.slice_interaction(o.human, o.cluster, o.rated)


def pooled_slices(table: Table, measurement: str) -> Any:
    data = table.coded()
    return pooling.partial_pooling(scores.prompt_means(data)[0], 0.3 + 0.05 * (data.cluster_labels % 5)).mean


def mix_adjusted(table: Table, measurement: str) -> Any:
    o = outputs(table)
    return slices.mix_adjusted_difference(o.human, o.cluster, o.rated, np.where(o.cluster % 3 == 0, "hard", "easy"))


def criteria(table: Table, second: float = 0.5) -> list[weighted_totals.WeightedCriterion]:
    return [
        weighted_totals.WeightedCriterion("correct", table.coded(), "interval", 1.0),
        weighted_totals.WeightedCriterion("clear", table.coded("value_b"), "interval", second),
    ]


def total(table: Table, measurement: str) -> Any:
    return weighted_totals.weighted_total(criteria(table), missing="complete", seed=3).estimate


def total_difference(table: Table, measurement: str) -> Any:
    other = [
        weighted_totals.WeightedCriterion("correct", table.coded("value_b"), "interval", 1.0),
        weighted_totals.WeightedCriterion("clear", table.coded("value_b"), "interval", 0.5),
    ]
    return weighted_totals.weighted_total_difference(criteria(table), other, missing="complete", seed=3)


def mqm_score(table: Table, measurement: str) -> Any:
    severity = np.asarray(["", "no-error", "minor", "major", "minor", "neutral"], dtype=object)
    category = np.asarray(["", "No-error", "Fluency/Punctuation", "Accuracy", "Style", "Other"], dtype=object)
    code = table.value.astype(int)
    return mqm.mqm_score(table.unit, table.cluster, table.rater, category[code], severity[code])


EVALUATORS: dict[str, Callable[[Table, str], Any]] = {
    **{f"{name}_within_prompts": within(name) for name in association_levels.CORRELATIONS},
    **{f"{name}_between_systems": between(name) for name in association_levels.NAMES},
    "pairwise_accuracy_within_prompts": accuracy_within,
    "pairwise_accuracy_pooled": accuracy_pooled,
    "pairwise_accuracy_difference": accuracy_difference,
    "metric_difference": metric_difference,
    "human_ceiling": human_ceiling,
    "disattenuated": disattenuated,
    "alternative_annotator_test": alternative,
    "judge_errors_by_level": lambda table, measurement: judge_errors.errors_by_level(
        *judge_labels(table), table.coded()
    ),
    "rogan_gladen": rogan_gladen,
    "prediction_powered_mean": powered,
    "stratified_prediction_powered_mean": stratified,
    "non_inferiority": gate(gates.non_inferiority),
    "equivalence": gate(gates.equivalence),
    "slice_interaction": interaction,
    "partial_pooling": pooled_slices,
    "mix_adjusted_difference": mix_adjusted,
    "weighted_total": total,
    "weighted_total_difference": total_difference,
    "mqm_score": mqm_score,
}

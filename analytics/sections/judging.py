"""How far a metric can be trusted: inside prompts, between systems, beside a second person, and in a person's place.

A judge is held against one person, as another person is; against the consensus it would win for free.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.sections.base import ReportData, is_of_pairs
from analytics.stats import association_levels as levels
from analytics.stats import ceiling as ceilings
from analytics.stats import pairwise_accuracy
from analytics.stats.alternative_annotator import EPSILONS, alternative_annotator_test
from analytics.stats.coding import CodedRatings, FloatArray, IntArray, ObjectArray
from analytics.stats.judge_errors import errors_by_level
from rubrics.specs import CriterionSpec

# What people cost more than a judge: that of skilled raters, as nobody is asked who they are. The curve is beside it.
EPSILON = EPSILONS["skilled"]
# Rank correlations of every pair of ratings are drawn again a thousand times: beyond this a report would take minutes.
MAX_RATINGS_DRAWN = 60_000
MAX_LEVELS = 12  # beyond that a scale is a line, and no level of it is given often
_MISSING: ObjectArray = np.zeros(0, dtype=object)


@dataclass(frozen=True)
class Answers:
    """The metric's answers by unit, in the criterion's words; without `human` there are none, for `refusal`."""

    refusal: str
    units: NDArray[Any] = field(default_factory=lambda: _MISSING)
    labels: NDArray[Any] = field(default_factory=lambda: _MISSING)
    human: CodedRatings | None = None


def by_level(
    metric: FloatArray,
    towards: FloatArray,
    human: FloatArray,
    cluster: IntArray,
    system: IntArray,
    options: dict[str, Any],
) -> dict[str, Any]:
    """The same relation inside prompts and between systems: `towards` is the metric turned so that more is better."""
    counts = {name: value for name, value in options.items() if name != "seed"}
    within = {name: levels.within_prompts(name, metric, human, cluster, **counts).to_dict() for name in _RANKS}
    pairs = pairwise_accuracy.within_prompts(towards, human, cluster, **counts)
    between: dict[str, Any] = {}
    if len(np.unique(system)) > 1:
        turned = towards is not metric
        names = _RANKS if turned else (*_RANKS, "pairwise_accuracy")
        found = levels.each_between_systems(names, metric, human, system, cluster, **options)
        if turned:
            found |= levels.each_between_systems(["pairwise_accuracy"], towards, human, system, cluster, **options)
        between = {name: each.to_dict() for name, each in found.items()}
    return {"pairwise_accuracy": pairs.to_dict(), "within_prompts": within, "between_systems": between}


_RANKS: tuple[Any, ...] = ("kendall_tau_b", "spearman")


def ceiling(units: NDArray[Any], metric: FloatArray, human: CodedRatings, data: ReportData) -> dict[str, Any]:
    """Spearman's rho of the metric with one rater, beside that of another rater with the same one."""
    if len(human.unit) > MAX_RATINGS_DRAWN:
        return {"measure": "spearman", "reason": f"Not drawn again beyond {MAX_RATINGS_DRAWN:,} ratings."}
    found = ceilings.human_ceiling(units, metric, human, "spearman", seed=data.seed, level=data.level)
    return {"measure": "spearman", **found.to_dict()}


def stand_ins(answers: Answers, same: bool, criterion: CriterionSpec, data: ReportData) -> dict[str, Any]:
    """May the metric stand in for a person? Only for a metric that answers the same question in the same words."""
    if not same or answers.human is None:
        return {}
    equal = ceilings.human_ceiling(answers.units, answers.labels, answers.human, "agreement", level=data.level)
    distance = not is_of_pairs(criterion) and criterion.level_of_measurement in ("interval", "ratio")
    test = alternative_annotator_test(
        answers.units,
        answers.labels,
        answers.human,
        epsilon=EPSILON,
        scoring="neg_rmse" if distance else "accuracy",
        level=data.level,
    )
    found = {"ceiling_same_answer": {"measure": "agreement", **equal.to_dict()}, "alt_test": test.to_dict()}
    ordered = criterion.level_of_measurement != "nominal" or criterion.type == "yes_no"
    if ordered and not is_of_pairs(criterion) and answers.human.n_codes <= MAX_LEVELS:
        found["errors_by_level"] = errors_by_level(
            answers.units, answers.labels, answers.human, level=data.level
        ).to_dict()["levels"]
    return found

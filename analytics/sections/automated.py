"""Each automated metric against the human result, output by output or pair by pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analytics.sections.base import MetricInfo, ReportData, coded, is_of_pairs
from analytics.sections.judge_sides import judge_sides
from analytics.sections.judging import Answers, by_level, ceiling, stand_ins
from analytics.sections.metric_values import leans, one_per, pair_scores, unit_scores
from analytics.stats import association
from analytics.stats.coding import CodedRatings, FloatArray, IntArray, ObjectArray
from analytics.stats.results import Estimate
from rubrics.criteria import CRITERIA
from rubrics.specs import CriterionSpec

_SIGNS = ["a", "tie", "b"]
_WORDS = {-1.0: "a", 0.0: "tie", 1.0: "b"}
_NO_NUMBERS = "The criterion has labels without an order, so no correlation is defined; see the agreement."
_NO_METRIC_NUMBERS = "The metric gives labels, not numbers, so no correlation is defined; see the agreement."
_NOT_LEVELS = "The metric has values that are not levels of the criterion, so it never gives the same answer."
_NOT_SAME = "The metric is not declared to answer this criterion, so equal answers would mean nothing."
_NOT_SIDES = "The metric scores each output by itself and gives no preference to compare with."


@dataclass(frozen=True)
class _Human:
    """The human result of one criterion: a number per unit where there is an order, and labels. Prompts and systems are
    codes in the order of their names; `outputs` are keys, -1 for the units of pairs."""

    units: ObjectArray
    clusters: IntArray
    outputs: IntArray
    systems: IntArray
    means: FloatArray
    table: CodedRatings

    @property
    def counts(self) -> dict[str, int]:
        return {"n_raters": len(self.table.rater_labels), "n_judgments": len(self.table.unit)}


@dataclass(frozen=True)
class _Result:
    """What people said of one criterion, and the units it is about: made once for all metrics."""

    frame: pd.DataFrame
    units: pd.DataFrame
    human: _Human | None

    @classmethod
    def of(cls, data: ReportData, criterion: CriterionSpec) -> _Result:
        frame = data.result_of(criterion)
        units = _units(frame)
        return cls(frame, units, _human(frame, units, criterion) if len(frame) else None)


def _units(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[["unit", "cluster", "output", "output_a", "output_b", "system", "turn"]].drop_duplicates("unit")


def automated_section(data: ReportData) -> dict[str, Any]:
    found: dict[str, Any] = {}
    results = {c.key: _Result.of(data, c) for c in data.measured} if len(data.scores) else {}
    for metric in data.metrics:
        own = data.scores[data.scores["metric"] == metric.id]
        if own.empty:
            continue
        means = one_per(own[own["output_b"] < 0], "output")
        for criterion in data.measured:
            result = _against(data, metric, own, means, criterion, results[criterion.key])
            if result is not None:
                found.setdefault(metric.key, {})[criterion.key] = result
    return found


def _against(
    data: ReportData,
    metric: MetricInfo,
    own: pd.DataFrame,
    means: pd.DataFrame,
    criterion: CriterionSpec,
    result: _Result,
) -> dict[str, Any] | None:
    frame = result.frame
    pairs = is_of_pairs(criterion)
    if frame.empty or (metric.kind == "preference" and not pairs):
        return None
    scores = pair_scores(metric, own, means, result.units) if pairs else unit_scores(own, means, result.units)
    if scores.empty:
        return None
    same = metric.criterion == criterion.key
    answers = _answers(metric, criterion, frame, scores, same)
    # A metric in a rater's place is held against raters: what a reviewer settled is no rater's answer.
    people = data.of(criterion) if data.final_answers else frame
    beside = _answers(metric, criterion, people, scores, same) if data.final_answers else answers
    return {
        "metric": {"source": metric.source, "kind": metric.kind, "direction": metric.direction},
        "declared_same_question": same,
        **_correlations(data, metric, criterion, result.human, scores, people if data.final_answers else None),
        "agreement": _agreement(answers, len(scores), data.level).to_dict(),
        **stand_ins(beside, same, criterion, data),
        **({"sides": judge_sides(data, metric, criterion, leans(metric, own))} if same and pairs else {}),
    }


# --- against the humans --------------------------------------------------------------------------------


def _human(frame: pd.DataFrame, units: pd.DataFrame, criterion: CriterionSpec) -> _Human | None:
    """Mean ratings as numbers; None where the answers have no order. Yes is 1, no is 0."""
    column = "towards_b" if is_of_pairs(criterion) else "number"
    labels = criterion.type != "yes_no" and not is_of_pairs(criterion)
    unordered = labels and criterion.level_of_measurement == "nominal"
    if unordered or frame[column].isna().any():
        return None
    table = coded(frame.assign(value=frame[column]), criterion, sorted(frame[column].unique().tolist()))
    about = units.set_index("unit").loc[pd.Index(table.unit_labels)]
    systems = pd.factorize(about["system"], sort=True)[0].astype(np.int64)
    outputs = about["output"].to_numpy(dtype=np.int64)
    return _Human(table.unit_labels, table.cluster_of_unit, outputs, systems, association.human_means(table)[2], table)


def _numbers(scores: pd.DataFrame, human: _Human, criterion: CriterionSpec) -> FloatArray:
    """The metric's number of each unit that people judged, NaN where there is none."""
    by_unit = is_of_pairs(criterion) or criterion.scope == "turn"
    key, wanted = ("unit", human.units) if by_unit else ("output", human.outputs)
    given = scores.drop_duplicates(key).set_index(key)["number"]
    return np.asarray(given.reindex(wanted), dtype=np.float64)


def _correlations(
    data: ReportData,
    metric: MetricInfo,
    criterion: CriterionSpec,
    human: _Human | None,
    scores: pd.DataFrame,
    people: pd.DataFrame | None,
) -> dict[str, Any]:
    """`people` are the raters' own answers where the human result has final ones in their place."""
    reason = _NO_NUMBERS if human is None else (_NO_METRIC_NUMBERS if scores["number"].isna().all() else "")
    if human is None or reason:
        none = Estimate.not_estimable(reason=reason, unit="correlation", n_units=len(scores)).to_dict()
        return {"kendall_tau_b": none, "spearman": none}
    x = _numbers(scores, human, criterion)
    # Lower is better: turned, so that "as people do" means the same for all metrics.
    towards = -x if metric.direction == "lower" else x
    options: dict[str, Any] = {"seed": data.seed, "level": data.level, **human.counts}
    found = {
        "kendall_tau_b": association.kendall_tau_b(x, human.means, human.clusters, **options).to_dict(),
        "spearman": association.spearman(x, human.means, human.clusters, **options).to_dict(),
    }
    if criterion.level_of_measurement in ("interval", "ratio"):
        found["pearson"] = association.pearson(x, human.means, human.clusters, **options).to_dict()
    raters = human if people is None else _human(people, _units(people), criterion)
    if raters is not None:
        values = x if raters is human else _numbers(scores, raters, criterion)
        found["ceiling"] = ceiling(raters.units, values, raters.table, data)
    if not is_of_pairs(criterion):
        found |= by_level(x, towards, human.means, human.clusters, human.systems, options)
    return found


def _answers(
    metric: MetricInfo,
    criterion: CriterionSpec,
    frame: pd.DataFrame,
    scores: pd.DataFrame,
    same: bool,
) -> Answers:
    """The metric's answers in the words of the criterion, beside the people's; or why there are none."""
    refusal = _NOT_SIDES if is_of_pairs(criterion) and metric.kind != "preference" else ""
    refusal = refusal if same else _NOT_SAME
    if refusal:
        return Answers(refusal)
    if is_of_pairs(criterion):
        human = coded(frame.assign(value=np.sign(frame["towards_b"]).map(_WORDS)), criterion, _SIGNS)
        labels = np.sign(scores["answer"]).map(_WORDS)
    else:
        human = coded(frame, criterion)
        labels = _labels(metric, criterion, scores)
        levels = CRITERIA[criterion.type].domain(criterion)
        if levels is not None and not labels.dropna().isin(levels).all():
            return Answers(_NOT_LEVELS)
    return Answers("", scores["unit"].to_numpy(dtype=object), labels.to_numpy(dtype=object), human)


def _agreement(answers: Answers, n: int, level: float) -> Estimate:
    """The share of units where the metric gives the answer that most raters gave."""
    if answers.human is None:
        return Estimate.not_estimable(reason=answers.refusal, unit="share", n_units=n)
    return association.agreement_share(answers.units, answers.labels, answers.human, level=level)


def _labels(metric: MetricInfo, criterion: CriterionSpec, scores: pd.DataFrame) -> pd.Series:
    """The metric's answers in the criterion's own words."""
    if criterion.type == "yes_no":
        words = scores["label"].str.lower().map({"true": "yes", "false": "no", "yes": "yes", "no": "no"})
        by_number = scores["number"].map({1.0: "yes", 0.0: "no"})
        return words.where(words.notna(), by_number).astype(object)
    if criterion.level_of_measurement == "nominal":
        return scores["label"].where(scores["label"] != "", None).astype(object)
    return scores["number"].astype(object)

"""Each automated metric against the human result, output by output or pair by pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analytics.sections.base import MetricInfo, ReportData, coded, is_of_pairs
from analytics.sections.judge_sides import judge_sides
from analytics.sections.judging import Answers, by_level, ceiling, stand_ins
from analytics.stats import association
from analytics.stats.coding import CodedRatings, FloatArray, IntArray, ObjectArray
from analytics.stats.results import Estimate
from rubrics.criteria import CRITERIA
from rubrics.specs import CriterionSpec

_SIGNS = ["a", "tie", "b"]
_WORDS = {-1.0: "a", 0.0: "tie", 1.0: "b"}
_PREFERRED = {"a": -1.0, "b": 1.0, "tie": 0.0, "both_good": 0.0, "both_bad": 0.0}
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
        means = _per(own[own["output_b"] < 0], "output")
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
    scores = _pair_scores(metric, own, means, result.units) if pairs else _unit_scores(own, means, result.units)
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
        **({"sides": judge_sides(data, metric, criterion, _leans(metric, own))} if same and pairs else {}),
    }


# --- the metric, per unit ------------------------------------------------------------------------------


def _output_scores(means: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Of each judged output: the metric's mean number and, where it says one thing only, its label."""
    scored = units[units["output"].isin(means.index)]
    given = means.reindex(scored["output"])
    return scored.assign(number=given["number"].to_numpy(), label=given["label"].to_numpy())


def _unit_scores(own: pd.DataFrame, means: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """What people judged turn by turn is held against the metric's value of that turn, where it has such; everything
    else against its value of the output. A file counts turns from 1, a target from 0."""
    turns = pd.to_numeric(own["turn"])
    if not units["turn"].ne("").any() or turns.isna().all():
        return _output_scores(means, units)
    named = own.assign(turn="t" + (turns - 1).fillna(-1).astype("int64").astype(str))
    each = _per(named[turns.notna() & (named["output_b"] < 0)], ["output", "turn"]).reset_index()
    return units.merge(each, on=["output", "turn"])


def _pair_scores(metric: MetricInfo, own: pd.DataFrame, means: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Of each judged pair: how far the metric leans to b, by its own preference or by b's score minus a's."""
    units = units[["unit", "cluster", "output_a", "output_b"]]
    if metric.kind != "preference":
        number = means["number"]
        lean = units["output_b"].map(number) - units["output_a"].map(number)
        return units.assign(number=lean, label="", answer=np.sign(lean)).dropna(subset=["number"])
    keyed = _leans(metric, own).dropna(subset=["number"])
    turned = keyed.rename(columns={"output": "output_b", "output_b": "output"})
    turned["number"] = -turned["number"]
    both = pd.concat([keyed, turned]).rename(columns={"output": "output_a"})
    return units.merge(_one_per_pair(both), on=["output_a", "output_b"])


def _leans(metric: MetricInfo, own: pd.DataFrame) -> pd.DataFrame:
    """The judge's answers about two outputs as they came: above 0 they lean to the second."""
    said = own[own["output_b"] >= 0]
    lean = _lean(metric, said["number"])
    return said.assign(number=lean.where(lean.notna(), said["label"].map(_PREFERRED)))


def _lean(metric: MetricInfo, number: pd.Series) -> pd.Series:
    """Preferences as -1 (a) to 1 (b): above the middle of its scale a number leans to b. 0 without a scale."""
    low, high = metric.scale
    if low is None or high is None:
        return number
    return (number - (low + high) / 2) / ((high - low) / 2)


def _one_per_pair(said: pd.DataFrame) -> pd.DataFrame:
    """One row a pair. A judge's answers in both orders, to one turn, are one judgment: their mean, and as an
    answer the side that both orders name, else a tie (the rule of MT-Bench: Zheng et al. 2023, section 3.4).
    Then every judge and turn weighs the same."""
    whole = said.assign(turn=pd.to_numeric(said["turn"]).fillna(0), answer=np.sign(said["number"]))
    orders = whole.groupby(["output_a", "output_b", "judge", "turn"])
    judged = pd.DataFrame({"number": orders["number"].mean(), "answer": orders["answer"].mean()})
    judged["answer"] = judged["answer"].where(orders["answer"].nunique() == 1, 0.0)
    return judged.groupby(["output_a", "output_b"])[["number", "answer"]].mean().reset_index()


def _per(own: pd.DataFrame, key: str | list[str]) -> pd.DataFrame:
    """Several values of one output (judges, turns, runs) become their mean; labels count if they are one."""
    groups = own.groupby(key)
    one = groups["label"].nunique() == 1
    return pd.DataFrame({"number": groups["number"].mean(), "label": groups["label"].first().where(one, "")})


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
    by_unit = criterion.type == "preference" or criterion.scope == "turn"
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

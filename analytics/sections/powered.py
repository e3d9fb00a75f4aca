"""Mean human ratings and win rates from the drawn items that people rated and a judge's scores of all the others.

A judge speaks for what nobody rated only as far as it was right where people rated too, and only where the rated items
were drawn by chance: else the section says why there is nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from analytics.sections.base import MetricInfo, ReportData, is_of_pairs
from analytics.sections.metric_values import leans, one_per, one_per_pair, pair_scores
from analytics.stats.prediction_powered import (
    PredictionPowered,
    prediction_powered_mean,
    stratified_prediction_powered_mean,
)
from rubrics.specs import CriterionSpec

_BY_CHANCE = ("random", "stratified", "weighted")
_UNKNOWN = (
    "How the rated items were chosen is not known, so a judge’s scores of other items cannot be joined to them. "
    "A round that draws its items by chance makes it possible."
)
_NO_CHANCES = (
    "The items had unequal chances of being drawn, and the chances of some are not known, so their ratings cannot be "
    "weighted."
)
_NO_MEAN = "Its levels have an order and no distances, so it has no mean; a criterion declared as an interval has one."
_LABELS = "Its answers are labels without an order, so it has no mean."
_NO_OTHERS = "has no scores of items that were not drawn. Score those with it too, and import the scores."
_WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}


def powered_section(data: ReportData) -> dict[str, Any]:
    """`scores.<criterion>.<metric>.<system>` and `win_rates.<criterion>.<metric>.<a>.<b>`; `reason` where there can be
    none at all, `left_out` for single criteria and metrics."""
    found: dict[str, Any] = {"design": data.sample.design, "reason": "", "left_out": [], "scores": {}, "win_rates": {}}
    asked = list(_asked(data))
    if not asked or data.sample.design == "census":
        return found
    found["reason"] = _refusal(data.sample.design, data)
    if found["reason"]:
        return found
    for criterion, metric in asked:
        reason, figures = (_of_pairs if is_of_pairs(criterion) else _of_scores)(data, criterion, metric)
        if reason:
            found["left_out"].append({"criterion": criterion.key, "metric": metric.key, "reason": reason})
        elif figures:
            place = found["win_rates" if is_of_pairs(criterion) else "scores"]
            place.setdefault(criterion.key, {})[metric.key] = figures
    return found


def _asked(data: ReportData) -> Iterator[tuple[CriterionSpec, MetricInfo]]:
    """The metrics that answer a criterion of the round, and have scores of what people judged."""
    scored = set(data.scores["metric"]) if len(data.scores) else set()
    for criterion in data.measured:
        for metric in data.metrics:
            pairs = (metric.kind == "preference") == is_of_pairs(criterion)
            if metric.criterion == criterion.key and metric.id in scored and pairs:
                yield criterion, metric


def _refusal(design: str, data: ReportData) -> str:
    if design not in _BY_CHANCE:
        return _UNKNOWN
    drawn, size = data.sample.drawn, data.sample.frame_size
    if design != "random" and drawn["chance"].isna().any():
        return _NO_CHANCES
    there = len(drawn) + data.sample.undrawn["item"].nunique()
    if size is not None and there > size:
        return (
            f"The items were drawn from {size:,}, and there are {there:,} now, so the sample is not one of all of "
            "them. A new round draws from all."
        )
    return ""


# --- scores ----------------------------------------------------------------------------------------------


def _of_scores(data: ReportData, criterion: CriterionSpec, metric: MetricInfo) -> tuple[str, dict[str, Any]]:
    share = criterion.type == "yes_no"
    if not share and criterion.level_of_measurement not in ("interval", "ratio"):
        return (_NO_MEAN if criterion.level_of_measurement == "ordinal" else _LABELS), {}
    frame = data.result_of(criterion)
    frame = frame[frame["system"] != ""]
    y = frame.assign(y=frame["label"].map(_WORDS) if share else frame["number"])
    human = y.groupby("output").agg(y=("y", "mean"), n=("y", "size"))
    rated = _drawn_outputs(data).merge(_numbers(data.scores, metric, share), on="output")
    rated = rated.merge(human, on="output", how="left")
    rest = _undrawn(data, metric)
    others = rest.merge(_numbers(rest, metric, share), on="output").drop_duplicates("output")
    if others.empty:
        return f"{metric.key} {_NO_OTHERS}", {}
    found = {}
    for system in data.systems:
        own, more = rated[rated["system"] == system], others[others["system"] == system]
        if own["y"].notna().any() and len(more):
            people = int(frame.loc[(frame["system"] == system) & frame["rater_known"].astype(bool), "rater"].nunique())
            found[system] = _figures(data, metric, own, more, share=share, n_raters=people)
    return "", found


def _drawn_outputs(data: ReportData) -> pd.DataFrame:
    """The outputs of drawn items, each once: output, system, item, cluster, chance, stratum."""
    tasks = data.frames.tasks.tasks[["item", "cluster"]]
    outputs = data.frames.tasks.outputs.merge(tasks, left_on="task", right_index=True)
    return outputs.drop_duplicates("output").merge(data.sample.drawn, on="item")


def _numbers(scores: pd.DataFrame, metric: MetricInfo, share: bool) -> pd.DataFrame:
    """One number an output, `f`: for a question of yes and no 1 or 0."""
    own = scores[(scores["metric"] == metric.id) & (scores["output_b"] < 0)]
    given = one_per(own, "output")
    said = given["label"].str.lower().map(_WORDS) if share else given["number"]
    number = said.where(said.notna(), given["number"])
    return number.dropna().rename("f").reset_index()


def _undrawn(data: ReportData, metric: MetricInfo) -> pd.DataFrame:
    return data.sample.undrawn[data.sample.undrawn["metric"] == metric.id]


# --- pairs -----------------------------------------------------------------------------------------------


def _of_pairs(data: ReportData, criterion: CriterionSpec, metric: MetricInfo) -> tuple[str, dict[str, Any]]:
    """Won by the first system of the two is 1, a tie .5: for people the mean over raters, for the judge its answer."""
    frame = data.result_of(criterion)
    frame = frame[frame["system_a"] != frame["system_b"]]
    others = _undrawn_pairs(_undrawn(data, metric), metric)
    if others.empty:
        return f"{metric.key} {_NO_OTHERS}", {}
    y = frame.assign(y=0.5 - np.sign(frame["towards_b"]) / 2)
    about = ["unit", "item", "cluster", "output_a", "output_b", "system_a", "system_b"]
    human = y.groupby(about, as_index=False).agg(y=("y", "mean"), n=("y", "size"))
    own = data.scores[data.scores["metric"] == metric.id]
    judged = pair_scores(metric, own, one_per(own[own["output_b"] < 0], "output"), human)
    judged = judged.assign(f=0.5 - judged["answer"] / 2)[["unit", "f"]]
    rated = human.merge(judged, on="unit").merge(data.sample.drawn, on="item")
    found: dict[str, Any] = {}
    for (a, b), some in rated.groupby(["system_a", "system_b"], sort=True):
        more = others[(others["system_a"] == a) & (others["system_b"] == b)]
        if len(more):
            sides = frame[(frame["system_a"] == a) & (frame["system_b"] == b) & frame["rater_known"].astype(bool)]
            people = int(sides["rater"].nunique())
            found.setdefault(str(a), {})[str(b)] = _figures(data, metric, some, more, share=True, n_raters=people)
    return "", found


def _undrawn_pairs(rest: pd.DataFrame, metric: MetricInfo) -> pd.DataFrame:
    """The judge's answers to pairs that were not drawn, seen from the system that is first in the alphabet."""
    said = leans(metric, rest).dropna(subset=["number"])
    said = said[said["system"] != said["system_b"]]
    turned = (said["system"] > said["system_b"]).to_numpy()
    sides = {"output": "output_b", "output_b": "output", "system": "system_b", "system_b": "system"}
    other = said[turned].rename(columns=sides)
    other["number"] = -other["number"]
    both = pd.concat([said[~turned], other]).rename(columns={"output": "output_a", "system": "system_a"})
    about = both.drop_duplicates(["output_a", "output_b"])
    about = about[["output_a", "output_b", "system_a", "system_b", "item", "cluster", "stratum"]]
    pairs = one_per_pair(both).merge(about, on=["output_a", "output_b"])
    return pairs.assign(f=0.5 - pairs["answer"] / 2)


# --- the estimates ---------------------------------------------------------------------------------------


def _figures(
    data: ReportData, metric: MetricInfo, rated: pd.DataFrame, others: pd.DataFrame, *, share: bool, n_raters: int
) -> dict[str, Any]:
    counts = {"n_raters": n_raters, "n_judgments": int(rated["n"].sum())}
    found = _estimated(data, rated, others, share, counts)
    if (short := _coverage(data, metric, rated, others)) != "":
        estimate, alone = (each.with_warnings(short) for each in (found.estimate, found.judge_only))
        found = replace(found, estimate=estimate, judge_only=alone)
    return found.to_dict()


def _estimated(
    data: ReportData, rated: pd.DataFrame, others: pd.DataFrame, share: bool, counts: dict[str, int]
) -> PredictionPowered:
    """By strata where the sample has them, and each has enough of its own; else weighted by the chances."""
    design: Any = data.sample.design
    clusters = {
        "cluster": rated["cluster"].to_numpy(dtype=object),
        "cluster_rest": others["cluster"].to_numpy(dtype=object),
    }
    human, judge, rest = (x.to_numpy(dtype=np.float64) for x in (rated["y"], rated["f"], others["f"]))
    options: dict[str, Any] = {"design": design, "share": share, "level": data.level, **clusters, **counts}
    if design == "stratified":
        strata = [x["stratum"].to_numpy(dtype=object) for x in (rated, others)]
        found = stratified_prediction_powered_mean(human, judge, strata[0], rest, strata[1], **options)
        if found.estimate.value is not None:
            return found
    if design != "random":
        options["inclusion_probability"] = rated["chance"].to_numpy(dtype=np.float64)
    return prediction_powered_mean(human, judge, rest, **options)


def _coverage(data: ReportData, metric: MetricInfo, rated: pd.DataFrame, others: pd.DataFrame) -> str:
    size = data.sample.frame_size
    scored = len({*rated["item"], *others["item"]})
    if size is None or scored >= size:
        return ""
    return (
        f"{metric.key} has scores on {scored:,} of the {size:,} items that could be drawn: the figure is about those "
        "only, unless the others lack scores by chance."
    )

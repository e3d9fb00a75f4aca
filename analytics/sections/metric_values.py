"""What a metric says of each output and of each pair: one value, however many judges, turns and orders gave one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.sections.base import MetricInfo

_PREFERRED = {"a": -1.0, "b": 1.0, "tie": 0.0, "both_good": 0.0, "both_bad": 0.0}


def output_scores(means: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Of each judged output: the metric's mean number and, where it says one thing only, its label."""
    scored = units[units["output"].isin(means.index)]
    given = means.reindex(scored["output"])
    return scored.assign(number=given["number"].to_numpy(), label=given["label"].to_numpy())


def unit_scores(own: pd.DataFrame, means: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """What people judged turn by turn is held against the metric's value of that turn, where it has such; everything
    else against its value of the output. A file counts turns from 1, a target from 0."""
    turns = pd.to_numeric(own["turn"])
    if not units["turn"].ne("").any() or turns.isna().all():
        return output_scores(means, units)
    named = own.assign(turn="t" + (turns - 1).fillna(-1).astype("int64").astype(str))
    each = one_per(named[turns.notna() & (named["output_b"] < 0)], ["output", "turn"]).reset_index()
    return units.merge(each, on=["output", "turn"])


def pair_scores(metric: MetricInfo, own: pd.DataFrame, means: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Of each judged pair: how far the metric leans to b, by its own preference or by b's score minus a's."""
    units = units[["unit", "cluster", "output_a", "output_b"]]
    if metric.kind != "preference":
        number = means["number"]
        lean = units["output_b"].map(number) - units["output_a"].map(number)
        return units.assign(number=lean, label="", answer=np.sign(lean)).dropna(subset=["number"])
    keyed = leans(metric, own).dropna(subset=["number"])
    turned = keyed.rename(columns={"output": "output_b", "output_b": "output"})
    turned["number"] = -turned["number"]
    both = pd.concat([keyed, turned]).rename(columns={"output": "output_a"})
    return units.merge(one_per_pair(both), on=["output_a", "output_b"])


def leans(metric: MetricInfo, own: pd.DataFrame) -> pd.DataFrame:
    """The judge's answers about two outputs as they came: above 0 they lean to the second."""
    said = own[own["output_b"] >= 0]
    lean = lean_of(metric, said["number"])
    return said.assign(number=lean.where(lean.notna(), said["label"].map(_PREFERRED)))


def lean_of(metric: MetricInfo, number: pd.Series) -> pd.Series:
    """Preferences as -1 (a) to 1 (b): above the middle of its scale a number leans to b. 0 without a scale."""
    low, high = metric.scale
    if low is None or high is None:
        return number
    return (number - (low + high) / 2) / ((high - low) / 2)


def one_per_pair(said: pd.DataFrame) -> pd.DataFrame:
    """One row a pair. A judge's answers in both orders, to one turn, are one judgment: their mean, and as an
    answer the side that both orders name, else a tie (the rule of MT-Bench: Zheng et al. 2023, section 3.4).
    Then every judge and turn weighs the same."""
    whole = said.assign(turn=pd.to_numeric(said["turn"]).fillna(0), answer=np.sign(said["number"]))
    orders = whole.groupby(["output_a", "output_b", "judge", "turn"])
    judged = pd.DataFrame({"number": orders["number"].mean(), "answer": orders["answer"].mean()})
    judged["answer"] = judged["answer"].where(orders["answer"].nunique() == 1, 0.0)
    return judged.groupby(["output_a", "output_b"])[["number", "answer"]].mean().reset_index()


def one_per(own: pd.DataFrame, key: str | list[str]) -> pd.DataFrame:
    """Several values of one output (judges, turns, runs) become their mean; labels count if they are one."""
    groups = own.groupby(key)
    one = groups["label"].nunique() == 1
    return pd.DataFrame({"number": groups["number"].mean(), "label": groups["label"].first().where(one, "")})

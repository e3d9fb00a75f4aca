"""What a judge of pairs does whatever the answers say: does it take the one it read first, and the longer one?

People on the same pairs stand beside it for length, since the longer answer may well be the better one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analytics.sections.base import MetricInfo, ReportData
from analytics.sections.pairs import compared
from analytics.stats import position
from analytics.stats.battles import Battles, code_battles, difference_of
from rubrics.specs import CriterionSpec

LENGTH = "tokens"


def judge_sides(data: ReportData, metric: MetricInfo, criterion: CriterionSpec, leans: pd.DataFrame) -> dict[str, Any]:
    """`leans`: the judge's answers as they came, one a pair and order: output, output_b, number (above 0 for
    output_b), position and judge. Empty without any."""
    rows = _coded(_placed(data, leans), metric.key)
    if rows is None:
        return {}
    found: dict[str, Any] = {
        "first_choice": position.first_choice(rows, level=data.level).to_dict(),
        "order_consistency": position.order_consistency(rows, level=data.level).to_dict(),
        "order_test": position.order_test(rows, level=data.level).to_dict(),
    }
    people = _people(data, criterion, set(zip(leans["output"], leans["output_b"], strict=True)))
    found["longer"] = {
        who: position.feature_choice(answers.merged, LENGTH, level=data.level).to_dict()
        for who, answers in (("judge", rows), ("people", people))
        if answers is not None
    }
    return found


def _placed(data: ReportData, leans: pd.DataFrame) -> pd.DataFrame:
    """With prompt and system of both outputs, and how long they are."""
    outputs, tasks = data.frames.tasks.outputs, data.frames.tasks.tasks
    known = outputs.drop_duplicates("output").set_index("output")
    cluster = known["task"].map(tasks["cluster"])
    length = data.measures.set_index("output")["tokens_out"]
    placed = leans.assign(cluster=leans["output"].map(cluster))
    for side, column in (("a", "output"), ("b", "output_b")):
        placed[f"system_{side}"] = leans[column].map(known["system"])
        placed[f"length_{side}"] = leans[column].map(length)
    return placed


def _coded(frame: pd.DataFrame, judge: str) -> Battles | None:
    own = frame.dropna(subset=["number", "cluster", "system_a", "system_b"])
    own = own[own["system_a"] != own["system_b"]]
    if own.empty:
        return None
    outcome = np.select([own["number"] < 0, own["number"] > 0], ["win", "loss"], "tie")
    low, high = own[["output", "output_b"]].min(axis=1), own[["output", "output_b"]].max(axis=1)
    first = own["position"].map({"a_first": True, "b_first": False}).astype(object)
    return code_battles(
        own["cluster"].to_numpy(dtype=object),
        own["judge"].where(own["judge"] != "", judge).to_numpy(dtype=object),
        own["system_a"].to_numpy(dtype=object),
        own["system_b"].to_numpy(dtype=object),
        outcome.astype(object),
        first.where(first.notna(), None).to_numpy(dtype=object),
        unit=(low.astype(str) + ":" + high.astype(str)).to_numpy(dtype=object),
        features=_features(own),
    )


def _features(frame: pd.DataFrame) -> dict[str, Any]:
    """Where a length is not known, the two count as alike: such pairs are left out of what is said of length."""
    known = frame["length_a"].notna() & frame["length_b"].notna()
    a, b = (frame[f"length_{side}"].where(known, 0.0) for side in ("a", "b"))
    return {LENGTH: difference_of(a, b)}


def _people(data: ReportData, criterion: CriterionSpec, pairs: set[tuple[int, int]]) -> Battles | None:
    """The raters' own answers to the pairs that the judge answered."""
    frame = compared(data, criterion)
    same = [(a, b) in pairs or (b, a) in pairs for a, b in zip(frame["output_a"], frame["output_b"], strict=True)]
    own = frame[same]
    own = own[own["system_a"] != own["system_b"]]
    if own.empty:
        return None
    length = data.measures.set_index("output")["tokens_out"]
    own = own.assign(length_a=own["output_a"].map(length), length_b=own["output_b"].map(length))
    return code_battles(
        own["cluster"].to_numpy(dtype=object),
        own["rater"].to_numpy(dtype=object),
        own["system_a"].to_numpy(dtype=object),
        own["system_b"].to_numpy(dtype=object),
        own["outcome"].to_numpy(dtype=object),
        own["a_first"].to_numpy(dtype=object),
        unit=own["unit"].to_numpy(dtype=object),
        rater_known=own["rater_known"].to_numpy(dtype=bool),
        features=_features(own),
    )

"""What a judge of pairs does whatever the answers say: does it take the one it read first, and the longer one?

People on the same pairs stand beside it for length, since the longer answer may well be the better one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analytics.sections.base import MetricInfo, ReportData
from analytics.sections.pairs import battles, compared
from analytics.stats import position
from analytics.stats.battles import difference_of
from analytics.stats.coding import FloatArray
from rubrics.specs import CriterionSpec

LENGTH = "tokens"


def judge_sides(data: ReportData, metric: MetricInfo, criterion: CriterionSpec, leans: pd.DataFrame) -> dict[str, Any]:
    """`leans`: the judge's answers as they came, one a pair and order: output, output_b, number (above 0 for
    output_b), position and judge. Empty without any."""
    rows = battles(_answers(_placed(data, leans), metric.key), _lengths)
    if not len(rows.unit):
        return {}
    found: dict[str, Any] = {
        "first_choice": position.first_choice(rows, level=data.level).to_dict(),
        "order_consistency": position.order_consistency(rows, level=data.level).to_dict(),
        "order_test": position.order_test(rows, level=data.level).to_dict(),
    }
    people = battles(_of_people(data, criterion, leans), _lengths)
    found["longer"] = {
        who: position.feature_choice(answers.merged, LENGTH, level=data.level).to_dict()
        for who, answers in (("judge", rows), ("people", people))
        if len(answers.unit)
    }
    return found


def _placed(data: ReportData, leans: pd.DataFrame) -> pd.DataFrame:
    """With prompt and system of both outputs, and how long they are."""
    outputs, tasks = data.frames.tasks.outputs, data.frames.tasks.tasks
    known = outputs.drop_duplicates("output").set_index("output")
    cluster = known["task"].map(tasks["cluster"])
    placed = leans.rename(columns={"output": "output_a"})
    placed = placed.assign(cluster=placed["output_a"].map(cluster))
    for side in ("a", "b"):
        placed[f"system_{side}"] = placed[f"output_{side}"].map(known["system"])
    return _with_lengths(data, placed.dropna(subset=["number", "cluster", "system_a", "system_b"]))


def _with_lengths(data: ReportData, frame: pd.DataFrame) -> pd.DataFrame:
    tokens = data.measures.set_index("output")["tokens_out"]
    return frame.assign(**{f"length_{side}": frame[f"output_{side}"].map(tokens) for side in ("a", "b")})


def _answers(frame: pd.DataFrame, judge: str) -> pd.DataFrame:
    """The judge's answers as those of a rater are told (`pairs.compared`)."""
    low, high = frame[["output_a", "output_b"]].min(axis=1), frame[["output_a", "output_b"]].max(axis=1)
    first = frame["position"].map({"a_first": True, "b_first": False}).astype(object)
    return frame.assign(
        unit=low.astype(str) + ":" + high.astype(str),
        rater=frame["judge"].where(frame["judge"] != "", judge),
        rater_known=True,
        outcome=np.select([frame["number"] < 0, frame["number"] > 0], ["win", "loss"], "tie"),
        a_first=first.where(first.notna(), None),
    )


def _of_people(data: ReportData, criterion: CriterionSpec, leans: pd.DataFrame) -> pd.DataFrame:
    """The raters' own answers to the pairs that the judge answered."""
    pairs = set(zip(leans["output"], leans["output_b"], strict=True))
    frame = compared(data, criterion)
    same = [(a, b) in pairs or (b, a) in pairs for a, b in zip(frame["output_a"], frame["output_b"], strict=True)]
    return _with_lengths(data, frame[same])


def _lengths(frame: pd.DataFrame) -> dict[str, FloatArray]:
    """Where a length is not known, the two count as alike: such pairs are left out of what is said of length."""
    known = frame["length_a"].notna() & frame["length_b"].notna()
    a, b = (frame[f"length_{side}"].where(known, 0.0) for side in ("a", "b"))
    return {LENGTH: difference_of(a, b)}

"""Marked passages: points a system, which mistakes there are, and whether raters mark the same words."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from analytics.sections.base import ReportData
from analytics.shapes import FINAL
from analytics.stats.mqm import MqmWeights, mqm_score
from analytics.stats.span_agreement import span_f1
from rubrics.criteria import CRITERIA
from rubrics.specs import CriterionSpec

_NO_ERROR = "no-error"


def marks_section(data: ReportData) -> dict[str, Any]:
    return {c.key: _criterion(data, c) for c in data.criteria if CRITERIA[c.type].reads_text}


def _criterion(data: ReportData, criterion: CriterionSpec) -> dict[str, Any]:
    rated = data.of(criterion).merge(data.frames.marks, on=["judgment", "criterion", "target"])
    rated = rated.assign(marks=[json.loads(raw) if isinstance(raw, str) else raw for raw in rated["data"]])
    found: dict[str, Any] = {"systems": {}}
    settled = _settled(data, criterion, rated)
    for system, part in settled[settled["system"] != ""].groupby("system", sort=True):
        found["systems"][str(system)] = _system(part, criterion, data.level)
    named = [[(m["start"], m["end"], m["category"]) for m in marks] for marks in rated["marks"]]
    unit, cluster, rater = _column(rated, "unit"), _column(rated, "cluster"), _raters(rated)
    for name, same in (("span_f1", False), ("span_f1_same_category", True)):
        found[name] = span_f1(unit, cluster, rater, named, same_label=same, level=data.level).to_dict()
    return found


def _settled(data: ReportData, criterion: CriterionSpec, rated: pd.DataFrame) -> pd.DataFrame:
    """With the marks of final answers in place of raters' own, where the report takes them."""
    if not data.final_answers:
        return rated
    finals = data.finals_of(criterion)
    marks = finals.set_index("unit")["data"]
    one = rated[rated["unit"].isin(marks.index)].drop_duplicates("unit")
    one = one.assign(marks=list(marks.reindex(one["unit"])), rater=FINAL, rater_known=False)
    return pd.concat([rated[~rated["unit"].isin(marks.index)], one], ignore_index=True)


def _column(frame: pd.DataFrame, name: str) -> Any:
    return frame[name].to_numpy(dtype=object)


def _raters(frame: pd.DataFrame) -> Any:
    """Nameless raters are kept apart in each unit."""
    known = frame["rater_known"].astype(bool)
    return frame["rater"].where(known, "judgment " + frame["judgment"].astype(str)).to_numpy(dtype=object)


def _system(part: pd.DataFrame, criterion: CriterionSpec, level: float) -> dict[str, Any]:
    """`mqm`: points an output. `counts`: how many marks of each category and severity, over `n` judged outputs."""
    severities = CRITERIA[criterion.type].severities(criterion)
    counts = {category: {name: 0 for name, _ in severities} for category in criterion.config["categories"]}
    rows: list[tuple[Any, ...]] = []
    raters = _raters(part)
    for unit, cluster, rater, marks in zip(part["unit"], part["cluster"], raters, part["marks"], strict=True):
        rows += [(unit, cluster, rater, m["category"], m["severity"]) for m in marks] or [
            (unit, cluster, rater, _NO_ERROR, _NO_ERROR)
        ]
        for m in marks:
            counts[m["category"]][m["severity"]] += 1
    weights = MqmWeights({name.lower(): points for name, points in severities} | {_NO_ERROR: 0.0}, {}, {})
    score = mqm_score(*(list(column) for column in zip(*rows, strict=True)), weights=weights, level=level)
    return {"mqm": score.to_dict(), "n": len(part), "counts": counts}

"""Orders of several outputs: how far raters agree on the whole order, and where each system stands on average. What an
order says of two systems is in the section on preference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analytics.order_frames import PLACES, expanded_finals
from analytics.sections.base import ReportData, coded
from analytics.shapes import FINAL
from analytics.stats.concordance import kendall_w
from analytics.stats.scores import mean_score
from rubrics.criteria import CRITERIA
from rubrics.specs import CriterionSpec


def orders_section(data: ReportData) -> dict[str, Any]:
    return {c.key: _criterion(data, c) for c in data.criteria if CRITERIA[c.type].modes == ("rank",)}


def _criterion(data: ReportData, criterion: CriterionSpec) -> dict[str, Any]:
    frame = _places(data, criterion)
    found: dict[str, Any] = {"kind": criterion.type, "n_orders": int(frame["judgment"].nunique()), "systems": {}}
    for system, part in _settled(data, criterion, frame).groupby("system", sort=True):
        found["systems"][str(system)] = _system(part, criterion, data.level)
    if CRITERIA[criterion.type].ranks:
        found["kendall_w"] = kendall_w(
            frame["task"].to_numpy(),
            frame["cluster"].to_numpy(dtype=object),
            frame["judgment"].to_numpy(),
            frame["output"].to_numpy(),
            frame["standing"].to_numpy(dtype=np.float64),
            level=data.level,
        ).to_dict()
    return found


def _places(data: ReportData, criterion: CriterionSpec) -> pd.DataFrame:
    """Places that count: no excluded rater, and of one rater the last occasion."""
    places = data.frames.places
    if places.empty:
        return places.reindex(columns=[*PLACES, "best", "worst"])
    own = places[(places["criterion"] == criterion.key) & places["counts"] & ~places["excluded"].astype(bool)]
    ordered = own.sort_values(["occasion", "judgment"], kind="stable")
    kept = ordered.drop_duplicates(["unit", "rater"], keep="last")
    return _with_ends(kept, criterion)


def _settled(data: ReportData, criterion: CriterionSpec, frame: pd.DataFrame) -> pd.DataFrame:
    """With final orders in place of raters' own, where the report takes them."""
    finals = data.finals_of(criterion)
    if not data.final_answers or finals.empty or frame.empty:
        return frame
    settled = frame["task"].isin(finals["task"])
    own = data.counted[(data.counted["criterion"] == criterion.key) & data.counted["task"].isin(finals["task"])]
    _, places = expanded_finals(own.drop_duplicates("task"), finals, data.frames.tasks.outputs)
    places = places.assign(rater=FINAL, rater_known=False)
    return pd.concat([frame[~settled], _with_ends(places, criterion)], ignore_index=True)


def _with_ends(kept: pd.DataFrame, criterion: CriterionSpec) -> pd.DataFrame:
    """Which places of each order are the best and the worst."""
    standing = kept.groupby("judgment")["standing"]
    # A rank is better the lower it is; best and worst are written as 1 and −1.
    best, worst = kept["standing"] == standing.transform("min"), kept["standing"] == standing.transform("max")
    if not CRITERIA[criterion.type].ranks:
        best, worst = worst, best
    return kept.assign(best=best, worst=worst)


def _system(part: pd.DataFrame, criterion: CriterionSpec, level: float) -> dict[str, Any]:
    """`mean`: the mean rank (1 is best), or the share of times best less that of times worst."""
    standing = part["standing"]
    table = coded(part.assign(value=standing), criterion, sorted(standing.unique().tolist()))
    return {
        "mean": mean_score(table, "interval", level=level).to_dict(),
        "n": len(part),
        "n_best": int(part["best"].sum()),
        "n_worst": int(part["worst"].sum()),
    }

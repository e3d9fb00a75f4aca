"""Which system is preferred: win rates of every pair, ties, what the sides did, and the ranking of all of them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analytics.sections.base import ReportData
from analytics.sections.pairs import TIES, battles, compared, preferences
from analytics.sections.ranking import ranking
from analytics.stats import position, preference
from analytics.stats.preference import PreferenceData
from rubrics.specs import CriterionSpec


def preference_section(data: ReportData) -> dict[str, Any]:
    return {c.key: _criterion(data, c) for c in preferences(data)}


def _criterion(data: ReportData, criterion: CriterionSpec) -> dict[str, Any]:
    own, frame = compared(data, criterion), compared(data, criterion, settled=True)
    found: dict[str, Any] = {"win_rate": {}, "win_rate_without_ties": {}, "outcomes": {}}
    for (a, b), part in frame.groupby(["system_a", "system_b"], sort=True):
        for row, column, table in ((a, b, _coded(part)), (b, a, _coded(part, turned=True))):
            _put(found["win_rate"], row, column, preference.win_rate(table, level=data.level))
            without = preference.win_rate_without_ties(table, level=data.level)
            _put(found["win_rate_without_ties"], row, column, without)
            _put(found["outcomes"], row, column, preference.outcome_shares(table, level=data.level))
    whole = _coded(own)  # a final answer was given on neither side
    found["ties"] = _ties(frame, data.level)
    found["position_bias"] = preference.position_bias(whole, level=data.level).to_dict()
    found["n_inconsistent"] = whole.n_inconsistent
    if not frame.empty:
        found |= ranking(battles(frame), seed=data.seed, level=data.level)
        rows = battles(own)
        found["order_consistency"] = position.order_consistency(rows, level=data.level).to_dict()
        found["order_test"] = position.order_test(rows, level=data.level).to_dict()
    found["n_cannot_judge"] = int(data.counted.loc[data.counted["criterion"] == criterion.key, "cannot_judge"].sum())
    return found


def _put(table: dict[str, Any], row: Any, column: Any, result: Any) -> None:
    table.setdefault(str(row), {})[str(column)] = result.to_dict()


_TURNED = {"win": "loss", "loss": "win"}


def _coded(frame: pd.DataFrame, *, turned: bool = False, merged: bool = False) -> PreferenceData:
    outcome, a_first = frame["outcome"], frame["a_first"]
    if turned:
        outcome = outcome.replace(_TURNED)
        a_first = a_first.map({True: False, False: True})
    if merged:
        outcome = outcome.where(~outcome.isin(TIES), "tie")
    return preference.code_preferences(
        frame["cluster"].to_numpy(dtype=object),
        frame["unit"].to_numpy(dtype=object),
        frame["rater"].to_numpy(dtype=object),
        outcome.to_numpy(dtype=object),
        a_first.to_numpy(dtype=object),
        rater_known=frame["rater_known"].to_numpy(dtype=bool),
    )


def _ties(frame: pd.DataFrame, level: float) -> dict[str, Any]:
    """The share of ties of any kind, over all pairs, with how many of each kind there were."""
    shares = preference.outcome_shares(_coded(frame, merged=True), level=level)
    kinds = preference.outcome_shares(_coded(frame), level=level)
    counts = dict(zip(kinds.levels, kinds.counts, strict=True))
    share = shares.shares[shares.levels.index("tie")]
    return {**share.to_dict(), "counts": {kind: counts[kind] for kind in TIES}}

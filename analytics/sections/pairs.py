"""Preferences as battles of systems, coded once for the sections on preference and on raters."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from analytics.sections.base import ReportData, is_of_pairs, rated
from analytics.stats.battles import Battles, code_battles
from analytics.stats.coding import FloatArray
from rubrics.specs import CriterionSpec

TIES = ("tie", "both_good", "both_bad")


def preferences(data: ReportData) -> list[CriterionSpec]:
    return [criterion for criterion in data.measured if is_of_pairs(criterion)]


def compared(data: ReportData, criterion: CriterionSpec, *, settled: bool = False) -> pd.DataFrame:
    """Judgments of pairs with their outcome for system a; both orders of a pair stay apart. `settled`: with final
    answers in place of raters' own, where the report takes them."""
    frame = data.frames.counted_by_order
    frame = rated(data.settle(frame) if settled else frame, criterion)
    return frame.assign(outcome=outcomes(frame))


def outcomes(frame: pd.DataFrame) -> pd.Series:
    """From the point of view of system a."""
    ties = frame["side"].where(frame["side"].isin(TIES), "tie")
    won = pd.Series(np.where(frame["towards_b"] < 0, "win", "loss"), index=frame.index, dtype=object)
    return won.where(frame["towards_b"] != 0, ties.astype(object))


def battles(frame: pd.DataFrame, features: Callable[[pd.DataFrame], Mapping[str, FloatArray]] | None = None) -> Battles:
    """Rows as `compared` has them. `features` are made of the rows that are about two systems."""
    two = frame[frame["system_a"] != frame["system_b"]]  # two outputs of one system say nothing of systems
    return code_battles(
        two["cluster"].to_numpy(dtype=object),
        two["rater"].to_numpy(dtype=object),
        two["system_a"].to_numpy(dtype=object),
        two["system_b"].to_numpy(dtype=object),
        two["outcome"].to_numpy(dtype=object),
        two["a_first"].to_numpy(dtype=object),
        unit=two["unit"].to_numpy(dtype=object),
        rater_known=two["rater_known"].to_numpy(dtype=bool),
        features=features(two) if features else None,
    )

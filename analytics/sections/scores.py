"""What each system scored, and how far apart two systems are."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import pandas as pd

from analytics.sections.base import ReportData, coded, domain, is_of_pairs, measurement
from analytics.stats import scores
from analytics.stats.coding import CodedRatings
from rubrics.specs import CriterionSpec

MAX_LEVELS_SHOWN = 50
MAX_SYSTEMS_COMPARED = 12  # 132 ordered pairs


def scored(data: ReportData) -> list[CriterionSpec]:
    """Criteria about one output: a preference is about two."""
    return [c for c in data.measured if not is_of_pairs(c)]


def tables(data: ReportData, criterion: CriterionSpec) -> dict[str, CodedRatings]:
    """The ratings of each system."""

    def make() -> dict[str, CodedRatings]:
        frame = data.result_of(criterion)
        about = frame[frame["system"] != ""]
        return {str(system): coded(part, criterion) for system, part in about.groupby("system", sort=True)}

    return data.by_system("rated", criterion, make)


def scores_section(data: ReportData) -> dict[str, Any]:
    """`<system>.<criterion>`: mean, median and distribution, every prompt weighing the same."""
    found: dict[str, Any] = {system: {} for system in data.systems}
    for criterion in scored(data):
        for system, table in tables(data, criterion).items():
            found[system][criterion.key] = _score(data, criterion, system, table)
    return found


def _score(data: ReportData, criterion: CriterionSpec, system: str, table: CodedRatings) -> dict[str, Any]:
    level = measurement(criterion)
    shown = table.domain_declared or table.n_codes <= MAX_LEVELS_SHOWN
    return {
        "mean": scores.mean_score(table, level, level=data.level).to_dict(),
        "median": scores.median_score(table, level, level=data.level).to_dict(),
        "distribution": scores.level_shares(table, level=data.level).to_dict() if shown else {"levels": []},
        "n_cannot_judge": _cannot_judge(data.counted, criterion, system),
    }


def _cannot_judge(frame: pd.DataFrame, criterion: CriterionSpec, system: str) -> int:
    own = (frame["criterion"] == criterion.key) & (frame["system"] == system)
    return int(frame.loc[own, "cannot_judge"].sum())


def comparisons_section(data: ReportData) -> dict[str, Any]:
    """`<criterion>.<a>.<b>`, both ways: the difference a minus b and the chance that a is above b, by prompt.

    A yes/no is compared by its share of yes; other labels without an order cannot be compared."""
    found: dict[str, Any] = {}
    for criterion in scored(data):
        sides = comparable(data, criterion)
        if not 2 <= len(sides) <= MAX_SYSTEMS_COMPARED:
            continue
        pairs: dict[str, Any] = {}
        for a, b in permutations(sides, 2):
            pairs.setdefault(a, {})[b] = _comparison(data, criterion, sides[a], sides[b])
        found[criterion.key] = pairs
    return found


def comparable(data: ReportData, criterion: CriterionSpec) -> dict[str, CodedRatings]:
    """The same on an ordered scale: a yes/no as 0 and 1. Empty where there is no order."""
    if criterion.type == "yes_no":
        return data.by_system("numbers", criterion, lambda: _numbers(data, criterion))
    if criterion.level_of_measurement == "nominal" or not domain(criterion):
        return {}
    return tables(data, criterion)


def _numbers(data: ReportData, criterion: CriterionSpec) -> dict[str, CodedRatings]:
    frame = data.result_of(criterion)
    about = frame[frame["system"] != ""]
    return {
        str(system): coded(part.assign(value=part["number"]), criterion, [0.0, 1.0])
        for system, part in about.groupby("system", sort=True)
    }


def _comparison(data: ReportData, criterion: CriterionSpec, a: CodedRatings, b: CodedRatings) -> dict[str, Any]:
    yes_no = criterion.type == "yes_no"
    level = measurement(criterion)
    difference = scores.difference(a, b, "interval" if yes_no else level, level=data.level)
    if yes_no:
        difference = replace(difference, unit="share", method=f"{difference.method}; share of yes")
    superiority = scores.superiority(a, b, "ordinal" if yes_no else level, level=data.level)
    return {"difference": difference.to_dict(), "superiority": superiority.to_dict()}

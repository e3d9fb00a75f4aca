"""How far raters agree, criterion by criterion."""

from __future__ import annotations

from typing import Any

from analytics.sections.base import ReportData, coded, measurement, rated
from analytics.stats import agreement


def agreement_section(data: ReportData) -> dict[str, Any]:
    return {criterion.key: _criterion(data, criterion) for criterion in data.measured}


def _criterion(data: ReportData, criterion: Any) -> dict[str, Any]:
    frame = data.of(criterion)
    table = coded(frame, criterion)
    own = data.counted[data.counted["criterion"] == criterion.key]
    found = agreement.summary(table, measurement(criterion), level=data.level).to_dict()
    found["n_ratings"] = len(frame)
    found["n_cannot_judge"] = int(own["cannot_judge"].sum())
    if data.frames.ratings["excluded"].any():
        both = coded(rated(data.frames.with_excluded, criterion), criterion)
        alpha = agreement.krippendorff_alpha(both, measurement(criterion), level=data.level)
        found["krippendorff_alpha_with_excluded"] = alpha.to_dict()
    return found

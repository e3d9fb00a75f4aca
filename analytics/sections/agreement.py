"""How far raters agree, criterion by criterion: every coefficient that fits the level, for raters like these."""

from __future__ import annotations

from typing import Any

from analytics.sections.base import ReportData, coded, measurement, rated
from analytics.stats import agreement
from analytics.stats.agreement import ac2_weights
from analytics.stats.coding import CodedRatings, Measurement
from analytics.stats.full_agreement import full_agreement
from analytics.stats.results import Estimate
from analytics.stats.small_samples import noted


def agreement_section(data: ReportData) -> dict[str, Any]:
    return {criterion.key: _criterion(data, criterion) for criterion in data.measured}


def _criterion(data: ReportData, criterion: Any) -> dict[str, Any]:
    table, level = data.coded(criterion), measurement(criterion)
    own = data.counted[data.counted["criterion"] == criterion.key]
    found = full_agreement(table, level, level=data.level, seed=data.seed).to_dict()
    found["ac2_weights"] = found.pop("weights")
    if found["ac2_weights"] is None:
        found["gwet_ac2"] = _no_order(data)
    found["these_raters"] = _these_raters(table, level, data.level)
    found["n_ratings"] = len(data.of(criterion))
    found["n_cannot_judge"] = int(own["cannot_judge"].sum())
    if data.frames.ratings["excluded"].any():
        both = coded(rated(data.frames.with_excluded, criterion), criterion)
        alpha = noted("krippendorff_alpha", agreement.krippendorff_alpha(both, level, level=data.level), level)
        found["krippendorff_alpha_with_excluded"] = alpha.to_dict()
    return found


def _no_order(data: ReportData) -> dict[str, Any]:
    reason = "Nominal categories have no order to weight by: AC1 is the coefficient."
    return Estimate.not_estimable(reason=reason, method="Gwet's AC2", unit="coefficient", level=data.level).to_dict()


def _these_raters(table: CodedRatings, level: Measurement, confidence: float) -> dict[str, Any]:
    """The main coefficients again for these very raters on other prompts: how much of the width is due to raters."""
    options: dict[str, Any] = {"population": "these_raters", "level": confidence}
    weights = ac2_weights(level)
    found = {
        "percent_agreement": agreement.percent_agreement(table, **options),
        "krippendorff_alpha": agreement.krippendorff_alpha(table, level, **options),
        "gwet_ac1": agreement.gwet_ac1(table, **options),
    }
    if weights:
        found["gwet_ac2"] = agreement.gwet_ac2(table, weights, **options)
    return {name: noted(name, estimate, level).to_dict() for name, estimate in found.items()}

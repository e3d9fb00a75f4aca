"""Coefficients of agreement by the name they have in the registry, for what works with any of them."""

from __future__ import annotations

from typing import Literal, get_args

from analytics.stats._coefficients import Alpha, Coefficient, PercentAgreement
from analytics.stats._distances import agreement_weights
from analytics.stats._kappas import GwetAC
from analytics.stats.agreement import Weights, no_categories
from analytics.stats.coding import CodedRatings, Measurement
from analytics.stats.kappas import crossing, kappa_coefficient

Statistic = Literal[
    "percent_agreement",
    "krippendorff_alpha",
    "gwet_ac1",
    "gwet_ac2",
    "fleiss_kappa",
    "brennan_prediger",
    "conger_kappa",
]
_KAPPAS = {
    "fleiss_kappa": "Fleiss' kappa",
    "brennan_prediger": "Brennan-Prediger",
    "conger_kappa": "Conger's kappa",
}


def named_coefficient(
    data: CodedRatings, statistic: Statistic, measurement: Measurement, weights: Weights
) -> tuple[Coefficient, str]:
    """The coefficient for these ratings, and why it cannot be estimated from them (empty if it can).

    Raises ValueError for an unknown name and for values that do not fit the level or the weights.
    """
    if statistic not in get_args(Statistic):
        raise ValueError(f"Unknown statistic {statistic!r}: use {', '.join(get_args(Statistic))}.")
    data.require(measurement)
    if statistic == "percent_agreement":
        return PercentAgreement(), ""
    if statistic == "krippendorff_alpha":
        return Alpha(data, measurement), ""
    if statistic == "gwet_ac1":
        weights = "identity"
    if weights != "identity":
        data.require("ordinal")
    problem = no_categories(data)
    if statistic == "conger_kappa":
        problem = problem or crossing(data)[0]
    if problem:
        return PercentAgreement(), problem
    if statistic in _KAPPAS:
        return kappa_coefficient(data, _KAPPAS[statistic], weights), ""
    name = "Gwet's AC1" if weights == "identity" else "Gwet's AC2"
    return GwetAC(agreement_weights(data, weights), name), ""

"""Every agreement statistic of one criterion at once, from one pass over its ratings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from analytics.stats._coefficients import PercentAgreement
from analytics.stats._estimation import Population, estimate
from analytics.stats._totals import PairTable
from analytics.stats.agreement import Weights, ac2_weights, alpha_of, gwet_of, skew_of
from analytics.stats.benchmarks import Benchmark, benchmark
from analytics.stats.coding import CodedRatings, Measurement
from analytics.stats.icc import icc_of
from analytics.stats.kappas import brennan_prediger_of, cohen_kappa, conger_of, fleiss_of
from analytics.stats.results import Distribution, Estimate
from analytics.stats.scores import level_shares
from analytics.stats.small_samples import noted
from analytics.stats.specific import CategoryAgreement, specific_agreement_of

# A scale of more levels than this is a measurement: agreement on each of them by itself says nothing.
MAX_LEVELS = 50


@dataclass(frozen=True)
class FullAgreement:
    """`estimates` by their names in the registry; `weights` are those of the weighted ones, None at the nominal
    level, where there are none. `specific` is empty beyond 50 levels. `benchmark` is of alpha, on Krippendorff's
    scale."""

    measurement: Measurement
    weights: Weights | None
    estimates: dict[str, Estimate]
    specific: CategoryAgreement
    shares: Distribution
    benchmark: Benchmark
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "level_of_measurement": self.measurement,
            "weights": self.weights,
            **{name: found.to_dict() for name, found in self.estimates.items()},
            "specific_agreement": self.specific.to_dict(),
            "shares": self.shares.to_dict(),
            "benchmark": self.benchmark.to_dict(),
            "warnings": list(self.warnings),
        }


def full_agreement(
    data: CodedRatings,
    measurement: Measurement,
    *,
    population: Population = "raters_like_these",
    level: float = 0.95,
    seed: int = 0,
) -> FullAgreement:
    """All that `agreement`, `kappas`, `icc` and `specific` say of one criterion, with intervals.

    Weighted coefficients take ordinal weights at the ordinal level, quadratic ones at interval and ratio. What does
    not fit the data is not estimable with its reason. Cohen's kappa is there where two raters of known identity rated
    everything. Where an interval is known to be somewhat too narrow (`small_samples`), a warning says so. `seed` is
    that of the intraclass correlations' intervals. Raises ValueError as `agreement.krippendorff_alpha` does.
    """
    data.require(measurement)
    table, weights = PairTable(data), ac2_weights(measurement)
    found = {
        "percent_agreement": estimate(table, PercentAgreement(), population, level),
        "krippendorff_alpha": alpha_of(table, measurement, population, level),
        "gwet_ac1": gwet_of(table, "identity", population, level, "ratio"),
        "fleiss_kappa": fleiss_of(table, "identity", population, level),
        "conger_kappa": conger_of(table, "identity", population, level),
        "brennan_prediger": brennan_prediger_of(table, "identity", population, level),
    }
    if weights:
        found["gwet_ac2"] = gwet_of(table, weights, population, level, "ratio")
        found["fleiss_kappa_weighted"] = fleiss_of(table, weights, population, level)
        found["conger_kappa_weighted"] = conger_of(table, weights, population, level)
        found["brennan_prediger_weighted"] = brennan_prediger_of(table, weights, population, level)
    intraclass = icc_of(data, measurement, level=level, seed=seed)
    found |= {f"icc_{form.replace(',', '_')}": value for form, value in intraclass.items()}
    found |= _of_two(data, weights, level)
    found = {name: noted(name, value, measurement) for name, value in found.items()}
    many = data.n_codes > MAX_LEVELS
    specific = CategoryAgreement((), (), ()) if many else specific_agreement_of(table, population, level)
    levels = tuple(noted("specific_agreement", value) for value in specific.agreement)
    shares = level_shares(data, level=level)
    skew = skew_of(table, measurement, found, shares.largest_share())
    told = [skew, *(text for value in found.values() for text in value.warnings)]
    return FullAgreement(
        measurement,
        weights,
        found,
        replace(specific, agreement=levels),
        shares,
        benchmark(found["krippendorff_alpha"]),
        tuple(dict.fromkeys(text for text in told if text)),
    )


def _of_two(data: CodedRatings, weights: Weights | None, level: float) -> dict[str, Estimate]:
    """Cohen's kappa where there are two raters, and they are known."""
    if len(data.rater_labels) != 2 or not len(data.rater) or (data.rater < 0).any() or len(np.unique(data.rater)) != 2:
        return {}
    # There are no others to tell them from, so their names say nothing.
    pair = replace(data, rater_labels=np.array(["one rater", "the other"], dtype=object))
    found = {"cohen_kappa": cohen_kappa(pair, level=level)}
    if weights:
        found["cohen_kappa_weighted"] = cohen_kappa(pair, weights, level=level)
    return found

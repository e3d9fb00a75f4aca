"""How far raters agree: percent agreement, Krippendorff's alpha, Gwet's AC1 and AC2.

Every function takes `CodedRatings` (`coding.code_ratings`) and returns an `Estimate`. Intervals treat the
prompt as the unit of independence: each unit's derivative is summed by prompt, V = G/(G-1) times their
centred squares. For "raters_like_these" the leave-one-rater-out jackknife variance is added. Perfect
agreement has no spread: its interval comes from the Wilson interval on prompts, never a width of zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from analytics.stats._coefficients import Alpha, Coefficient, GwetAC, PercentAgreement, Variance
from analytics.stats._distances import agreement_weights
from analytics.stats._package_alpha import package_alpha
from analytics.stats._totals import PairTable
from analytics.stats.coding import CodedRatings, Measurement
from analytics.stats.intervals import (
    MIN_PROMPTS,
    Scope,
    cluster_variance,
    few_prompts_warning,
    t_quantile,
    z_quantile,
)
from analytics.stats.proportions import wilson
from analytics.stats.results import Distribution, Estimate
from analytics.stats.scores import level_shares

Population = Literal["raters_like_these", "these_raters"]
Weights = Literal["identity", "ordinal", "linear", "quadratic"]

MIN_RATERS = 3
SKEWED_SHARE = 0.8
SKEWED_GAP = 0.2
# Without a declared scale, more distinct values than this are measurements, not categories.
_MAX_OBSERVED_CATEGORIES = 50

_FEW_RATERS = (
    "Cannot generalise beyond these raters: fewer than three raters of known identity share outputs, "
    "so the interval covers other prompts, not other raters."
)
_RATER_PART_UNDEFINED = (
    "Cannot generalise beyond these raters: without one of them the figure is undefined, "
    "so the interval covers other prompts, not other raters."
)


def percent_agreement(
    data: CodedRatings,
    *,
    population: Population = "raters_like_these",
    level: float = 0.95,
    variance: Variance = "ratio",
) -> Estimate:
    """Share of agreeing pairs of ratings, averaged over units with two ratings or more; 0 to 1.

    Not estimable with fewer than two such units. Source: Gwet, Handbook of Inter-Rater Reliability, ch. 2.
    """
    return _estimate(PairTable(data), PercentAgreement(variance), population, level)


def krippendorff_alpha(
    data: CodedRatings,
    measurement: Measurement,
    *,
    population: Population = "raters_like_these",
    level: float = 0.95,
) -> Estimate:
    """Krippendorff's alpha at the declared level of measurement; at most 1, 0 at chance.

    The point value comes from the `krippendorff` package where installed (our core equals it to 1e-12). All
    paired ratings equal, or fewer than two pairable units: not estimable. Raises ValueError if the values do
    not fit the level (text at the interval level, negative values on a ratio scale).
    Source: Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011; Content Analysis, 4th ed. 2019,
    ch. 12.
    """
    return _alpha(PairTable(data), measurement, population, level)


def gwet_ac1(
    data: CodedRatings,
    *,
    population: Population = "raters_like_these",
    level: float = 0.95,
    variance: Variance = "ratio",
) -> Estimate:
    """Gwet's AC1: chance-corrected agreement that stays stable under skew, though it rewards guessing the
    majority.

    q is the number of declared levels (observed ones without a declared scale; `method` says which). Not
    estimable on a scale of one level. `variance="gwet"` reproduces the published standard errors where units
    have one rating. Source: Gwet, British Journal of Mathematical and Statistical Psychology 61, 2008, eq. 6.
    """
    return _gwet(PairTable(data), "identity", population, level, variance)


def gwet_ac2(
    data: CodedRatings,
    weights: Weights,
    *,
    population: Population = "raters_like_these",
    level: float = 0.95,
    variance: Variance = "ratio",
) -> Estimate:
    """Gwet's AC2: AC1 with partial credit for near agreement.

    "ordinal" weights use the ranks of the levels, "linear" and "quadratic" their values (ranks if they are
    labels). Raises ValueError for labels without a declared order, unless weights are "identity".
    Source: Gwet, Handbook of Inter-Rater Reliability, 4th ed., ch. 3.
    """
    return _gwet(PairTable(data), weights, population, level, variance)


@dataclass(frozen=True)
class AgreementSummary:
    """The agreement section of one criterion."""

    measurement: Measurement
    estimates: dict[str, Estimate]
    shares: Distribution
    warnings: tuple[str, ...]
    ac2_weights: str | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "level_of_measurement": self.measurement,
            **{name: estimate.to_dict() for name, estimate in self.estimates.items()},
            "ac2_weights": self.ac2_weights,
            "shares": self.shares.to_dict(),
            "warnings": list(self.warnings),
        }


def summary(
    data: CodedRatings,
    measurement: Measurement,
    *,
    population: Population = "raters_like_these",
    level: float = 0.95,
) -> AgreementSummary:
    """All agreement statistics of one criterion: percent_agreement, krippendorff_alpha, gwet_ac1, gwet_ac2.

    AC2 takes ordinal weights at the ordinal level, quadratic ones at interval and ratio; at the nominal
    level it is not estimable with a reason. Raises ValueError as `krippendorff_alpha` does.
    """
    table = PairTable(data)
    weights = ac2_weights(measurement)
    estimates = {
        "percent_agreement": _estimate(table, PercentAgreement(), population, level),
        "krippendorff_alpha": _alpha(table, measurement, population, level),
        "gwet_ac1": _gwet(table, "identity", population, level, "ratio"),
        "gwet_ac2": (
            _gwet(table, weights, population, level, "ratio")
            if weights
            else Estimate.not_estimable(
                reason="Nominal categories have no order to weight by: AC1 is the coefficient.",
                **_scope(table, level, "Gwet's AC2").fields(),
            )
        ),
    }
    shares = level_shares(data, level=level)
    skew = skew_warning(estimates["krippendorff_alpha"], estimates["gwet_ac1"], shares.largest_share())
    collected = [text for estimate in estimates.values() for text in estimate.warnings]
    warnings = tuple(dict.fromkeys([skew] * bool(skew) + collected))
    return AgreementSummary(measurement, estimates, shares, warnings, weights)


def ac2_weights(measurement: Measurement) -> Weights | None:
    """The weights AC2 takes at this level of measurement; None where none apply."""
    table: dict[Measurement, Weights] = {"ordinal": "ordinal", "interval": "quadratic", "ratio": "quadratic"}
    return table.get(measurement)


def skew_warning(alpha: Estimate, ac1: Estimate, largest_share: float | None) -> str:
    """A sentence if one level has more than 80 % of the ratings or |alpha - AC1| > .2, else an empty
    string."""
    skewed = largest_share is not None and largest_share > SKEWED_SHARE
    gap = None if alpha.value is None or ac1.value is None else abs(alpha.value - ac1.value)
    if not skewed and (gap is None or gap <= SKEWED_GAP):
        return ""
    return (
        "Skewed categories: chance-corrected agreement is unstable. Read percent agreement, alpha, AC1 and "
        "the shares of the levels together; AC1 is not better, it rewards guessing the majority."
    )


def _alpha(table: PairTable, measurement: Measurement, population: Population, level: float) -> Estimate:
    table.data.require(measurement)
    estimate = _estimate(table, Alpha(table.data, measurement), population, level, detail=measurement)
    by_package = package_alpha(table.data, measurement) if estimate.value is not None else None
    if by_package is None:
        return estimate
    value, source = by_package
    return replace(estimate, value=value, method=f"{estimate.method}; point value by {source}")


def _gwet(table: PairTable, weights: Weights, population: Population, level: float, variance: Variance) -> Estimate:
    data = table.data
    name = "Gwet's AC1" if weights == "identity" else "Gwet's AC2"
    if weights != "identity":
        data.require("ordinal")
    problem = _no_categories(data)
    if problem:
        return Estimate.not_estimable(reason=problem, **_scope(table, level, name).fields())
    origin = "declared" if data.domain_declared else "observed: no scale was declared"
    detail = f"{weights} weights, q = {data.n_codes} levels ({origin})"
    coefficient = GwetAC(agreement_weights(data, weights), name, variance)
    return _estimate(table, coefficient, population, level, detail=detail)


def _no_categories(data: CodedRatings) -> str:
    if data.n_codes < 2 and data.n_units:
        return "The scale has one level, so no chance agreement can be corrected for: declare the whole scale."
    if not data.domain_declared and data.n_codes > _MAX_OBSERVED_CATEGORIES:
        return f"{data.n_codes} distinct values and no declared scale: this coefficient needs categories."
    return ""


class _Spread(NamedTuple):
    """The variance of a coefficient, where it comes from, and what must be said about it."""

    half: float
    method: str
    warnings: tuple[str, ...]


def _estimate(
    table: PairTable, coefficient: Coefficient, population: Population, level: float, detail: str = ""
) -> Estimate:
    scope = _scope(table, level, ", ".join(part for part in (coefficient.name, detail) if part))
    problem = _too_little(table)
    value = None if problem else coefficient.value(table.whole)
    if value is None:
        return Estimate.not_estimable(reason=problem or coefficient.undefined, **scope.fields())
    if scope.n_clusters < MIN_PROMPTS:
        reason = f"Only {scope.n_clusters} prompts have outputs with two ratings: no interval below {MIN_PROMPTS}."
        return Estimate.insufficient(value, reason=reason, **scope.fields()).with_warnings(*_notes(table))
    spread = _spread(table, coefficient, population, scope)
    if spread.half <= 1e-12:
        return _no_spread(table, coefficient, value, scope, spread.warnings)
    low, high, method = value - spread.half, value + spread.half, spread.method
    if high > 1:
        high, method = 1.0, f"{method}, upper limit clipped at 1"
    if coefficient.name == "percent agreement":
        low = max(low, 0.0)
    notes = (few_prompts_warning(scope.n_clusters), *spread.warnings, *_notes(table))
    return Estimate(value, low, high, **scope.fields(method)).with_warnings(*notes)


def _scope(table: PairTable, level: float, method: str) -> Scope:
    data = table.data
    shared = data.pairable
    return Scope(
        method=method,
        unit="share" if method.startswith("percent") else "coefficient",
        level=level,
        n_units=int(shared.sum()),
        n_clusters=len(np.unique(data.cluster_of_unit[shared])),
        n_raters=len(table.raters_with_pairs()),
        n_judgments=int(data.ratings_per_unit[shared].sum()),
    )


def _too_little(table: PairTable) -> str:
    data, pairable = table.data, int(table.whole.pairable)
    if data.n_units == 0:
        return "There are no ratings."
    if pairable == 0 and len(np.unique(data.rater)) == 1 and data.rater[0] >= 0:
        return "There is one rater only: agreement needs two ratings of the same output."
    if pairable == 0:
        return "No output has two ratings: agreement needs two ratings of the same output."
    if pairable == 1:
        return "Only one output has two ratings or more: agreement needs at least two such outputs."
    return ""


def _notes(table: PairTable) -> tuple[str, ...]:
    rater = table.data.rater[table.data.pairable[table.data.unit]]
    unknown = int((rater < 0).sum())
    if not unknown:
        return ()
    return (f"{unknown} of {len(rater)} ratings come from raters of unknown identity.",)


def _spread(table: PairTable, coefficient: Coefficient, population: Population, scope: Scope) -> _Spread:
    """Half-width of the interval: t(G-1) on items alone, or normal on items plus raters if that is wider.

    1.96 with both parts is the simulated choice (covers .92-.98 for 3 to 10 raters); t with R - 1 degrees of
    freedom would be twice too wide. The wider of the two is taken so that a larger population never has a
    narrower interval.
    """
    # Units that a coefficient does not see must not count in G/(G-1).
    used = table.data.pairable | coefficient.uses_single_ratings
    items = cluster_variance(coefficient.influence(table)[used], table.data.cluster_of_unit[used])
    groups = len(np.unique(table.data.cluster_of_unit)) if coefficient.published else scope.n_clusters
    half = t_quantile(scope.level, groups) * math.sqrt(items)
    fixed = _Spread(half, f"linearised by prompt, t({groups - 1}), these raters", ())
    if population == "these_raters":
        return fixed
    if scope.n_raters < MIN_RATERS:
        return fixed._replace(warnings=(_FEW_RATERS,))
    without = [coefficient.value(totals) if totals.pairable >= 2 else None for totals in table.without_each_rater()]
    if None in without:
        return fixed._replace(warnings=(_RATER_PART_UNDEFINED,))
    values = np.asarray(without, dtype=np.float64)
    raters = (len(values) - 1) / len(values) * float(np.sum((values - values.mean()) ** 2))
    both = z_quantile(scope.level) * math.sqrt(items + raters)
    z = f"{z_quantile(scope.level):.2f}"
    return _Spread(max(both, half), f"linearised by prompt plus leave-one-rater-out jackknife, {z} standard errors", ())


def _no_spread(
    table: PairTable, coefficient: Coefficient, value: float, scope: Scope, warnings: tuple[str, ...]
) -> Estimate:
    """Every prompt looks the same. Perfect (or no) agreement: Wilson on prompts; anything else: no
    interval."""
    agreement = PercentAgreement().value(table.whole)
    notes = (few_prompts_warning(scope.n_clusters), *warnings, *_notes(table))
    perfect = agreement is not None and agreement >= 1 - 1e-12
    none_at_all = coefficient.name == "percent agreement" and value <= 1e-12
    if perfect or none_at_all:
        low, high = wilson(scope.n_clusters if perfect else 0, scope.n_clusters, scope.level)
        if perfect:
            low = 1 - (1 - low) / coefficient.expected_disagreement(table.whole)
        fields = scope.fields("from the Wilson interval on prompts, all of which look alike")
        return Estimate(value, low, high, **fields).with_warnings(*notes)
    reason = "All prompts show the same agreement, so no interval can be claimed."
    return Estimate.insufficient(value, reason=reason, **scope.fields()).with_warnings(*notes)

"""How far raters agree: percent agreement, Krippendorff's alpha, Gwet's AC1 and AC2.

Every function takes `CodedRatings` (`coding.code_ratings`) and returns an `Estimate`. Intervals treat the
prompt as the unit of independence: each unit's derivative is summed by prompt, V = G/(G-1) times their
centred squares. For "raters_like_these" the leave-one-rater-out jackknife variance is added. Perfect
agreement has no spread: its interval comes from the Wilson interval on prompts, never a width of zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from analytics.stats._coefficients import Alpha, PercentAgreement, Variance
from analytics.stats._distances import agreement_weights
from analytics.stats._estimation import Population, estimate, scope_of
from analytics.stats._kappas import GwetAC
from analytics.stats._package_alpha import package_alpha
from analytics.stats._totals import PairTable
from analytics.stats.coding import CodedRatings, Measurement
from analytics.stats.results import Distribution, Estimate
from analytics.stats.scores import level_shares

Weights = Literal["identity", "ordinal", "linear", "quadratic"]

SKEWED_SHARE = 0.8
SKEWED_GAP = 0.2
# Without a declared scale, more distinct values than this are measurements, not categories.
_MAX_OBSERVED_CATEGORIES = 50


def percent_agreement(
    data: CodedRatings,
    *,
    population: Population = "raters_like_these",
    level: float = 0.95,
    variance: Variance = "ratio",
) -> Estimate:
    """Share of agreeing pairs of ratings, averaged over units with two ratings or more; 0 to 1.

    Not estimable with fewer than two such units. Simulated, a 95 % interval for raters like these covers .90 where 3 or
    5 raters rate all of several outputs a prompt, and .945 or more where each output has some of the raters
    (docs/algorithms/coverage-agreement.md). Source: Gwet, Handbook of Inter-Rater Reliability, ch. 2.
    """
    return estimate(PairTable(data), PercentAgreement(variance), population, level)


def krippendorff_alpha(
    data: CodedRatings,
    measurement: Measurement,
    *,
    population: Population = "raters_like_these",
    level: float = 0.95,
) -> Estimate:
    """Krippendorff's alpha at the declared level of measurement; at most 1, 0 at chance.

    The point value comes from the `krippendorff` package where installed (our core equals it to 1e-12). All paired
    ratings equal, or fewer than two pairable units: not estimable. Raises ValueError if the values do not fit the
    level (text at the interval level, negative values on a ratio scale). Simulated, a 95 % interval for raters like
    these covers .96 with 3 or 5 raters who rate everything, at the nominal level .91; for these raters, with 30
    prompts of one output, .92 at the interval level (docs/algorithms/coverage-agreement.md). Source: Krippendorff,
    Computing Krippendorff's Alpha-Reliability, 2011; Content Analysis, 4th ed. 2019, ch. 12.
    """
    return alpha_of(PairTable(data), measurement, population, level)


def gwet_ac1(
    data: CodedRatings,
    *,
    population: Population = "raters_like_these",
    level: float = 0.95,
    variance: Variance = "ratio",
) -> Estimate:
    """Gwet's AC1: chance-corrected agreement that stays stable under skew, though it rewards guessing the
    majority.

    q is the number of declared levels (observed ones without a declared scale; `method` says which). Not estimable on
    a scale of one level. `variance="gwet"` reproduces the published standard errors where units have one rating.
    Simulated, a 95 % interval for raters like these covers .89 where 3 or 5 raters rate all of several outputs a
    prompt, else .94 or more (docs/algorithms/coverage-agreement.md). Source: Gwet, British Journal of Mathematical and
    Statistical Psychology 61, 2008, eq. 6.
    """
    return gwet_of(PairTable(data), "identity", population, level, variance)


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
    labels). Raises ValueError for labels without a declared order, unless weights are "identity". Of all coefficients
    its intervals fall shortest: a 95 % interval for raters like these covers .85 to .90 with 3 or 5 raters, that for
    these raters .91 to .92 with up to 150 outputs (docs/algorithms/coverage-agreement.md).
    Source: Gwet, Handbook of Inter-Rater Reliability, 4th ed., ch. 3.
    """
    return gwet_of(PairTable(data), weights, population, level, variance)


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
            **{name: found.to_dict() for name, found in self.estimates.items()},
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
        "percent_agreement": estimate(table, PercentAgreement(), population, level),
        "krippendorff_alpha": alpha_of(table, measurement, population, level),
        "gwet_ac1": gwet_of(table, "identity", population, level, "ratio"),
        "gwet_ac2": (
            gwet_of(table, weights, population, level, "ratio")
            if weights
            else Estimate.not_estimable(
                reason="Nominal categories have no order to weight by: AC1 is the coefficient.",
                **scope_of(table, level, "Gwet's AC2").fields(),
            )
        ),
    }
    shares = level_shares(data, level=level)
    skew = skew_of(table, measurement, estimates, shares.largest_share())
    collected = [text for found in estimates.values() for text in found.warnings]
    warnings = tuple(dict.fromkeys([skew] * bool(skew) + collected))
    return AgreementSummary(measurement, estimates, shares, warnings, weights)


def ac2_weights(measurement: Measurement) -> Weights | None:
    """The weights AC2 takes at this level of measurement; None where none apply."""
    table: dict[Measurement, Weights] = {"ordinal": "ordinal", "interval": "quadratic", "ratio": "quadratic"}
    return table.get(measurement)


def skew_of(
    table: PairTable, measurement: Measurement, estimates: Mapping[str, Estimate], largest_share: float | None
) -> str:
    """`skew_warning` of like with like: AC1 knows no near misses, so alpha is taken at the nominal level too.

    On an ordered scale alpha counts near misses as small and AC1 as whole ones: they differ without any skew.
    """
    alpha, ac1 = estimates["krippendorff_alpha"], estimates["gwet_ac1"]
    if measurement != "nominal" and ac1.value is not None:
        alpha = estimate(table, Alpha(table.data, "nominal"), "these_raters", alpha.level)
    return skew_warning(alpha, ac1, largest_share)


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


def alpha_of(table: PairTable, measurement: Measurement, population: Population, level: float) -> Estimate:
    table.data.require(measurement)
    found = estimate(table, Alpha(table.data, measurement), population, level, detail=measurement)
    by_package = package_alpha(table.data, measurement) if found.value is not None else None
    if by_package is None:
        return found
    value, source = by_package
    return replace(found, value=value, method=f"{found.method}; point value by {source}")


def gwet_of(table: PairTable, weights: Weights, population: Population, level: float, variance: Variance) -> Estimate:
    data = table.data
    name = "Gwet's AC1" if weights == "identity" else "Gwet's AC2"
    if weights != "identity":
        data.require("ordinal")
    problem = no_categories(data)
    if problem:
        return Estimate.not_estimable(reason=problem, **scope_of(table, level, name).fields())
    origin = "declared" if data.domain_declared else "observed: no scale was declared"
    detail = f"{weights} weights, q = {data.n_codes} levels ({origin})"
    coefficient = GwetAC(agreement_weights(data, weights), name, variance)
    return estimate(table, coefficient, population, level, detail=detail)


def no_categories(data: CodedRatings) -> str:
    if data.n_codes < 2 and data.n_units:
        return "The scale has one level, so no chance agreement can be corrected for: declare the whole scale."
    if not data.domain_declared and data.n_codes > _MAX_OBSERVED_CATEGORIES:
        return f"{data.n_codes} distinct values and no declared scale: this coefficient needs categories."
    return ""

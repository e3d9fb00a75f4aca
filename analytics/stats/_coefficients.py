"""Agreement coefficients as functions of the totals, with their derivatives towards each unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from analytics.stats._distances import Distance, Nominal, SquaredDifference, alpha_distance
from analytics.stats._totals import PairTable, Totals
from analytics.stats.coding import BoolArray, CodedRatings, FloatArray, Measurement, weighted_count

Variance = Literal["ratio", "gwet"]


class Coefficient(Protocol):
    """What an interval needs to know of a coefficient."""

    @property
    def name(self) -> str: ...

    @property
    def undefined(self) -> str:
        """The reason given when `value` is None."""

    @property
    def is_share(self) -> bool:
        """Whether the value is a share, between 0 and 1."""

    @property
    def score_interval(self) -> bool:
        """Whether the interval is Wilson's on an effective sample size, which suits shares near 0 and 1."""

    @property
    def published(self) -> bool:
        """Whether variance and degrees of freedom follow the published formula, counting every unit."""

    def informs(self, table: PairTable) -> BoolArray:
        """The patterns of units that the value speaks of: they are counted as outputs and prompts."""

    def varies(self, table: PairTable) -> BoolArray:
        """The patterns of units that enter the variance."""

    def value(self, totals: Totals) -> float | None:
        """The coefficient, or None where it is 0/0."""

    def influence(self, table: PairTable) -> FloatArray:
        """Derivative of the coefficient towards each unit, shape (units,); called only where `value` is
        defined."""

    def expected_disagreement(self, totals: Totals) -> float:
        """Share of chance disagreement by which an observed share is divided (1 for percent agreement)."""


@dataclass(frozen=True)
class Alpha:
    """Krippendorff (2011; 2019, ch. 12): 1 - (n - 1) sum o_ck d2_ck / sum n_c n_k d2_ck.

    The variance is that of the whole expression. R's irrCAC leaves out the factor (n - 1)/n, or takes the derivative of
    the squared marginals once, and prints other standard errors: see docs/algorithms/agreement.md.
    """

    data: CodedRatings
    measurement: Measurement
    name: str = "Krippendorff's alpha"
    undefined: str = "All paired ratings are equal: alpha is undefined (0/0), there is no variation to agree about."
    is_share: bool = False
    score_interval: bool = False
    published: bool = False

    def informs(self, table: PairTable) -> BoolArray:
        return table.pairable

    def varies(self, table: PairTable) -> BoolArray:
        return table.pairable

    def value(self, totals: Totals) -> float | None:
        if np.count_nonzero(totals.marginal) < 2:
            return None
        observed, expected, _ = self._parts(totals)
        return float(1 - (totals.marginal.sum() - 1) * observed / expected)

    def _parts(self, totals: Totals) -> tuple[float, float, Distance]:
        distance = alpha_distance(self.data, self.measurement, totals.marginal)
        observed = float(totals.coincidence @ distance.pairs(totals.left, totals.right))
        return observed, float(totals.marginal @ distance.against(totals.marginal)), distance

    def influence(self, table: PairTable) -> FloatArray:
        return self.influence_at(table, table.whole)

    def influence_at(self, table: PairTable, totals: Totals) -> FloatArray:
        """Delta method. At the ordinal level d2 moves with the marginals, which adds a term linear in the
        counts. `totals` may be those of a part of the table."""
        observed, expected, distance = self._parts(totals)
        n = totals.marginal.sum()
        per_code = 2 * (n - 1) * observed / expected**2 * distance.against(totals.marginal) - observed / expected
        if self.measurement == "ordinal":
            assert isinstance(distance, SquaredDifference)  # noqa: S101 - narrows the type
            per_code = per_code + _rank_gradient(totals, distance, n, observed, expected)
        own = table.distance_sum(distance, table.coincidence)
        linear = np.where(table.pairable, table.code_sum(per_code), 0.0)
        return table.per_unit(linear - (n - 1) / expected * own)

    def expected_disagreement(self, totals: Totals) -> float:
        share = totals.marginal / totals.marginal.sum()
        return float(1 - share @ share)


def _rank_gradient(totals: Totals, ranks: SquaredDifference, n: float, observed: float, expected: float) -> FloatArray:
    """Derivative of alpha towards n_g through the mid-ranks r_c = sum_{g<c} n_g + n_c / 2."""
    r, marginal = ranks.position, totals.marginal
    gap = totals.coincidence * (r[totals.left] - r[totals.right])
    by_observed = 4 * weighted_count(totals.left, gap, len(r))
    by_expected = 4 * marginal * (n * r - marginal @ r)
    slope = (n - 1) * (observed * by_expected / expected**2 - by_observed / expected)
    return np.asarray(slope.sum() - np.cumsum(slope) + slope / 2)


@dataclass(frozen=True)
class PercentAgreement:
    """Mean over pairable units of the share of pairs of ratings that agree (Gwet, Handbook, ch. 2)."""

    variance: Variance = "ratio"
    name: str = "percent agreement"
    undefined: str = "No output has two ratings."
    is_share: bool = True
    score_interval: bool = False

    @property
    def published(self) -> bool:
        return self.variance == "gwet"

    def informs(self, table: PairTable) -> BoolArray:
        return table.pairable

    def varies(self, table: PairTable) -> BoolArray:
        return table.size > 0 if self.published else table.pairable

    def value(self, totals: Totals) -> float | None:
        return observed_agreement(totals, Nominal())

    def influence(self, table: PairTable) -> FloatArray:
        return table.per_unit(agreement_influence(table, Nominal(), self.variance))

    def expected_disagreement(self, totals: Totals) -> float:
        return 1.0


@dataclass(frozen=True)
class SpecificAgreement:
    """The chance that another rater gives `code` too, given that one did: o_cc / n_c.

    Every paired rating weighs the same, as in the coincidences; with as many ratings on every unit it is the
    formula of Spitzer & Fleiss, British Journal of Psychiatry 125, 1974, and with two raters the positive and
    negative agreement of Cicchetti & Feinstein, Journal of Clinical Epidemiology 43, 1990.
    """

    code: int
    name: str
    undefined: str = "No output with two ratings has this level."
    is_share: bool = True
    score_interval: bool = True
    published: bool = False

    def informs(self, table: PairTable) -> BoolArray:
        return self._count(table) > 0

    def varies(self, table: PairTable) -> BoolArray:
        return self.informs(table)

    def _count(self, table: PairTable) -> FloatArray:
        """Per pattern: its paired ratings of the level."""
        return np.where(table.pairable, table.code_sum(self._indicator(table.data.n_codes)), 0.0)

    def _indicator(self, codes: int) -> FloatArray:
        return (np.arange(codes) == self.code).astype(np.float64)

    def value(self, totals: Totals) -> float | None:
        given = totals.marginal[self.code]
        if given <= 0:
            return None
        both = (totals.left == self.code) & (totals.right == self.code)
        return float(totals.coincidence[both].sum() / given)

    def influence(self, table: PairTable) -> FloatArray:
        value, given = self.value(table.whole) or 0.0, table.whole.marginal[self.code]
        both = (table.left_code == self.code) & (table.right_code == self.code)
        own = weighted_count(table.pairs.pattern, table.coincidence * both[table.pairs.kind], len(table.size))
        return table.per_unit((own - value * self._count(table)) / given)

    def expected_disagreement(self, totals: Totals) -> float:
        return 1.0


def observed_agreement(totals: Totals, distance: Distance) -> float | None:
    """p_a: one minus the mean over pairable units of the mean distance of their pairs of ratings."""
    if totals.pairable < 1:
        return None
    return float(1 - totals.share @ distance.pairs(totals.left, totals.right) / totals.pairable)


def agreement_influence(table: PairTable, distance: Distance, variance: Variance) -> FloatArray:
    """Derivative of p_a towards a unit of each pattern, shape (patterns,)."""
    totals, pairable = table.whole, table.pairable
    own = np.where(pairable, 1 - table.distance_sum(distance, table.share), 0.0)
    mean = float(own @ table.times) / totals.pairable
    if variance == "gwet":
        return np.asarray(own / totals.pairable - mean / totals.units)
    return np.asarray(np.where(pairable, own - mean, 0.0) / totals.pairable)

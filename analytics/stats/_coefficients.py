"""Agreement coefficients as functions of the totals, with their derivatives towards each unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from analytics.stats._distances import Distance, Matrix, Nominal, SquaredDifference, alpha_distance
from analytics.stats._totals import PairTable, Totals
from analytics.stats.coding import CodedRatings, FloatArray, Measurement, weighted_count

Variance = Literal["ratio", "gwet"]


class Coefficient(Protocol):
    """What an interval needs to know of a coefficient."""

    @property
    def name(self) -> str: ...

    @property
    def undefined(self) -> str:
        """The reason given when `value` is None."""

    @property
    def uses_single_ratings(self) -> bool:
        """Whether units with one rating enter the variance."""

    @property
    def published(self) -> bool:
        """Whether variance and degrees of freedom follow the published formula, counting every unit."""

    def value(self, totals: Totals) -> float | None:
        """The coefficient, or None where it is 0/0."""

    def influence(self, table: PairTable) -> FloatArray:
        """Derivative of the coefficient towards each unit, shape (units,); called only where `value` is
        defined."""

    def expected_disagreement(self, totals: Totals) -> float:
        """Share of chance disagreement by which an observed share is divided (1 for percent agreement)."""


@dataclass(frozen=True)
class Alpha:
    """Krippendorff (2011; 2019, ch. 12): 1 - (n - 1) sum o_ck d2_ck / sum n_c n_k d2_ck."""

    data: CodedRatings
    measurement: Measurement
    name: str = "Krippendorff's alpha"
    undefined: str = "All paired ratings are equal: alpha is undefined (0/0), there is no variation to agree about."

    @property
    def uses_single_ratings(self) -> bool:
        return False

    @property
    def published(self) -> bool:
        return False

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
        """Delta method. At the ordinal level d2 moves with the marginals, which adds a term linear in the
        counts."""
        totals = table.whole
        observed, expected, distance = self._parts(totals)
        n = totals.marginal.sum()
        per_code = 2 * (n - 1) * observed / expected**2 * distance.against(totals.marginal) - observed / expected
        if self.measurement == "ordinal":
            assert isinstance(distance, SquaredDifference)  # noqa: S101 - narrows the type
            per_code = per_code + _rank_gradient(totals, distance, n, observed, expected)
        own = table.distance_per_unit(distance, table.coincidence)
        linear = np.where(table.data.pairable, table.code_sum_per_unit(per_code), 0.0)
        return np.asarray(linear - (n - 1) / expected * own)

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

    @property
    def uses_single_ratings(self) -> bool:
        return self.variance == "gwet"

    @property
    def published(self) -> bool:
        return self.variance == "gwet"

    def value(self, totals: Totals) -> float | None:
        return _agreement(totals, Nominal())

    def influence(self, table: PairTable) -> FloatArray:
        return _agreement_influence(table, Nominal(), self.variance)

    def expected_disagreement(self, totals: Totals) -> float:
        return 1.0


@dataclass(frozen=True)
class GwetAC:
    """Gwet (2008, eq. 6; Handbook, ch. 3): (p_a - p_e) / (1 - p_e), p_e = T_w / (q(q-1)) sum pi_c (1 - pi_c).

    pi_c averages over all units, those with one rating too; p_a over pairable units. `variance="ratio"`
    linearises p_a as a mean over the pairable units; "gwet" is the published formula, which treats the
    number of pairable units as fixed and is wider where many units have one rating. They are the same where
    every unit has two ratings.
    """

    weights: FloatArray
    name: str
    variance: Variance = "ratio"
    undefined: str = "The scale has one level."

    @property
    def uses_single_ratings(self) -> bool:
        return True

    @property
    def published(self) -> bool:
        return self.variance == "gwet"

    @property
    def _chance_factor(self) -> float:
        q = len(self.weights)
        return float(self.weights.sum() / (q * (q - 1)))

    def value(self, totals: Totals) -> float | None:
        agreement = _agreement(totals, Matrix(self.weights))
        if agreement is None:
            return None
        chance = 1 - self.expected_disagreement(totals)
        return (agreement - chance) / (1 - chance)

    def expected_disagreement(self, totals: Totals) -> float:
        pi = totals.prevalence / totals.units
        return float(1 - self._chance_factor * (pi @ (1 - pi)))

    def influence(self, table: PairTable) -> FloatArray:
        totals = table.whole
        value, scale = self.value(totals), self.expected_disagreement(totals)
        if value is None:
            raise ValueError("A coefficient that is undefined has no influence function.")
        pi = totals.prevalence / totals.units
        own = table.code_sum_per_unit(pi) / np.maximum(table.size, 1)
        chance = -2 * self._chance_factor * (own - pi @ pi) / totals.units
        agreement = _agreement_influence(table, Matrix(self.weights), self.variance)
        if self.variance == "gwet":  # here the published formula also counts p_e over pairable units only
            excess = table.data.pairable / totals.pairable - 1 / totals.units
            agreement = agreement - (1 - scale) * excess
        return np.asarray((agreement - (1 - value) * chance) / scale)


def _agreement(totals: Totals, distance: Distance) -> float | None:
    if totals.pairable < 1:
        return None
    return float(1 - totals.share @ distance.pairs(totals.left, totals.right) / totals.pairable)


def _agreement_influence(table: PairTable, distance: Distance, variance: Variance) -> FloatArray:
    totals, pairable = table.whole, table.data.pairable
    per_unit = np.where(pairable, 1 - table.distance_per_unit(distance, table.share), 0.0)
    mean = per_unit.sum() / totals.pairable
    if variance == "gwet":
        return np.asarray(per_unit / totals.pairable - mean / totals.units)
    return np.asarray(np.where(pairable, per_unit - mean, 0.0) / totals.pairable)

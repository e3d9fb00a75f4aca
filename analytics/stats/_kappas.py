"""The family (p_a - p_e) / (1 - p_e): one observed agreement, five ideas of what chance would give.

All follow Gwet, Handbook of Inter-Rater Reliability, 4th ed. 2014, ch. 2 to 5: weighted, and with p_a over
the units with two ratings, whatever their number. pi_c averages the shares n_uc / m_u over all units, those
with one rating too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analytics.stats._coefficients import Variance, agreement_influence, observed_agreement
from analytics.stats._distances import Matrix
from analytics.stats._totals import PairTable, Totals
from analytics.stats.coding import BoolArray, CodedRatings, FloatArray, weighted_count


@dataclass(frozen=True)
class ChanceCorrected(ABC):
    """A coefficient of the family; a subclass says what chance gives and how that moves with a unit.

    `variance="ratio"` linearises p_a as a mean over the pairable units; "gwet" is the published formula,
    which treats the number of pairable units as fixed and is wider where many units have one rating. They are
    the same where every unit has two ratings.
    """

    weights: FloatArray
    name: str
    variance: Variance = "ratio"
    undefined: str = "The scale has one level."
    is_share: bool = False
    score_interval: bool = False

    @property
    def published(self) -> bool:
        return self.variance == "gwet"

    @abstractmethod
    def chance(self, totals: Totals) -> float:
        """p_e."""

    @abstractmethod
    def chance_influence(self, table: PairTable) -> FloatArray:
        """Derivative of p_e towards each unit, shape (units,)."""

    def informs(self, table: PairTable) -> BoolArray:
        return table.pairable

    def varies(self, table: PairTable) -> BoolArray:
        return table.size > 0

    def value(self, totals: Totals) -> float | None:
        agreement = observed_agreement(totals, Matrix(self.weights))
        if agreement is None or (scale := self.expected_disagreement(totals)) <= 1e-12:
            return None
        return (agreement - (1 - scale)) / scale

    def expected_disagreement(self, totals: Totals) -> float:
        return 1 - self.chance(totals)

    def influence(self, table: PairTable) -> FloatArray:
        totals = table.whole
        value, scale = self.value(totals), self.expected_disagreement(totals)
        if value is None:
            raise ValueError("A coefficient that is undefined has no influence function.")
        agreement = agreement_influence(table, Matrix(self.weights), self.variance)
        if self.variance == "gwet":  # the published formula also counts p_e over pairable units only
            excess = table.pairable / totals.pairable - 1 / totals.units
            agreement = agreement - (1 - scale) * excess
        return np.asarray((table.per_unit(agreement) - (1 - value) * self.chance_influence(table)) / scale)


class GwetAC(ChanceCorrected):
    """Gwet (2008, eq. 6; Handbook, ch. 3): p_e = T_w / (q(q-1)) sum pi_c (1 - pi_c), T_w the sum of the weights."""

    @property
    def _factor(self) -> float:
        q = len(self.weights)
        return float(self.weights.sum() / (q * (q - 1)))

    def chance(self, totals: Totals) -> float:
        pi = totals.prevalence / totals.units
        return float(self._factor * (pi @ (1 - pi)))

    def chance_influence(self, table: PairTable) -> FloatArray:
        pi = table.whole.prevalence / table.whole.units
        own = table.code_sum(pi) / np.maximum(table.size, 1)
        return table.per_unit(-2 * self._factor * (own - pi @ pi) / table.whole.units)


class Fleiss(ChanceCorrected):
    """Fleiss (1971), for unequal numbers of ratings and weights: p_e = sum w_ck pi_c pi_k. Two raters: Scott's pi."""

    def chance(self, totals: Totals) -> float:
        pi = totals.prevalence / totals.units
        return float(pi @ self.weights @ pi)

    def chance_influence(self, table: PairTable) -> FloatArray:
        pi = table.whole.prevalence / table.whole.units
        near = self.weights @ pi
        own = table.code_sum(near) / np.maximum(table.size, 1)
        return table.per_unit(2 * (own - pi @ near) / table.whole.units)


class BrennanPrediger(ChanceCorrected):
    """Brennan & Prediger (1981): every level as likely as any other, p_e = T_w / q^2."""

    def chance(self, totals: Totals) -> float:
        return float(self.weights.sum() / len(self.weights) ** 2)

    def varies(self, table: PairTable) -> BoolArray:
        return table.size > 0 if self.published else table.pairable

    def chance_influence(self, table: PairTable) -> FloatArray:
        return np.zeros(table.data.n_units)


@dataclass(frozen=True)
class Conger(ChanceCorrected):
    """Conger (1980): the mean over pairs of raters of sum w_ck p_gc p_hk, p_gc rater g's share of level c.

    With two raters who judged the same units it is Cohen's kappa (1960; weighted 1968). `data` names the
    raters; all must be of known identity.
    """

    data: CodedRatings | None = None

    @cached_property
    def _shares(self) -> FloatArray:
        """p_gc over all that a rater judged, shape (raters, codes); zero for raters without ratings."""
        assert self.data is not None  # noqa: S101 - narrows the type
        raters, codes = len(self.data.rater_labels), self.data.n_codes
        counts = np.bincount(self.data.rater * codes + self.data.code, minlength=raters * codes)
        counts = counts.reshape(raters, codes)
        return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))

    def _present(self, totals: Totals) -> FloatArray:
        shares = self._shares
        kept = shares.any(axis=1) & (np.arange(len(shares)) != totals.without)
        return shares[kept]

    def chance(self, totals: Totals) -> float:
        shares = self._present(totals)
        raters, pooled = len(shares), shares.sum(axis=0)
        if raters < 2:
            return 1.0
        own = np.einsum("gc,ck,gk->", shares, self.weights, shares)
        return float((pooled @ self.weights @ pooled - own) / (raters * (raters - 1)))

    def chance_influence(self, table: PairTable) -> FloatArray:
        data, shares = table.data, self._shares
        raters = len(self._present(table.whole))
        others = (shares.sum(axis=0) - shares) @ self.weights
        centred = others - np.sum(others * shares, axis=1, keepdims=True)
        judged = np.maximum(np.bincount(data.rater, minlength=len(shares)), 1)
        by_rating = centred[data.rater, data.code] / judged[data.rater]
        return 2 / (raters * (raters - 1)) * weighted_count(data.unit, by_rating, data.n_units)

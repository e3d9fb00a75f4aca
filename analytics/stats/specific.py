"""Specific agreement: how far raters agree about each level of a scale taken by itself.

Under skew one overall coefficient hides that the frequent level is easy and the rare one is not. Read it with
the shares of the levels (`scores.level_shares`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.stats._coefficients import SpecificAgreement
from analytics.stats._estimation import Population, estimate
from analytics.stats._totals import PairTable
from analytics.stats.coding import CodedRatings
from analytics.stats.results import Estimate


@dataclass(frozen=True)
class CategoryAgreement:
    """Agreement per level: the number of paired ratings that gave it, and the chance that another rater did too."""

    levels: tuple[float | str, ...]
    counts: tuple[int, ...]
    agreement: tuple[Estimate, ...]

    def estimates(self) -> tuple[Estimate, ...]:
        return self.agreement

    def to_dict(self) -> dict[str, Any]:
        rows = zip(self.levels, self.counts, self.agreement, strict=True)
        return {"levels": [{"level": level, "count": count, "agreement": e.to_dict()} for level, count, e in rows]}


def specific_agreement(
    data: CodedRatings, *, population: Population = "raters_like_these", level: float = 0.95
) -> CategoryAgreement:
    """For each level, the probability that another rater of the output gives it too, if one rater did; 0 to 1.

    n_units and n_clusters count the outputs and prompts where the level occurs; with fewer than ten such
    prompts a level has a value without an interval, and a level nobody used has none. Simulated with 30 prompts, a 95 %
    interval for these raters covers .89 to .92 (docs/algorithms/coverage-agreement.md). Sources: Spitzer & Fleiss,
    British Journal of Psychiatry 125, 1974; for two raters Cicchetti & Feinstein, Journal of Clinical
    Epidemiology 43, 1990.
    """
    return specific_agreement_of(PairTable(data), population, level)


def specific_agreement_of(table: PairTable, population: Population, level: float) -> CategoryAgreement:
    data = table.data
    levels: tuple[float | str, ...] = data.domain
    agreement = tuple(
        estimate(table, SpecificAgreement(code, f"specific agreement on {_shown(value)}"), population, level)
        for code, value in enumerate(levels)
    )
    paired = data.code[data.pairable[data.unit]]
    counts = np.bincount(paired, minlength=data.n_codes).tolist()
    return CategoryAgreement(data.domain, tuple(counts), agreement)


def _shown(value: float | str) -> str:
    return f"{value:g}" if isinstance(value, float) else value

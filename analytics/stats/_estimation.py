"""From a coefficient to an `Estimate`: refusals, the variance by prompt and by rater, the interval.

Two populations. "these_raters": other prompts, judged by the same people; each unit's derivative is summed by
prompt, V = G/(G-1) times their centred squares, with t(G-1). "raters_like_these": other people too; the
leave-one-rater-out jackknife variance is added.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from analytics.stats._coefficients import Coefficient
from analytics.stats._totals import PairTable
from analytics.stats.coding import BoolArray, FloatArray
from analytics.stats.intervals import (
    MIN_PROMPTS,
    Scope,
    cluster_variance,
    few_prompts_warning,
    t_quantile,
    z_quantile,
)
from analytics.stats.proportions import wilson
from analytics.stats.results import Estimate

Population = Literal["raters_like_these", "these_raters"]

MIN_RATERS = 3

FEW_RATERS = (
    "Cannot generalise beyond these raters: fewer than three raters of known identity share outputs, "
    "so the interval covers other prompts, not other raters."
)
RATER_PART_UNDEFINED = (
    "Cannot generalise beyond these raters: without one of them the figure is undefined, "
    "so the interval covers other prompts, not other raters."
)


@dataclass(frozen=True)
class Spread:
    """Half the width of an interval, where it comes from, and what must be said about it."""

    half: float
    method: str
    warnings: tuple[str, ...] = ()


def estimate(
    table: PairTable, coefficient: Coefficient, population: Population, level: float, detail: str = ""
) -> Estimate:
    """The coefficient of the table with its interval, or the reason why there is none."""
    if population not in get_args(Population):
        raise ValueError(f"Unknown population {population!r}: use {' or '.join(get_args(Population))}.")
    scope = scope_of(table, level, ", ".join(part for part in (coefficient.name, detail) if part), coefficient)
    problem = too_little(table)
    value = None if problem else coefficient.value(table.whole)
    if value is None:
        return Estimate.not_estimable(reason=problem or coefficient.undefined, **scope.fields())
    if scope.n_clusters < MIN_PROMPTS:
        return Estimate.insufficient(value, reason=too_few(scope), **scope.fields()).with_warnings(*notes(table))
    spread = spread_of(table, coefficient, population, scope)
    if spread.half <= 1e-12:
        return _no_spread(table, coefficient, value, scope, spread.warnings)
    low, high, method = _limits(coefficient, value, spread, level)
    warnings = (few_prompts_warning(scope.n_clusters), *spread.warnings, *notes(table))
    return Estimate(value, low, high, **scope.fields(method)).with_warnings(*warnings)


def _limits(coefficient: Coefficient, value: float, spread: Spread, level: float) -> tuple[float, float, str]:
    if coefficient.score_interval and 0 < value < 1:
        # Wilson on the sample size that would give this standard error (Dean & Pagano, Journal of Survey
        # Statistics and Methodology 3, 2015).
        z = z_quantile(level)
        effective = value * (1 - value) / (spread.half / z) ** 2
        low, high = wilson(value * effective, effective, level)
        return low, high, f"{spread.method}, Wilson interval on the effective sample size"
    low, high, method = value - spread.half, value + spread.half, spread.method
    if high > 1:
        high, method = 1.0, f"{method}, upper limit clipped at 1"
    return max(low, 0.0) if coefficient.is_share else low, high, method


def scope_of(table: PairTable, level: float, method: str, coefficient: Coefficient | None = None) -> Scope:
    """Counts of the units that inform a coefficient (without one: those with two ratings or more)."""
    data = table.data
    informing = table.pairable if coefficient is None else coefficient.informs(table)
    unit = informing[table.patterns.of_unit] if data.n_units else np.zeros(0, dtype=np.bool_)
    share = coefficient is not None and coefficient.is_share
    return Scope(
        method=method,
        unit="share" if share else "coefficient",
        level=level,
        n_units=int(unit.sum()),
        n_clusters=count_clusters(table, unit),
        n_raters=len(table.raters_with_pairs),
        n_judgments=int(data.ratings_per_unit[unit].sum()),
    )


def count_clusters(table: PairTable, unit: BoolArray) -> int:
    return int(np.count_nonzero(np.bincount(table.data.cluster_of_unit[unit])))


def too_little(table: PairTable) -> str:
    """Why nothing can be said of agreement, or an empty string."""
    data, pairable = table.data, int(table.whole.pairable)
    if len(data.unit) == 0:
        return "There are no ratings."
    if pairable == 0 and len(np.unique(data.rater)) == 1 and data.rater[0] >= 0:
        return "There is one rater only: agreement needs two ratings of the same output."
    if pairable == 0:
        return "No output has two ratings: agreement needs two ratings of the same output."
    if pairable == 1:
        return "Only one output has two ratings or more: agreement needs at least two such outputs."
    return ""


def too_few(scope: Scope) -> str:
    return f"Only {scope.n_clusters} prompts inform this figure: no interval below {MIN_PROMPTS}."


def notes(table: PairTable) -> tuple[str, ...]:
    rater = table.data.rater[table.data.pairable[table.data.unit]]
    unknown = int((rater < 0).sum())
    if not unknown:
        return ()
    return (f"{unknown} of {len(rater)} ratings come from raters of unknown identity.",)


def spread_of(table: PairTable, coefficient: Coefficient, population: Population, scope: Scope) -> Spread:
    """Half-width of the interval: t(G-1) on items alone, or normal on items plus raters if that is wider.

    1.96 with both parts is the simulated choice (docs/algorithms/coverage-agreement.md); t with R - 1 degrees of
    freedom would be twice too wide. The wider of the two is taken so that a larger population never has a narrower
    interval.
    """
    # Units that a coefficient does not see must not count in G/(G-1).
    used = coefficient.varies(table)[table.patterns.of_unit]
    items = cluster_variance(coefficient.influence(table)[used], table.data.cluster_of_unit[used])
    groups = count_clusters(table, used) if coefficient.published else scope.n_clusters
    half = t_quantile(scope.level, groups) * math.sqrt(items)
    fixed = Spread(half, f"linearised by prompt, t({groups - 1}), these raters")
    if population == "these_raters":
        return fixed
    if scope.n_raters < MIN_RATERS:
        return Spread(half, fixed.method, (FEW_RATERS,))
    without = left_out(table, coefficient)
    if without is None:
        return Spread(half, fixed.method, (RATER_PART_UNDEFINED,))
    both = z_quantile(scope.level) * math.sqrt(items + jackknife_variance(without))
    z = f"{z_quantile(scope.level):.2f}"
    method = f"linearised by prompt plus leave-one-rater-out jackknife, {z} standard errors, raters like these"
    return Spread(max(both, half), method)


def left_out(table: PairTable, coefficient: Coefficient) -> FloatArray | None:
    """The coefficient without each rater who shares outputs; None where one of them is undefined."""
    without = [coefficient.value(totals) if totals.pairable >= 2 else None for totals in table.without_each_rater()]
    return None if None in without else np.asarray(without, dtype=np.float64)


def jackknife_variance(values: FloatArray) -> float:
    """(R - 1)/R times the centred sum of squares of the R leave-one-out values."""
    return (len(values) - 1) / len(values) * float(np.sum((values - values.mean()) ** 2))


def _no_spread(
    table: PairTable, coefficient: Coefficient, value: float, scope: Scope, warnings: tuple[str, ...]
) -> Estimate:
    """Every prompt looks the same. Perfect (or no) agreement: Wilson on prompts; anything else: no
    interval."""
    told = (few_prompts_warning(scope.n_clusters), *warnings, *notes(table))
    perfect = value >= 1 - 1e-12
    none_at_all = coefficient.is_share and value <= 1e-12
    if perfect or none_at_all:
        low, high = wilson(scope.n_clusters if perfect else 0, scope.n_clusters, scope.level)
        if perfect:
            low = 1 - (1 - low) / coefficient.expected_disagreement(table.whole)
        fields = scope.fields("from the Wilson interval on prompts, all of which look alike")
        return Estimate(min(max(value, low), high), low, high, **fields).with_warnings(*told)
    reason = "All prompts show the same agreement, so no interval can be claimed."
    return Estimate.insufficient(value, reason=reason, **scope.fields()).with_warnings(*told)

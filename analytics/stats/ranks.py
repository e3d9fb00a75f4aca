"""Ranks of systems with their uncertainty: a ranking without it says more than the data do.

Everything is read from one fit's strengths and covariance; nothing is fitted again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtr, stdtr

from analytics.stats._sandwich import FEW_CLUSTERS
from analytics.stats.coding import BoolArray, FloatArray, IntArray
from analytics.stats.intervals import Scope
from analytics.stats.multiplicity import holm
from analytics.stats.results import Estimate
from analytics.stats.strengths import StrengthFit, SystemEstimates, normal_or_t

DRAWS = 1000

# Measured in docs/algorithms/coverage-preference.md.
PERCENTILES = (
    "Where many systems are nearly equal, a 95 % percentile interval held the true rank in 84 % of simulated cases; "
    "the simultaneous sets hold there too."
)


@dataclass(frozen=True, eq=False)
class RankTable:
    """One entry per system in every field; ranks count from 1, within the systems that met.

    `ranks` has the rank of the point estimate with a percentile interval of draws. `simultaneous` has rank sets
    that all hold at once with the level's confidence. `place` is 1 + the number of systems whose difference
    interval lies entirely above this one's: ties share a place. `better_than` and `worse_than` count the
    significant differences after Holm's correction over all pairs.
    """

    systems: tuple[str, ...]
    ranks: tuple[Estimate, ...]
    simultaneous: tuple[Estimate, ...]
    place: tuple[int, ...]
    better_than: tuple[int, ...]
    worse_than: tuple[int, ...]

    def estimates(self) -> tuple[Estimate, ...]:
        return self.ranks + self.simultaneous

    def to_dict(self) -> dict[str, Any]:
        return {
            "ranks": SystemEstimates(self.systems, self.ranks).to_dict(),
            "simultaneous": SystemEstimates(self.systems, self.simultaneous).to_dict(),
            "place": dict(zip(self.systems, self.place, strict=True)),
            "better_than": dict(zip(self.systems, self.better_than, strict=True)),
            "worse_than": dict(zip(self.systems, self.worse_than, strict=True)),
        }


def rank_table(fit: StrengthFit, *, draws: int = DRAWS, seed: int = 0) -> RankTable:
    """Ranks from `draws` draws of the strengths from their normal distribution (t below 30 clusters).

    The percentile interval of a rank covers it where systems are apart; where they are nearly equal it covers less
    (.84 for a nominal .95 with 20 systems .01 apart, see docs/algorithms/coverage-preference.md), and a warning says
    so. The simultaneous sets take their critical
    value from the largest studentised difference among the same draws. A fit without strengths or without
    intervals gives ranks without intervals, with the reason. Raises ValueError for fewer than 100 draws.
    Source: Goldstein & Spiegelhalter, Journal of the Royal Statistical Society A 159, 1996, for the percentiles;
    Mogstad, Romano, Shaikh & Wilhelm, Review of Economic Studies 91, 2024, for the sets; Holm, Scandinavian
    Journal of Statistics 6, 1979.
    """
    if draws < 100:
        raise ValueError(f"Percentiles need at least 100 draws; got {draws}.")
    size = len(fit.systems)
    reason = fit.reason or fit.interval_reason
    if not reason and size and float(np.trace(fit.covariance)) <= 1e-24:
        reason = "Every judgment says the same, so no interval can be claimed."
    if reason or not size:
        return _without_intervals(fit, reason)
    same = np.asarray(fit.component[:, None] == fit.component[None, :])
    noise = _draws(fit, draws, seed)
    error = _errors(fit.covariance)
    rank = _ranks(fit.theta[None, :], same)[0]
    inside = _ranks(fit.theta + noise, same)
    tail = (1 - fit.scope.level) / 2
    low = np.minimum(np.quantile(inside, tail, axis=0, method="lower"), rank)
    high = np.maximum(np.quantile(inside, 1 - tail, axis=0, method="higher"), rank)
    critical = float(np.quantile(_largest(noise, error, same), fit.scope.level))
    least, most = _rank_sets(fit.theta, error, same, critical)
    above = _surely_above(fit.theta, error, same, normal_or_t(fit.scope.level, fit.df))
    better = _holm(_p_values(fit, error), same, 1 - fit.scope.level) & (fit.theta[:, None] > fit.theta[None, :])
    by = "t" if _few(fit) else "normal"
    percentile = _scope(fit, f"rank, percentiles of {draws} {by} draws of the strengths")
    sets = _scope(fit, f"rank set, simultaneous over all systems, critical value {critical:.2f} from the same draws")
    return RankTable(
        systems=fit.systems,
        ranks=_estimates(rank, low, high, percentile, (PERCENTILES, *fit.warnings), seed),
        simultaneous=_estimates(rank, least, most, sets, fit.warnings, seed),
        place=tuple((1 + above.sum(axis=0)).tolist()),
        better_than=tuple(better.sum(axis=1).tolist()),
        worse_than=tuple(better.sum(axis=0).tolist()),
    )


def _draws(fit: StrengthFit, draws: int, seed: int) -> FloatArray:
    """Errors of the strengths, (draws, systems), by the symmetric root, which does not depend on how the
    eigenvectors come out."""
    values, vectors = np.linalg.eigh((fit.covariance + fit.covariance.T) / 2)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((draws, len(root))) @ root
    if _few(fit) and fit.df is not None:
        noise /= np.sqrt(rng.chisquare(fit.df, draws) / fit.df)[:, None]
    return np.asarray(noise)


def _few(fit: StrengthFit) -> bool:
    return fit.df is not None and fit.df < FEW_CLUSTERS - 1


def _errors(covariance: FloatArray) -> FloatArray:
    """Standard error of each difference, (systems, systems)."""
    own = np.diag(covariance)
    return np.sqrt(np.maximum(own[:, None] + own[None, :] - 2 * covariance, 0.0))


def _ranks(theta: FloatArray, same: BoolArray) -> IntArray:
    """1 + how many of the same component are stronger, per row of `theta`; equal strengths share a rank."""
    rank = np.ones(theta.shape, dtype=np.int64)
    for system in range(theta.shape[1]):
        rank[:, system] += (theta[:, same[system]] > theta[:, [system]] + 1e-12).sum(axis=1)
    return rank


def _largest(noise: FloatArray, error: FloatArray, same: BoolArray) -> FloatArray:
    """The largest studentised difference of each draw."""
    largest = np.zeros(len(noise))
    usable = same & (error > 1e-12)
    for system in range(noise.shape[1] - 1):
        others = np.flatnonzero(usable[system, system + 1 :]) + system + 1
        if len(others):
            gap = np.abs(noise[:, others] - noise[:, [system]]) / error[system, others]
            np.maximum(largest, gap.max(axis=1), out=largest)
    return largest


def _surely_above(theta: FloatArray, error: FloatArray, same: BoolArray, critical: float) -> BoolArray:
    """Whether the row's strength less the column's has an interval entirely above zero."""
    gap = theta[:, None] - theta[None, :]
    return np.asarray(same & (error > 1e-12) & (gap - critical * error > 0))


def _rank_sets(theta: FloatArray, error: FloatArray, same: BoolArray, critical: float) -> tuple[IntArray, IntArray]:
    above = _surely_above(theta, error, same, critical)
    return 1 + above.sum(axis=0), same.sum(axis=1) - above.sum(axis=1)


def _p_values(fit: StrengthFit, error: FloatArray) -> FloatArray:
    gap = np.abs(fit.theta[:, None] - fit.theta[None, :])
    statistic = np.divide(gap, error, out=np.zeros_like(gap), where=error > 1e-12)
    below = ndtr(-statistic) if fit.df is None else stdtr(fit.df, -statistic)
    return np.asarray(np.minimum(1.0, 2 * below))


def _holm(p: FloatArray, same: BoolArray, alpha: float) -> BoolArray:
    """Which pairs differ after Holm's step-down correction, (systems, systems), symmetric."""
    row, column = np.triu_indices(len(p), 1)
    met = same[row, column]
    row, column = row[met], column[met]
    found = np.zeros(p.shape, dtype=np.bool_)
    found[row, column] = np.asarray(holm(p[row, column].tolist()), dtype=np.float64) <= alpha
    return found | found.T


def _scope(fit: StrengthFit, method: str) -> Scope:
    tail = fit.scope.method.split("; ", 1)[1:]
    return replace(fit.scope, method="; ".join([method, f"{fit.model} strengths", *tail]), unit="rank")


def _estimates(
    rank: IntArray,
    low: FloatArray | IntArray,
    high: FloatArray | IntArray,
    scope: Scope,
    notes: tuple[str, ...],
    seed: int,
) -> tuple[Estimate, ...]:
    rows = zip(rank.tolist(), low.tolist(), high.tolist(), strict=True)
    return tuple(
        Estimate(float(value), float(least), float(most), seed=seed, **scope.fields()).with_warnings(*notes)
        for value, least, most in rows
    )


def _without_intervals(fit: StrengthFit, reason: str) -> RankTable:
    size, scope = len(fit.systems), _scope(fit, "rank")
    if fit.reason:
        items = tuple(Estimate.not_estimable(reason=reason, **scope.fields()) for _ in fit.systems)
    else:
        same = np.asarray(fit.component[:, None] == fit.component[None, :])
        rank = _ranks(fit.theta[None, :], same)[0] if size else np.zeros(0, dtype=np.int64)
        items = tuple(Estimate.insufficient(float(r), reason=reason, **scope.fields()) for r in rank.tolist())
    none = (0,) * size
    return RankTable(fit.systems, items, items, (1,) * size, none, none)


def strongest(table: RankTable) -> tuple[str, ...]:
    """The systems that may be first: those whose simultaneous rank set reaches 1."""
    pairs = zip(table.systems, table.simultaneous, strict=True)
    return tuple(name for name, estimate in pairs if estimate.low is not None and math.isclose(estimate.low, 1.0))

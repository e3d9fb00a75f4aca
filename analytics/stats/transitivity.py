"""Whether a ranking can stand for the pairwise results at all: goodness of fit, and circular triads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import chdtrc

from analytics.stats._outcomes import LOSS, WIN
from analytics.stats._paired_models import Fit, Parameters, Table, newton, probabilities
from analytics.stats.battles import Battles
from analytics.stats.coding import FloatArray, IntArray, weighted_count
from analytics.stats.connectivity import connectivity, win_matrix
from analytics.stats.results import finite_or_none

Model = Literal["bradley_terry", "davidson"]
SMALL_CELL = 5.0
RESAMPLES = 500


@dataclass(frozen=True)
class GoodnessOfFit:
    """G2 = 2 sum observed ln(observed / expected) of a model against every pair having chances of its own.

    `statistic`, `df` and `p_value` are None where there is nothing to test, and `reason` says why. `method` tells
    whether p comes from the chi-squared distribution or a parametric bootstrap (`seed`).
    """

    model: Model
    statistic: float | None
    df: int
    p_value: float | None
    method: str
    smallest_expected: float | None
    n_judgments: int
    seed: int | None = None
    reason: str = ""
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        plain = {**vars(self), "warnings": list(self.warnings)}
        return plain | {name: finite_or_none(plain[name]) for name in ("statistic", "p_value", "smallest_expected")}


def goodness_of_fit(
    data: Battles,
    *,
    model: Model = "bradley_terry",
    position: bool = False,
    by_order: bool = False,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> GoodnessOfFit:
    """Test a ranking model against saturated chances for each pair (for each pair and order with `by_order`).

    Bradley-Terry's model is tested on the judgments that chose a side, Davidson's on wins, ties and losses.
    `position` puts the side shown first into the model, and needs `by_order`. df: free cells less M - 1
    strengths, less one each for the order and nu. Where an expected count is below 5 the p value comes from
    `resamples` data sets drawn from the fitted model, else from chi-squared. Both take judgments as independent:
    with several judgments a prompt p is too small, which a warning says. A significant misfit means: print the
    pairwise matrix beside the ranking. Raises ValueError for `position` without `by_order`.
    Source: Agresti, Categorical Data Analysis, 2nd ed. 2002, section 10.6.
    """
    if position and not by_order:
        raise ValueError("The side shown first can only be fitted to cells by order: pass by_order=True.")
    table = _cells(data, model, by_order)
    note = _several(data)
    judgments = round(float(table.count.sum()))
    start = Parameters(np.zeros(data.n_systems), np.zeros(int(position)), 0.0 if model == "davidson" else None)
    fitted_on = table if position else _no_extras(table)
    df = len(table.a) * (2 if model == "davidson" else 1) - _free(data, fitted_on, start)
    problem = _problem(data, table, df, model)
    if problem:
        return GoodnessOfFit(model, None, max(df, 0), None, "", None, judgments, reason=problem)
    component = connectivity(data).component
    found = newton(fitted_on, start, component)
    if not found.converged:
        reason = "The model has no finite maximum: a group of systems never lost or never won against the rest."
        return GoodnessOfFit(model, None, df, None, "", None, judgments, reason=reason)
    counts = np.stack([table.win, table.tie, table.loss])
    expected = np.stack(probabilities(found.at.eta(fitted_on), found.at.log_nu)) * table.count
    statistic = float(_g2(counts, expected))
    smallest = float(expected[expected > 0].min())
    if smallest >= SMALL_CELL:
        p, method, used = float(chdtrc(df, statistic)), f"chi-squared with {df} degrees of freedom", None
    else:
        p = _bootstrap(fitted_on, found, statistic, component, resamples, seed)
        method, used = f"parametric bootstrap, {resamples} resamples (an expected count is below 5)", seed
    return GoodnessOfFit(model, statistic, df, p, method, smallest, judgments, used, warnings=(note,) if note else ())


def _cells(data: Battles, model: Model, by_order: bool) -> Table:
    """Outcome counts of each pair, or pair and order of showing."""
    rows = data if by_order else data.merged
    if model == "bradley_terry":
        rows = rows.rows(rows.decided)
    order = rows.position if by_order else np.zeros(len(rows.a), dtype=np.int64)
    systems = max(data.n_systems, 1)
    key = (rows.a * systems + rows.b) * 3 + order + 1
    won, lost = rows.outcome == WIN, rows.outcome == LOSS
    sums = [weighted_count(key, x, 3 * systems**2) for x in (won, ~(won | lost), lost)]
    used = np.flatnonzero(sums[0] + sums[1] + sums[2])
    z = np.asarray(used % 3 - 1, dtype=np.float64)[:, None]
    return Table(used // 3 // systems, used // 3 % systems, z, *(x[used] for x in sums))


def _no_extras(table: Table) -> Table:
    return Table(table.a, table.b, np.zeros((len(table.a), 0)), table.win, table.tie, table.loss)


def _free(data: Battles, table: Table, start: Parameters) -> int:
    """Parameters that the data can tell."""
    used = len(np.unique(np.concatenate([table.a, table.b])))
    parts = len(np.unique(connectivity(data).component[np.concatenate([table.a, table.b])])) if used else 0
    return used - parts + len(start.beta) + (start.log_nu is not None)


def _problem(data: Battles, table: Table, df: int, model: Model) -> str:
    if not len(table.a):
        return "There are no judgments that chose a side." if len(data.a) else "There are no judgments."
    if model == "davidson" and not table.tie.any():
        return "There are no ties: test the Bradley-Terry model."
    if df <= 0:
        return "The pairs are too few to test: the model fits any result of them."
    return ""


def _several(data: Battles) -> str:
    judged = data.merged
    if len(judged.cluster) == len(np.flatnonzero(np.bincount(judged.cluster))):
        return ""
    return "Prompts have several judgments, which the test takes as independent: its p value is too small."


def _g2(counts: FloatArray, expected: FloatArray) -> FloatArray:
    """Over outcomes and cells; leading axes, if any, are resamples: counts (..., 3, cells)."""
    ratio = np.divide(counts, expected, out=np.ones_like(counts), where=(counts > 0) & (expected > 0))
    return np.asarray(2 * (counts * np.log(ratio)).sum(axis=(-2, -1)))


def _bootstrap(table: Table, found: Fit, statistic: float, component: IntArray, resamples: int, seed: int) -> float:
    """Share of data sets from the fitted model that fit it worse, the data themselves counted as one."""
    rng = np.random.default_rng(seed)
    chances = np.stack(probabilities(found.at.eta(table), found.at.log_nu), axis=1)
    total = np.rint(table.count).astype(np.int64)
    drawn = rng.multinomial(total, chances / chances.sum(axis=1, keepdims=True), size=(resamples, len(total)))
    worse = 0
    for counts in drawn.astype(np.float64):
        again = Table(table.a, table.b, table.z, counts[:, 0], counts[:, 1], counts[:, 2])
        at = newton(again, found.at, component).at
        expected = np.stack(probabilities(at.eta(table), at.log_nu)) * table.count
        worse += bool(_g2(counts.T, expected) >= statistic - 1e-9)
    return (1 + worse) / (1 + resamples)


@dataclass(frozen=True)
class Triad:
    """`first` is preferred to `second`, `second` to `third`, and `third` to `first`, by these shares; `weakest`
    is the smallest of the three leads in standard errors of no preference."""

    first: str
    second: str
    third: str
    shares: tuple[float, float, float]
    weakest: float


@dataclass(frozen=True)
class CircularTriads:
    """`circular` of `decidable` triads (all three pairs met and are not tied) go round.

    `zeta` is Kendall's coefficient: 1 without circular triads, 0 with as many as can be; None with a reason where
    some pair did not meet or is tied. `worst` lists the triads whose weakest lead is largest.
    """

    circular: int
    decidable: int
    zeta: float | None
    reason: str
    worst: tuple[Triad, ...]

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "worst": [vars(triad) for triad in self.worst]}


def circular_triads(data: Battles, *, worst: int = 10) -> CircularTriads:
    """Triads of systems that beat each other in a circle, by the majority of each pair's judgments.

    A tie counts half. With chance results about a quarter of the triads go round, so a few are no alarm;
    `goodness_of_fit` tests. Source: Kendall & Babington Smith, Biometrika 31, 1940.
    """
    wins = win_matrix(data)
    met = wins + wins.T
    lead = np.sign(np.where(met > 0, np.round(wins - wins.T, 9), 0.0))
    beats = np.asarray(lead > 0, dtype=np.float64)
    decided = beats + beats.T
    circular = round(float(np.trace(beats @ beats @ beats)) / 3)
    decidable = round(float(np.trace(decided @ decided @ decided)) / 6)
    zeta, reason = _zeta(len(wins), circular, decided)
    return CircularTriads(circular, decidable, zeta, reason, _worst(data.systems, wins, met, beats, worst))


def _zeta(size: int, circular: int, decided: FloatArray) -> tuple[float | None, str]:
    if size < 3:
        return None, "Fewer than three systems have no triads."
    if decided.sum() < size * (size - 1):
        return None, "Some pairs did not meet or are tied, so the greatest possible number of circles is not known."
    most = (size**3 - size) / 24 if size % 2 else (size**3 - 4 * size) / 24
    return 1 - circular / most, ""


def _worst(
    systems: tuple[str, ...], wins: FloatArray, met: FloatArray, beats: FloatArray, count: int
) -> tuple[Triad, ...]:
    """i beats j beats k beats i, found for each i as a pair (j, k); i is the smallest of the three."""
    share = np.divide(wins, met, out=np.full_like(wins, 0.5), where=met > 0)
    excess = (2 * share - 1) * np.sqrt(met)
    found: list[tuple[float, int, int, int]] = []
    for i in range(len(wins)):
        ahead, behind = np.flatnonzero(beats[i]), np.flatnonzero(beats[:, i])
        ahead, behind = ahead[ahead > i], behind[behind > i]
        j, k = np.nonzero(beats[np.ix_(ahead, behind)])
        j, k = ahead[j], behind[k]
        weakest = np.minimum(np.minimum(excess[i, j], excess[j, k]), excess[k, i])
        top = np.argsort(-weakest, kind="stable")[:count]
        found += zip(weakest[top].tolist(), [i] * len(top), j[top].tolist(), k[top].tolist(), strict=True)
    found.sort(key=lambda row: (-row[0], *row[1:]))
    return tuple(
        Triad(systems[i], systems[j], systems[k], (float(share[i, j]), float(share[j, k]), float(share[k, i])), weakest)
        for weakest, i, j, k in found[:count]
    )

"""Below 30 prompts: the jackknife, the plain sandwich or a bootstrap-t for strengths of Bradley and Terry?

`python -m tests.analytics.stats.coverage_few_clusters [runs]` prints a table of docs/algorithms/coverage-preference.md.
Errors of a cluster-robust sum are too small where clusters are few. Two remedies are usual: leave each cluster out
(jackknife, t(G-1)), or draw clusters anew and take the distribution of (theta* - theta) / error* in place of Student's
(Cameron, Gelbach & Miller, Review of Economics and Statistics 90, 2008).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from analytics.stats.battles import Battles
from analytics.stats.bradley_terry import bradley_terry
from analytics.stats.intervals import t_quantile
from tests.analytics.stats.battle_tables import simulated
from tests.analytics.stats.coverage_preference import LARGE, PAIRS_A_PROMPT, STRENGTHS

RESAMPLES = 399
METHODS = ("sandwich, t(G-1)", "jackknife, t(G-1)", "bootstrap-t")
_STEPS = 25
_TOO_LARGE = 15.0


class Counts(NamedTuple):
    """By prompt and ordered pair of systems: how often they met, and what the first won (a tie is half)."""

    met: np.ndarray  # (prompts, pairs)
    won: np.ndarray
    sides: np.ndarray  # (pairs, systems): 1 for the first system, -1 for the second


def counted(data: Battles) -> Counts:
    rows, systems = data.merged, data.n_systems
    prompts = int(rows.cluster.max()) + 1
    cell = rows.cluster * systems**2 + rows.a * systems + rows.b
    met, won = (
        np.bincount(cell, column, minlength=prompts * systems**2).reshape(prompts, -1)
        for column in (np.ones(len(cell)), rows.score)
    )
    used = np.flatnonzero(met.sum(axis=0))
    one = np.eye(systems)
    return Counts(met[:, used], won[:, used], one[used // systems] - one[used % systems])


def fitted(counts: Counts, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Strengths and their cluster-robust errors for many weightings of the prompts at once, each (rows, systems). NaN
    where no maximum exists: somebody beat all, or lost to all, in that draw."""
    met, won = weights @ counts.met, weights @ counts.won
    systems = counts.sides.shape[1]
    constant = np.full((systems, systems), 1 / systems)
    theta = np.zeros((len(weights), systems))
    for _ in range(_STEPS):
        chance = expit(theta @ counts.sides.T)
        score = (won - met * chance) @ counts.sides
        information = np.einsum("bp,pi,pj->bij", met * chance * (1 - chance), counts.sides, counts.sides)
        information += constant
        step = np.linalg.solve(information + 1e-9 * np.eye(systems), score[:, :, None])[:, :, 0]
        theta = np.clip(theta + np.clip(step, -2, 2), -_TOO_LARGE, _TOO_LARGE)
    chance = expit(theta @ counts.sides.T)
    residual = counts.won[None] - counts.met[None] * chance[:, None]
    scores = residual @ counts.sides  # (rows, prompts, systems)
    meat = np.einsum("bg,bgi,bgj->bij", weights, scores, scores)
    prompts = weights.shape[1]
    inverse = np.linalg.pinv(np.einsum("bp,pi,pj->bij", met * chance * (1 - chance), counts.sides, counts.sides))
    variance = np.einsum("bii->bi", prompts / (prompts - 1) * inverse @ meat @ inverse)
    errors = np.sqrt(np.maximum(variance, 0))
    lost = abs(theta).max(axis=1) >= _TOO_LARGE / 2
    theta[lost], errors[lost] = np.nan, np.nan
    return theta, errors


class Intervals(NamedTuple):
    """Low and high of each method, (methods, systems), and the share of draws that had no maximum."""

    low: np.ndarray
    high: np.ndarray
    lost: float


def intervals(data: Battles, seed: int) -> Intervals | None:
    """None where the study itself has no maximum: each method then needs the same prior."""
    fit = bradley_terry(data, prior="never")
    if fit.reason:
        return None
    counts = counted(data)
    prompts = len(counts.met)
    theta, plain = (found[0] for found in fitted(counts, np.ones((1, prompts))))
    assert np.allclose(theta, fit.theta, atol=1e-6)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(prompts, np.full(prompts, 1 / prompts), size=RESAMPLES).astype(float)
    again, errors = fitted(counts, drawn)
    kept = np.isfinite(again).all(axis=1) & (errors > 1e-6).all(axis=1)
    pivots = (again[kept] - theta) / errors[kept]
    t = t_quantile(0.95, prompts)
    upper, lower = np.quantile(pivots, [0.975, 0.025], axis=0)
    low = [theta - t * plain, [e.low for e in fit.strengths], theta - upper * plain]
    high = [theta + t * plain, [e.high for e in fit.strengths], theta - lower * plain]
    return Intervals(np.asarray(low), np.asarray(high), 1 - float(kept.mean()))


class Row(NamedTuple):
    method: str
    covered: float
    width: float
    runs: int


def of_prompts(prompts: int, runs: int, pairs: int = PAIRS_A_PROMPT) -> tuple[list[Row], float]:
    """Coverage and median width of each method, averaged over five systems; and the draws that were lost."""
    truth = bradley_terry(simulated(np.random.default_rng(97), STRENGTHS, LARGE, pairs, prompt_sd=1.0)).theta
    hits, widths, lost = [], [], []
    for run in range(runs):
        found = intervals(simulated(np.random.default_rng([8, run]), STRENGTHS, prompts, pairs, prompt_sd=1.0), run)
        if found is not None:
            hits.append(((found.low <= truth) & (truth <= found.high)).mean(axis=1))
            widths.append((found.high - found.low).mean(axis=1))
            lost.append(found.lost)
    covered, width = np.mean(hits, axis=0), np.median(widths, axis=0)
    rows = [Row(name, float(covered[i]), float(width[i]), len(hits)) for i, name in enumerate(METHODS)]
    return rows, float(np.mean(lost))


def table(runs: int) -> Iterator[str]:
    yield "| prompts | errors | covers | median width | studies | draws without a maximum |"
    yield "|---|---|---|---|---|---|"
    for prompts, pairs in ((10, 5), (15, 5), (20, 5), (10, 20), (20, 20)):
        rows, lost = of_prompts(prompts, runs, pairs)
        for row in rows:
            share = f"{100 * lost:.1f} %" if row.method == "bootstrap-t" else ""
            where = f"{prompts} of {pairs} pairs"
            yield f"| {where} | {row.method} | {row.covered:.3f} | {row.width:.2f} | {row.runs} | {share} |"


if __name__ == "__main__":
    for line in table(int(sys.argv[1]) if len(sys.argv) > 1 else 1000):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

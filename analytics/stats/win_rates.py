"""Three win rates of a system among many, which are three different numbers: say which one is shown.

- over prompts: the mean over prompts of the system's mean score there; every prompt weighs the same.
- pooled: all its judgments together; whoever was judged more often weighs more.
- over opponents: the mean over opponents of the pooled share against each; every opponent weighs the same.

Score 1 for a win, 1/2 for a tie of any kind, 0 for a loss. The two orders of a pair by one rater are one
judgment. With other opponents or other prompts each of them changes; `bradley_terry` is made for that.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from analytics.stats._shares import prompt_share, scope_of_judgments, share_from_influence
from analytics.stats.battles import Battles
from analytics.stats.coding import FloatArray, IntArray, weighted_count
from analytics.stats.connectivity import win_matrix
from analytics.stats.intervals import Scope, ratio_over_clusters
from analytics.stats.strengths import SystemEstimates


class _Sides(NamedTuple):
    """Every judgment twice, once for each of its systems; sorted by system."""

    system: IntArray
    opponent: IntArray
    cluster: IntArray
    rater: IntArray
    unit: IntArray
    score: FloatArray
    start: IntArray  # per system: first row, and behind the last


def win_rate_over_prompts(data: Battles, *, level: float = 0.95) -> SystemEstimates:
    """Mean over prompts of the system's mean score there; 0 to 1.

    Interval: sd/sqrt(G) with t(G-1) over the prompts in which the system was judged; with one judgment a prompt
    and no ties, or all wins or all losses, Wilson on prompts. One prompt: a value without an interval.
    Source: statistics of cluster means (Cochran, Sampling Techniques, 1977, ch. 9); Wilson, JASA 22, 1927.
    """
    sides = _sides(data)
    note = _notes(data)
    items = []
    for system in range(data.n_systems):
        rows = slice(sides.start[system], sides.start[system + 1])
        cluster, _ = pd.factorize(sides.cluster[rows])
        size = np.bincount(cluster)
        means = weighted_count(cluster, sides.score[rows], len(size)) / size
        scope = _scope(sides, rows, "win rate over prompts, ties count one half, prompts weighted equally", level)
        items.append(prompt_share(means, size, scope).with_warnings(*note))
    return SystemEstimates(data.systems, tuple(items))


def win_rate_pooled(data: Battles, *, level: float = 0.95) -> SystemEstimates:
    """Mean score over all of the system's judgments; 0 to 1. Interval: ratio estimator, cluster-robust by prompt.

    Source: Cochran, Sampling Techniques, 1977, section 2.11; Wilson on prompts without spread.
    """
    sides = _sides(data)
    note = _notes(data)
    items = []
    for system in range(data.n_systems):
        rows = slice(sides.start[system], sides.start[system + 1])
        cluster, _ = pd.factorize(sides.cluster[rows])
        size = np.bincount(cluster)
        scope = _scope(sides, rows, "win rate pooled over judgments, ties count one half", level)
        hits = weighted_count(cluster, sides.score[rows], len(size))
        items.append(ratio_over_clusters(hits, size.astype(np.float64), scope).with_warnings(*note))
    return SystemEstimates(data.systems, tuple(items))


def win_rate_over_opponents(data: Battles, *, level: float = 0.95) -> SystemEstimates:
    """Unweighted mean over opponents of the pooled share against each; 0 to 1.

    Interval: jackknife of prompts, t(G-1), kept within 0..1; Wilson on prompts without spread. It covered .94 of
    a nominal .95 with 10 prompts of five pairs, .95 and more from 20 (docs/algorithms/coverage-preference.md); below
    20 prompts a warning says that it is approximate. An opponent met in one prompt adds no width, which is said too.
    Source: "average win rate" in Ustalov, Reliable, Reproducible, and Really Fast Leaderboards with Evalica,
    COLING 2025.
    """
    sides = _sides(data)
    wins = win_matrix(data)
    met = wins + wins.T
    share = np.divide(wins, met, out=np.zeros_like(wins), where=met > 0)
    opponents = (met > 0).sum(axis=1)
    note = _notes(data)
    items = []
    for system in range(data.n_systems):
        rows = slice(sides.start[system], sides.start[system + 1])
        against, count = sides.opponent[rows], int(opponents[system])
        value = float(share[system].sum() / count)
        cluster, _ = pd.factorize(sides.cluster[rows])
        left, lone = _left_without(cluster, against, met[system])
        influence = (sides.score[rows] - share[system, against]) / (left * count)
        scope = _scope(sides, rows, f"mean over {count} opponents of the win rate against each", level)
        found = share_from_influence(value, influence, cluster.astype(np.int64), scope)
        items.append(found.with_warnings(_LONE.format(lone) if lone else "", *note))
    return SystemEstimates(data.systems, tuple(items))


_LONE = "{} opponents were met in one prompt only, which tells nothing of the spread against them."


def _left_without(cluster: IntArray, against: IntArray, met: FloatArray) -> tuple[FloatArray, int]:
    """For each judgment, how many judgments against its opponent other prompts have (all of them where no other
    prompt has any), and how many opponents were met in one prompt only.

    Leaving a prompt out moves the share against an opponent by the sum of residuals there over the rest: so the
    interval is the jackknife's, which is wider than the linearised one where judgments are few.
    """
    pair, _ = pd.factorize(cluster.astype(np.int64) * len(met) + against)
    here = np.bincount(pair)[pair] if len(pair) else np.zeros(0)
    left = met[against] - here
    lone = len(np.unique(against[left < 0.5]))
    return np.where(left < 0.5, met[against], left), lone


def _sides(data: Battles) -> _Sides:
    one = data.merged
    system = np.concatenate([one.a, one.b])
    order = np.argsort(system, kind="stable")
    twice = np.concatenate([np.arange(len(one.a))] * 2)[order]
    turned = order >= len(one.a)
    return _Sides(
        system=system[order],
        opponent=np.where(turned, one.a[twice], one.b[twice]),
        cluster=one.cluster[twice],
        rater=one.rater[twice],
        unit=one.unit[twice],
        score=np.where(turned, 1 - one.score[twice], one.score[twice]),
        start=np.searchsorted(system[order], np.arange(data.n_systems + 1)),
    )


def _scope(sides: _Sides, rows: slice, method: str, level: float) -> Scope:
    return scope_of_judgments(method, level, sides.unit[rows], sides.cluster[rows], sides.rater[rows])


def _notes(data: Battles) -> tuple[str, ...]:
    wins = win_matrix(data)
    met = int(np.count_nonzero(np.triu(wins + wins.T, 1)))
    pairs = data.n_systems * (data.n_systems - 1) // 2
    notes = [
        (
            f"{pairs - met} of {pairs} pairs of systems never met: win rates compare systems with different opponents."
            if met < pairs
            else ""
        ),
        (
            f"{data.n_inconsistent} pairs were answered differently in the two orders and count as ties."
            if data.n_inconsistent
            else ""
        ),
    ]
    return tuple(note for note in notes if note)

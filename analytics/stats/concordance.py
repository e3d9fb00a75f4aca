"""How far several rankings of the same outputs agree as wholes: Kendall's coefficient of concordance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from analytics.stats._rows import codes, same_lengths
from analytics.stats.coding import FloatArray, IntArray, weighted_count
from analytics.stats.intervals import Scope, mean_over_clusters
from analytics.stats.results import Estimate


def kendall_w(
    task: ArrayLike,
    cluster: ArrayLike,
    ranking: ArrayLike,
    output: ArrayLike,
    rank: ArrayLike,
    *,
    level: float = 0.95,
) -> Estimate:
    """Kendall's W with ties: 1 if all rankings of a task are the same, 0 if rank sums are equal; mean over prompts.

    All columns are (outputs ranked,): one row an output in one ranking. `rank` is 1 for the best, and outputs that tie
    have the mean of the ranks they take up. A task with one ranking, or whose rankings are ties from end to end, tells
    nothing and is left out. By chance alone W is 1/m with m rankings, not 0. Interval: sd/sqrt(G), t(G-1), over
    prompts, within 0..1. No task with two rankings: not estimable. Raises ValueError: lengths differ, an entry is
    missing, a task in two clusters, or rankings of a task that rank other outputs.
    Source: Kendall & Babington Smith, Annals of Mathematical Statistics 10, 1939; with ties Kendall, Rank Correlation
    Methods, 1948, ch. 6.
    """
    of_task, tasks = codes("task", task)
    of_cluster, _ = codes("cluster", cluster)
    of_ranking, rankings = codes("ranking", ranking)
    of_output, _ = codes("output", output)
    ranks = np.asarray(rank, dtype=np.float64)
    same_lengths(task=of_task, cluster=of_cluster, ranking=of_ranking, output=of_output, rank=ranks)
    prompt_of = np.zeros(len(tasks), dtype=np.int64)
    prompt_of[of_task] = of_cluster
    if (prompt_of[of_task] != of_cluster).any():
        raise ValueError("A task appears in more than one cluster (prompt).")
    found, m = _by_task(of_task, of_ranking, of_output, ranks, len(tasks))
    used = np.isfinite(found)
    scope = Scope(
        "Kendall's W corrected for ties, mean over prompts",
        "coefficient",
        level,
        int(used.sum()),
        len(np.unique(prompt_of[used])),
        0,
        int(m[used].sum()),
    )
    if not used.any():
        return Estimate.not_estimable(reason="No task has two rankings to compare.", **scope.fields())
    _, place = np.unique(prompt_of[used], return_inverse=True)
    means = weighted_count(place, found[used], place.max() + 1) / np.bincount(place)
    return mean_over_clusters(means, scope, share=True)


def _by_task(
    task: IntArray, ranking: IntArray, output: IntArray, rank: FloatArray, n_tasks: int
) -> tuple[FloatArray, IntArray]:
    """W of each task (NaN: none) and its number of rankings."""
    pairs, place = np.unique(np.stack([task, output]), axis=1, return_inverse=True)
    sums = np.bincount(place.ravel(), rank)
    per_output = np.bincount(place.ravel())
    n = np.bincount(pairs[0], minlength=n_tasks).astype(np.float64)
    m = np.bincount(np.unique(np.stack([task, ranking]), axis=1)[0], minlength=n_tasks)
    if (per_output != m[pairs[0]]).any():
        raise ValueError("Two rankings of one task do not rank the same outputs.")
    mean = m * (n + 1) / 2
    spread = weighted_count(pairs[0], (sums - mean[pairs[0]]) ** 2, n_tasks)
    whole = m.astype(np.float64) ** 2 * (n**3 - n) - m * _ties(task, ranking, rank, n_tasks)
    tells = (m >= 2) & (whole > 0)
    return np.where(tells, 12 * spread / np.where(tells, whole, 1), np.nan), m


def _ties(task: IntArray, ranking: IntArray, rank: FloatArray, n_tasks: int) -> FloatArray:
    """Sum over the rankings of a task of t³ − t over its groups of t outputs that tie."""
    groups, size = np.unique(np.stack([task, ranking, rank]), axis=1, return_counts=True)
    return weighted_count(groups[0].astype(np.int64), size.astype(np.float64) ** 3 - size, n_tasks)

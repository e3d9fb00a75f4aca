"""What a judge could reach at best: its agreement with one person beside that of another person.

People disagree, so no judge can agree with them perfectly. The fair mark is a second person, on the same outputs and
with the same unit: the judge against one rater drawn at random, and another rater against the same rater. A
judge compared with the consensus and people with each other would favour the judge, for a consensus has less noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics.stats._judge import judge_numbers, judge_values, level_codes, require_same_kind
from analytics.stats._kernels import (
    Resampler,
    fits_table,
    kendall_kernel,
    pearson_kernel,
    percentile_estimate,
    spearman_kernel,
    too_few,
)
from analytics.stats._linearised import ONE_PROMPT, residual_influence, t_estimate, variance_of, within
from analytics.stats.coding import CodedRatings, FloatArray, IntArray, weighted_count
from analytics.stats.intervals import MIN_PROMPTS, Scope, ratio_over_clusters
from analytics.stats.results import Estimate
from analytics.stats.small_samples import noted

Measure = Literal["agreement", "kendall_tau_b", "spearman", "pearson"]
_NAMES = {
    "agreement": "share of equal answers",
    "kendall_tau_b": "Kendall's tau-b",
    "spearman": "Spearman's rho",
    "pearson": "Pearson's r",
}
_KERNELS = {"kendall_tau_b": kendall_kernel, "spearman": spearman_kernel, "pearson": pearson_kernel}


@dataclass(frozen=True)
class Ceiling:
    """The judge with one rater, another rater with that rater, and judge minus rater, paired.

    A difference above 0: the judge is as good a stand-in for one person as another person is. It says nothing
    about the truth, which both may miss."""

    judge: Estimate
    human: Estimate
    difference: Estimate

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name).to_dict() for name in ("judge", "human", "difference")}


def human_ceiling(
    unit: ArrayLike,
    judge: ArrayLike,
    human: CodedRatings,
    measure: Measure = "agreement",
    *,
    seed: int = 0,
    level: float = 0.95,
) -> Ceiling:
    """The judge with one random rater, beside another random rater with that rater, on the same outputs.

    `unit`, `judge` (outputs,): the judge's answers by unit label. Outputs with an answer and two human ratings or
    more count, each with the weight 1: every rating is the target once, and the others (or the judge) are what is
    compared with it. `agreement` is the share of equal answers; an answer that is no level of the human scale is
    wrong. The correlations need numbers. Intervals: cluster-robust by prompt for `agreement`, else a percentile
    bootstrap of prompts with one seed for all three figures; these raters. The difference of shares covers .92 to .94
    below 30 prompts (docs/algorithms/coverage-automated.md), which a warning says. Not estimable without such outputs.
    Raises ValueError if a unit has two answers, lengths differ, text stands against numbers, or the measure is
    unknown. Source: leave-one-out as in Calderon, Reichart & Dror, ACL 2025, section 3.
    """
    if measure not in _NAMES:
        raise ValueError(f"Unknown measure {measure!r}: use {', '.join(_NAMES)}.")
    found, values = judge_values(unit, judge, human)
    require_same_kind(values, human)
    shared = human.pairable[found]
    found, values = found[shared], values[shared]
    scopes = _scopes(found, human, measure, level)
    if not len(found):
        return _refused("No output has an answer of the judge and two human ratings.", scopes)
    if measure == "agreement":
        return _agreement(found, values, human, scopes)
    return _correlations(found, judge_numbers(values, human), human, measure, scopes, seed)


_WHO = ("judge with one rater", "another rater with that rater", "judge minus rater")


def _scopes(found: IntArray, human: CodedRatings, measure: str, level: float) -> list[Scope]:
    """The scopes of the three figures, which stand on the same outputs."""
    rows = np.isin(human.unit, found)
    raters = human.rater[rows]
    return [
        Scope(
            f"{_NAMES[measure]}, {who}, same outputs, these raters",
            "share" if measure == "agreement" else "correlation",
            level,
            len(found),
            len(np.unique(human.cluster_of_unit[found])),
            len(np.unique(raters[raters >= 0])),
            int(rows.sum()),
        )
        for who in _WHO
    ]


def _refused(reason: str, scopes: list[Scope]) -> Ceiling:
    judge, people, gap = (Estimate.not_estimable(reason=reason, **scope.fields()) for scope in scopes)
    return Ceiling(judge, people, gap)


def _agreement(found: IntArray, values: NDArray[Any], human: CodedRatings, scopes: list[Scope]) -> Ceiling:
    size = human.ratings_per_unit.astype(np.float64)
    cells = human.cells
    same = weighted_count(cells.unit, cells.n * (cells.n - 1), human.n_units)[found]
    people = same / (size[found] * (size[found] - 1))
    code = level_codes(values, human)
    chosen = np.full(human.n_units, -2)
    chosen[found] = code
    hits = weighted_count(cells.unit, cells.n * (cells.code == chosen[cells.unit]), human.n_units)[found]
    judge = hits / size[found]
    cluster = human.cluster_of_unit[found]
    return Ceiling(
        _pooled_share(judge, cluster, scopes[0]),
        _pooled_share(people, cluster, scopes[1]),
        noted("human_ceiling", _paired(judge - people, cluster, scopes[2])),
    )


def _pooled_share(share: FloatArray, cluster: IntArray, scope: Scope) -> Estimate:
    size = int(cluster.max()) + 1
    outputs = np.bincount(cluster, minlength=size).astype(np.float64)
    return ratio_over_clusters(weighted_count(cluster, share, size), outputs, scope)


def _paired(gap: FloatArray, cluster: IntArray, scope: Scope) -> Estimate:
    if scope.n_clusters == 1:
        return Estimate.insufficient(float(gap.mean()), reason=ONE_PROMPT, **scope.fields())
    variance = variance_of(residual_influence(gap, cluster), cluster)
    return within(t_estimate(float(gap.mean()), variance, scope.n_clusters - 1, scope), -1.0, 1.0)


class _Table(NamedTuple):
    """Pairs of numbers with weights that give every output the weight 1."""

    x: FloatArray
    y: FloatArray
    weight: FloatArray
    cluster: IntArray


def _correlations(
    found: IntArray, judge: FloatArray, human: CodedRatings, measure: str, scopes: list[Scope], seed: int
) -> Ceiling:
    tables = [_with_judge(found, judge, human), _with_each_other(found, human)]
    problem = _undefined(tables, measure)
    if problem:
        return _refused(problem, scopes)
    groups = scopes[0].n_clusters
    resamplers = [Resampler(_KERNELS[measure], [t.x, t.y], t.cluster, groups, t.weight) for t in tables]
    values = [resampler.value for resampler in resamplers]
    values.append(values[0] - values[1])
    if groups < MIN_PROMPTS:
        few = too_few(groups)
        pairs = zip(values, scopes, strict=True)
        return Ceiling(*[Estimate.insufficient(value, reason=few, **scope.fields()) for value, scope in pairs])
    # One seed and one number of prompts: the same prompts are drawn for both, so their difference is paired.
    draws = [resampler.draws(seed) for resampler in resamplers]
    draws.append(draws[0] - draws[1])
    return Ceiling(*[percentile_estimate(v, d, s, seed) for v, d, s in zip(values, draws, scopes, strict=True)])


def _with_judge(found: IntArray, judge: FloatArray, human: CodedRatings) -> _Table:
    """One row a rating: the rating, the judge's value, weight 1/m."""
    value = np.full(human.n_units, np.nan)
    value[found] = judge
    rows = np.flatnonzero(np.isin(human.unit, found))
    unit = human.unit[rows]
    weight = 1 / human.ratings_per_unit[unit]
    return _Table(human.values()[human.code[rows]], value[unit], weight, _clusters(human, unit))


def _with_each_other(found: IntArray, human: CodedRatings) -> _Table:
    """One row an ordered pair of ratings of one output, equal pairs added up, weight n/(m(m-1))."""
    rows = np.flatnonzero(np.isin(human.cells.unit, found))
    unit, code, n = human.cells.unit[rows], human.cells.code[rows], human.cells.n[rows]
    count = np.bincount(unit, minlength=human.n_units)
    start = np.cumsum(count) - count
    repeat = count[unit]
    left = np.repeat(np.arange(len(rows)), repeat)
    right = start[unit[left]] + np.arange(len(left)) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    size = human.ratings_per_unit[unit[left]]
    weight = n[left] * (n[right] - (left == right)) / (size * (size - 1))
    kept = weight > 0
    left, right = left[kept], right[kept]
    values = human.values()
    return _Table(values[code[left]], values[code[right]], weight[kept], _clusters(human, unit[left]))


def _clusters(human: CodedRatings, unit: IntArray) -> IntArray:
    """Codes 0..G-1 of the prompts that occur: the same for both tables, which hold the same outputs."""
    return np.unique(human.cluster_of_unit[unit], return_inverse=True)[1]


def _undefined(tables: list[_Table], measure: str) -> str:
    if np.ptp(tables[0].y) == 0:
        return "The judge gave every output the same value."
    if np.ptp(tables[0].x) == 0:
        return "The people gave every output the same rating."
    if measure == "kendall_tau_b" and not all(fits_table(table.x, table.y) for table in tables):
        return "There are too many distinct values to count pairs by table: use spearman, or round the judge's values."
    return ""

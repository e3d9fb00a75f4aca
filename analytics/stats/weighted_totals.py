"""One number from several criteria: a declared weight for each, a declared rule for what is missing.

Criteria of one output are correlated, so a total's uncertainty is not that of its parts added up: the total of each
output is made first, and whole prompts are resampled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from analytics.stats._kernels import bootstrap, percentile_estimate
from analytics.stats.coding import CodedRatings, FloatArray, Measurement, weighted_count
from analytics.stats.intervals import MIN_PROMPTS, Scope, mean_over_clusters
from analytics.stats.results import Estimate

# complete: only outputs with every criterion. renormalise: the weights of the criteria that are there are stretched
# to the whole. refuse: no total as soon as one output lacks a criterion.
Missing = Literal["complete", "renormalise", "refuse"]
MISSING: tuple[Missing, ...] = ("complete", "renormalise", "refuse")


@dataclass(frozen=True, eq=False)
class WeightedCriterion:
    """One criterion of a total. `points` gives levels their numbers, which makes any level of measurement one of
    points; without it the criterion must be interval or ratio."""

    key: str
    data: CodedRatings
    measurement: Measurement
    weight: float
    points: Mapping[Any, float] | None = None


@dataclass(frozen=True)
class WeightedTotal:
    """`estimate` and what it stands on: outputs with every criterion, and outputs that lack one."""

    estimate: Estimate
    missing: Missing
    n_complete: int
    n_incomplete: int

    def to_dict(self) -> dict[str, Any]:
        return {
            **self.estimate.to_dict(),
            "missing": self.missing,
            "n_complete": self.n_complete,
            "n_incomplete": self.n_incomplete,
        }


def weighted_total(
    criteria: Sequence[WeightedCriterion],
    *,
    missing: Missing,
    rescale: bool = False,
    interval: Literal["bootstrap", "t"] = "bootstrap",
    seed: int = 0,
    level: float = 0.95,
) -> WeightedTotal:
    """The mean over prompts of outputs' totals, sum of weight x mean rating, for one system.

    `missing` is declared, never guessed (see MISSING), and what it does is counted in a warning. `rescale` maps each
    criterion to 0..1 by its declared scale (or its points) first. Prompts weigh the same. Interval: bootstrap of
    whole prompts, with percentiles widened so that few prompts cover as t does; or t(G-1) on prompts' totals.
    Under 10 prompts no bootstrap interval is claimed. An ordinal or nominal criterion without points, or no output to
    total: not estimable. Raises ValueError: no criteria, a key twice, a weight that is not above 0, an output in
    two clusters, levels without points, rescaling without a declared scale.
    Source: Cochran 1977, ch. 9 (cluster totals); Hesterberg, American Statistician 69, 2015, section 5.3.
    """
    _check(criteria, missing)
    made = _totals(criteria, missing, rescale)
    scope = _scope("weighted total", criteria, made, rescale, level)
    if made.problem:
        estimate = Estimate.not_estimable(reason=made.problem, **scope.fields())
    else:
        estimate = _estimate(made.means, scope, interval, seed).with_warnings(_note(missing, made))
    return WeightedTotal(estimate, missing, made.complete, made.incomplete)


def weighted_total_difference(
    a: Sequence[WeightedCriterion],
    b: Sequence[WeightedCriterion],
    *,
    missing: Missing,
    rescale: bool = False,
    interval: Literal["bootstrap", "t"] = "bootstrap",
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """Total of system `a` minus that of `b`, paired by prompt.

    Both with the same criteria, weights and points, else ValueError. Prompts that only one of them has are left out,
    and a warning says how many. Other arguments, refusals and source as `weighted_total`.
    """
    for side in (a, b):
        _check(side, missing)
    if [(c.key, c.weight, c.points) for c in a] != [(c.key, c.weight, c.points) for c in b]:
        raise ValueError("Both systems need the same criteria with the same weights and points, in the same order.")
    of_a, of_b = _totals(a, missing, rescale), _totals(b, missing, rescale)
    shared, in_a, in_b = np.intersect1d(of_a.prompts, of_b.prompts, assume_unique=True, return_indices=True)
    scope = _scope("difference of weighted totals, paired by prompt", [*a, *b], of_a, rescale, level)
    scope = replace(scope, n_clusters=len(shared), n_units=of_a.used + of_b.used)
    problem = of_a.problem or of_b.problem or ("" if len(shared) else "No prompt was answered by both systems.")
    if problem:
        return Estimate.not_estimable(reason=problem, **scope.fields())
    alone = len(of_a.prompts) + len(of_b.prompts) - 2 * len(shared)
    left_out = f"{alone} prompts have a total for one of the two systems only and are left out." if alone else ""
    estimate = _estimate(of_a.means[in_a] - of_b.means[in_b], scope, interval, seed)
    return estimate.with_warnings(_note(missing, of_a), _note(missing, of_b), left_out)


class _Totals(NamedTuple):
    """Prompts' labels and mean totals; `problem` is empty where there are any."""

    prompts: np.ndarray
    means: FloatArray
    complete: int
    incomplete: int
    used: int
    problem: str


def _totals(criteria: Sequence[WeightedCriterion], missing: Missing, rescale: bool) -> _Totals:
    refused = [text for text in map(_refusal, criteria) if text]
    if refused:
        return _Totals(np.zeros(0, dtype=str), np.zeros(0), 0, 0, 0, refused[0])
    table = pd.concat([_column(criterion, rescale) for criterion in criteria], axis=1)
    cluster = _clusters(criteria).reindex(table.index)
    values = table.to_numpy(dtype=np.float64)
    weight = np.asarray([criterion.weight for criterion in criteria])
    given = ~np.isnan(values)
    whole = given.all(axis=1)
    complete, incomplete = int(whole.sum()), int((~whole).sum())
    stretch = weight.sum() / np.where(given, weight, 0.0).sum(axis=1)
    total = np.where(given, values, 0.0) @ weight * stretch
    kept = np.ones(len(table), dtype=np.bool_) if missing == "renormalise" else whole
    problem = ""
    if missing == "refuse" and incomplete:
        problem = (
            f"{incomplete} of {len(table)} outputs lack a criterion, and the rule for missing criteria is to refuse."
        )
    elif not kept.any():
        problem = "No output has a rating on every criterion."
    code, prompts = pd.factorize(cluster.to_numpy()[kept].astype(str), sort=True)
    sums = weighted_count(code.astype(np.int64), total[kept], len(prompts))
    means = sums / np.bincount(code, minlength=len(prompts)) if len(prompts) else sums
    return _Totals(np.asarray(prompts, dtype=str), means, complete, incomplete, int(kept.sum()), problem)


def _refusal(criterion: WeightedCriterion) -> str:
    if criterion.points is not None or criterion.measurement in ("interval", "ratio"):
        return ""
    return (
        f"Criterion {criterion.key!r} is {criterion.measurement}: its levels cannot be added up. Declare points for "
        "them, or leave it out of the total."
    )


def _column(criterion: WeightedCriterion, rescale: bool) -> pd.Series[float]:
    """Outputs' mean points on one criterion, by output label."""
    data = criterion.data
    if criterion.points is None:
        data.require(criterion.measurement)
    numbers = data.values() if criterion.points is None else _points(criterion)
    if rescale:
        if criterion.points is None and not data.domain_declared:
            raise ValueError(f"Criterion {criterion.key!r} has no declared scale to rescale by.")
        if len(numbers) and np.ptp(numbers) == 0:
            raise ValueError(f"Criterion {criterion.key!r} has one level only, so it cannot be rescaled.")
        numbers = (numbers - numbers.min()) / np.ptp(numbers) if len(numbers) else numbers
    sums = weighted_count(data.unit, numbers[data.code], data.n_units)
    return pd.Series(sums / np.maximum(data.ratings_per_unit, 1), index=data.unit_labels.astype(str))


def _points(criterion: WeightedCriterion) -> FloatArray:
    points = dict(criterion.points or {})
    lacking = [level for level in criterion.data.domain if level not in points]
    if lacking:
        raise ValueError(f"Criterion {criterion.key!r} gives no points to level {lacking[0]!r}.")
    return np.asarray([points[level] for level in criterion.data.domain], dtype=np.float64)


def _clusters(criteria: Sequence[WeightedCriterion]) -> pd.Series[str]:
    """The prompt of each output. Raises ValueError if two criteria disagree about it."""
    parts = [
        pd.Series(c.data.cluster_labels[c.data.cluster_of_unit].astype(str), index=c.data.unit_labels.astype(str))
        for c in criteria
    ]
    every = pd.concat(parts).rename("cluster").rename_axis("unit").reset_index().drop_duplicates()
    clash = every[every["unit"].duplicated()]
    if len(clash):
        raise ValueError(f"Output {clash['unit'].iloc[0]!r} appears in more than one cluster (prompt).")
    return every.set_index("unit")["cluster"]


def _estimate(means: FloatArray, scope: Scope, interval: str, seed: int) -> Estimate:
    if interval not in ("bootstrap", "t"):
        raise ValueError(f"Unknown interval {interval!r}: use bootstrap or t.")
    groups = len(means)
    if interval == "t" or groups == 1 or np.ptp(means) <= 1e-12 * max(1.0, float(abs(means).max())):
        return mean_over_clusters(means, scope)
    value = float(means.mean())
    if groups < MIN_PROMPTS:
        reason = f"Only {groups} prompts have a total: no bootstrap interval below {MIN_PROMPTS}."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    draws = bootstrap(lambda weights: np.asarray(weights @ means / groups), groups, seed, groups)
    return percentile_estimate(value, draws, scope, seed)


def _scope(method: str, criteria: Sequence[WeightedCriterion], made: _Totals, rescale: bool, level: float) -> Scope:
    keys = dict.fromkeys(f"{criterion.key} x {criterion.weight:g}" for criterion in criteria)
    raters = {label for criterion in criteria for label in criterion.data.rater_labels.tolist()}
    return Scope(
        f"{method}: {', '.join(keys)}{', each on 0..1' if rescale else ''}",
        "points",
        level,
        made.used,
        len(made.prompts),
        len(raters),
        sum(len(criterion.data.unit) for criterion in criteria),
    )


def _note(missing: Missing, made: _Totals) -> str:
    if not made.incomplete:
        return ""
    if missing == "renormalise":
        return f"{made.incomplete} outputs lack a criterion: the weights of the others were stretched, as declared."
    return f"{made.incomplete} outputs lack a criterion and are left out, as declared."


def _check(criteria: Sequence[WeightedCriterion], missing: str) -> None:
    if missing not in MISSING:
        raise ValueError(f"Unknown rule for missing criteria {missing!r}: use {', '.join(MISSING)}.")
    if not criteria:
        raise ValueError("A total needs at least one criterion.")
    keys = [criterion.key for criterion in criteria]
    if len(set(keys)) < len(keys):
        raise ValueError(f"A criterion is named twice: {', '.join(keys)}.")
    wrong = [c for c in criteria if not (np.isfinite(c.weight) and c.weight > 0)]
    if wrong:
        raise ValueError(f"The weight of {wrong[0].key!r} must be a finite number above 0; got {wrong[0].weight}.")

"""The difference of two agreements with its own interval: experts and crowd, guideline 1 and 2, two criteria.

Two intervals that overlap say little about a difference; on the same prompts its interval is usually much
narrower than either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from analytics.stats._coefficients import Coefficient
from analytics.stats._estimation import (
    FEW_RATERS,
    MIN_RATERS,
    RATER_PART_UNDEFINED,
    Population,
    jackknife_variance,
    too_few,
    too_little,
)
from analytics.stats._named import Statistic, named_coefficient
from analytics.stats._subsets import keep_units
from analytics.stats._totals import PairTable
from analytics.stats.agreement import Weights
from analytics.stats.coding import CodedRatings, FloatArray, Measurement, weighted_count
from analytics.stats.intervals import MIN_PROMPTS, Scope, few_prompts_warning, t_quantile, z_quantile
from analytics.stats.results import Estimate

Pairing = Literal["prompts", "none"]


def agreement_difference(
    a: CodedRatings,
    b: CodedRatings,
    measurement: Measurement,
    *,
    statistic: Statistic = "krippendorff_alpha",
    weights: Weights = "identity",
    pairing: Pairing = "prompts",
    population: Population = "raters_like_these",
    level: float = 0.95,
) -> Estimate:
    """Agreement in `a` minus agreement in `b`, -2 to 2 in coefficient units.

    `pairing="prompts"` compares on the prompts (cluster labels) that both have, leaves out the others with a
    warning, and takes the derivatives of both within each prompt together; "none" is for different prompts,
    whose variances add, with Welch's degrees of freedom. For "raters_like_these" the jackknife leaves a rater
    who is in both (by label) out of both; raters of one side only add their own part. Not estimable where one
    side is; under ten prompts a value without an interval. Raises ValueError as the coefficients do.
    Source: the delta method on per-prompt sums; Gwet, Psychometrika 81, 2016 (correlated coefficients).
    """
    if population not in get_args(Population):
        raise ValueError(f"Unknown population {population!r}: use {' or '.join(get_args(Population))}.")
    sides, shared, note = _sides(a, b, measurement, statistic, weights, pairing)
    scope = _scope(sides, shared, statistic, level)
    problem = next((text for text in (side.problem for side in sides) if text), "")
    values = [None if problem else side.coefficient.value(side.table.whole) for side in sides]
    first, second = values
    if first is None or second is None:
        undefined = sides[0 if first is None else 1].coefficient.undefined
        return Estimate.not_estimable(reason=problem or undefined, **scope.fields()).with_warnings(note)
    if scope.n_clusters < MIN_PROMPTS:
        return Estimate.insufficient(first - second, reason=too_few(scope), **scope.fields()).with_warnings(note)
    items, groups = _item_variance(sides, shared)
    half = t_quantile(level, groups) * math.sqrt(items)
    method, warning = f"linearised by prompt, t({groups - 1:.0f}), these raters", ""
    if population == "raters_like_these":
        raters, warning = _rater_variance(sides)
        if not warning:
            half = max(half, z_quantile(level) * math.sqrt(items + raters))
            method = "linearised by prompt plus leave-one-rater-out jackknife, raters like these"
    if half <= 1e-12:
        reason = "All prompts show the same difference, so no interval can be claimed."
        return Estimate.insufficient(first - second, reason=reason, **scope.fields()).with_warnings(note)
    found = Estimate(first - second, first - second - half, first - second + half, **scope.fields(method))
    return found.with_warnings(few_prompts_warning(scope.n_clusters), warning, note)


@dataclass(frozen=True, eq=False)
class _Side:
    table: PairTable
    coefficient: Coefficient
    problem: str

    def by_prompt(self) -> FloatArray:
        """The derivative towards each prompt of the table, shape (clusters,)."""
        data = self.table.data
        used = self.coefficient.varies(self.table)[self.table.patterns.of_unit]
        influence = np.where(used, self.coefficient.influence(self.table), 0.0)
        return weighted_count(data.cluster_of_unit, influence, len(data.cluster_labels))

    def without_raters(self) -> dict[str, float | None]:
        """The coefficient without each rater, by label."""
        labels = self.table.data.rater_labels[self.table.raters_with_pairs]
        totals = self.table.without_each_rater()
        values = [self.coefficient.value(t) if t.pairable >= 2 else None for t in totals]
        return dict(zip(map(str, labels), values, strict=True))


def _sides(
    a: CodedRatings,
    b: CodedRatings,
    measurement: Measurement,
    statistic: Statistic,
    weights: Weights,
    pairing: Pairing,
) -> tuple[tuple[_Side, _Side], list[str] | None, str]:
    """Both sides, the labels of the prompts they share (None: unpaired), and what was left out."""
    if pairing not in ("prompts", "none"):
        raise ValueError(f"Unknown pairing {pairing!r}: use prompts or none.")
    shared, note = None, ""
    if pairing == "prompts":
        own = [_prompts(data) for data in (a, b)]
        shared = sorted(own[0] & own[1])
        alone = len(own[0] ^ own[1])
        note = f"{alone} prompts have two ratings of an output on one side only and are left out." if alone else ""
        a, b = (_of_prompts(data, shared) for data in (a, b))
    sides = []
    for data in (a, b):
        coefficient, problem = named_coefficient(data, statistic, measurement, weights)
        table = PairTable(data)
        sides.append(_Side(table, coefficient, too_little(table) or problem))
    return (sides[0], sides[1]), shared, note


def _of_prompts(data: CodedRatings, labels: list[str]) -> CodedRatings:
    return keep_units(data, np.isin(data.cluster_labels.astype(str), labels)[data.cluster_of_unit])


def _prompts(data: CodedRatings) -> set[str]:
    """Labels of the prompts that have an output with two ratings."""
    return set(data.cluster_labels[np.unique(data.cluster_of_unit[data.pairable])].astype(str).tolist())


def _scope(sides: tuple[_Side, _Side], shared: list[str] | None, statistic: str, level: float) -> Scope:
    data = [side.table.data for side in sides]
    labels = [set(side.table.data.rater_labels[side.table.raters_with_pairs].astype(str)) for side in sides]
    paired = "unpaired" if shared is None else "paired by prompt"
    return Scope(
        method=f"difference of {statistic}, {paired}",
        unit="coefficient",
        level=level,
        n_units=sum(int(d.pairable.sum()) for d in data),
        n_clusters=min(len(_prompts(d)) for d in data) if shared is None else len(shared),
        n_raters=len(labels[0] | labels[1]),
        n_judgments=sum(int(d.ratings_per_unit[d.pairable].sum()) for d in data),
    )


def _item_variance(sides: tuple[_Side, _Side], shared: list[str] | None) -> tuple[float, int]:
    """The variance over prompts, and the number of prompts that gives its degrees of freedom plus one."""
    if shared is not None:
        first, second = (_at(side, shared) for side in sides)
        return _variance(first - second), len(shared)
    parts = [_variance(_at(side, sorted(_prompts(side.table.data)))) for side in sides]
    freedom = [len(_prompts(side.table.data)) - 1 for side in sides]
    total = sum(parts)
    spread = sum(part**2 / df for part, df in zip(parts, freedom, strict=True))
    return total, 1 + round(total**2 / spread) if spread > 0 else 1 + min(freedom)


def _at(side: _Side, labels: list[str]) -> FloatArray:
    """Derivatives at these prompts, in this order."""
    row = {str(label): number for number, label in enumerate(side.table.data.cluster_labels)}
    return side.by_prompt()[[row[label] for label in labels]]


def _variance(sums: FloatArray) -> float:
    groups = len(sums)
    return float(groups / (groups - 1) * np.sum((sums - sums.mean()) ** 2))


def _rater_variance(sides: tuple[_Side, _Side]) -> tuple[float, str]:
    """The jackknife over raters, and why there is none."""
    first, second = (side.without_raters() for side in sides)
    if min(len(first), len(second)) < MIN_RATERS:
        return 0.0, FEW_RATERS
    if None in first.values() or None in second.values():
        return 0.0, RATER_PART_UNDEFINED
    if not first.keys() & second.keys():
        return sum(jackknife_variance(np.asarray(list(s.values()), dtype=np.float64)) for s in (first, second)), ""
    whole = [side.coefficient.value(side.table.whole) for side in sides]
    raters = sorted(first.keys() | second.keys())
    values = [[side.get(rater, value) for rater in raters] for side, value in zip((first, second), whole, strict=True)]
    return jackknife_variance(np.subtract(*np.asarray(values, dtype=np.float64))), ""

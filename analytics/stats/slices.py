"""Results by slice (domain, language, tag): what each shows, and whether it differs from the rest.

The question for a slice is not "is it different from 0" but "is it different from the other prompts": a system that
wins everywhere wins in every slice. Overlapping intervals are no answer either. With many slices the largest
difference is large by chance, so p values are adjusted, and ranking is done on partially pooled values (`pooling`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

from analytics.stats._linearised import cluster_sums, residual_influence, t_estimate, within
from analytics.stats._rows import Rows, complete_rows
from analytics.stats.coding import BoolArray, FloatArray, IntArray, as_column, weighted_count
from analytics.stats.intervals import Scope, mean_over_clusters
from analytics.stats.multiplicity import CORRECTIONS, Correction
from analytics.stats.results import Estimate, TestedEstimate, finite_or_none

MIN_SLICE = 10


@dataclass(frozen=True)
class Slice:
    """One slice: its own mean, and slice minus rest with its p value as it is and adjusted over all slices."""

    name: str
    estimate: Estimate
    interaction: TestedEstimate
    p_adjusted: float | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "estimate": self.estimate.to_dict(),
            "interaction": self.interaction.to_dict(),
            "p_adjusted": finite_or_none(self.p_adjusted),
        }


def slices(
    value: ArrayLike,
    cluster: ArrayLike,
    membership: Mapping[str, ArrayLike],
    *,
    correction: Correction = "benjamini_yekutieli",
    share: bool = False,
    unit: str = "points",
    level: float = 0.95,
    **counts: int,
) -> tuple[Slice, ...]:
    """Every slice's mean and its interaction with the rest, in the order of `membership`.

    `value` (rows,): a score, a difference of two systems or a win rate on one prompt or output; missing ones are
    dropped. `cluster` (rows,): the prompt. `membership`: slice name to True or False for each row; slices may
    overlap. A slice with fewer than 10 prompts is hidden (not estimable), and so is its interaction; it is not counted
    in the correction. `correction`: holm for a few slices declared before the data, benjamini_hochberg for
    exploring, benjamini_yekutieli (the default) for overlapping tags. Raises ValueError: lengths, text,
    infinities, no slices, another correction, membership that is not yes or no.
    Source: means and Welch's test as `slice_interaction`; the corrections as `multiplicity`.
    """
    if correction not in CORRECTIONS:
        raise ValueError(f"Unknown correction {correction!r}: use {', '.join(CORRECTIONS)}.")
    if not membership:
        raise ValueError("There are no slices: give at least one name with its rows.")
    rows = complete_rows(cluster, value=value)
    masks = {name: _mask(name, column, rows) for name, column in membership.items()}
    estimates = [_mean(rows, mask, unit, share, level, counts) for mask in masks.values()]
    tests = [_interaction(rows, mask, unit, share, level, counts) for mask in masks.values()]
    adjusted = CORRECTIONS[correction]([test.p_value for test in tests])
    return tuple(map(Slice, masks, estimates, tests, adjusted))


def slice_interaction(
    value: ArrayLike,
    cluster: ArrayLike,
    inside: ArrayLike,
    *,
    share: bool = False,
    unit: str = "points",
    level: float = 0.95,
    **counts: int,
) -> TestedEstimate:
    """The mean inside a slice minus the mean of the rest, every prompt weighing the same; 0 is no interaction.

    A prompt with rows on both sides counts on both, and its covariance is in the interval. Interval and test:
    Welch's t by prompt with Satterthwaite's degrees of freedom. Fewer than 10 prompts on a side: not estimable. A side
    on which every prompt shows the same: a value without interval and test, for its spread is not known.
    Other arguments and errors as `slices`. Source: Welch, Biometrika 34, 1947; Student's sleep data as two groups
    give -1.58 with limits -3.3655 and .2055, p .0794.
    """
    rows = complete_rows(cluster, value=value)
    return _interaction(rows, _mask("inside", inside, rows), unit, share, level, counts)


def mix_adjusted_difference(
    value: ArrayLike,
    cluster: ArrayLike,
    is_a: ArrayLike,
    stratum: ArrayLike,
    *,
    stratum_weights: Mapping[str, float] | None = None,
    share: bool = False,
    unit: str = "points",
    level: float = 0.95,
    **counts: int,
) -> Estimate:
    """System A minus system B as if both had answered the same mix of prompts (direct standardisation).

    `value` (rows,): scores; `is_a` (rows,): True for A, False for B; `stratum` (rows,): domain or difficulty. Rows
    weigh the same within a stratum and system; strata weigh as the share of all rows in them, or as declared. Strata
    that only one system has are left out, and a warning says so. Interval: linearised by prompt, t(G-1). No common
    stratum with two prompts for each: not estimable. Raises ValueError as `slices`.
    Source: Yule, Journal of the Royal Statistical Society 97, 1934 (standardisation); Simpson 1951 for the need.
    """
    rows = complete_rows(cluster, value=value)
    a = _mask("is_a", is_a, rows)
    code, labels = rows.codes("stratum", stratum)
    scope = Scope("A minus B, standardised to one mix of prompts", unit, level, len(rows), rows.groups, **counts)
    usable = np.asarray([_both_sides(rows, a, code == s) for s in range(len(labels))], dtype=np.bool_)
    if not usable.any():
        reason = "No stratum has two prompts of each system."
        return Estimate.not_estimable(reason=reason, **scope.fields())
    weights = _mix(code, labels, usable, stratum_weights)
    total, influence = 0.0, np.zeros(len(rows))
    for s in np.flatnonzero(usable):
        for sign, side in ((1, a), (-1, ~a)):
            at = np.flatnonzero((code == s) & side)
            total += sign * weights[s] * float(rows.columns[0][at].mean())
            influence[at] += sign * weights[s] * residual_influence(rows.columns[0][at], rows.cluster[at])
    kept = usable[code]
    groups = len(np.unique(rows.cluster[kept]))
    scope = replace(scope, n_units=int(kept.sum()), n_clusters=groups)
    variance = float(np.sum(cluster_sums(influence[kept], rows.cluster[kept]) ** 2))
    estimate = t_estimate(total, variance, groups - 1, scope).with_warnings(_left_out(labels[~usable].tolist()))
    return within(estimate, -1.0, 1.0) if share else estimate


def _mean(rows: Rows, mask: BoolArray, unit: str, share: bool, level: float, counts: dict[str, int]) -> Estimate:
    means = _prompt_means(rows, mask)[0]
    scope = Scope("mean over the slice's prompts", unit, level, int(mask.sum()), len(means), **counts)
    if len(means) < MIN_SLICE:
        return Estimate.not_estimable(reason=_hidden(len(means)), **scope.fields())
    return mean_over_clusters(means, scope, share=share)


def _interaction(
    rows: Rows, mask: BoolArray, unit: str, share: bool, level: float, counts: dict[str, int]
) -> TestedEstimate:
    (inside, in_code), (rest, out_code) = _prompt_means(rows, mask), _prompt_means(rows, ~mask)
    scope = Scope("slice minus rest, prompts weighted equally", unit, level, len(rows), rows.groups, **counts)
    test = "Welch's t-test by prompt, two-sided"
    fewest = min(len(inside), len(rest))
    if fewest < MIN_SLICE:
        side = "The slice" if len(inside) == fewest else "The rest"
        reason = f"{side} has {fewest} prompts; below {MIN_SLICE} nothing is shown."
        return TestedEstimate(Estimate.not_estimable(reason=reason, **scope.fields()), None, 0.0, test)
    value = float(inside.mean() - rest.mean())
    parts = [residual_influence(means, code) for means, code in ((inside, in_code), (rest, out_code))]
    of_side = [float(np.sum(part**2)) for part in parts]
    if min(of_side) <= 1e-24:
        side = "the slice" if of_side[0] <= of_side[1] else "the rest"
        reason = f"Every prompt of {side} shows the same, so its spread is not known and no difference is claimed."
        return TestedEstimate(Estimate.insufficient(value, reason=reason, **scope.fields()), None, 0.0, test)
    total = weighted_count(in_code, parts[0], rows.groups) - weighted_count(out_code, parts[1], rows.groups)
    variance = float(total @ total)
    sizes = (len(inside) - 1, len(rest) - 1)
    below = sum(v**2 / n for v, n in zip(of_side, sizes, strict=True))
    df = sum(of_side) ** 2 / below if below > 0 else float(min(sizes))
    estimate = t_estimate(value, variance, df, scope, f"Welch by prompt, t({df:.4g})")
    p = 2 * float(stdtr(df, -abs(value) / np.sqrt(variance))) if estimate.status == "ok" else None
    return TestedEstimate(within(estimate, -1.0, 1.0) if share else estimate, p, 0.0, test)


def _prompt_means(rows: Rows, mask: BoolArray) -> tuple[FloatArray, IntArray]:
    """Means of the prompts that have rows here, and their codes."""
    n = np.bincount(rows.cluster[mask], minlength=rows.groups)
    sums = weighted_count(rows.cluster[mask], rows.columns[0][mask], rows.groups)
    used = np.flatnonzero(n)
    return sums[used] / n[used], used


def _mask(name: str, column: ArrayLike, rows: Rows) -> BoolArray:
    values = as_column(name, column)
    if len(values) != len(rows.kept):
        raise ValueError(f"Lengths differ: {name} {len(values)}, value {len(rows.kept)}.")
    wrong = [value for value in values.tolist() if value not in (True, False)]
    if wrong:
        raise ValueError(f"{name} must be True or False for each row; found {wrong[0]!r}.")
    return np.asarray(values.astype(np.bool_)[rows.kept])


def _hidden(prompts: int) -> str:
    return f"The slice has {prompts} prompts; below {MIN_SLICE} nothing is shown."


def _both_sides(rows: Rows, a: BoolArray, here: BoolArray) -> bool:
    return all(len(np.unique(rows.cluster[here & side])) >= 2 for side in (a, ~a))


def _mix(code: IntArray, labels: np.ndarray, usable: BoolArray, declared: Mapping[str, float] | None) -> FloatArray:
    if declared is None:
        weights = np.bincount(code, minlength=len(labels)).astype(np.float64)
    else:
        given = {str(name): float(weight) for name, weight in declared.items()}
        missing = [str(name) for name in labels if str(name) not in given]
        if missing or min(given.values()) < 0:
            raise ValueError(f"stratum_weights needs a weight from 0 for every stratum; check {missing or given}.")
        weights = np.asarray([given[str(name)] for name in labels])
    weights = np.where(usable, weights, 0.0)
    if weights.sum() <= 0:
        raise ValueError("The strata that both systems have weigh nothing together.")
    return np.asarray(weights / weights.sum())


def _left_out(names: list[str]) -> str:
    if not names:
        return ""
    return f"Strata without two prompts of each system are left out: {', '.join(map(str, names))}."

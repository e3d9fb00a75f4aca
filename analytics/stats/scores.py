"""Scores of one system on one criterion, with equal weight for every prompt.

Ratings are averaged within an output, outputs within a prompt, and prompts are what varies: intervals are
for other prompts judged by these raters.
"""

from __future__ import annotations

import math

import numpy as np

from analytics.stats.coding import (
    BoolArray,
    CodedRatings,
    FloatArray,
    IntArray,
    Measurement,
    ObjectArray,
    weighted_count,
)
from analytics.stats.intervals import Scope, few_prompts_warning, mean_over_clusters, t_quantile
from analytics.stats.results import Distribution, Estimate

_ORDER_ONLY = "The level of measurement is {level}: {why}, so a mean has no meaning; see {instead}."


def mean_score(data: CodedRatings, measurement: Measurement, *, level: float = 0.95) -> Estimate:
    """Mean over prompts of the mean rating, in scale points.

    Defined at the interval and ratio levels; at ordinal and nominal it is not estimable, with the reason.
    Interval: sd/sqrt(G) with t(G-1) over G prompts; one prompt, or no spread at all, has a value without an
    interval. Raises ValueError if the values do not fit the level. Source: statistics of cluster means
    (Cochran 1977, ch. 9).
    """
    data.require(measurement)
    scope = _scope(data, "mean over prompts", "points", level)
    refused = _no_mean(measurement)
    if refused:
        return Estimate.not_estimable(reason=refused, **scope.fields())
    return mean_over_clusters(prompt_means(data)[0], scope)


def difference(a: CodedRatings, b: CodedRatings, measurement: Measurement, *, level: float = 0.95) -> Estimate:
    """Mean score of system `a` minus system `b`, paired by prompt, in scale points.

    Prompts (by cluster label) that only one of them answered are left out, and a warning says how many.
    Level rules and errors as `mean_score`; for ordinal criteria use `superiority`.
    """
    a.require(measurement)
    b.require(measurement)
    shared, _, _, left_out = _shared_prompts(a, b)
    scope = _pair_scope(a, b, shared, "difference of means, paired by prompt", "points", level)
    refused = _no_mean(measurement)
    if refused:
        return Estimate.not_estimable(reason=refused, **scope.fields())
    return mean_over_clusters(prompt_differences(a, b)[0], scope).with_warnings(left_out)


def superiority(a: CodedRatings, b: CodedRatings, measurement: Measurement, *, level: float = 0.95) -> Estimate:
    """P(rating of a > rating of b) + P(equal) / 2 on a shared prompt, averaged over prompts; 0 to 1, .5 is a
    draw.

    For ordered scales only (nominal: not estimable). Both need the same domain, else ValueError.
    Source: Vargha & Delaney, Journal of Educational and Behavioral Statistics 25, 2000; paired by prompt.
    """
    a.require(measurement)
    b.require(measurement)
    wins, shared = prompt_superiority(a, b)
    left_out = _shared_prompts(a, b)[3]
    scope = _pair_scope(a, b, shared, "probability of superiority, paired by prompt", "share", level)
    if measurement == "nominal":
        reason = "Nominal categories have no order, so neither system can be above the other."
        return Estimate.not_estimable(reason=reason, **scope.fields())
    return mean_over_clusters(wins, scope, share=True).with_warnings(left_out)


def prompt_differences(a: CodedRatings, b: CodedRatings) -> tuple[FloatArray, ObjectArray]:
    """Mean score of `a` minus that of `b` on each shared prompt, and the prompts' labels: for gates and slices.

    For interval and ratio criteria. Raises ValueError when the levels are labels.
    """
    shared, in_a, in_b, _ = _shared_prompts(a, b)
    return prompt_means(a)[0][in_a] - prompt_means(b)[0][in_b], shared


def prompt_superiority(a: CodedRatings, b: CodedRatings) -> tuple[FloatArray, ObjectArray]:
    """P(a > b) + P(equal) / 2 on each shared prompt, and the prompts' labels; for ordered scales.

    Raises ValueError when the systems are scored on different levels.
    """
    if a.domain != b.domain:
        raise ValueError(f"The systems are scored on different levels: {a.domain} and {b.domain}.")
    shared, in_a, in_b, _ = _shared_prompts(a, b)
    of_a, of_b = prompt_shares(a)[in_a], prompt_shares(b)[in_b]
    return np.asarray(np.sum(of_a * (np.cumsum(of_b, axis=1) - of_b / 2), axis=1)), shared


def median_score(data: CodedRatings, measurement: Measurement, *, level: float = 0.95) -> Estimate:
    """The level at which the prompt-weighted cumulative share reaches one half.

    Exactly one half: the lower level at the ordinal level (the median is then a level that exists), the
    midpoint at interval and ratio. Interval by test inversion: the levels at .5 -+ t(G-1) SE of the
    cumulative share, SE clustered by prompt and at least the binomial sqrt(.25/G). Nominal, or labels
    without numbers: not estimable. Source: Woodruff, Journal of the American Statistical Association 47,
    1952.
    """
    data.require(measurement)
    scope = _scope(data, "median, prompts weighted equally", "points", level)
    if measurement == "nominal":
        return Estimate.not_estimable(reason="Nominal categories have no order.", **scope.fields())
    if not data.is_numeric:
        reason = "The levels are labels without numbers: see the shares of the levels."
        return Estimate.not_estimable(reason=reason, **scope.fields())
    if data.n_units == 0:
        return Estimate.not_estimable(reason="There are no ratings.", **scope.fields())
    shares = prompt_shares(data)
    cumulative = np.cumsum(shares, axis=1)
    middle = cumulative.mean(axis=0)
    midpoint = measurement in ("interval", "ratio")
    value = _quantile(middle, data.values(), 0.5, midpoint)
    groups = len(shares)
    if groups == 1:
        reason = "There is one prompt only, so the spread between prompts cannot be estimated."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    at = int(np.searchsorted(middle, 0.5 - 1e-12))
    error = max(float(cumulative[:, at].std(ddof=1)), 0.5) / math.sqrt(groups)
    half = t_quantile(level, groups) * error
    low = _quantile(middle, data.values(), max(0.5 - half, 0.0), midpoint=False)
    high = _quantile(middle, data.values(), min(0.5 + half, 1.0), midpoint=False)
    fields = scope.fields(f"Woodruff interval, clustered by prompt, t({groups - 1})")
    return Estimate(value, low, high, **fields).with_warnings(few_prompts_warning(groups))


def level_shares(data: CodedRatings, *, level: float = 0.95) -> Distribution:
    """The share of each level of the domain, every prompt weighing the same, and the plain count of ratings.

    Intervals are clustered by prompt, t(G-1), within 0..1; a level that no prompt or every prompt uses gets
    the Wilson interval on prompts, never a width of zero.
    """
    scope = _scope(data, "share of ratings, prompts weighted equally", "share", level)
    shares = prompt_shares(data)
    estimates = tuple(mean_over_clusters(column, scope, share=True) for column in shares.T)
    counts = np.bincount(data.code, minlength=data.n_codes).tolist()
    return Distribution(data.domain, tuple(counts), estimates)


def cumulative_shares(data: CodedRatings, measurement: Measurement, *, level: float = 0.95) -> Distribution:
    """The share of ratings at each level or below, prompts weighing the same; the highest level, always 1, is left
    out.

    Counts are cumulative too. For ordered scales: at the nominal level every share is not estimable. Intervals as
    `level_shares`. Raises ValueError if the values do not fit the level. Source: Agresti, Analysis of Ordinal
    Categorical Data, 2010, section 2.1; Cochran 1977, ch. 9.
    """
    data.require(measurement)
    scope = _scope(data, "share at this level or below, prompts weighted equally", "share", level)
    levels, counts = data.domain[:-1], np.cumsum(np.bincount(data.code, minlength=data.n_codes))[:-1].tolist()
    if measurement == "nominal":
        nothing = Estimate.not_estimable(reason="Nominal categories have no order.", **scope.fields())
        return Distribution(levels, tuple(counts), (nothing,) * len(levels))
    below = np.minimum(np.cumsum(prompt_shares(data), axis=1), 1.0)[:, :-1]
    return Distribution(
        levels, tuple(counts), tuple(mean_over_clusters(column, scope, share=True) for column in below.T)
    )


def prompt_means(data: CodedRatings) -> tuple[FloatArray, FloatArray]:
    """Mean rating per prompt (clusters,) and per output (units,): ratings within outputs, outputs within
    prompts."""
    per_unit = weighted_count(data.unit, data.values()[data.code], data.n_units) / data.ratings_per_unit
    units = np.bincount(data.cluster_of_unit, minlength=len(data.cluster_labels))
    return weighted_count(data.cluster_of_unit, per_unit, len(units)) / units, per_unit


def prompt_shares(data: CodedRatings) -> FloatArray:
    """The share of each level per prompt, shape (clusters, codes): outputs of a prompt weigh the same."""
    cells, clusters = data.cells, len(data.cluster_labels)
    units = np.bincount(data.cluster_of_unit, minlength=clusters)
    cluster = data.cluster_of_unit[cells.unit]
    weight = cells.n / data.ratings_per_unit[cells.unit] / units[cluster]
    flat = weighted_count(cluster * data.n_codes + cells.code, weight, clusters * data.n_codes)
    return flat.reshape(clusters, data.n_codes)


def _quantile(cumulative: FloatArray, values: FloatArray, share: float, midpoint: bool) -> float:
    """The smallest value whose cumulative share reaches `share`; on an exact tie the midpoint with the next
    used one."""
    at = min(int(np.searchsorted(cumulative, share - 1e-12)), len(values) - 1)
    if midpoint and abs(cumulative[at] - share) <= 1e-12:
        after = min(int(np.searchsorted(cumulative, share + 1e-12, side="right")), len(values) - 1)
        return float((values[at] + values[after]) / 2)
    return float(values[at])


def _no_mean(measurement: Measurement) -> str:
    if measurement == "ordinal":
        return _ORDER_ONLY.format(level="ordinal", why="order only", instead="the median and the level shares")
    if measurement == "nominal":
        return _ORDER_ONLY.format(level="nominal", why="categories only", instead="the level shares")
    return ""


def _scope(data: CodedRatings, method: str, unit: str, level: float) -> Scope:
    return Scope(
        method=method,
        unit=unit,
        level=level,
        n_units=data.n_units,
        n_clusters=len(data.cluster_labels),
        n_raters=len(data.rater_labels),
        n_judgments=len(data.unit),
    )


def _shared_prompts(a: CodedRatings, b: CodedRatings) -> tuple[ObjectArray, IntArray, IntArray, str]:
    (of_a, in_a), (of_b, in_b) = a.cluster_names, b.cluster_names
    if np.array_equal(of_a, of_b):  # the usual case: both systems answered all
        return of_a, in_a, in_b, ""
    shared, at_a, at_b = np.intersect1d(of_a, of_b, assume_unique=True, return_indices=True)
    in_a, in_b = in_a[at_a], in_b[at_b]
    alone = len(a.cluster_labels) + len(b.cluster_labels) - 2 * len(shared)
    note = f"{alone} prompts were answered or rated for one of the two systems only and are left out."
    return shared, in_a, in_b, note if alone else ""


def _in_shared(data: CodedRatings, shared: ObjectArray) -> BoolArray:
    """Of each prompt of the table, whether both systems have it."""
    if len(shared) == len(data.cluster_labels):
        return np.ones(len(shared), dtype=np.bool_)
    return np.isin(data.cluster_labels.astype(str), shared)


def _pair_scope(a: CodedRatings, b: CodedRatings, shared: ObjectArray, method: str, unit: str, level: float) -> Scope:
    kept = [_in_shared(d, shared)[d.cluster_of_unit] for d in (a, b)]
    raters = {label for d in (a, b) for label in d.rater_labels.tolist()}
    return Scope(
        method=method,
        unit=unit,
        level=level,
        n_units=sum(int(mask.sum()) for mask in kept),
        n_clusters=len(shared),
        n_raters=len(raters),
        n_judgments=sum(int(mask[d.unit].sum()) for d, mask in zip((a, b), kept, strict=True)),
    )

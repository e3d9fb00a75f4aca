"""What each rater does to the agreement: leave-one-out alpha, severity, agreement with the others.

Every figure treats the prompt as the unit of independence and speaks of these raters on other prompts. Below 20
judged shared items a rater has a value and no verdict. Raters of unknown identity have no figures, but their
ratings count where others are compared with them.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import stdtr

from analytics.stats._additive import AdditiveFit, additive_fit, crossing
from analytics.stats._coefficients import Alpha
from analytics.stats._components_interval import solve_variance
from analytics.stats._distances import mid_ranks
from analytics.stats._estimation import notes, too_little
from analytics.stats._subsets import keep_ratings
from analytics.stats._totals import PairTable
from analytics.stats.agreement import no_categories
from analytics.stats.coding import BoolArray, CodedRatings, FloatArray, Measurement, weighted_count
from analytics.stats.intervals import (
    MIN_PROMPTS,
    Scope,
    cluster_variance,
    few_prompts_warning,
    ratio_over_clusters,
    t_quantile,
)
from analytics.stats.rater_figures import RaterFigure, RaterFigures, held_back, together, too_few_shared
from analytics.stats.results import Estimate

# The systems of equations are raters x raters.
MAX_RATERS = 2000


def leave_one_out_alpha(data: CodedRatings, measurement: Measurement, *, level: float = 0.95) -> RaterFigures:
    """For each rater: alpha without the rater minus alpha with all. Above zero, leaving the rater out helps.

    Paired: both alphas are linearised on the same prompts, t(G-1). `p_value` tests a difference of zero; flagged
    are raters without whom alpha is higher. Not estimable where alpha is not, with all raters or without this one.
    Source: Krippendorff 2019, ch. 12; the delta method on per-prompt sums.
    """
    data.require(measurement)
    table = PairTable(data)
    alpha = Alpha(data, measurement)
    whole = alpha.value(table.whole)
    groups = int(np.count_nonzero(np.bincount(data.cluster_of_unit[data.pairable])))
    problem = too_little(table) or ("" if whole is not None else alpha.undefined)
    if not problem and groups < 2:
        problem = "All shared outputs belong to one prompt: how far this holds takes a second one."
    raters = table.raters_with_pairs.tolist()
    name = f"alpha without the rater minus alpha with all, {measurement}"
    scopes = {rater: _scope(data, rater, name, "coefficient", level) for rater in raters}
    if problem or whole is None:
        return RaterFigures(tuple(_none(data, rater, problem, scopes[rater]) for rater in raters))
    with_all = alpha.influence(table)
    figures = []
    for rater in raters:
        others = PairTable(keep_ratings(data, data.rater != rater))
        value = alpha.value(others.whole) if others.whole.pairable >= 2 else None
        if value is None:
            reason = "Without this rater alpha is undefined: too few outputs keep two ratings that vary."
            figures.append(_none(data, rater, reason, scopes[rater]))
            continue
        gap = (alpha.influence(others) - with_all)[data.pairable]
        error = math.sqrt(cluster_variance(gap, data.cluster_of_unit[data.pairable]))
        figures.append(_tested(data, rater, value - whole, error, groups, scopes[rater]))
    return together(figures, flag=1, warnings=notes(table))


def severity(data: CodedRatings, measurement: Measurement, *, level: float = 0.95) -> RaterFigures:
    """For each rater: how far above (lenient) or below (severe) the mean rater, on the same outputs.

    Additive model y_ur = mu_u + b_r + e by least squares on whatever each rater judged, sum b = 0, with standard
    errors robust to prompts and t on the rater's own prompts. Interval and ratio levels: scale points; ordinal:
    ridits, the shift of the mean rank as a share of the scale (Bross, Biometrics 14, 1958); nominal: not
    estimable. `shrunk` is b times s2_b / (s2_b + se^2), s2_b by Paule & Mandel (1982). `p_value` tests b = 0.
    Raters who share no outputs, even through others, are compared within their group, and a warning says so.
    Source: Searle, Linear Models, 1971, ch. 7; Liang & Zeger, Biometrika 73, 1986.
    """
    data.require(measurement)
    table = crossing(data, _scores(data, measurement))
    unit = "ridits" if measurement == "ordinal" else "points"
    labels = table.raters.tolist()
    scopes = {rater: _scope(data, rater, "severity, additive model by least squares", unit, level) for rater in labels}
    problem = _no_severity(measurement, len(labels))
    if problem:
        return RaterFigures(tuple(_none(data, rater, problem, scopes[rater]) for rater in labels))
    fit = additive_fit(table)
    errors = np.sqrt(_robust_variance(fit))
    alone = np.bincount(fit.group)[fit.group] == 1 if len(labels) else np.zeros(0, dtype=np.bool_)
    shrunk = _shrunk(fit.effect, errors, ~alone, fit.n_groups - int(alone.sum()))
    figures = []
    for row, rater in enumerate(labels):
        if alone[row]:
            reason = "The rater shares no output with another, so severity cannot be told from what was judged."
            figures.append(_none(data, rater, reason, scopes[rater]))
            continue
        prompts = len(np.unique(table.cluster[table.unit[table.rater == row]]))
        found = _tested(data, rater, float(fit.effect[row]), float(errors[row]), prompts, scopes[rater])
        figures.append(RaterFigure(found.rater, found.estimate, float(shrunk[row]), found.p_value))
    apart = fit.n_groups - int(alone.sum())
    warning = f"Raters fall into {apart} groups that share no outputs: severity is relative to the own group."
    return together(figures, flag=0, warnings=[warning] if apart > 1 else [])


def consensus_agreement(data: CodedRatings, *, level: float = 0.95) -> RaterFigures:
    """For each rater: the share of outputs where the rater gives the majority level of the *other* raters.

    Where k levels tie for the majority of the others, naming one of them counts 1/k. Pooled over the rater's
    shared outputs, robust to prompts. `p_value` tests the difference to the same share pooled over all other
    raters, which `details` has; flagged are raters below. A rater never meets his own rating.
    Source: Cochran, Sampling Techniques, 1977, section 2.11 (ratio by cluster).
    """
    problem = no_categories(data) if data.n_codes > 1 else ""
    credit = np.zeros(len(data.unit)) if problem else leave_one_out_credit(data)
    name, unit = "share equal to the majority of the other raters", "share"
    return _compared(data, credit, name, unit, level, flag=-1, problem=problem)


def consensus_distance(data: CodedRatings, measurement: Measurement, *, level: float = 0.95) -> RaterFigures:
    """For each rater: the mean distance of the rating to the mean of the *other* raters, in scale points.

    For interval and ratio levels; otherwise not estimable. Pooled and tested as `consensus_agreement`; flagged
    are raters further away than the others.
    """
    data.require(measurement)
    problem = "" if measurement in ("interval", "ratio") else f"The level of measurement is {measurement}: no means."
    values = data.values()[data.code] if not problem else np.zeros(len(data.unit))
    size = data.ratings_per_unit[data.unit]
    total = weighted_count(data.unit, values, data.n_units)[data.unit]
    others = np.divide(total - values, size - 1, out=np.zeros(len(values)), where=size > 1)
    name = "mean distance to the mean of the other raters"
    return _compared(data, np.abs(values - others), name, "points", level, flag=1, problem=problem)


def leave_one_out_credit(data: CodedRatings) -> FloatArray:
    """Per rating: 1 if it is the majority level of the unit's other ratings, 1/k if it is one of k, else 0."""
    cells = data.cells
    top = np.zeros(data.n_units)
    np.maximum.at(top, cells.unit, cells.n)
    at_top = cells.n == top[cells.unit]
    n_top = weighted_count(cells.unit, at_top, data.n_units)
    second = np.zeros(data.n_units)
    np.maximum.at(second, cells.unit[~at_top], cells.n[~at_top])
    n_second = weighted_count(cells.unit[~at_top], cells.n[~at_top] == second[cells.unit[~at_top]], data.n_units)
    # The best of the other levels, and how many have it: the runner-up where this level alone is on top.
    alone = at_top & (n_top[cells.unit] == 1)
    rival = np.where(alone, second[cells.unit], top[cells.unit])
    rivals = np.where(alone, n_second[cells.unit], n_top[cells.unit] - at_top)
    own = cells.n - 1
    shared = (own == rival) & (own > 0)
    credit = np.where(own > rival, 1.0, np.where(shared, 1 / (rivals + 1), 0.0))
    return np.repeat(credit, cells.n.astype(np.int64))


def _scores(data: CodedRatings, measurement: Measurement) -> FloatArray:
    """A number for each level: its value, or its ridit at the ordinal level."""
    if measurement in ("interval", "ratio"):
        return data.values()
    counts = np.bincount(data.code, minlength=data.n_codes).astype(np.float64)
    return mid_ranks(counts) / max(counts.sum(), 1.0)


def _no_severity(measurement: Measurement, raters: int) -> str:
    if measurement == "nominal":
        return "Nominal categories have no order, so no rater can be severe."
    if raters > MAX_RATERS:
        return f"{raters} raters are more than the {MAX_RATERS} of this computation."
    return ""


def _robust_variance(fit: AdditiveFit) -> FloatArray:
    """Sandwich variance of each effect, with the scores summed by prompt, shape (raters,)."""
    from scipy.sparse import coo_array  # a slow import

    table = fit.table
    prompts = np.unique(table.cluster, return_inverse=True)[1]
    where = (prompts[table.unit], table.rater)
    groups = int(prompts.max(initial=0)) + 1
    sums = coo_array((fit.residual, where), shape=(groups, table.n_raters)).tocsr()
    meat = np.asarray((sums.T @ sums).todense())
    correction = groups / (groups - 1) if groups > 1 else np.nan
    inverse = fit.inverse
    return np.asarray(correction * np.einsum("rs,st,rt->r", inverse, meat, inverse, optimize=True))


def _shrunk(effect: FloatArray, error: FloatArray, used: BoolArray, groups: int) -> FloatArray:
    """Effects drawn towards zero by the share of their spread that is noise."""
    freedom = float(used.sum() - groups)
    squares, noise = effect[used] ** 2, error[used] ** 2
    if freedom < 1 or not np.all(noise > 0):
        return effect
    variance = float(solve_variance(squares, noise, np.ones(1), np.array([freedom]))[0])
    return np.asarray(effect * variance / (variance + error**2))


def _compared(
    data: CodedRatings, credit: FloatArray, name: str, unit: str, level: float, flag: int, problem: str
) -> RaterFigures:
    """The mean of `credit` (ratings,) over the shared outputs of each rater, against that of all others."""
    shared = data.pairable[data.unit]
    cluster = data.cluster_of_unit[data.unit]
    size = len(data.cluster_labels)
    all_hits = weighted_count(cluster[shared], credit[shared], size)
    all_trials = weighted_count(cluster[shared], np.ones(int(shared.sum())), size)
    figures = []
    for rater in np.unique(data.rater[(data.rater >= 0) & shared]).tolist():
        scope = _scope(data, rater, name, unit, level)
        if problem:
            figures.append(_none(data, rater, problem, scope))
            continue
        mine = shared & (data.rater == rater)
        hits = weighted_count(cluster[mine], credit[mine], size)
        trials = weighted_count(cluster[mine], np.ones(int(mine.sum())), size)
        reason = too_few_shared(scope.n_units)
        estimate = ratio_over_clusters(hits, trials, scope) if unit == "share" else _mean(hits, trials, scope)
        gap, p = _against(hits, trials, all_hits - hits, all_trials - trials)
        label = str(data.rater_labels[rater])
        details = {"difference": gap}
        figures.append(RaterFigure(label, held_back(estimate, reason), None, None if reason else p, details=details))
    return together(figures, flag)


def _mean(sums: FloatArray, trials: FloatArray, scope: Scope) -> Estimate:
    """A pooled mean with its interval robust to prompts."""
    used = trials > 0
    sums, trials = sums[used], trials[used]
    value, groups = float(sums.sum() / trials.sum()), len(trials)
    if groups < 2:
        reason = "There is one prompt only, so the spread between prompts cannot be estimated."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    residual = (sums - value * trials) / trials.sum()
    half = t_quantile(scope.level, groups) * math.sqrt(groups / (groups - 1) * float(residual @ residual))
    if half <= 1e-12:
        reason = "All prompts show the same distance, so no interval can be claimed."
        return Estimate.insufficient(value, reason=reason, **scope.fields())
    fields = scope.fields(f"cluster-robust by prompt, t({groups - 1})")
    return Estimate(value, max(value - half, 0.0), value + half, **fields).with_warnings(few_prompts_warning(groups))


def _against(
    hits: FloatArray, trials: FloatArray, other_hits: FloatArray, other_trials: FloatArray
) -> tuple[float | None, float | None]:
    """The difference of two pooled means on overlapping prompts, and its two-sided p value."""
    if other_trials.sum() <= 0:
        return None, None
    mine, others = hits.sum() / trials.sum(), other_hits.sum() / other_trials.sum()
    part = (hits - mine * trials) / trials.sum() - (other_hits - others * other_trials) / other_trials.sum()
    part = part[(trials > 0) | (other_trials > 0)]
    own = int(np.count_nonzero(trials))
    variance = len(part) / (len(part) - 1) * float(part @ part) if len(part) > 1 else 0.0
    gap = float(mine - others)
    return gap, _p_value(gap, math.sqrt(variance), own)


def _tested(data: CodedRatings, rater: int, value: float, error: float, groups: int, scope: Scope) -> RaterFigure:
    """A figure with its t interval on `groups` prompts and the test of zero."""
    label = str(data.rater_labels[rater])
    reason = too_few_shared(scope.n_units)
    if groups < MIN_PROMPTS:
        reason = reason or f"Only {groups} prompts: no interval below {MIN_PROMPTS}."
    elif error <= 1e-12:
        reason = reason or "All prompts show the same, so no interval can be claimed."
    if reason:
        return RaterFigure(label, Estimate.insufficient(value, reason=reason, **scope.fields()))
    half = t_quantile(scope.level, groups) * error
    fields = scope.fields(f"linearised by prompt, t({groups - 1}), these raters")
    estimate = Estimate(value, value - half, value + half, **fields)
    return RaterFigure(label, estimate.with_warnings(few_prompts_warning(groups)), None, _p_value(value, error, groups))


def _p_value(value: float, error: float, groups: int) -> float | None:
    if error <= 1e-12 or groups < 2:
        return None
    return float(2 * stdtr(groups - 1, -abs(value) / error))


def _none(data: CodedRatings, rater: int, reason: str, scope: Scope) -> RaterFigure:
    return RaterFigure(str(data.rater_labels[rater]), Estimate.not_estimable(reason=reason, **scope.fields()))


def _scope(data: CodedRatings, rater: int, name: str, unit: str, level: float) -> Scope:
    """Counts of the outputs that a rater shares with others."""
    rows = (data.rater == rater) & data.pairable[data.unit]
    units = data.unit[rows]
    return Scope(
        method=name,
        unit=unit,
        level=level,
        n_units=len(units),
        n_clusters=len(np.unique(data.cluster_of_unit[units])),
        n_raters=1,
        n_judgments=len(units),
    )

"""Strengths of systems from pairwise judgments: Bradley and Terry's model, and Davidson's with ties.

logit P(a is preferred to b) = theta_a - theta_b, optionally + delta for the side shown first + beta'(features of
a less those of b). Strengths sum to zero. Judgments of one prompt are kept together: the covariance is the
sandwich clustered by prompt, optionally by prompt and rater.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from analytics.stats._outcomes import LOSS, WIN
from analytics.stats._paired_models import Fit, Parameters, Table, information, newton, slopes
from analytics.stats._sandwich import Clustering, Covariance, at_least, covariance
from analytics.stats._shares import ONE_PROMPT
from analytics.stats.battles import Battles
from analytics.stats.coding import FloatArray, IntArray, weighted_count
from analytics.stats.connectivity import Connectivity, connectivity
from analytics.stats.intervals import Scope
from analytics.stats.results import Estimate, TestedEstimate
from analytics.stats.strengths import (
    StrengthFit,
    interval_or_reason,
    name_of_test,
    normal_or_t,
    two_sided_p,
)

Prior = Literal["if_needed", "never", "always"]
SHOWN_FIRST = "shown first"
# Virtual judgments for each pair that met, half to each side, where a prior is used.
VIRTUAL = 0.5

_NO_MAXIMUM = (
    "A group of systems never lost (or never won) against the rest, so the strengths have no finite maximum. "
    "Collect more judgments, or allow the prior."
)
_ONLY_TIES = "Every judgment is a tie, so Davidson's model has no finite maximum."
_SEPARATED = "The strengths have no finite maximum: the side shown first or a feature separates wins from losses."
_PRIOR = (
    "A group of systems never lost (or never won) against the rest: half a virtual judgment, split evenly, was added "
    "for every pair that met, and these strengths and intervals depend on it."
)
_ALWAYS = "As asked, half a virtual judgment, split evenly, was added for every pair that met."
_PARTS = (
    "The systems fall into {n} groups that never met: strengths count from each group's own average and cannot be "
    "compared between groups."
)


def bradley_terry(
    data: Battles,
    *,
    position: bool = False,
    features: Sequence[str] = (),
    clusters: Clustering = "prompts",
    prior: Prior = "if_needed",
    level: float = 0.95,
) -> StrengthFit:
    """Bradley-Terry strengths in logits, a tie counting as half a win for each side.

    With `position` the effect of being shown first is estimated beside the strengths, and the two orders of a
    pair by one rater count as two half judgments; without it they are one judgment, a tie if they differ.
    `features` names differences given to `code_battles`; each is divided by its root mean square, never centred,
    so that swapping the sides swaps its sign. `clusters`: "prompts", "prompts_and_raters", or "model" for the
    inverse information of independent judgments. Where Ford's condition fails a small symmetric `prior` is added
    and said; with "never" the strengths are then not estimable. Ties as half wins give the right order; for the
    spread with many ties see `davidson`. Raises ValueError for a feature that is not in the data.

    Coverage of the 95 % interval in simulation: .95 to .97 with 10 prompts of five pairs, where the jackknife takes
    over, .94 to .96 with 20 to 100 (docs/algorithms/coverage-preference.md). Below 30 prompts a warning says how few
    there are.
    Source: Bradley & Terry, Biometrika 39, 1952; Ford 1957 on existence; the sandwich by prompt: Liang & Zeger,
    Biometrika 73, 1986.
    """
    return _fit("Bradley-Terry", data, position, features, clusters, prior, level)


def davidson(
    data: Battles,
    *,
    position: bool = False,
    features: Sequence[str] = (),
    clusters: Clustering = "prompts",
    prior: Prior = "if_needed",
    level: float = 0.95,
) -> StrengthFit:
    """Davidson's model: win : loss : tie = e^(eta/2) : e^(-eta/2) : nu, nu the same for all pairs.

    `tie_parameter` is nu: two equal systems tie with chance nu / (2 + nu). Without any tie this is
    Bradley-Terry's model and nu is not estimable. Everything else as `bradley_terry`.
    Source: Davidson, Journal of the American Statistical Association 65, 1970; the effect of the order: Davidson
    & Beaver, Biometrics 33, 1977.
    """
    return _fit("Davidson", data, position, features, clusters, prior, level)


class _Design(NamedTuple):
    """Regressors of the showings, their names, and the reasons why others were left out."""

    z: FloatArray
    names: tuple[str, ...]
    dropped: dict[str, str]
    warnings: tuple[str, ...]


def _fit(
    model: str,
    data: Battles,
    position: bool,
    features: Sequence[str],
    clusters: Clustering,
    prior: Prior,
    level: float,
) -> StrengthFit:
    if clusters not in ("model", "prompts", "prompts_and_raters"):
        raise ValueError(f"Unknown clusters {clusters!r}: use 'prompts', 'prompts_and_raters' or 'model'.")
    if prior not in ("if_needed", "never", "always"):
        raise ValueError(f"Unknown prior {prior!r}: use 'if_needed', 'never' or 'always'.")
    rows = data if position else data.merged
    design = _design(rows, position, features)
    scope = _scope(data, model, level)
    if len(rows.a) == 0:
        return _nothing(model, data, scope, "There are no judgments.", np.zeros(0, dtype=np.int64))
    whole = _rows_as_table(rows, design.z)
    ties = model == "Davidson" and bool(whole.tie.sum() > 0)
    if ties and not rows.decided.any():
        return _nothing(model, data, scope, _ONLY_TIES, connectivity(data).component)
    graph = connectivity(data)
    needed = not graph.beaten_both_ways.all() or (ties and not graph.some_cycle)
    if needed and prior == "never":
        return _nothing(model, data, scope, _NO_MAXIMUM, graph.component)
    table = whole if len(features) else _added_up(whole, data.n_systems)
    added = _virtual(table) if needed or prior == "always" else None
    design, whole, table = _without_aliases(design, whole, table, data.n_systems, graph.component)
    start = Parameters(np.zeros(data.n_systems), np.zeros(len(design.names)), 0.0 if ties else None)
    found = newton(table, start, graph.component, added)
    if not found.converged:
        return _nothing(model, data, scope, _SEPARATED, graph.component)
    spread = covariance(whole, found, rows.cluster, rows.rater, clusters)
    if spread is not None and added is not None:
        spread = _at_least_model_based(spread, found)
    return _result(model, data, scope, graph, design, found, spread, added is not None, needed)


def _scope(data: Battles, model: str, level: float) -> Scope:
    rater = data.rater[data.rater >= 0]
    return Scope(
        method=f"{model} strength, sum zero",
        unit="logits",
        level=level,
        n_units=int(np.count_nonzero(np.bincount(data.unit))),
        n_clusters=int(np.count_nonzero(np.bincount(data.cluster))),
        n_raters=int(np.count_nonzero(np.bincount(rater))),
        n_judgments=int(data.judgment.max()) + 1 if len(data.judgment) else 0,
    )


def _design(rows: Battles, position: bool, features: Sequence[str]) -> _Design:
    columns, names, dropped, warnings = [], [], {}, []
    if position:
        unknown = int((rows.position == 0).sum())
        if unknown == len(rows.position):
            dropped[SHOWN_FIRST] = "No judgment says which side was shown first."
        else:
            columns.append(rows.position.astype(np.float64))
            names.append(SHOWN_FIRST)
            if unknown:
                warnings.append(f"{unknown} of {len(rows.position)} showings do not say which side came first.")
    for name in features:
        if name not in rows.feature_names:
            there = ", ".join(rows.feature_names) or "none"
            raise ValueError(f"There is no feature {name!r}; the judgments have: {there}.")
        column = rows.features[:, rows.feature_names.index(name)]
        size = math.sqrt(float(np.mean(column**2))) if len(column) else 0.0
        if size == 0:
            dropped[name] = "The feature is the same on both sides of every judgment."
            continue
        columns.append(column / size)
        names.append(name)
    z = np.column_stack(columns) if columns else np.zeros((len(rows.a), 0))
    return _Design(z, tuple(names), dropped, tuple(warnings))


def _rows_as_table(rows: Battles, z: FloatArray) -> Table:
    won, lost = rows.outcome == WIN, rows.outcome == LOSS
    weight = rows.weight
    return Table(rows.a, rows.b, z, weight * won, weight * ~(won | lost), weight * lost)


def _added_up(whole: Table, systems: int) -> Table:
    """One row for each pair and order; only for designs whose one regressor is the order."""
    order = whole.z[:, 0].astype(np.int64) + 1 if whole.z.shape[1] else np.ones(len(whole.a), dtype=np.int64)
    key = (whole.a * systems + whole.b) * 3 + order
    size = 3 * systems**2
    sums = [weighted_count(key, x, size) for x in (whole.win, whole.tie, whole.loss)]
    used = np.flatnonzero(sums[0] + sums[1] + sums[2])
    pair = used // 3
    z = np.asarray(used % 3 - 1, dtype=np.float64)[:, None][:, : whole.z.shape[1]]
    return Table(pair // systems, pair % systems, z, *(x[used] for x in sums))


def _virtual(table: Table) -> Table:
    """The prior: half a judgment for each pair that met, half of it to each side."""
    size = int(table.b.max()) + 1
    met = np.flatnonzero(np.bincount(table.a * size + table.b))
    half = np.full(len(met), VIRTUAL / 2)
    return Table(met // size, met % size, np.zeros((len(met), 0)), half, np.zeros(len(met)), half)


def _without_aliases(
    design: _Design, whole: Table, table: Table, systems: int, component: IntArray
) -> tuple[_Design, Table, Table]:
    """Leave out regressors that are functions of the systems and of the regressors before them."""
    if not design.names:
        return design, whole, table
    flat = Parameters(np.zeros(systems), np.zeros(len(design.names)))
    matrix = information(table, slopes(table, flat), flat)
    same = np.asarray(component[:, None] == component[None, :], dtype=np.float64)
    kept = list(range(systems))
    matrix[:systems, :systems] += same
    for extra in range(len(design.names)):
        at = systems + extra
        cross = matrix[kept, at]
        alone = matrix[at, at] - cross @ np.linalg.solve(matrix[np.ix_(kept, kept)], cross)
        if alone > 1e-8 * matrix[at, at]:
            kept.append(at)
    used = [at - systems for at in kept[systems:]]
    dropped = {
        name: "It follows from the systems and the other effects, so it cannot be told apart from them."
        for index, name in enumerate(design.names)
        if index not in used
    }
    names = tuple(design.names[index] for index in used)
    cut = _Design(design.z[:, used], names, design.dropped | dropped, design.warnings)
    return cut, _with_z(whole, used), _with_z(table, used)


def _with_z(table: Table, used: list[int]) -> Table:
    return Table(table.a, table.b, table.z[:, used], table.win, table.tie, table.loss)


def _at_least_model_based(spread: Covariance, found: Fit) -> Covariance:
    matrix = at_least(spread.matrix, np.asarray(np.linalg.inv(found.bread), dtype=np.float64))
    method = f"{spread.method}, at least the model-based error"
    return Covariance(matrix, spread.df, spread.groups, method, spread.warnings)


def _result(
    model: str,
    data: Battles,
    scope: Scope,
    graph: Connectivity,
    design: _Design,
    found: Fit,
    spread: Covariance | None,
    prior: bool,
    needed: bool,
) -> StrengthFit:
    systems, extras = data.n_systems, len(design.names)
    size = systems + extras + (found.at.log_nu is not None)
    matrix = np.zeros((size, size)) if spread is None else spread.matrix
    reason = ONE_PROMPT if spread is None else ""
    df, method = (None, "") if spread is None else (spread.df, spread.method)
    notes = (
        _PARTS.format(n=graph.n_components) if graph.n_components > 1 else "",
        (_PRIOR if needed else _ALWAYS) if prior else "",
        *design.warnings,
        *(f"{name!r} was left out. {why}" for name, why in design.dropped.items()),
        _inconsistent(data, SHOWN_FIRST in design.names),
        *(() if spread is None else spread.warnings),
    )
    warnings = tuple(note for note in notes if note)
    full = Scope(**scope.fields(method))
    variance = np.diag(matrix)
    strengths = tuple(
        interval_or_reason(float(theta), float(variance[i]), full, df, "", reason, warnings)
        for i, theta in enumerate(found.at.theta)
    )
    effects = {
        name: _effect(float(found.at.beta[i]), float(variance[systems + i]), full, df, reason, warnings, name)
        for i, name in enumerate(design.names)
    }
    effects |= {name: _no_effect(full, name, why) for name, why in design.dropped.items()}
    one = data.merged
    judged = np.bincount(one.a, minlength=systems) + np.bincount(one.b, minlength=systems)
    return StrengthFit(
        model=model,
        systems=data.systems,
        strengths=strengths,
        effects=effects,
        tie_parameter=_nu(model, found, float(variance[-1]), full, df, reason, warnings),
        judgments=tuple(judged.tolist()),
        theta=found.at.theta,
        log_nu=found.at.log_nu,
        covariance=matrix[:systems, :systems],
        nu_covariance=_with_nu(matrix, systems, found.at.log_nu is not None),
        df=df,
        component=graph.component,
        prior=prior,
        log_likelihood=found.log_likelihood,
        iterations=found.iterations,
        scope=full,
        interval_reason=reason,
        warnings=warnings,
    )


def _with_nu(matrix: FloatArray, systems: int, has_nu: bool) -> FloatArray:
    """The 2 x 2 covariance of each strength with ln nu, shape (systems, 2, 2)."""
    blocks = np.zeros((systems, 2, 2))
    blocks[:, 0, 0] = np.diag(matrix)[:systems]
    if has_nu:
        blocks[:, 0, 1] = blocks[:, 1, 0] = matrix[:systems, -1]
        blocks[:, 1, 1] = matrix[-1, -1]
    return blocks


def _effect(
    value: float, variance: float, scope: Scope, df: int | None, reason: str, warnings: tuple[str, ...], name: str
) -> TestedEstimate:
    tail = scope.method.split("; ", 1)[1:]
    what = "advantage of the side shown first" if name == SHOWN_FIRST else f"effect of {name}, per root mean square"
    named = Scope(**{**vars(scope), "method": "; ".join([what, *tail])})
    estimate = interval_or_reason(value, variance, named, df, "", reason, warnings)
    if estimate.status != "ok":
        return TestedEstimate(estimate, None, 0.0, "")
    return TestedEstimate(estimate, two_sided_p(value / math.sqrt(variance), df), 0.0, name_of_test(df))


def _no_effect(scope: Scope, name: str, why: str) -> TestedEstimate:
    named = Scope(**{**vars(scope), "method": f"effect of {name}"})
    return TestedEstimate(Estimate.not_estimable(reason=why, **named.fields()), None, 0.0, "")


def _nu(
    model: str, found: Fit, variance: float, scope: Scope, df: int | None, reason: str, warnings: tuple[str, ...]
) -> Estimate | None:
    if model != "Davidson":
        return None
    tail = scope.method.split("; ", 1)[1:]
    named = Scope(**{**vars(scope), "method": "; ".join(["Davidson's nu, on a log scale", *tail]), "unit": "ratio"})
    if found.at.log_nu is None:
        return Estimate.not_estimable(reason="There are no ties.", **named.fields())
    value = math.exp(found.at.log_nu)
    if reason or variance <= 1e-24:
        return Estimate.insufficient(value, reason=reason or ONE_PROMPT, **named.fields()).with_warnings(*warnings)
    factor = math.exp(normal_or_t(scope.level, df) * math.sqrt(variance))
    return Estimate(value, value / factor, value * factor, **named.fields()).with_warnings(*warnings)


def _inconsistent(data: Battles, by_order: bool) -> str:
    if not data.n_inconsistent:
        return ""
    how = "half for each order" if by_order else "as ties"
    return f"{data.n_inconsistent} pairs were answered differently in the two orders and count {how}."


def _nothing(model: str, data: Battles, scope: Scope, reason: str, component: IntArray) -> StrengthFit:
    none = Estimate.not_estimable(reason=reason, **scope.fields())
    size = data.n_systems
    return StrengthFit(
        model=model,
        systems=data.systems,
        strengths=(none,) * size,
        effects={},
        tie_parameter=none if model == "Davidson" else None,
        judgments=(0,) * size,
        theta=np.zeros(size),
        log_nu=None,
        covariance=np.zeros((size, size)),
        nu_covariance=np.zeros((size, 2, 2)),
        df=None,
        component=component,
        prior=False,
        log_likelihood=None,
        iterations=0,
        scope=scope,
        reason=reason,
    )

"""Intraclass correlations of crossed raters on interval scales.

ICC(2,.) asks for absolute agreement: a rater who is a point stricter lowers it. ICC(3,.) asks for consistency
and ignores such differences, so it is a diagnostic: its distance to ICC(2,.) is what severity costs. "1" is
the reliability of one rating, "k" that of the mean of k. Names as in Shrout & Fleiss, Psychological Bulletin
86, 1979.

Complete tables with one output a prompt: analysis of variance and the intervals of McGraw & Wong,
Psychological Methods 1, 1996. Otherwise nothing is dropped and nothing filled in: REML (`_mixed`) where cells
are empty, and a generalised confidence interval (`_components_interval`) that also knows that outputs of one
prompt belong together. Coverage of both: docs/algorithms/coverage-agreement.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.special import fdtri

from analytics.stats._additive import AdditiveFit, Crossing, additive_fit, crossing
from analytics.stats._components_interval import DRAWS, Pivots
from analytics.stats._mixed import Components, Reml
from analytics.stats.coding import CodedRatings, FloatArray, Measurement
from analytics.stats.intervals import MIN_PROMPTS, Scope, few_prompts_warning
from analytics.stats.results import Estimate

Form = Literal["2,1", "2,k", "3,1", "3,k"]

# The systems of equations are raters x raters.
MAX_RATERS = 300
_WORDS: dict[Form, str] = {
    "2,1": "absolute agreement of single ratings",
    "2,k": "absolute agreement of mean ratings",
    "3,1": "consistency of single ratings",
    "3,k": "consistency of mean ratings",
}


def icc_2_1(data: CodedRatings, measurement: Measurement, *, level: float = 0.95, seed: int = 0) -> Estimate:
    """ICC(2,1): s2_item / (s2_item + s2_rater + s2_e). See `icc`."""
    return icc(data, measurement, "2,1", level=level, seed=seed)


def icc_2_k(
    data: CodedRatings, measurement: Measurement, *, k: float | None = None, level: float = 0.95, seed: int = 0
) -> Estimate:
    """ICC(2,k): s2_item / (s2_item + (s2_rater + s2_e) / k). See `icc`."""
    return icc(data, measurement, "2,k", k=k, level=level, seed=seed)


def icc_3_1(data: CodedRatings, measurement: Measurement, *, level: float = 0.95, seed: int = 0) -> Estimate:
    """ICC(3,1): s2_item / (s2_item + s2_e), raters fixed. See `icc`."""
    return icc(data, measurement, "3,1", level=level, seed=seed)


def icc_3_k(
    data: CodedRatings, measurement: Measurement, *, k: float | None = None, level: float = 0.95, seed: int = 0
) -> Estimate:
    """ICC(3,k): s2_item / (s2_item + s2_e / k), raters fixed. See `icc`."""
    return icc(data, measurement, "3,k", k=k, level=level, seed=seed)


def icc(
    data: CodedRatings,
    measurement: Measurement,
    form: Form,
    *,
    k: float | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """An intraclass correlation; at most 1, about 0 where raters tell the items apart no better than chance.

    ICC(2,.) speaks of raters like these, ICC(3,.) of these raters; both of other items. `k` is the number of ratings
    averaged (default: the harmonic mean of the ratings an item has). The generalised interval draws with `seed`. Not
    estimable: ordinal and nominal levels, raters of unknown identity, one rater or one item, no item with two ratings,
    no variation; more than 300 raters. No spread within items: a value without an interval. Simulated, a 95 % interval
    covers .90 to .92 with five outputs a prompt and up to 5 raters, else .93 to .96
    (docs/algorithms/coverage-agreement.md). Raises ValueError for an unknown form, values that do not fit the level, k
    below 1.
    """
    return icc_of(data, measurement, (form,), k=k, level=level, seed=seed)[form]


def icc_of(
    data: CodedRatings,
    measurement: Measurement,
    forms: tuple[Form, ...] = ("2,1", "2,k", "3,1", "3,k"),
    *,
    k: float | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> dict[Form, Estimate]:
    """Several forms of one table at the cost of about one."""
    unknown = [form for form in forms if form not in _WORDS]
    if unknown:
        raise ValueError(f"Unknown form {unknown[0]!r}: use {', '.join(_WORDS)}.")
    if k is not None and not k >= 1:
        raise ValueError(f"k is a number of ratings, 1 or more; got {k}.")
    data.require(measurement)
    table = crossing(data, data.values() if data.is_numeric else np.zeros(data.n_codes))
    scope = _scope(table, level)
    scopes = {form: replace(scope, method=f"ICC({form}), {_WORDS[form]}") for form in forms}
    problem = _problem(data, measurement, table)
    if problem:
        return {form: Estimate.not_estimable(reason=problem, **scope.fields()) for form, scope in scopes.items()}
    model = _Model(table, k, level, seed)
    return {form: model.estimate(form, scope) for form, scope in scopes.items()}


def _scope(table: Crossing, level: float) -> Scope:
    return Scope(
        method="",
        unit="coefficient",
        level=level,
        n_units=table.n_units,
        n_clusters=int(np.count_nonzero(np.bincount(table.cluster))),
        n_raters=table.n_raters,
        n_judgments=len(table.score),
    )


def _problem(data: CodedRatings, measurement: Measurement, table: Crossing) -> str:
    if measurement in ("nominal", "ordinal"):
        return f"The level of measurement is {measurement}: variances need distances between levels; see alpha."
    if (data.rater < 0).any():
        return "Some ratings come from raters of unknown identity, and this coefficient separates raters."
    if table.n_raters < 2:
        return f"Raters with ratings: {table.n_raters}. An intraclass correlation needs two or more."
    if table.n_raters > MAX_RATERS:
        return f"{table.n_raters} raters are more than the {MAX_RATERS} of this computation; see alpha."
    if table.n_units < 2:
        return f"Items with ratings: {table.n_units}. An intraclass correlation needs two or more."
    if table.size.max() < 2:
        return "No output has two ratings: agreement needs two ratings of the same output."
    if np.ptp(table.score) == 0:
        return "All ratings are equal: there is no variation to divide between items and raters (0/0)."
    return ""


@dataclass(frozen=True)
class _MeanSquares:
    """Two-way analysis of variance of a complete table of n items by k raters."""

    n: int
    k: int
    rows: float
    columns: float
    error: float


class _Model:
    """What all forms of one table share: the fit, the point values, the draws."""

    def __init__(self, table: Crossing, k: float | None, level: float, seed: int) -> None:
        self.table, self.level, self.seed = table, level, seed
        self.k = k or float(1 / np.mean(1 / table.size))
        self.fit = additive_fit(table)
        error, total = float(self.fit.residual @ self.fit.residual), float(table.score @ table.score)
        self.without_error = error <= 1e-20 * total
        self.squares = _mean_squares(self.fit) if table.complete else None
        self._components: dict[bool, Components] = {}

    def estimate(self, form: Form, scope: Scope) -> Estimate:
        fixed, mean = form[0] == "3", form.endswith("k")
        if self.fit.error_freedom < 1:
            reason = "Every rating is needed to place a rater or an item: nothing is left to estimate error from."
            return Estimate.not_estimable(reason=reason, **scope.fields())
        if self.without_error:
            return self._no_error(fixed, scope)
        value = self._value(fixed)
        if value is None:
            reason = "Items do not differ and raters do not either: the coefficient is 0/0."
            return Estimate.not_estimable(reason=reason, **scope.fields())
        one_a_prompt = scope.n_clusters == scope.n_units
        if self.squares is not None and one_a_prompt:
            low, high = (_consistency_limits if fixed else _agreement_limits)(self.squares, self.level)
            how, seed = "ANOVA; McGraw-Wong F interval", None
        elif scope.n_clusters < MIN_PROMPTS:
            reason = f"Only {scope.n_clusters} prompts have ratings: no interval below {MIN_PROMPTS}."
            shown = self._stepped(value) if mean else value
            return Estimate.insufficient(shown, reason=reason, **scope.fields())
        else:
            low, high = self._limits(fixed)
            source = "ANOVA" if self.squares is not None else "REML, empty cells left empty"
            how, seed = f"{source}; generalised confidence interval, {DRAWS} draws", self.seed
        low, high = min(low, value), max(high, value)
        if mean:
            value, low, high = (self._stepped(x) for x in (value, low, high))
            how = f"k = {self.k:.4g}; {how}"
        how = f"{how}, {'these raters' if fixed else 'raters like these'}"
        found = Estimate(value, low, high, seed=seed, **scope.fields(how))
        return found.with_warnings(few_prompts_warning(scope.n_clusters), *self._warnings(fixed))

    def _value(self, fixed: bool) -> float | None:
        """The single-rating coefficient."""
        if self.squares is None:
            found = self._fitted(fixed)
            return found.consistency if fixed else found.agreement
        s = self.squares
        if fixed:
            return (s.rows - s.error) / (s.rows + (s.k - 1) * s.error)
        below = s.rows + (s.k - 1) * s.error + s.k * (s.columns - s.error) / s.n
        return (s.rows - s.error) / below if below > 0 else None

    @cached_property
    def _reml(self) -> Reml:
        return Reml(self.table)

    def _fitted(self, fixed: bool) -> Components:
        if fixed not in self._components:
            self._components[fixed] = self._reml.fit(fixed_raters=fixed)
        return self._components[fixed]

    def _limits(self, fixed: bool) -> tuple[float, float]:
        item, rater, error = self._draws
        values = item / (item + error + (0.0 if fixed else rater))
        low, high = np.quantile(values, [(1 - self.level) / 2, (1 + self.level) / 2])
        return float(low), float(high)

    @cached_property
    def _draws(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        return Pivots(self.fit, self._fitted(False)).draws(self.seed)

    def _stepped(self, single: float) -> float:
        """Spearman-Brown: from one rating to the mean of k."""
        return self.k * single / (1 + (self.k - 1) * single)

    def _no_error(self, fixed: bool, scope: Scope) -> Estimate:
        """Raters differ by constants at most."""
        effects = float(np.ptp(self.fit.effect))
        means = self.table.score - self.fit.effect[self.table.rater]
        if fixed or effects <= 1e-10 * float(np.ptp(self.table.score)):
            if np.ptp(means) <= 1e-10:
                reason = "Items do not differ: there is no variation between items to find again."
                return Estimate.not_estimable(reason=reason, **scope.fields())
            reason = "Raters rank and space all items alike, so no interval can be claimed."
            return Estimate.insufficient(1.0, reason=reason, **scope.fields())
        value = self._value(False)
        reason = "Raters differ by constants only, so no interval can be claimed."
        if value is None:
            return Estimate.not_estimable(reason="Items do not differ (0/0).", **scope.fields())
        return Estimate.insufficient(value, reason=reason, **scope.fields())

    def _warnings(self, fixed: bool) -> tuple[str, str]:
        groups = self.fit.n_groups
        apart = f"Raters fall into {groups} groups without a shared output: they are compared by model only."
        few = f"Only {self.table.n_raters} raters: how much raters differ is known poorly, and the interval is wide."
        return (apart if groups > 1 else "", few if not fixed and self.table.n_raters < 5 else "")


def _mean_squares(fit: AdditiveFit) -> _MeanSquares:
    table = fit.table
    n, k = table.n_units, table.n_raters
    rows = k * float(np.sum(table.unit_mean**2)) / (n - 1)
    columns = n * float(np.sum(fit.effect**2)) / (k - 1)
    return _MeanSquares(n, k, rows, columns, float(fit.residual @ fit.residual) / ((n - 1) * (k - 1)))


def _agreement_limits(s: _MeanSquares, level: float) -> tuple[float, float]:
    """McGraw & Wong 1996, table 7, case 2A: ICC(A,1), with Satterthwaite degrees of freedom."""
    below = s.rows + (s.k - 1) * s.error + s.k * (s.columns - s.error) / s.n
    rho = max((s.rows - s.error) / below, 0.0)
    a = s.k * rho / (s.n * (1 - rho))
    b = 1 + s.k * rho * (s.n - 1) / (s.n * (1 - rho))
    freedom = (a * s.columns + b * s.error) ** 2
    freedom /= (a * s.columns) ** 2 / (s.k - 1) + (b * s.error) ** 2 / ((s.n - 1) * (s.k - 1))
    upper_tail = (1 + level) / 2
    f_low = float(fdtri(s.n - 1, freedom, upper_tail))
    f_high = float(fdtri(freedom, s.n - 1, upper_tail))
    noise = s.k * s.columns + (s.k * s.n - s.k - s.n) * s.error
    low = s.n * (s.rows - f_low * s.error) / (f_low * noise + s.n * s.rows)
    high = s.n * (f_high * s.rows - s.error) / (noise + s.n * f_high * s.rows)
    return low, high


def _consistency_limits(s: _MeanSquares, level: float) -> tuple[float, float]:
    """McGraw & Wong 1996, table 7, case 3: ICC(C,1), exact F."""
    ratio, tail = s.rows / s.error, (1 + level) / 2
    first, second = s.n - 1, (s.n - 1) * (s.k - 1)
    low = ratio / float(fdtri(first, second, tail))
    high = ratio * float(fdtri(second, first, tail))
    return (low - 1) / (low + s.k - 1), (high - 1) / (high + s.k - 1)

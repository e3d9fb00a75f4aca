"""Estimates for each system, and a fitted ranking model with what can be read from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import expit, logit, ndtr, stdtr, stdtrit

from analytics.stats.coding import FloatArray, IntArray
from analytics.stats.intervals import Scope, z_quantile
from analytics.stats.results import Estimate, TestedEstimate

# 400 / ln 10: the factor from logits to the scale on which 400 points are odds of ten to one.
ELO_POINTS = 400 / math.log(10)


@dataclass(frozen=True)
class SystemEstimates:
    """One estimate for each system, in the order of the systems."""

    systems: tuple[str, ...]
    items: tuple[Estimate, ...]

    def of(self, system: str) -> Estimate:
        """The estimate of one system. Raises ValueError if there is none of that name."""
        if system not in self.systems:
            raise ValueError(f"There is no system {system!r}; there are {', '.join(self.systems)}.")
        return self.items[self.systems.index(system)]

    def estimates(self) -> tuple[Estimate, ...]:
        return self.items

    def to_dict(self) -> dict[str, Any]:
        return {name: estimate.to_dict() for name, estimate in zip(self.systems, self.items, strict=True)}


@dataclass(frozen=True, eq=False)
class StrengthFit:
    """A fitted Bradley-Terry or Davidson model; make it with `bradley_terry` or `davidson`.

    `strengths` are in logits and sum to zero within each `component` of systems that met; strengths of different
    components cannot be compared. `effects` holds the side shown first and the features. `tie_parameter` is
    Davidson's nu. `theta` and `covariance` (of the strengths) are for arithmetic, `df` the degrees of freedom
    (None: normal). `prior` tells whether virtual judgments were needed. `reason` is empty unless nothing could be
    estimated, and then `theta` and `covariance` mean nothing.
    """

    model: str
    systems: tuple[str, ...]
    strengths: tuple[Estimate, ...]
    effects: dict[str, TestedEstimate]
    tie_parameter: Estimate | None
    judgments: tuple[int, ...]
    theta: FloatArray
    log_nu: float | None
    covariance: FloatArray
    nu_covariance: FloatArray
    df: int | None
    component: IntArray
    prior: bool
    log_likelihood: float | None
    iterations: int
    scope: Scope
    reason: str = ""
    interval_reason: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def standard_errors(self) -> FloatArray:
        """Of the strengths, in logits; shape (systems,)."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    def of(self, system: str) -> Estimate:
        return SystemEstimates(self.systems, self.strengths).of(system)

    def estimates(self) -> tuple[Estimate, ...]:
        return self.strengths

    def to_dict(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "strengths": SystemEstimates(self.systems, self.strengths).to_dict(),
            "effects": {name: effect.to_dict() for name, effect in self.effects.items()},
            "tie_parameter": None if self.tie_parameter is None else self.tie_parameter.to_dict(),
            "judgments": dict(zip(self.systems, self.judgments, strict=True)),
            "component": dict(zip(self.systems, self.component.tolist(), strict=True)),
            "prior": self.prior,
            "log_likelihood": self.log_likelihood,
            "reason": self.reason,
            "warnings": list(self.warnings),
        }


def normal_or_t(level: float, df: int | None) -> float:
    """Two-sided critical value."""
    return z_quantile(level) if df is None else float(stdtrit(df, (1 + level) / 2))


def two_sided_p(statistic: float, df: int | None) -> float:
    """Of a statistic with the t distribution (normal without degrees of freedom)."""
    below = float(ndtr(-abs(statistic)) if df is None else stdtr(df, -abs(statistic)))
    return min(1.0, 2 * below)


def interval_or_reason(
    value: float, variance: float, scope: Scope, df: int | None, method: str, reason: str, warnings: tuple[str, ...]
) -> Estimate:
    """`value` with its interval; with `reason`, or without any variance, the value alone."""
    if reason or variance <= 1e-24:
        why = reason or "Every judgment says the same, so no interval can be claimed."
        return Estimate.insufficient(value, reason=why, **scope.fields()).with_warnings(*warnings)
    half = normal_or_t(scope.level, df) * math.sqrt(variance)
    return Estimate(value, value - half, value + half, **scope.fields(method)).with_warnings(*warnings)


def difference(fit: StrengthFit, system: str, other: str) -> TestedEstimate:
    """Strength of one system less another's, in logits, with its test of zero.

    The interval uses their covariance: two intervals that overlap are no test. Systems that never met, not even
    through others, have no difference. Raises ValueError for a name that is not there or twice the same.
    """
    if system == other:
        raise ValueError(f"A difference needs two systems; got {system!r} twice.")
    fit.of(system), fit.of(other)
    a, b = fit.systems.index(system), fit.systems.index(other)
    scope = _renamed(fit, f"difference of strengths, {fit.model}", "logits")
    reason = fit.reason
    if not reason and fit.component[a] != fit.component[b]:
        reason = "The two systems never met, not even through other systems."
    if reason:
        return TestedEstimate(Estimate.not_estimable(reason=reason, **scope.fields()), None, 0.0, "")
    value = float(fit.theta[a] - fit.theta[b])
    variance = float(fit.covariance[a, a] + fit.covariance[b, b] - 2 * fit.covariance[a, b])
    estimate = interval_or_reason(value, variance, scope, fit.df, "", fit.interval_reason, fit.warnings)
    if estimate.status != "ok":
        return TestedEstimate(estimate, None, 0.0, "")
    return TestedEstimate(estimate, two_sided_p(value / math.sqrt(variance), fit.df), 0.0, name_of_test(fit.df))


def name_of_test(df: int | None) -> str:
    return "Wald test, normal" if df is None else f"Wald test, t({df})"


def win_probabilities(fit: StrengthFit) -> SystemEstimates:
    """Chance that a system is preferred to an average one of its component, a tie counting half; 0 to 1.

    Shown-first effect and features at zero. Interval: symmetric in logits, by the delta method over the strength
    and, in Davidson's model, nu.
    """
    scope = _renamed(fit, f"chance against an average system, {fit.model}", "share")
    if fit.reason:
        none = Estimate.not_estimable(reason=fit.reason, **scope.fields())
        return SystemEstimates(fit.systems, (none,) * len(fit.systems))
    items = []
    for index, theta in enumerate(fit.theta.tolist()):
        share, gradient = _expected_score(theta, fit.log_nu)
        block = fit.nu_covariance[index]
        variance = float(gradient @ block @ gradient)
        on_logits = interval_or_reason(
            float(logit(share)), variance, scope, fit.df, "", fit.interval_reason, fit.warnings
        )
        items.append(_transformed(on_logits, share))
    return SystemEstimates(fit.systems, tuple(items))


def elo_scale(fit: StrengthFit, *, average: float = 1000.0) -> SystemEstimates:
    """Strengths on the scale of chess ratings, for display: 400 points are odds of ten to one.

    `average` is the rating of the average system of a component. This is the Bradley-Terry estimate in other
    units, not the online Elo update, which depends on the order of the games and has no standard error.
    """
    scope = _renamed(fit, f"{fit.model} strengths on the Elo scale, average {average:g}", "Elo points")
    items = []
    for estimate in fit.strengths:
        if estimate.value is None:
            items.append(Estimate.not_estimable(reason=estimate.reason, **scope.fields()))
            continue
        value, low, high = (None if x is None else average + ELO_POINTS * x for x in _three(estimate))
        items.append(
            Estimate(value, low, high, status=estimate.status, reason=estimate.reason, **scope.fields()).with_warnings(
                *estimate.warnings
            )
        )
    return SystemEstimates(fit.systems, tuple(items))


def _three(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    return estimate.value, estimate.low, estimate.high


def _expected_score(theta: float, log_nu: float | None) -> tuple[float, FloatArray]:
    """P(win) + P(tie) / 2 against strength zero, and the gradient of its logit towards (theta, ln nu)."""
    if log_nu is None:
        return float(expit(theta)), np.array([1.0, 0.0])
    win, loss, tie = math.exp(theta / 2), math.exp(-theta / 2), math.exp(log_nu)
    score = (win + tie / 2) / (win + loss + tie)
    # d score / d theta and / d ln nu, over score (1 - score).
    total = win + loss + tie
    by_theta = (win / 2 - score * (win - loss) / 2) / total
    by_nu = (tie / 2 - score * tie) / total
    return score, np.array([by_theta, by_nu]) / (score * (1 - score))


def _transformed(on_logits: Estimate, share: float) -> Estimate:
    low, high = (None if x is None else float(expit(x)) for x in (on_logits.low, on_logits.high))
    return replace(on_logits, value=share, low=low, high=high)


def _renamed(fit: StrengthFit, method: str, unit: str) -> Scope:
    tail = fit.scope.method.split("; ", 1)
    return replace(fit.scope, method="; ".join([method, *tail[1:]]), unit=unit)


@dataclass(frozen=True)
class PairDifferences:
    """The difference of every pair of systems, first less second, in the order of the systems."""

    pairs: tuple[tuple[str, str], ...]
    items: tuple[TestedEstimate, ...]

    def estimates(self) -> tuple[Estimate, ...]:
        return tuple(item.estimate for item in self.items)

    def to_dict(self) -> dict[str, Any]:
        rows = zip(self.pairs, self.items, strict=True)
        return {"pairs": [{"system": a, "other": b, **item.to_dict()} for (a, b), item in rows]}


def strength_differences(fit: StrengthFit) -> PairDifferences:
    """`difference` for every pair of systems. Many tests at once: `rank_table` counts those that pass Holm's.

    Source: Wald's test with the covariance of the strengths; see `bradley_terry`.
    """
    pairs = tuple(combinations(fit.systems, 2))
    return PairDifferences(pairs, tuple(difference(fit, a, b) for a, b in pairs))

"""Release gates: is the new system no worse than the old one by more than a margin? Are the two equivalent?

"No significant difference" is no pass: with few prompts nothing is significant. A gate passes when the data rule out
a loss beyond the margin, fails when they show one, and otherwise says that they are insufficient and how many
prompts would do. The margin and alpha are declared before the data.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import nctdtr, ndtri, stdtr, stdtrit

from analytics.stats._rows import complete_rows
from analytics.stats.coding import FloatArray, weighted_count
from analytics.stats.intervals import MIN_PROMPTS, Scope, few_prompts_warning
from analytics.stats.multiplicity import holm
from analytics.stats.results import Estimate, finite_or_none

Verdict = Literal["pass", "fail", "insufficient"]
MAX_NEEDED = 1_000_000


@dataclass(frozen=True)
class GateDecision:
    """`estimate` of new minus old (limits at 1 - 2 alpha, so that each is the one-sided 1 - alpha limit), the margin,
    the verdict in a sentence, the p value of the test that would pass, and the prompts needed for `power`."""

    verdict: Verdict
    reason: str
    estimate: Estimate
    margin: float
    alpha: float
    p_value: float | None
    test: str
    n_prompts: int
    n_needed: int | None
    power: float

    def to_dict(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**plain, "estimate": self.estimate.to_dict(), "p_value": finite_or_none(self.p_value)}


def non_inferiority(
    difference: ArrayLike,
    cluster: ArrayLike,
    *,
    margin: float,
    alpha: float = 0.05,
    higher_is_better: bool = True,
    span: float | None = None,
    power: float = 0.8,
    planned_difference: float = 0.0,
    unit: str = "points",
    **counts: int,
) -> GateDecision:
    """Pass if the lower one-sided 1 - alpha limit of new - old lies above -margin.

    `difference` (rows,): new minus old on one prompt or output, missing ones dropped; `cluster` (rows,) its prompt
    (`scores.prompt_differences` and `scores.prompt_superiority` make both). Rows of a prompt are averaged, prompts
    weigh the same, t(G-1). For a win rate or a probability of superiority, difference and margin are shares less .5.
    `higher_is_better=False` (errors, MQM) turns the sign, so that above 0 is better. Fail: the upper limit lies below
    -margin, so the loss is shown. Else insufficient, with the prompts needed for `power` if the true difference is
    `planned_difference` (never the observed one, which would be circular). Under 10 prompts: insufficient. All
    prompts alike: the limits assume that up to 1 - alpha^(1/G) of other prompts differ by the whole `span` (the
    largest difference the scale allows); without `span` insufficient.
    Raises ValueError: margin or alpha not above 0, alpha or power not below 1, lengths, text, infinities.
    Source: Student's t, one-sided (Blackwelder, Controlled Clinical Trials 3, 1982); Clopper & Pearson 1934 at 0 of G.
    """
    plan = _Plan(margin, alpha, power, planned_difference, span, unit)
    prompts = _prompts(difference, cluster, plan, higher_is_better, counts, "difference, non-inferiority")
    test = "one-sided t-test of a loss of the margin or more"
    needed = _needed(prompts.sd, plan.margin + plan.planned, plan, plan.power)
    if prompts.refusal:
        return _no_decision(prompts, plan, test, needed)
    low, high = prompts.limits
    p = _p_above(prompts, -plan.margin, plan)
    if low > -plan.margin:
        verdict, reason = _passed(f"A loss of {plan.margin:g} or more is ruled out", plan)
    elif high < -plan.margin:
        verdict, reason = _failed(f"The loss is shown to be more than {plan.margin:g}", plan)
    else:
        verdict, reason = _open(
            f"The data fit a loss of {plan.margin:g} or more as well as none", prompts, needed, plan
        )
    return GateDecision(verdict, reason, prompts.estimate, margin, alpha, p, test, prompts.groups, needed, power)


def equivalence(
    difference: ArrayLike,
    cluster: ArrayLike,
    *,
    margin: float,
    alpha: float = 0.05,
    span: float | None = None,
    power: float = 0.8,
    planned_difference: float = 0.0,
    unit: str = "points",
    **counts: int,
) -> GateDecision:
    """Two one-sided tests: pass if the 1 - 2 alpha interval of the difference lies inside (-margin, margin).

    Fail: it lies wholly outside. The p value is the larger of the two. The prompts needed are for `power` at
    `planned_difference`. Arguments and refusals as `non_inferiority`.
    Source: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987.
    """
    plan = _Plan(margin, alpha, power, planned_difference, span, unit)
    prompts = _prompts(difference, cluster, plan, True, counts, "difference, equivalence")
    test = "two one-sided t-tests (TOST)"
    # At a planned difference of 0 both tests must pass, so each may miss half of what power leaves.
    each = 1 - (1 - plan.power) / 2 if plan.planned == 0 else plan.power
    needed = _needed(prompts.sd, plan.margin - abs(plan.planned), plan, each)
    if prompts.refusal:
        return _no_decision(prompts, plan, test, needed)
    low, high = prompts.limits
    p = max(_p_above(prompts, -plan.margin, plan), _p_above(_turned(prompts), -plan.margin, plan))
    if -plan.margin < low and high < plan.margin:
        verdict, reason = _passed(f"A difference of {plan.margin:g} or more either way is ruled out", plan)
    elif high < -plan.margin or low > plan.margin:
        verdict, reason = _failed(f"The difference is shown to be more than {plan.margin:g}", plan)
    else:
        verdict, reason = _open(f"The data fit a difference of {plan.margin:g} as well as none", prompts, needed, plan)
    return GateDecision(verdict, reason, prompts.estimate, margin, alpha, p, test, prompts.groups, needed, power)


@dataclass(frozen=True)
class GateSummary:
    """The verdict over several criteria; `adjusted` are Holm's p values under "any"."""

    verdict: Verdict
    reason: str
    rule: Literal["all", "any"]
    adjusted: dict[str, float | None]


def combined(decisions: Mapping[str, GateDecision], rule: Literal["all", "any"]) -> GateSummary:
    """One verdict from the gates of several criteria.

    `all`: every criterion must pass. No correction: the chance that a bad system passes all is at most alpha
    (intersection-union). `any`: one pass is enough, and p values are Holm-adjusted. Raises ValueError for no
    decisions, another rule, or different alphas. Source: Berger, Technometrics 24, 1982; Holm 1979.
    """
    if not decisions or rule not in ("all", "any"):
        raise ValueError(f"Give at least one decision and the rule all or any; got {len(decisions)} and {rule!r}.")
    alphas = {decision.alpha for decision in decisions.values()}
    if len(alphas) > 1:
        raise ValueError(f"The gates were declared with different alphas: {', '.join(map(str, sorted(alphas)))}.")
    by_verdict = {name: decision.verdict for name, decision in decisions.items()}
    if rule == "all":
        adjusted = {name: decision.p_value for name, decision in decisions.items()}
        return _all_pass(by_verdict, adjusted)
    p = holm([decision.p_value for decision in decisions.values()])
    adjusted = dict(zip(decisions, p, strict=True))
    passed = [name for name, value in adjusted.items() if value is not None and value < max(alphas)]
    if passed:
        return GateSummary("pass", f"Passed after Holm's correction: {', '.join(passed)}.", rule, adjusted)
    if set(by_verdict.values()) == {"fail"}:
        return GateSummary("fail", "Every criterion failed.", rule, adjusted)
    return GateSummary("insufficient", "No criterion passes after Holm's correction.", rule, adjusted)


def _all_pass(verdicts: dict[str, Verdict], p: dict[str, float | None]) -> GateSummary:
    failed = [name for name, verdict in verdicts.items() if verdict == "fail"]
    unsettled = [name for name, verdict in verdicts.items() if verdict == "insufficient"]
    if failed:
        return GateSummary("fail", f"Failed: {', '.join(failed)}.", "all", p)
    if unsettled:
        return GateSummary("insufficient", f"Not settled: {', '.join(unsettled)}.", "all", p)
    return GateSummary("pass", "Every criterion passed; all were required, so nothing is corrected.", "all", p)


@dataclass(frozen=True)
class _Plan:
    """What was declared before the data."""

    margin: float
    alpha: float
    power: float
    planned: float
    span: float | None
    unit: str

    def __post_init__(self) -> None:
        if not (self.margin > 0 and math.isfinite(self.margin)):
            raise ValueError(f"The margin must be a finite number above 0; got {self.margin}.")
        if not 0 < self.alpha < 0.5:
            raise ValueError(f"alpha must lie between 0 and .5; got {self.alpha}.")
        if not 0.5 <= self.power < 1:
            raise ValueError(f"The power must lie between .5 and 1; got {self.power}.")
        if self.span is not None and not self.span > 0:
            raise ValueError(f"The span of differences must be above 0; got {self.span}.")


class _Prompts(NamedTuple):
    """Prompts' mean differences, summed up; `refusal` is empty where they can decide."""

    mean: float
    sd: float
    groups: int
    limits: tuple[float, float]
    estimate: Estimate
    refusal: str


def _prompts(
    difference: ArrayLike, cluster: ArrayLike, plan: _Plan, higher: bool, counts: dict[str, int], method: str
) -> _Prompts:
    rows = complete_rows(cluster, difference=difference)
    values = rows.columns[0] if higher else -rows.columns[0]
    n = np.bincount(rows.cluster, minlength=rows.groups)
    means = weighted_count(rows.cluster, values, rows.groups) / n
    direction = "paired by prompt" if higher else "paired by prompt, sign turned: above 0 is better"
    scope = Scope(f"{method}, {direction}", plan.unit, 1 - 2 * plan.alpha, len(rows), rows.groups, **counts)
    if not len(means):
        estimate = Estimate.not_estimable(reason="There are no prompts with both systems.", **scope.fields())
        return _Prompts(0.0, 0.0, 0, (0.0, 0.0), estimate, estimate.reason)
    mean, sd = float(means.mean()), float(means.std(ddof=1)) if len(means) > 1 else 0.0
    if rows.groups < MIN_PROMPTS:
        few = f"Only {rows.groups} prompts have both systems: nothing is decided below {MIN_PROMPTS}."
        estimate = Estimate.insufficient(mean, reason=few, **scope.fields())
        return _Prompts(mean, sd, rows.groups, (mean, mean), estimate, few)
    return _limits(mean, sd, means, scope, plan)


def _limits(mean: float, sd: float, means: FloatArray, scope: Scope, plan: _Plan) -> _Prompts:
    groups = len(means)
    if sd > 1e-12 * max(1.0, abs(mean)):
        half = float(stdtrit(groups - 1, 1 - plan.alpha)) * sd / math.sqrt(groups)
        low, high, how = mean - half, mean + half, f"one-sided limits, t({groups - 1})"
    elif plan.span is not None:
        # Prompts that differ have not been seen; at most this share of others can, with confidence 1 - alpha.
        unseen = 1 - plan.alpha ** (1 / groups)
        low, high = mean - unseen * (mean + plan.span), mean + unseen * (plan.span - mean)
        how = f"all prompts alike: at most {unseen:.2g} of others differ, by {plan.span:g} at most"
    else:
        alike = "All prompts show the same difference: declare the span of the scale to decide."
        estimate = Estimate.insufficient(mean, reason=alike, **scope.fields())
        return _Prompts(mean, sd, groups, (mean, mean), estimate, alike)
    estimate = Estimate(mean, low, high, **scope.fields(how)).with_warnings(few_prompts_warning(groups))
    return _Prompts(mean, sd, groups, (low, high), estimate, "")


def _p_above(prompts: _Prompts, null: float, plan: _Plan) -> float:
    """One-sided p of "the true difference is `null` or less"."""
    if prompts.sd > 1e-12 * max(1.0, abs(prompts.mean)):
        error = prompts.sd / math.sqrt(prompts.groups)
        return float(stdtr(prompts.groups - 1, (null - prompts.mean) / error))
    if plan.span is None or prompts.mean <= null:
        return 1.0
    # The alpha at which the limit for unseen prompts (see _limits) would stand at the null.
    return float((1 - min(1.0, (prompts.mean - null) / (prompts.mean + plan.span))) ** prompts.groups)


def _turned(prompts: _Prompts) -> _Prompts:
    return prompts._replace(mean=-prompts.mean)


def _needed(sd: float, room: float, plan: _Plan, power: float) -> int | None:
    """The fewest prompts at which the one-sided t-test has the power when the true difference lies `room` above the
    null; None where the planned difference leaves no room, or the number is beyond a million.

    Exact, by the noncentral t; the normal formula ((z_{1-alpha} + z_{power}) sd / room)^2 is where the search begins.
    """
    if room <= 0 or sd <= 0:
        return None
    guess = ((float(ndtri(1 - plan.alpha)) + float(ndtri(power))) * sd / room) ** 2
    if guess > MAX_NEEDED:
        return None
    enough = range(MIN_PROMPTS, math.ceil(2 * guess) + 2 * MIN_PROMPTS)
    return enough[bisect_left(enough, True, key=lambda n: _power(n, room / sd, plan.alpha) >= power)]


def _power(n: int, effect: float, alpha: float) -> float:
    missed = float(nctdtr(n - 1, effect * math.sqrt(n), stdtrit(n - 1, 1 - alpha)))
    return 1.0 if math.isnan(missed) else 1 - missed  # an effect so large that its tail is nothing to the computer


def _passed(what: str, plan: _Plan) -> tuple[Verdict, str]:
    return "pass", f"{what} (alpha {plan.alpha:g})."


def _failed(what: str, plan: _Plan) -> tuple[Verdict, str]:
    return "fail", f"{what} (alpha {plan.alpha:g})."


def _open(what: str, prompts: _Prompts, needed: int | None, plan: _Plan) -> tuple[Verdict, str]:
    if needed is None:
        return "insufficient", f"{what}."
    more = f"about {needed:,} prompts would give it a chance of {plan.power:.0%} to pass at a true difference of "
    return "insufficient", f"{what}; there are {prompts.groups:,} prompts, and {more}{plan.planned:g}."


def _no_decision(prompts: _Prompts, plan: _Plan, test: str, needed: int | None) -> GateDecision:
    return GateDecision(
        "insufficient",
        prompts.refusal,
        prompts.estimate,
        plan.margin,
        plan.alpha,
        None,
        test,
        prompts.groups,
        needed,
        plan.power,
    )

"""Shares over prompts: the mean of prompt means, a share from its derivatives, and the test of one half."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy.special import bdtr, stdtr, stdtrit

from analytics.stats.coding import FloatArray, IntArray, weighted_count
from analytics.stats.intervals import Scope, few_prompts_warning, mean_over_clusters, ratio_over_clusters, t_quantile
from analytics.stats.proportions import wilson
from analytics.stats.results import Estimate, TestedEstimate

ONE_PROMPT = "There is one prompt only, so the spread between prompts cannot be estimated."


def scope_of_judgments(method: str, level: float, unit: IntArray, cluster: IntArray, rater: IntArray) -> Scope:
    """A share of these judgments: one entry of each array per judgment, `rater` -1 where unknown."""
    return Scope(
        method=method,
        unit="share",
        level=level,
        n_units=len(pd.unique(unit)),
        n_clusters=len(pd.unique(cluster)),
        n_raters=len(pd.unique(rater[rater >= 0])),
        n_judgments=len(unit),
    )


def prompt_share(means: FloatArray, judgments: IntArray, scope: Scope) -> Estimate:
    """The mean of prompt means of scores: t(G-1), but Wilson where every prompt has one judgment without tie.

    `means` and `judgments` (clusters,): the prompt's mean score and how many judgments are in it.
    """
    groups = len(means)
    trials = groups >= 2 and bool((judgments == 1).all()) and bool(((means == 0) | (means == 1)).all())
    if not trials:
        return mean_over_clusters(means, scope, share=True)
    won = float(means.sum())
    low, high = wilson(won, groups, scope.level)
    fields = scope.fields("Wilson interval, one judgment without tie a prompt")
    return Estimate(won / groups, low, high, **fields).with_warnings(few_prompts_warning(groups))


def share_from_influence(value: float, influence: FloatArray, cluster: IntArray, scope: Scope) -> Estimate:
    """A share with t(G-1) standard errors from its derivatives `influence` (units,), summed by `cluster` (units,).

    Variance: G/(G-1) times the centred squares of the sums over the G prompts that occur. The interval is kept
    within 0..1; without any spread it is Wilson's on prompts. One prompt: a value without an interval.
    """
    sizes = np.bincount(cluster)
    sums = np.bincount(cluster, influence)[sizes > 0]
    groups = len(sums)
    if groups < 2:
        return Estimate.insufficient(value, reason=ONE_PROMPT, **scope.fields())
    error = math.sqrt(groups / (groups - 1) * float(np.sum((sums - sums.mean()) ** 2)))
    value = min(max(value, 0.0), 1.0)
    if error > 1e-12:
        half = t_quantile(scope.level, groups) * error
        low, high = max(value - half, 0.0), min(value + half, 1.0)
        fields = scope.fields(f"cluster-robust by prompt, t({groups - 1}), within 0..1")
    else:
        low, high = wilson(value * groups, groups, scope.level)
        fields = scope.fields("Wilson interval on prompts (no spread between prompts)")
    return Estimate(value, low, high, **fields).with_warnings(few_prompts_warning(groups))


def binomial_half(successes: int, trials: int) -> float:
    """Two-sided exact p value of `successes` out of `trials` for a probability of one half."""
    tail = float(bdtr(min(successes, trials - successes), trials, 0.5))
    return min(1.0, 2 * tail)


def share_against_half(
    hits: FloatArray, prompt: IntArray, scope: Scope, rater: IntArray | None = None
) -> TestedEstimate:
    """A pooled share of rows of 0 and 1 with its test of one half.

    Exact binomial where every prompt has one row, else Wald's with errors clustered by prompt; with `rater` codes
    (-1 unknown) by prompt and rater, and never exact. The error of the test is that under no preference, so that
    unanimous answers have one too.
    """
    cluster, labels = pd.factorize(prompt)
    groups = len(labels)
    trials = weighted_count(cluster, np.ones(len(cluster)), groups)
    estimate = ratio_over_clusters(weighted_count(cluster, hits, groups), trials, scope)
    if not len(hits):
        return TestedEstimate(estimate, None, 0.5, "")
    if groups == len(hits) and rater is None:
        p = binomial_half(int(hits.sum()), len(hits))
        return TestedEstimate(estimate, p, 0.5, "two-sided exact binomial test, one answer a prompt")
    share = float(hits.mean())
    variance, df, by = _variance_of(hits - 0.5, cluster, rater)
    if variance <= 0:
        return TestedEstimate(estimate, None, 0.5, "")
    p = min(1.0, 2 * float(stdtr(df, -abs(share - 0.5) / math.sqrt(variance))))
    if rater is not None and estimate.status == "ok":
        around = _variance_of(hits - share, cluster, rater)[0]
        estimate = _widened(estimate, max(around, 0.0), df, by, scope)
    return TestedEstimate(estimate, p, 0.5, f"Wald test, cluster-robust by {by}, t({df})")


def _variance_of(residual: FloatArray, prompt: IntArray, rater: IntArray | None) -> tuple[float, int, str]:
    """Of the mean of rows with these residuals; degrees of freedom and what it is clustered by."""
    by_prompt, prompts = _clustered(residual, prompt)
    if rater is None:
        return by_prompt, prompts - 1, "prompt"
    who = np.where(rater < 0, -1 - np.arange(len(rater)), rater)
    by_rater, raters = _clustered(residual, pd.factorize(who)[0])
    both, _ = _clustered(residual, pd.factorize(prompt * (int(who.max()) + len(who) + 2) + who)[0])
    # Where one way of clustering sees all there is, the two-way sum can fall below it by chance.
    variance = max(by_prompt + by_rater - both, by_prompt, by_rater)
    return variance, min(prompts, raters) - 1, "prompt and rater"


def _clustered(residual: FloatArray, cluster: IntArray) -> tuple[float, int]:
    sums = np.bincount(cluster, residual)
    groups = len(sums)
    if groups < 2:
        return 0.0, groups
    return groups / (groups - 1) * float(sums @ sums) / len(residual) ** 2, groups


def _widened(estimate: Estimate, variance: float, df: int, by: str, scope: Scope) -> Estimate:
    if df < 1 or variance <= 1e-24 or estimate.value is None:
        return estimate
    half = float(stdtrit(df, (1 + scope.level) / 2)) * math.sqrt(variance)
    fields = scope.fields(f"cluster-robust by {by}, t({df}), within 0..1")
    low, high = max(estimate.value - half, 0.0), min(estimate.value + half, 1.0)
    return Estimate(estimate.value, low, high, **fields).with_warnings(*estimate.warnings)

"""Expectation-maximisation for raters with error rates, on distinct sets of votes, in logarithms.

T_uk is the probability that output u is truly k; pi^r_kc that rater r says c of a true k. The E step is
log T = log p + votes @ log pi, the M step pi = votes' @ (weight T), each one sparse product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from analytics.stats._vote_patterns import Patterns
from analytics.stats.coding import FloatArray


@dataclass(frozen=True, eq=False)
class Fitted:
    """`posterior` (patterns, codes), `prevalence` (codes,), `confusion` (raters, true, said)."""

    posterior: FloatArray
    prevalence: FloatArray
    confusion: FloatArray
    log_likelihood: float
    iterations: int
    converged: bool


def fit(
    patterns: Patterns, n_codes: int, *, smoothing: float, one_coin: bool, max_iterations: int, tolerance: float
) -> Fitted:
    """Iterate from the shares of the votes until the objective changes by less than `tolerance` of itself.

    The objective is the log-likelihood, with smoothing plus its pseudo-counts' share, which EM never lowers.
    The multinomial constant, which depends on no parameter, is left out.
    """
    votes, weight = patterns.votes, patterns.weight
    label = np.tile(np.eye(n_codes), (patterns.n_raters, 1))
    # (codes, patterns): sums over the few codes then run along the many patterns, which is several times quicker.
    posterior = np.ascontiguousarray((votes @ label).T)
    posterior /= posterior.sum(axis=0)
    objective = likelihood = -np.inf
    rates = np.empty(0)
    converged, iteration = False, 0
    while not converged and iteration < max_iterations:
        iteration += 1
        weighted = posterior * weight
        prevalence = weighted.sum(axis=1) / weight.sum()
        given = votes.T @ np.ascontiguousarray(weighted.T)  # rows are (rater, said), columns are what is true
        counts = given.reshape(patterns.n_raters, n_codes, n_codes).transpose(0, 2, 1)
        rates = _one_coin(counts, smoothing) if one_coin else _matrices(counts, smoothing)
        with np.errstate(divide="ignore"):  # log 0 is -inf, and exp makes it 0 again
            log_rates, log_prevalence = np.log(rates), np.log(prevalence)
        posterior, evidence = _expected(votes, log_rates, log_prevalence)
        likelihood = float((weight * evidence).sum())
        penalty = smoothing * float(log_rates.sum()) if smoothing > 0 and not one_coin else 0.0
        before, objective = objective, likelihood + penalty
        converged = bool(abs(objective - before) <= tolerance * abs(objective))
    prevalence = (posterior * weight).sum(axis=1) / weight.sum()
    return Fitted(np.ascontiguousarray(posterior.T), prevalence, rates, likelihood, iteration, converged)


def _expected(votes: csr_array, log_rates: FloatArray, log_prevalence: FloatArray) -> tuple[FloatArray, FloatArray]:
    """T (codes, patterns), and the logarithm of each pattern's probability."""
    of_votes = votes @ log_rates.transpose(0, 2, 1).reshape(-1, len(log_prevalence))
    joint = np.ascontiguousarray(of_votes.T) + log_prevalence[:, None]
    top = joint.max(axis=0)
    posterior = np.exp(joint - top)
    total = posterior.sum(axis=0)
    return posterior / total, top + np.log(total)


def _matrices(counts: FloatArray, smoothing: float) -> FloatArray:
    """Each rater's table of what is said given what is true; a truth a rater never met is spread evenly."""
    counts = counts + smoothing
    total = counts.sum(axis=2, keepdims=True)
    even = np.full_like(counts, 1 / counts.shape[2])
    return np.divide(counts, total, out=even, where=total > 0)


def _one_coin(counts: FloatArray, smoothing: float) -> FloatArray:
    """One accuracy a rater: right with it, else any other label alike."""
    codes = counts.shape[1]
    right = np.trace(counts, axis1=1, axis2=2) + smoothing
    accuracy = right / (counts.sum(axis=(1, 2)) + 2 * smoothing)
    off = (1 - accuracy) / max(codes - 1, 1)
    same = np.eye(codes)
    return accuracy[:, None, None] * same + off[:, None, None] * (1 - same)

"""How the shares of a latent-class fit depend on each output, raters' error rates being estimated beside them.

Everything is in logits, where scores are bounded: T_uk - p_k for the share of k, T_uk (n_urc - n_ur pi^r_kc) for
rater r saying c of a true k. The information is the sum of squared scores over outputs, plus what smoothing adds.

Scores are linear in the votes n_urc, of which an output has few. So the sums are taken over votes, and the votes that
were expected are subtracted afterwards: a table of outputs x parameters is never made.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.linalg.lapack import dpocon, dpotrf, dpotrs
from scipy.sparse import coo_array

from analytics.stats._cross_products import cost, cross_products
from analytics.stats._em import Fitted
from analytics.stats._vote_patterns import Patterns
from analytics.stats.coding import FloatArray

# Products of two votes, and parameters: beyond it error rates are taken as known.
_MAX_PRODUCTS = 1e9
_MAX_PARAMETERS = 1_000
# Reciprocal condition above which an information is solved as it is.
_WELL_CONDITIONED = 1e-8


class _Scores(Protocol):
    """Scores of raters' parameters: a table (patterns, parameters) that is not made."""

    def information(self) -> FloatArray:
        """Sum of their squares over outputs, (parameters, parameters)."""

    def across(self, other: FloatArray) -> FloatArray:
        """Sum of their products with `other` (patterns, n) over outputs, (parameters, n)."""

    def along(self, direction: FloatArray) -> FloatArray:
        """The table times `direction` (parameters, n), (patterns, n)."""


def share_influence(patterns: Patterns, found: Fitted, *, one_coin: bool, smoothing: float) -> tuple[FloatArray, bool]:
    """Derivative of the shares towards an output of each pattern, (patterns, codes), and whether raters' error
    rates were estimated with them (False: taken as known, because there are too many)."""
    p = found.prevalence
    share = (found.posterior - p)[:, :-1]
    information = np.einsum("uj,uk->jk", share * patterns.weight[:, None], share)
    slope = (np.diag(p) - np.outer(p, p))[:-1]  # from logits, the last one fixed at zero, to shares
    if not _affordable(patterns, len(p), one_coin):
        return np.einsum("uj,jn->un", share, _solved(information, slope)), False
    raters: _Scores = _Accuracies(patterns, found) if one_coin else _Tables(patterns, found, smoothing)
    across = raters.across(share)
    whole = np.block([[information, across.T], [across, raters.information()]])
    direction = _solved(whole, np.vstack([slope, np.zeros((len(across), len(p)))]))
    of_share, of_raters = np.split(direction, [len(information)])
    return np.einsum("uj,jn->un", share, of_share) + raters.along(of_raters), True


def _affordable(patterns: Patterns, codes: int, one_coin: bool) -> bool:
    parameters = patterns.n_raters * (1 if one_coin else codes * (codes - 1))
    weights = 1 if one_coin else codes * (codes + 1) // 2
    return parameters <= _MAX_PARAMETERS and cost(patterns.votes, weights) <= _MAX_PRODUCTS


class _Tables:
    """Scores of raters' tables of errors, in the order (true, raters, said without the last)."""

    def __init__(self, patterns: Patterns, found: Fitted, smoothing: float) -> None:
        self.patterns, self.posterior, self.smoothing = patterns, found.posterior, smoothing
        self.chance = found.confusion.transpose(1, 0, 2)  # (true, raters, said)

    def information(self) -> FloatArray:
        true, raters, said = self.chance.shape
        one, other = np.triu_indices(true)
        both = self.posterior[:, one] * self.posterior[:, other] * self.patterns.weight[:, None]
        votes = np.zeros((true, true, raters * said, raters * said))
        votes[one, other] = votes[other, one] = cross_products(self.patterns.votes, both)
        by_column = self._unexpected(votes.transpose(0, 2, 1, 3))
        size = len(by_column)
        by_row = by_column.reshape(size, true, raters * said).transpose(1, 2, 0)
        return self._unexpected(by_row) + self._of_smoothing()

    def across(self, other: FloatArray) -> FloatArray:
        size, n = other.shape
        weighted = (self.posterior * self.patterns.weight[:, None])[:, :, None] * other[:, None, :]
        votes = self.patterns.votes.T @ weighted.reshape(size, -1)
        return self._unexpected(votes.reshape(len(votes), -1, n).transpose(1, 0, 2))

    def along(self, direction: FloatArray) -> FloatArray:
        true, raters, said = self.chance.shape
        step = np.zeros((true, raters, said, direction.shape[1]))
        step[:, :, :-1] = direction.reshape(true, raters, said - 1, -1)
        step -= np.einsum("krc,krcn->krn", self.chance, step)[:, :, None]
        votes = self.patterns.votes @ step.transpose(1, 2, 0, 3).reshape(raters * said, -1)
        return np.asarray(np.einsum("uk,ukn->un", self.posterior, votes.reshape(len(self.posterior), true, -1)))

    def _unexpected(self, votes: FloatArray) -> FloatArray:
        """Votes less those expected of so many by the same rater: (true, raters * said, ...) to (parameters, rest)."""
        true, raters, said = self.chance.shape
        votes = votes.reshape(true, raters, said, -1)
        excess = votes - self.chance[..., None] * votes.sum(axis=2, keepdims=True)
        return np.asarray(excess[:, :, :-1].reshape(true * raters * (said - 1), -1))

    def _of_smoothing(self) -> FloatArray:
        """Information of the pseudo-counts: smoothing times codes, multinomial in each row of each table."""
        true, raters, said = self.chance.shape
        rows = self.chance.reshape(true * raters, said)[:, :-1]
        spread = rows[:, :, None] * np.eye(said - 1) - rows[:, :, None] * rows[:, None, :]
        added = np.zeros((len(rows), said - 1, len(rows), said - 1))
        own = np.arange(len(rows))
        added[own, :, own, :] = self.smoothing * said * spread
        return added.reshape(rows.size, rows.size)


class _Accuracies:
    """Scores of one accuracy a rater: how often right, T_uc for a vote of c, less how often expected."""

    def __init__(self, patterns: Patterns, found: Fitted) -> None:
        votes, codes = patterns.votes, len(found.prevalence)
        rater, said = votes.indices // codes, votes.indices % codes
        row = np.repeat(np.arange(len(found.posterior)), np.diff(votes.indptr))
        score = votes.data * (found.posterior[row, said] - found.confusion[rater, 0, 0])
        self.weight = patterns.weight[:, None]
        shape = (len(found.posterior), patterns.n_raters)
        self.table = coo_array((score, (row, rater)), shape=shape).tocsr()  # adds up a rater's different labels

    def information(self) -> FloatArray:
        return np.asarray(cross_products(self.table, self.weight)[0])

    def across(self, other: FloatArray) -> FloatArray:
        return np.asarray(self.table.T @ (other * self.weight))

    def along(self, direction: FloatArray) -> FloatArray:
        return np.asarray(self.table @ direction)


def _solved(information: FloatArray, right: FloatArray) -> FloatArray:
    """information^-1 right; by the pseudo-inverse where in some direction there is next to no information."""
    factor, failed = dpotrf(information)
    if not failed and dpocon(factor, np.linalg.norm(information, 1))[0] > _WELL_CONDITIONED:
        return np.asarray(dpotrs(factor, right)[0])
    return np.asarray(np.linalg.pinv(information, rcond=1e-10, hermitian=True) @ right)

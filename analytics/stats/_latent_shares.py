"""How the shares of a latent-class fit depend on each output, raters' error rates being estimated beside them.

Everything is in logits, where scores are bounded: T_uk - p_k for the share of k, T_uk (n_urc - n_ur pi^r_kc) for
rater r saying c of a true k. The information is the sum of squared scores over outputs, plus what smoothing adds.
"""

from __future__ import annotations

import numpy as np

from analytics.stats._em import Fitted
from analytics.stats._vote_patterns import Patterns
from analytics.stats.coding import FloatArray

# Cells of a patterns x parameters table, and parameters: beyond it error rates are taken as known.
_MAX_CELLS = 30_000_000
_MAX_PARAMETERS = 1_000


def share_influence(patterns: Patterns, found: Fitted, *, one_coin: bool, smoothing: float) -> tuple[FloatArray, bool]:
    """Derivative of the shares towards an output of each pattern, (patterns, codes), and whether raters' error
    rates were estimated with them (False: taken as known, because there are too many)."""
    codes, raters = len(found.prevalence), patterns.n_raters
    share = (found.posterior - found.prevalence)[:, :-1]
    parameters = raters if one_coin else raters * codes * (codes - 1)
    small = parameters <= _MAX_PARAMETERS and (parameters + codes) * len(share) <= _MAX_CELLS
    blocks = [share]
    if small:
        blocks.append(_accuracy_scores(patterns, found) if one_coin else _rate_scores(patterns, found))
    scores = np.hstack(blocks)
    information = scores.T @ (scores * patterns.weight[:, None])
    if small and not one_coin:
        information[codes - 1 :, codes - 1 :] += _of_smoothing(found.confusion, smoothing)
    step = scores @ np.linalg.pinv(information, rcond=1e-10, hermitian=True)[:, : codes - 1]
    # From logits, the last one fixed at zero, to shares.
    p = found.prevalence
    slope = (np.diag(p) - np.outer(p, p))[:-1]
    return np.asarray(step @ slope), small


def _rate_scores(patterns: Patterns, found: Fitted) -> FloatArray:
    """Scores of raters' tables, (patterns, raters * true * (said - 1))."""
    size, codes = found.posterior.shape
    said = patterns.votes.toarray().reshape(size, patterns.n_raters, codes)
    given = said.sum(axis=2)
    excess = said[:, :, None, :-1] - given[:, :, None, None] * found.confusion[None, :, :, :-1]
    return np.asarray((found.posterior[:, None, :, None] * excess).reshape(size, -1))


def _accuracy_scores(patterns: Patterns, found: Fitted) -> FloatArray:
    """Scores of one accuracy a rater, (patterns, raters)."""
    size, codes = found.posterior.shape
    said = patterns.votes.toarray().reshape(size, patterns.n_raters, codes)
    right = np.einsum("pk,prk->pr", found.posterior, said)
    return np.asarray(right - said.sum(axis=2) * found.confusion[None, :, 0, 0])


def _of_smoothing(confusion: FloatArray, smoothing: float) -> FloatArray:
    """Information of the pseudo-counts: smoothing times codes, multinomial in each row of each table."""
    raters, codes, _ = confusion.shape
    rows = confusion.reshape(raters * codes, codes)[:, :-1]
    size = raters * codes * (codes - 1)
    added = np.zeros((size, size))
    for row, chance in enumerate(rows):
        at = slice(row * (codes - 1), (row + 1) * (codes - 1))
        added[at, at] = smoothing * codes * (np.diag(chance) - np.outer(chance, chance))
    return added

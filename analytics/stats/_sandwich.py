"""Covariance of the parameters of a paired-comparison model that treats prompts (and raters) as independent.

V = H^-1 (sum over clusters of s_g s_g') H^-1 G/(G-1), s_g the score of a cluster's judgments and H the
information. Two ways (Cameron, Gelbach & Miller, Journal of Business & Economic Statistics 29, 2011):
V_prompts + V_raters - V_prompts-and-raters. Below 30 clusters the sum is replaced by the jackknife: one
Newton step away from the fit without each cluster (MacKinnon, Nielsen & Webb, Journal of Applied
Econometrics 38, 2023), which is wider, as it must be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array

from analytics.stats._cross_products import cross_products
from analytics.stats._paired_models import Fit, Table, information, score_vector, slopes
from analytics.stats.coding import FloatArray, IntArray, weighted_count

Clustering = Literal["model", "prompts", "prompts_and_raters"]
FEW_CLUSTERS = 30
# Cells of a dense clusters x parameters table: below this it is quicker than a sparse one.
_DENSE_CELLS = 10_000_000


@dataclass(frozen=True, eq=False)
class Covariance:
    """Of all parameters; `df` is None where the normal distribution applies. `groups` are the clusters."""

    matrix: FloatArray
    df: int | None
    groups: int
    method: str
    warnings: tuple[str, ...] = ()


def covariance(table: Table, fit: Fit, prompt: IntArray, rater: IntArray, clustering: Clustering) -> Covariance | None:
    """`table` has one row per showing, `prompt` and `rater` (-1 unknown) likewise; None with one cluster."""
    inverse: FloatArray = np.asarray(np.linalg.inv(fit.bread), dtype=np.float64)
    prompt, prompts = _compact(prompt)
    if clustering == "model":
        matrix = inverse @ information(table, slopes(table, fit.at), fit.at) @ inverse
        return Covariance(matrix, None, prompts, "model-based errors, judgments as independent")
    rows = _Rows(table, fit, inverse)
    if prompts < 2:
        return None
    if clustering == "prompts":
        return _one_way(rows, prompt, prompts, "prompt")
    if (rater < 0).all():
        found = _one_way(rows, prompt, prompts, "prompt")
        return Covariance(found.matrix, found.df, prompts, found.method, (*found.warnings, _NO_RATERS))
    rater, raters = _compact(np.where(rater < 0, np.arange(len(rater)) + int(rater.max()) + 1, rater))
    if raters < 2:
        return None
    return _two_way(rows, prompt, prompts, rater, raters)


_NO_RATERS = "No rater has an identity, so judgments of one rater could not be kept together."


def _one_way(rows: _Rows, cluster: IntArray, groups: int, what: str) -> Covariance:
    if groups >= FEW_CLUSTERS:
        matrix = rows.sandwich(cluster, groups)
        return Covariance(matrix, groups - 1, groups, f"cluster-robust by {what}, t({groups - 1})")
    warning = f"Only {groups} {what}s inform this figure: its interval is approximate below {FEW_CLUSTERS}."
    jackknife = rows.jackknife(cluster, groups)
    if jackknife is None:
        note = f"Without one {what} a figure is undefined, so the interval may be too narrow."
        method = f"cluster-robust by {what}, t({groups - 1})"
        return Covariance(rows.sandwich(cluster, groups), groups - 1, groups, method, (warning, note))
    return Covariance(jackknife, groups - 1, groups, f"jackknife of {what}s, t({groups - 1})", (warning,))


def _two_way(rows: _Rows, prompt: IntArray, prompts: int, rater: IntArray, raters: int) -> Covariance:
    both, pairs = _compact(prompt * raters + rater)
    matrix = rows.sandwich(prompt, prompts) + rows.sandwich(rater, raters) - rows.sandwich(both, pairs)
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    notes = []
    if values.min() < -1e-9 * max(values.max(), 1e-300):
        notes.append("The two-way covariance was not positive and has been cut at zero.")
    matrix = (vectors * np.maximum(values, 0)) @ vectors.T
    few = min(prompts, raters)
    if few < FEW_CLUSTERS:
        short = [f"{n} {what}" for n, what in ((prompts, "prompts"), (raters, "raters")) if n < FEW_CLUSTERS]
        notes.append(
            f"Only {' and '.join(short)} inform this figure: its interval is approximate below {FEW_CLUSTERS}."
        )
    method = f"cluster-robust by prompt and rater, t({few - 1})"
    return Covariance(matrix, few - 1, few, method, tuple(notes))


class _Rows:
    """Scores of the showings, and what is made of their sums."""

    def __init__(self, table: Table, fit: Fit, inverse: FloatArray) -> None:
        self.table, self.fit, self.inverse = table, fit, inverse
        self.slopes = slopes(table, fit.at)
        extras = [self.slopes.eta * z for z in table.z.T]
        self.extras = extras if fit.at.log_nu is None else [*extras, self.slopes.nu]

    def sums(self, cluster: IntArray, groups: int) -> FloatArray | csr_array:
        """Scores towards the strengths summed by cluster, (groups, systems); sparse where that is large."""
        systems, score = len(self.fit.at.theta), self.slopes.eta
        if groups * systems <= _DENSE_CELLS:
            flat = weighted_count(cluster * systems + self.table.a, score, groups * systems)
            flat -= weighted_count(cluster * systems + self.table.b, score, groups * systems)
            return flat.reshape(groups, systems)
        row, column = np.concatenate([cluster, cluster]), np.concatenate([self.table.a, self.table.b])
        cells = coo_array((np.concatenate([score, -score]), (row, column)), shape=(groups, systems))
        cells.has_canonical_format = True  # a cell may stay in parts: whoever reads it adds them up
        return cells.tocsr()

    def sandwich(self, cluster: IntArray, groups: int) -> FloatArray:
        theta = self.sums(cluster, groups)
        beta = np.zeros((groups, len(self.extras)))
        for column, extra in enumerate(self.extras):
            beta[:, column] = weighted_count(cluster, extra, groups)
        corner = theta.T @ theta if isinstance(theta, np.ndarray) else cross_products(theta)[0]
        cross = theta.T @ beta
        meat = np.block([[corner, cross], [cross.T, beta.T @ beta]])
        return np.asarray(groups / (groups - 1) * (self.inverse @ meat @ self.inverse))

    def jackknife(self, cluster: IntArray, groups: int) -> FloatArray | None:
        """(G-1)/G times the sum of squared steps to the fit without each cluster; None if one is undefined."""
        steps = np.zeros((groups, len(self.inverse)))
        for group in range(groups):
            inside = cluster == group
            part = self.table.rows(inside)
            found = slopes(part, self.fit.at)
            left = self.fit.bread - information(part, found, self.fit.at)
            if np.linalg.cond(left) > 1e10:
                return None
            steps[group] = -np.linalg.solve(left, score_vector(part, found, self.fit.at))
        return np.asarray((groups - 1) / groups * (steps.T @ steps))


def at_least(matrix: FloatArray, floor: FloatArray) -> FloatArray:
    """The smallest covariance that is no smaller than either, in any direction.

    Both are made diagonal at once, and the larger entry is taken. Where a maximum exists only thanks to a
    prior, the observed residuals are next to nothing and the sandwich of them is far too narrow.
    """
    values, vectors = np.linalg.eigh((floor + floor.T) / 2)
    kept = values > 1e-12 * max(float(values.max()), 1e-300)
    root = vectors[:, kept] * np.sqrt(values[kept])
    back = vectors[:, kept] / np.sqrt(values[kept])
    ratio, turn = np.linalg.eigh(back.T @ matrix @ back)
    both = root @ turn
    return np.asarray((both * np.maximum(ratio, 1.0)) @ both.T)


def _compact(code: IntArray) -> tuple[IntArray, int]:
    """Codes without gaps, and how many there are."""
    found, labels = pd.factorize(code)
    return found.astype(np.int64), len(labels)

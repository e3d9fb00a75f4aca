"""The likelihoods of Bradley-Terry and Davidson, and Newton's method for them.

eta = theta_a - theta_b + z'beta, where z holds the side shown first (1, -1, 0) and features.
Bradley-Terry: P(a wins) = 1 / (1 + e^-eta), a tie counting as half a win for each. Davidson, with ties of
their own: win : loss : tie = e^(eta/2) : e^(-eta/2) : nu. Both have logarithms that are concave, so Newton
finds the one maximum. Rows with equal (a, b, z) are added up beforehand where there are no features, and the
cost no longer depends on the number of judgments.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from analytics.stats.coding import BoolArray, FloatArray, IntArray

_STEP = 1e-10
_MAX_ITERATIONS = 100
# A strength of 30 is a chance of 1e-13: beyond it the data separate, and the maximum lies at infinity.
_TOO_LARGE = 30.0


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of outcomes: systems `a` and `b`, regressors `z` (rows, extras), and how often a won, tied, lost."""

    a: IntArray
    b: IntArray
    z: FloatArray
    win: FloatArray
    tie: FloatArray
    loss: FloatArray

    @property
    def count(self) -> FloatArray:
        return self.win + self.tie + self.loss

    def rows(self, index: IntArray | BoolArray) -> Table:
        return replace(self, **{name: getattr(self, name)[index] for name in vars(self)})


@dataclass(frozen=True, eq=False)
class Parameters:
    """`theta` (systems,), `beta` (extras,) and, for Davidson's model, ln nu."""

    theta: FloatArray
    beta: FloatArray
    log_nu: float | None = None

    def eta(self, table: Table) -> FloatArray:
        return np.asarray(self.theta[table.a] - self.theta[table.b] + table.z @ self.beta)

    def vector(self) -> FloatArray:
        return np.concatenate([self.theta, self.beta, [] if self.log_nu is None else [self.log_nu]])

    def moved(self, step: FloatArray) -> Parameters:
        systems, extras = len(self.theta), len(self.beta)
        nu = None if self.log_nu is None else self.log_nu + float(step[-1])
        return Parameters(self.theta + step[:systems], self.beta + step[systems : systems + extras], nu)


class Slopes(NamedTuple):
    """Per row: the score towards eta and towards ln nu, and the information between them."""

    eta: FloatArray
    nu: FloatArray
    eta_eta: FloatArray
    eta_nu: FloatArray
    nu_nu: FloatArray


def probabilities(eta: FloatArray, log_nu: float | None) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Chances of win, tie and loss; without ties (None) the tie's is zero."""
    if log_nu is None:
        return expit(eta), np.zeros_like(eta), expit(-eta)
    top = np.maximum(np.abs(eta) / 2, log_nu)
    win, loss, tie = np.exp(eta / 2 - top), np.exp(-eta / 2 - top), np.exp(log_nu - top)
    total = win + loss + tie
    return win / total, tie / total, loss / total


def log_likelihood(table: Table, at: Parameters) -> float:
    eta = at.eta(table)
    if at.log_nu is None:
        return float(-table.win @ np.logaddexp(0, -eta) - table.loss @ np.logaddexp(0, eta)) - float(
            table.tie @ (np.logaddexp(0, -eta) + np.logaddexp(0, eta)) / 2
        )
    total = np.logaddexp(np.logaddexp(eta / 2, -eta / 2), at.log_nu)
    return float((table.win - table.loss) @ eta / 2 + table.tie.sum() * at.log_nu - table.count @ total)


def slopes(table: Table, at: Parameters) -> Slopes:
    count = table.count
    if at.log_nu is None:
        chance = expit(at.eta(table))
        zero = np.zeros(len(count))
        return Slopes(table.win + table.tie / 2 - count * chance, zero, count * chance * (1 - chance), zero, zero)
    win, tie, loss = probabilities(at.eta(table), at.log_nu)
    lean = (win - loss) / 2
    return Slopes(
        (table.win - table.loss) / 2 - count * lean,
        table.tie - count * tie,
        count * ((win + loss) / 4 - lean**2),
        -count * lean * tie,
        count * tie * (1 - tie),
    )


def score_vector(table: Table, found: Slopes, at: Parameters) -> FloatArray:
    systems = len(at.theta)
    theta = np.bincount(table.a, found.eta, minlength=systems) - np.bincount(table.b, found.eta, minlength=systems)
    parts = [theta, table.z.T @ found.eta]
    return np.concatenate([*parts, [found.nu.sum()]] if at.log_nu is not None else parts)


def information(table: Table, found: Slopes, at: Parameters) -> FloatArray:
    """Minus the second derivatives: a Laplacian of the systems, bordered by extras and ln nu."""
    systems, extras = len(at.theta), len(at.beta)
    size = systems + extras + (at.log_nu is not None)
    matrix = np.zeros((size, size))
    joint = np.bincount(table.a * systems + table.b, found.eta_eta, minlength=systems**2).reshape(systems, systems)
    joint = joint + joint.T
    matrix[:systems, :systems] = np.diag(joint.sum(axis=1)) - joint
    columns = [found.eta_eta * z for z in table.z.T]
    if at.log_nu is not None:
        columns.append(found.eta_nu)
        matrix[-1, -1] = found.nu_nu.sum()
        matrix[systems:-1, -1] = matrix[-1, systems:-1] = table.z.T @ found.eta_nu
    for offset, column in enumerate(columns):
        border = np.bincount(table.a, column, minlength=systems) - np.bincount(table.b, column, minlength=systems)
        matrix[:systems, systems + offset] = matrix[systems + offset, :systems] = border
    matrix[systems : systems + extras, systems : systems + extras] = table.z.T @ (table.z * found.eta_eta[:, None])
    return matrix


@dataclass(frozen=True, eq=False)
class Fit:
    """The maximum, the information there with the constants of each component added (so that it can be
    inverted and strengths sum to zero), and whether the maximum was reached."""

    at: Parameters
    bread: FloatArray
    log_likelihood: float
    iterations: int
    converged: bool


def newton(table: Table, start: Parameters, component: IntArray, prior: Table | None = None) -> Fit:
    """Maximise the likelihood of `table`, with `prior`'s rows (Bradley-Terry's, no extras) added if given."""
    constants = _constants(component, len(start.vector()))
    at, iteration, converged = start, 0, False
    best = _objective(table, at, prior)
    matrix = np.eye(len(constants))
    while not converged and iteration < _MAX_ITERATIONS:
        iteration += 1
        gradient, matrix = _derivatives(table, at, prior)
        matrix += constants * max(float(np.trace(matrix)) / len(matrix), 1e-12)
        try:
            step = np.asarray(np.linalg.solve(matrix, gradient), dtype=np.float64)
        except np.linalg.LinAlgError:
            break
        moved, value = at.moved(step), -np.inf
        for _ in range(30):
            value = _objective(table, moved, prior)
            if value >= best - 1e-12 * abs(best):
                break
            step = step / 2
            moved = at.moved(step)
        at, best = moved, value
        converged = bool(np.abs(step).max() <= _STEP * max(1.0, float(np.abs(at.vector()).max())))
        if np.abs(at.vector()).max() > _TOO_LARGE:
            break
    converged = converged and bool(np.abs(at.vector()).max() <= _TOO_LARGE)
    if converged:
        _, matrix = _derivatives(table, at, prior)
        matrix += constants * max(float(np.trace(matrix)) / len(matrix), 1e-12)
    return Fit(at, matrix, log_likelihood(table, at), iteration, converged)


def _objective(table: Table, at: Parameters, prior: Table | None) -> float:
    return log_likelihood(table, at) + (0.0 if prior is None else log_likelihood(prior, _only_strengths(at)))


def _derivatives(table: Table, at: Parameters, prior: Table | None) -> tuple[FloatArray, FloatArray]:
    found = slopes(table, at)
    gradient, matrix = score_vector(table, found, at), information(table, found, at)
    if prior is not None:
        only = _only_strengths(at)
        added = slopes(prior, only)
        systems = len(at.theta)
        gradient[:systems] += score_vector(prior, added, only)
        matrix[:systems, :systems] += information(prior, added, only)
    return gradient, matrix


def _only_strengths(at: Parameters) -> Parameters:
    return Parameters(at.theta, np.zeros(0))


def _constants(component: IntArray, size: int) -> FloatArray:
    """Projection on the constants of the components, zero for the other parameters."""
    same = np.asarray(component[:, None] == component[None, :], dtype=np.float64)
    whole = np.zeros((size, size))
    whole[: len(component), : len(component)] = same / same.sum(axis=1, keepdims=True)
    return whole

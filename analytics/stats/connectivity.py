"""Whether the comparisons connect the systems well enough for a ranking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from analytics.stats._outcomes import SCORES
from analytics.stats.battles import Battles
from analytics.stats.coding import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Connectivity:
    """`component` (systems,): systems that met, directly or through others, share a number.

    `beaten_both_ways` (systems,): every group of systems in its component beat and was beaten by the rest, so
    that strengths are finite. `some_cycle`: wins go round somewhere (needed where ties have a parameter).
    """

    component: IntArray
    beaten_both_ways: BoolArray
    some_cycle: bool

    @property
    def n_components(self) -> int:
        return int(self.component.max()) + 1 if len(self.component) else 0


def win_matrix(data: Battles, *, ties: float = 0.5) -> FloatArray:
    """Wins of the row over the column, a tie counting `ties` for each, a judgment weighing 1; (systems, systems)."""
    forward = data.outcome_counts @ np.where(SCORES == 0.5, ties, SCORES)
    back = data.outcome_counts @ np.where(SCORES == 0.5, ties, 1 - SCORES)
    return np.asarray(forward + back.T)


def connectivity(data: Battles) -> Connectivity:
    """Components of the comparisons, and Ford's condition for each.

    The maximum-likelihood strengths of Bradley and Terry exist only if, however the systems are divided in
    two groups, each group beat or tied the other at least once. Source: Ford, American Mathematical Monthly
    64, 1957.
    """
    return of_matrix(win_matrix(data), win_matrix(data, ties=0.0))


def of_matrix(wins: FloatArray, decided: FloatArray) -> Connectivity:
    """The same from the matrices of wins with and without ties."""
    size = len(wins)
    components, component = _parts(wins, "weak")
    _, strong = _parts(wins, "strong")
    # Each weak component must be one strong component.
    parts = np.zeros(components, dtype=np.int64)
    for number in range(components):
        parts[number] = len(np.unique(strong[component == number]))
    cycle = _parts(decided, "strong")[0] < size
    return Connectivity(component, np.asarray(parts[component] == 1), cycle)


def _parts(wins: FloatArray, connection: Literal["weak", "strong"]) -> tuple[int, IntArray]:
    row, column = np.nonzero(wins)
    graph = coo_array((np.ones(len(row)), (row, column)), shape=wins.shape)
    count, labels = connected_components(graph, directed=True, connection=connection)
    return int(count), np.asarray(labels, dtype=np.int64)

"""Judgments between pairs of many systems, as integer codes: what rankings are made of.

Names: a *showing* is one answer about two outputs in one order. A *judgment* is what one rater says of one
pair of outputs: the two orders of a pair by one rater are two showings and one judgment. Prompts (clusters)
are the unit of independence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analytics.stats._outcomes import (
    LOSS,
    NO_OUTCOME,
    OUTCOMES,
    SCORES,
    TURNED,
    WIN,
    merged_outcome,
    order_codes,
    outcome_codes,
)
from analytics.stats.coding import (
    BoolArray,
    FloatArray,
    IntArray,
    LabelColumn,
    ObjectArray,
    as_column,
    coded_labels,
    coded_raters,
    known_raters,
    label_column,
    one_length,
)


@dataclass(frozen=True, eq=False)
class Battles:
    """Coded judgments; make it with `code_battles`. One entry per showing in every array unless said otherwise.

    `a` < `b` are codes of `systems`; `outcome` and `gold` (index into OUTCOMES, gold -1 if unknown) are from
    a's point of view. `position` is 1 where a was shown first, -1 where b was, 0 where nobody knows or both
    orders are merged. `rater` is -1 if unknown. `judgment` numbers the judgments. `features` (showings,
    features) are differences a - b.
    """

    a: IntArray
    b: IntArray
    outcome: IntArray
    position: IntArray
    cluster: IntArray
    rater: IntArray
    unit: IntArray
    judgment: IntArray
    gold: IntArray
    features: FloatArray
    feature_names: tuple[str, ...]
    systems: tuple[str, ...]
    cluster_labels: ObjectArray
    rater_labels: ObjectArray
    n_missing: int
    n_repeats: int
    n_inconsistent: int

    @property
    def n_systems(self) -> int:
        return len(self.systems)

    @property
    def score(self) -> FloatArray:
        """1 for a win of a, .5 for any tie, 0 for a loss."""
        return np.asarray(SCORES[self.outcome])

    @property
    def decided(self) -> BoolArray:
        return np.asarray((self.outcome == WIN) | (self.outcome == LOSS))

    @cached_property
    def weight(self) -> FloatArray:
        """1 over the number of showings of the judgment, so that a judgment weighs 1 in any number of orders."""
        return np.asarray(1.0 / np.bincount(self.judgment)[self.judgment]) if len(self.judgment) else np.zeros(0)

    @cached_property
    def merged(self) -> Battles:
        """One row per judgment: the answer if both orders say the same, else a tie; position 0 where merged."""
        if not (np.diff(self.judgment) == 0).any():
            return self
        first = np.flatnonzero(np.diff(self.judgment, prepend=-1))
        low = np.minimum.reduceat(self.outcome, first)
        high = np.maximum.reduceat(self.outcome, first)
        alone = np.diff(first, append=len(self.judgment)) == 1
        kept = self.rows(first)
        return replace(
            kept,
            outcome=merged_outcome(low, high)[0],
            position=np.where(alone, kept.position, 0),
            judgment=np.arange(len(first)),
        )

    @cached_property
    def outcome_counts(self) -> IntArray:
        """How many judgments of each pair had each outcome, (systems, systems, outcomes): a < b, the rest is zero."""
        one, shape = self.merged, (self.n_systems, self.n_systems, len(OUTCOMES))
        cell = (one.a * self.n_systems + one.b) * len(OUTCOMES) + one.outcome
        return np.bincount(cell, minlength=math.prod(shape)).reshape(shape)

    def rows(self, index: IntArray | BoolArray) -> Battles:
        """The showings at `index`, with the same systems, clusters and raters."""
        return replace(self, **{name: getattr(self, name)[index] for name in _BY_SHOWING})


_BY_SHOWING = ("a", "b", "outcome", "position", "cluster", "rater", "unit", "judgment", "gold", "features")


def code_battles(
    cluster: ArrayLike,
    rater: ArrayLike,
    system_a: ArrayLike,
    system_b: ArrayLike,
    outcome: ArrayLike,
    a_shown_first: ArrayLike | None = None,
    *,
    unit: ArrayLike | None = None,
    gold: ArrayLike | None = None,
    features: Mapping[str, ArrayLike] | None = None,
    rater_known: ArrayLike | None = None,
) -> Battles:
    """Encode a long table of comparisons, one entry per row in every argument.

    `cluster` is the prompt. `outcome` is win, tie, both_good, both_bad or loss from the point of view of
    `system_a`, or its score 1, .5, 0; missing is dropped. `a_shown_first` is True, False or missing. `unit`
    names the pair of outputs (without it: the prompt and the two systems); it has one prompt and one pair of
    systems. `gold` is the right outcome where it is known, in the same words. `features` are differences of
    system a's output less system b's (see `difference_of`); all must be finite. A known rater's later answer to
    the same pair in the same order replaces the earlier; both orders are one judgment.

    Raises ValueError: lengths differ, an unknown outcome, a system against itself, a missing prompt or system,
    a unit of two prompts or pairs, a feature that is no finite number.
    """
    given = {"cluster": cluster, "rater": rater, "system_a": system_a, "system_b": system_b, "outcome": outcome}
    columns = {name: label_column(name, values) for name, values in given.items()}
    one_length(**columns)
    size = len(columns["outcome"])
    codes = outcome_codes(columns["outcome"])
    order = order_codes(a_shown_first, size)
    right = np.full(size, NO_OUTCOME) if gold is None else outcome_codes(_sized("gold", gold, size))
    x = _features(features or {}, size)
    columns["unit"] = columns["rater"] if unit is None else _sized("unit", unit, size)
    known = known_raters(columns["rater"], rater_known)
    kept = np.flatnonzero(codes != NO_OUTCOME)
    if len(kept) < size:
        columns = {name: column[kept] for name, column in columns.items()}
        codes, order, right, known, x = codes[kept], order[kept], right[kept], known[kept], x[kept]
    a, b, systems = _systems(columns["system_a"], columns["system_b"])
    clusters, cluster_labels = coded_labels(columns["cluster"], "A judgment has no prompt (cluster).")
    raters, rater_labels = coded_raters(columns["rater"], known)
    turned = a > b
    a, b = np.where(turned, b, a), np.where(turned, a, b)
    pair = a * max(len(systems), 1) + b
    units = _units(None if unit is None else columns["unit"], clusters, pair, len(systems))
    position = np.array([-1, 1, 0])[order]
    whole = Battles(
        a=a,
        b=b,
        outcome=np.where(turned, TURNED[codes], codes),
        position=np.where(turned, -position, position),
        cluster=clusters,
        rater=raters,
        unit=units,
        judgment=np.arange(len(kept)),
        gold=np.where(turned & (right >= 0), TURNED[right], right),
        features=np.where(turned[:, None], -x, x),
        feature_names=tuple(features or {}),
        systems=systems,
        cluster_labels=cluster_labels,
        rater_labels=rater_labels,
        n_missing=size - len(kept),
        n_repeats=0,
        n_inconsistent=0,
    )
    return _with_judgments(whole)


def difference_of(of_a: ArrayLike, of_b: ArrayLike, *, log: bool = False) -> FloatArray:
    """A feature's difference, a less b; with `log` of ln(1 + x), for lengths and counts.

    Raises ValueError for missing or infinite values, for negative ones with `log`, or if lengths differ.
    """
    first, second = (np.asarray(as_column(name, x), dtype=np.float64) for name, x in (("of_a", of_a), ("of_b", of_b)))
    if len(first) != len(second):
        raise ValueError(f"of_a has {len(first)} entries, of_b {len(second)}.")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("A feature is missing or infinite: every output needs a finite number.")
    if log and min(first.min(initial=0), second.min(initial=0)) < 0:
        raise ValueError("The logarithm needs lengths or counts from 0; found a negative one.")
    return np.log1p(first) - np.log1p(second) if log else first - second


def _sized(name: str, values: Any, size: int) -> LabelColumn:
    array = label_column(name, values)
    if len(array) != size:
        raise ValueError(f"{name} has {len(array)} entries, outcome {size}.")
    return array


def _features(features: Mapping[str, ArrayLike], size: int) -> FloatArray:
    columns = []
    for name, values in features.items():
        array = np.asarray(_sized(f"feature {name!r}", values, size))
        try:
            column = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"Feature {name!r} must be numbers: {error}.") from error
        if not np.isfinite(column).all():
            at = int(np.flatnonzero(~np.isfinite(column))[0])
            raise ValueError(f"Feature {name!r} must be a finite number in every row; row {at} has {column[at]}.")
        columns.append(column)
    return np.column_stack(columns) if columns else np.zeros((size, 0))


def _systems(system_a: LabelColumn, system_b: LabelColumn) -> tuple[IntArray, IntArray, tuple[str, ...]]:
    both = pd.concat([pd.Series(system_a), pd.Series(system_b)], ignore_index=True)
    codes, labels = coded_labels(label_column("system", both), "A judgment has no system.")
    a, b = codes[: len(system_a)], codes[len(system_a) :]
    itself = np.flatnonzero(a == b)
    if itself.size:
        raise ValueError(f"A judgment compares system {labels[a[itself[0]]]!r} with itself.")
    return a, b, tuple(str(label) for label in labels)


def _units(unit: LabelColumn | None, cluster: IntArray, pair: IntArray, n_systems: int) -> IntArray:
    together = cluster * max(n_systems, 1) ** 2 + pair
    if unit is None:
        return pd.factorize(together)[0].astype(np.int64)
    units, labels = coded_labels(unit, "A judgment has no unit (pair).")
    seen = np.full(len(labels), -1, dtype=np.int64)
    seen[units] = together
    clash = np.flatnonzero(seen[units] != together)
    if clash.size:
        raise ValueError(f"Pair {labels[units[clash[0]]]!r} has more than one prompt or pair of systems.")
    return units


def _with_judgments(whole: Battles) -> Battles:
    """Later answers replace earlier ones in one order; showings of one judgment are adjacent and numbered alike."""
    known = np.flatnonzero(whole.rater >= 0)
    judgment = whole.unit[known] * max(len(whole.rater_labels), 1) + whole.rater[known]
    shared = np.bincount(whole.unit)[whole.unit[known]] > 1
    if not pd.Series(judgment[shared]).duplicated().any():
        return whole  # every rater saw a pair once
    showing = pd.Series(judgment * 3 + whole.position[known] + 1)
    superseded = known[showing.duplicated(keep="last").to_numpy()]
    kept = np.ones(len(whole.a), dtype=np.bool_)
    kept[superseded] = False
    number = np.empty(len(whole.a), dtype=np.int64)
    number[known] = pd.factorize(judgment)[0]
    nameless = whole.rater < 0
    number[nameless] = len(whole.a) + np.arange(int(nameless.sum()))
    order = np.flatnonzero(kept)[np.argsort(number[kept], kind="stable")]
    sorted_ = whole.rows(order)
    starts = np.diff(number[order], prepend=-1) > 0
    one = replace(sorted_, judgment=np.cumsum(starts) - 1, n_repeats=len(superseded))
    first = np.flatnonzero(starts)
    score = one.score
    changed = np.maximum.reduceat(score, first) != np.minimum.reduceat(score, first)
    return replace(one, n_inconsistent=int(changed.sum()))

"""How raters work: speed, and answers that do not change. Signs to look at, never reasons to exclude by themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, bdtrc

from analytics.stats.coding import BoolArray, FloatArray, IntArray, as_column
from analytics.stats.intervals import MIN_PROMPTS, Scope, few_prompts_warning
from analytics.stats.multiplicity import benjamini_hochberg
from analytics.stats.rater_figures import (
    FALSE_DISCOVERIES,
    MIN_SHARED,
    RaterFigure,
    RaterFigures,
    together,
    too_few_shared,
)
from analytics.stats.results import Estimate, finite_or_none

# A judgment is fast below this robust z (Iglewicz & Hoaglin, How to Detect and Handle Outliers, 1993).
FAST_Z = -3.5
# The share of fast judgments above which a rater stands out; a normal distribution has .0002.
FAST_SHARE = 0.01
# A longer time is a pause, not a judgment.
LONGEST_SECONDS = 1800.0
PERMUTATIONS = 1000


def speed_scores(
    unit: ArrayLike, seconds: ArrayLike, *, length: ArrayLike | None = None, longest: float = LONGEST_SECONDS
) -> tuple[FloatArray, FloatArray]:
    """Log seconds centred by item, and their robust z, one of each per judgment.

    z = (x - median) / (1.4826 MAD) over all judgments. Items are centred on the median log time of their
    judgments or, with `length` (characters, above zero), on what a line through log time and log length
    expects; an item judged once, without a length, on the median of all. Times that are missing, not above
    zero, or above `longest` are NaN: a pause is no judgment. Raises ValueError for unequal lengths or text.
    """
    time = _numbers("seconds", seconds)
    units = as_column("unit", unit)
    if len(units) != len(time):
        raise ValueError(f"Lengths differ: unit {len(units)}, seconds {len(time)}.")
    usable = np.isfinite(time) & (time > 0) & (time <= longest)
    log = np.log(np.where(usable, time, 1.0))
    centred = np.full(len(log), np.nan)
    if usable.any():
        expected = _by_length(log, usable, length) if length is not None else _by_item(units, log, usable)
        centred = np.where(usable, log - expected, np.nan)
    middle = float(np.median(centred[usable])) if usable.any() else math.nan
    scale = 1.4826 * float(np.median(np.abs(centred[usable] - middle))) if usable.any() else 0.0
    z = (centred - middle) / scale if scale > 0 else np.full(len(log), np.nan)
    return centred, z


def pace(
    rater: ArrayLike,
    unit: ArrayLike,
    seconds: ArrayLike,
    *,
    length: ArrayLike | None = None,
    longest: float = LONGEST_SECONDS,
    level: float = 0.95,
) -> RaterFigures:
    """For each rater: the median time as a multiple of what the same items usually take; 1 is the usual pace.

    The interval is that of the median by order statistics, exact for independent items. `details` has
    `fast_share`, the share of judgments with robust z below -3.5 (`speed_scores`), and `left_out`, the number
    of pauses and missing times. `p_value` tests whether more than 1 % are fast; flagged are raters for whom
    it is below .05 after adjustment.
    Source: Conover, Practical Nonparametric Statistics, 1999, section 3.2; Iglewicz & Hoaglin 1993.
    """
    names = _names(rater)
    centred, z = speed_scores(unit, seconds, length=length, longest=longest)
    if len(names) != len(z):
        raise ValueError(f"Lengths differ: rater {len(names)}, seconds {len(z)}.")
    figures = []
    for name in sorted(set(names) - {""}):
        mine = names == name
        timed = mine & np.isfinite(centred)
        n, fast = int(timed.sum()), int((z[timed] < FAST_Z).sum())
        details = {"fast_share": fast / n if n else None, "left_out": float(mine.sum() - n)}
        p = float(bdtrc(fast - 1, n, FAST_SHARE)) if fast else 1.0
        judged = n >= MIN_SHARED and bool(np.isfinite(z[timed]).all())
        figure = RaterFigure(name, _pace(centred[timed], level), None, p if judged else None, details=details)
        figures.append(figure)
    return together(figures, flag=0)


@dataclass(frozen=True)
class StraightLine:
    """How little a rater's answers vary, in the order they were given.

    `longest_run` of one value, beside the mean under shuffling the rater's own answers; `entropy` as a share of the
    most the scale allows, beside its mean for as many answers drawn from all other raters'. `p_value` is twice
    the smaller of the two one-sided simulated p values; `reason` says why there is none.
    """

    rater: str
    n: int
    longest_run: int
    expected_run: float | None
    entropy: float
    expected_entropy: float | None
    p_value: float | None
    q_value: float | None
    flagged: bool
    seed: int
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        plain = {**vars(self)}
        return {name: finite_or_none(x) if isinstance(x, float) else x for name, x in plain.items()}


@dataclass(frozen=True)
class StraightLines:
    raters: tuple[StraightLine, ...]

    def of(self, rater: str) -> StraightLine:
        for line in self.raters:
            if line.rater == rater:
                return line
        raise KeyError(f"No figure of a rater called {rater!r}.")

    def to_dict(self) -> dict[str, Any]:
        return {"raters": {line.rater: line.to_dict() for line in self.raters}}


def straight_lining(
    rater: ArrayLike,
    position: ArrayLike,
    value: ArrayLike,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> StraightLines:
    """For each rater: the longest run of one value against shuffled answers, and the entropy against other raters.

    One entry per judgment in every argument; `position` orders a rater's judgments; missing values are left
    out. The run finds answers that stick, the entropy a rater who always gives the same one, whom no
    shuffling shows. Below 20 judgments no verdict. False discovery rate over the raters. Raises ValueError for
    unequal lengths.
    Source: permutation tests, Good, Permutation, Parametric and Bootstrap Tests, 2005; (1 + exceedances) / (1 + B).
    """
    names, order = _names(rater), _numbers("position", position)
    answers = as_column("value", value)
    if not len(names) == len(order) == len(answers):
        raise ValueError(f"Lengths differ: rater {len(names)}, position {len(order)}, value {len(answers)}.")
    given = ~np.asarray(pd.isna(answers), dtype=np.bool_) & np.isfinite(order) & (names != "")
    names, order = names[given], order[given]
    codes = pd.factorize(answers[given], sort=True)[0].astype(np.int64)
    levels = int(codes.max(initial=0)) + 1
    lines = []
    for name in sorted(set(names)):
        mine = names == name
        own = codes[mine][np.argsort(order[mine], kind="stable")]
        lines.append(_line(name, own, codes[~mine], levels, permutations, seed))
    adjusted = benjamini_hochberg([line.p_value for line in lines])
    return StraightLines(tuple(_with_q(line, q) for line, q in zip(lines, adjusted, strict=True)))


def _with_q(line: StraightLine, q: float | None) -> StraightLine:
    return replace(line, q_value=q, flagged=q is not None and q < FALSE_DISCOVERIES)


def _line(name: str, own: IntArray, others: IntArray, levels: int, permutations: int, seed: int) -> StraightLine:
    run, entropy = int(_longest_runs(own[None, :])[0]), float(_entropy(own[None, :], levels)[0])
    line = StraightLine(name, len(own), run, None, entropy, None, None, None, False, seed)
    if len(own) < MIN_SHARED:
        return replace(line, reason=f"Insufficient data: {len(own)} judgments, and nothing is said below {MIN_SHARED}.")
    if not len(others):
        return replace(line, reason="There is no other rater to compare with.")
    rng = np.random.default_rng([seed, len(own), *np.bincount(own, minlength=levels).tolist()])
    runs, entropies = np.zeros(permutations), np.zeros(permutations)
    pool = np.bincount(others, minlength=levels) / len(others)
    step = max(1, 2_000_000 // len(own))
    for start in range(0, permutations, step):
        part = slice(start, min(start + step, permutations))
        size = part.stop - part.start
        runs[part] = _longest_runs(rng.permuted(np.tile(own, (size, 1)), axis=1))
        entropies[part] = _entropy_of_counts(rng.multinomial(len(own), pool, size=size), levels)
    p_run = (1 + np.count_nonzero(runs >= run)) / (permutations + 1)
    p_entropy = (1 + np.count_nonzero(entropies <= entropy + 1e-12)) / (permutations + 1)
    p = min(1.0, 2 * float(min(p_run, p_entropy)))
    return replace(line, p_value=p, expected_run=float(runs.mean()), expected_entropy=float(entropies.mean()))


def _longest_runs(rows: IntArray) -> IntArray:
    """The longest run of equal neighbours in each row."""
    if rows.shape[1] == 0:
        return np.zeros(len(rows), dtype=np.int64)
    same = np.concatenate([np.zeros((len(rows), 1), dtype=np.bool_), rows[:, 1:] == rows[:, :-1]], axis=1)
    at = np.arange(rows.shape[1])
    begin = np.maximum.accumulate(np.where(same, 0, at), axis=1)
    return np.asarray((at - begin + 1).max(axis=1))


def _entropy(rows: IntArray, levels: int) -> FloatArray:
    counts = np.stack([np.bincount(row, minlength=levels) for row in rows])
    return _entropy_of_counts(counts, levels)


def _entropy_of_counts(counts: IntArray, levels: int) -> FloatArray:
    """Shannon entropy of each row of counts, as a share of log(levels)."""
    if levels < 2:
        return np.zeros(len(counts))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    logs = np.log(np.where(share > 0, share, 1.0))
    return np.asarray(-(share * logs).sum(axis=1) / math.log(levels))


def _pace(centred: FloatArray, level: float) -> Estimate:
    """exp of the median of centred log times with its order-statistic interval."""
    n = len(centred)
    scope = Scope("median time relative to the same items", "times the usual", level, n, n, 1, n)
    if n == 0:
        return Estimate.not_estimable(reason="The rater has no usable times.", **scope.fields())
    value = math.exp(float(np.median(centred)))
    if n < MIN_PROMPTS:
        return Estimate.insufficient(value, reason=too_few_shared(n), **scope.fields())
    ordered = np.sort(centred)
    tail = (1 - level) / 2
    # The largest k with P(Binomial(n, 1/2) < k) within the tail; the interval is [x_(k), x_(n+1-k)].
    below = np.arange(n // 2)
    k = int(np.count_nonzero(bdtr(below, n, 0.5) <= tail))
    low, high = math.exp(ordered[max(k - 1, 0)]), math.exp(ordered[min(n - k, n - 1)])
    reason = too_few_shared(n)
    if reason or high <= low:
        return Estimate.insufficient(value, reason=reason or "All times are alike.", **scope.fields())
    fields = scope.fields("interval of the median by order statistics")
    return Estimate(value, low, high, **fields).with_warnings(few_prompts_warning(n))


def _by_item(units: NDArray[Any], log: FloatArray, usable: BoolArray) -> FloatArray:
    """The median log time of each judgment's item; of all judgments where the item was judged once."""
    frame = pd.DataFrame({"unit": pd.factorize(units)[0], "log": np.where(usable, log, np.nan)})
    by_item = frame.groupby("unit")["log"]
    once = by_item.transform("count") < 2
    return np.where(once, np.median(log[usable]), by_item.transform("median"))


def _by_length(log: FloatArray, usable: BoolArray, length: ArrayLike) -> FloatArray:
    """What the least-squares line of log time on log length expects."""
    sizes = _numbers("length", length)
    if len(sizes) != len(log):
        raise ValueError(f"Lengths differ: length {len(sizes)}, seconds {len(log)}.")
    if not np.all(sizes[usable] > 0):
        raise ValueError("A length is missing or not above zero: give the characters of each item.")
    x = np.log(np.where(sizes > 0, sizes, 1.0))
    centre = x[usable].mean()
    spread = float(np.sum((x[usable] - centre) ** 2))
    slope = float((x[usable] - centre) @ (log[usable] - log[usable].mean())) / spread if spread > 0 else 0.0
    return np.asarray(log[usable].mean() + slope * (x - centre))


def _names(rater: ArrayLike) -> NDArray[Any]:
    column = as_column("rater", rater)
    known = ~np.asarray(pd.isna(column), dtype=np.bool_)
    names = [str(name) if is_known else "" for name, is_known in zip(column, known, strict=True)]
    return np.asarray(names, dtype=object)


def _numbers(name: str, column: ArrayLike) -> FloatArray:
    try:
        return np.asarray(pd.to_numeric(as_column(name, column)), dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise ValueError(f"The {name} values must be numbers: {error}.") from error

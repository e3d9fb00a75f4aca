"""The alternative annotator test: may a judge stand in for one of the human annotators?

Each annotator is compared with the judge by how well each agrees with the *other* annotators of the same outputs. The
answer depends on epsilon, the advantage that a person is granted for being a person: so the whole curve over
epsilon is part of the result, and a single pass is never reported without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr

from analytics.stats._judge import judge_numbers, judge_values, level_codes, require_same_kind
from analytics.stats._linearised import ONE_PROMPT, occurring, residual_influence, t_estimate, variance_of, within
from analytics.stats.coding import CodedRatings, FloatArray, IntArray, weighted_count
from analytics.stats.intervals import Scope
from analytics.stats.multiplicity import yekutieli_matrix
from analytics.stats.results import Estimate, finite_or_none

Scoring = Literal["accuracy", "neg_rmse"]

MIN_UNITS = 30
MIN_ANNOTATORS = 3
PASS_AT = 0.5
# What a person costs more than a judge: the authors' suggestions for the kind of people that are replaced.
EPSILONS = {"experts": 0.2, "skilled": 0.15, "crowd": 0.1}
CURVE = tuple(round(step / 100, 2) for step in range(0, 41))


@dataclass(frozen=True)
class AnnotatorComparison:
    """One annotator beside the judge. `judge_advantage` is the share of outputs where the judge agrees with the
    others at least as well; `p_value` tests that the annotator's lead is at least epsilon."""

    rater: str
    n_units: int
    n_clusters: int
    judge_advantage: float
    annotator_advantage: float
    p_value: float
    p_adjusted: float
    rejected: bool


@dataclass(frozen=True)
class AlternativeAnnotatorTest:
    """`passes` is None where nothing could be tested; `passes_from` is the smallest epsilon of the curve from which on
    the judge passes. `left_out` names annotators with too few shared outputs."""

    scoring: Scoring
    epsilon: float
    q: float
    winning_rate: Estimate
    advantage_probability: Estimate
    annotators: tuple[AnnotatorComparison, ...]
    curve: tuple[tuple[float, float], ...]
    passes: bool | None
    passes_from: float | None
    left_out: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "scoring": self.scoring,
            "epsilon": self.epsilon,
            "q": self.q,
            "winning_rate": self.winning_rate.to_dict(),
            "advantage_probability": self.advantage_probability.to_dict(),
            "annotators": [vars(one) for one in self.annotators],
            "curve": [{"epsilon": epsilon, "winning_rate": rate} for epsilon, rate in self.curve],
            "passes": self.passes,
            "passes_from": finite_or_none(self.passes_from),
            "left_out": list(self.left_out),
        }


def alternative_annotator_test(
    unit: ArrayLike,
    judge: ArrayLike,
    human: CodedRatings,
    *,
    epsilon: float,
    scoring: Scoring = "accuracy",
    q: float = 0.05,
    min_units: int = MIN_UNITS,
    clustered: bool = True,
    level: float = 0.95,
) -> AlternativeAnnotatorTest:
    """Test a judge against each annotator, with the false discovery rate held over the annotators.

    `unit`, `judge` (outputs,): the judge's answers by unit label. Each annotator with `min_units` outputs that have
    two human ratings and an answer is tested: on every output the judge and the annotator are scored against the other
    ratings (`accuracy`: share equal; `neg_rmse`: minus the root mean squared difference), a tie counts for
    both, and a one-sided t-test asks whether the annotator's lead is below `epsilon` (see EPSILONS; declare it before
    the data). `clustered` sums an annotator's outputs by prompt first, t(G-1); without it outputs count as
    independent, as published. p values: Benjamini-Yekutieli at `q`. Winning rate: the share of annotators rejected;
    the judge passes from .5 on. It takes few values, so no interval is claimed for it; the advantage probability
    (the mean of the judge's advantages) has one, by prompt, for these annotators. No annotator with enough outputs:
    not estimable. Raises ValueError: text against numbers, two answers for a unit, epsilon below 0 or above 1.
    Source: Calderon, Reichart & Dror, ACL 2025 (arXiv 2501.10970), section 3; Benjamini & Yekutieli 2001.
    """
    _check(scoring, epsilon, q, min_units)
    found, values = judge_values(unit, judge, human)
    require_same_kind(values, human)
    rows = _rated_rows(found, human)
    judge_wins, human_wins = _wins(rows, found, values, human, scoring)
    tested, left_out = _tested(rows, human, min_units)
    names = tuple(str(human.rater_labels[rater]) for rater in left_out)
    kept = np.isin(human.rater[rows], tested)
    scope = _scope(rows[kept], human, scoring, level)
    if not len(tested):
        return _nothing(scoring, epsilon, q, scope, names, min_units)
    sides = [_side(at, rows, judge_wins, human_wins, human, clustered) for at in _rows_of(tested, rows, human)]
    grid = np.asarray(sorted({*CURVE, float(epsilon)}))
    p = np.stack([_p_values(side, grid) for side in sides], axis=1)  # (epsilons, annotators)
    adjusted = yekutieli_matrix(p)
    rates = (adjusted <= q).mean(axis=1)
    at = int(np.searchsorted(grid, epsilon))
    annotators = tuple(
        AnnotatorComparison(
            str(human.rater_labels[rater]),
            side.n,
            side.groups,
            side.judge,
            side.human,
            float(p[at, i]),
            float(adjusted[at, i]),
            bool(adjusted[at, i] <= q),
        )
        for i, (rater, side) in enumerate(zip(tested, sides, strict=True))
    )
    return AlternativeAnnotatorTest(
        scoring,
        epsilon,
        q,
        _winning_rate(float(rates[at]), len(tested), scope),
        _advantage(rows[kept], judge_wins[kept], human, scope),
        annotators,
        tuple((float(e), float(rate)) for e, rate in zip(grid, rates, strict=True)),
        bool(rates[at] >= PASS_AT),
        _passes_from(grid, rates),
        names,
    )


class _Side(NamedTuple):
    """An annotator's lead over the judge: its mean, its variance, and what was counted."""

    n: int
    groups: int
    judge: float
    human: float
    variance: float


def _rated_rows(found: IntArray, human: CodedRatings) -> IntArray:
    """Ratings of outputs that have two of them and an answer of the judge."""
    answered = np.zeros(human.n_units, dtype=np.bool_)
    answered[found] = True
    return np.flatnonzero((answered & human.pairable)[human.unit])


def _wins(
    rows: IntArray, found: IntArray, values: NDArray[Any], human: CodedRatings, scoring: Scoring
) -> tuple[FloatArray, FloatArray]:
    """For each of the rows: does the judge (the rater) agree with the others at least as well as the other side?"""
    unit = human.unit[rows]
    if scoring == "accuracy":
        # Counts of equal answers among the same number of others: whole numbers, so that ties are exact.
        judge, own = _equal_others(rows, found, values, human)
        return (judge >= own).astype(np.float64), (own >= judge).astype(np.float64)
    number = np.full(human.n_units, np.nan)
    number[found] = judge_numbers(values, human)
    own_value, judge_value = human.values()[human.code[rows]], number[unit]
    of_judge = _squares_to_others(judge_value, own_value, unit, human)
    of_rater = _squares_to_others(own_value, own_value, unit, human)
    # Sums that are equal on paper may differ in the last digits, and would not be a tie.
    slack = 1e-9 * np.maximum(np.maximum(of_judge, of_rater), of_rater.mean() if len(rows) else 0.0)
    return (of_judge <= of_rater + slack).astype(np.float64), (of_rater <= of_judge + slack).astype(np.float64)


def _equal_others(
    rows: IntArray, found: IntArray, values: NDArray[Any], human: CodedRatings
) -> tuple[IntArray, IntArray]:
    """How many of the other ratings equal the judge's answer, and how many equal the rating itself."""
    answer = np.full(human.n_units, -1)
    answer[found] = level_codes(values, human)
    unit, code = human.unit[rows], human.code[rows]
    cells, width = human.cells, human.n_codes + 1
    key, count = cells.unit * width + cells.code, cells.n.astype(np.int64)

    def times(level: IntArray) -> IntArray:
        """The number of ratings of each row's unit at a level; 0 for -1, which is no level."""
        wanted = unit * width + np.where(level < 0, human.n_codes, level)
        at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
        return np.where(key[at] == wanted, count[at], 0)

    judge = answer[unit]
    return times(judge) - (judge == code), times(code) - 1


def _squares_to_others(value: FloatArray, own: FloatArray, unit: IntArray, human: CodedRatings) -> FloatArray:
    """Sum of squared differences of `value` to the unit's other ratings than `own`."""
    numbers = human.values()[human.code]
    middle = float(numbers.mean())  # small numbers, so that the sums below lose no digits
    shifted = numbers - middle
    n = human.ratings_per_unit[unit]
    first = weighted_count(human.unit, shifted, human.n_units)[unit]
    second = weighted_count(human.unit, shifted**2, human.n_units)[unit]
    v = value - middle
    return n * v**2 - 2 * v * first + second - (value - own) ** 2


def _tested(rows: IntArray, human: CodedRatings, min_units: int) -> tuple[IntArray, IntArray]:
    """Known raters with enough of the rows, and those with too few."""
    rater = human.rater[rows]
    counts = np.bincount(rater[rater >= 0], minlength=len(human.rater_labels))
    return np.flatnonzero(counts >= min_units), np.flatnonzero(counts < min_units)


def _rows_of(raters: IntArray, rows: IntArray, human: CodedRatings) -> list[IntArray]:
    """Where in `rows` each rater's ratings stand."""
    rater = human.rater[rows]
    order = np.argsort(rater, kind="stable")
    low, high = np.searchsorted(rater[order], raters), np.searchsorted(rater[order], raters, side="right")
    return [order[start:end] for start, end in zip(low, high, strict=True)]


def _side(
    at: IntArray,
    rows: IntArray,
    judge_wins: FloatArray,
    human_wins: FloatArray,
    human: CodedRatings,
    clustered: bool,
) -> _Side:
    cluster = human.cluster_of_unit[human.unit[rows[at]]] if clustered else np.arange(len(at))
    lead = human_wins[at] - judge_wins[at]
    groups = occurring(cluster)
    variance = variance_of(residual_influence(lead, cluster), cluster) if groups > 1 else np.nan
    return _Side(len(at), groups, float(judge_wins[at].mean()), float(human_wins[at].mean()), variance)


def _p_values(side: _Side, grid: FloatArray) -> FloatArray:
    """One-sided p of "the lead is at least epsilon" for each epsilon. One prompt, or a lead without any spread, is
    no evidence: p = 1 unless the lead is below epsilon on every single output."""
    gap = side.human - side.judge - grid
    if not side.variance > 0:
        return np.where((gap < 0) & (side.groups > 1), 0.0, 1.0)
    return np.asarray(stdtr(side.groups - 1, gap / np.sqrt(side.variance)), dtype=np.float64)


def _winning_rate(rate: float, annotators: int, scope: Scope) -> Estimate:
    few = ""
    if annotators < MIN_ANNOTATORS:
        few = f"Only {annotators} annotators could be tested; the test is meant for {MIN_ANNOTATORS} or more."
    reason = (
        f"A winning rate over {annotators} annotators takes {annotators + 1} values: read the p values and the curve "
        "over epsilon instead of an interval."
    )
    fields = Scope(**{**vars(scope), "unit": "share"}).fields("share of annotators rejected, Benjamini-Yekutieli")
    return Estimate.insufficient(rate, reason=reason, **fields).with_warnings(few)


def _advantage(rows: IntArray, wins: FloatArray, human: CodedRatings, scope: Scope) -> Estimate:
    """Mean over annotators of the mean win, linearised by prompt: outputs of two annotators may be the same."""
    rater = np.unique(human.rater[rows], return_inverse=True)[1]
    cluster = human.cluster_of_unit[human.unit[rows]]
    size = np.bincount(rater)
    means = weighted_count(rater, wins, len(size)) / size
    value = float(means.mean())
    if scope.n_clusters == 1:
        return Estimate.insufficient(value, reason=ONE_PROMPT, **scope.fields())
    influence = (wins - means[rater]) / (len(size) * size[rater])
    factor = np.sqrt(scope.n_clusters / (scope.n_clusters - 1))
    variance = variance_of(factor * influence, cluster)
    return within(t_estimate(value, variance, scope.n_clusters - 1, scope), 0.0, 1.0)


def _passes_from(grid: FloatArray, rates: FloatArray) -> float | None:
    """The smallest epsilon from which on every larger one of the curve passes too."""
    failing = np.flatnonzero(rates < PASS_AT)
    first = int(failing[-1]) + 1 if failing.size else 0
    return float(grid[first]) if first < len(grid) else None


def _scope(rows: IntArray, human: CodedRatings, scoring: Scoring, level: float) -> Scope:
    unit = np.flatnonzero(np.bincount(human.unit[rows]))
    return Scope(
        f"alternative annotator test, {scoring}, against the other annotators, these annotators",
        "share",
        level,
        len(unit),
        occurring(human.cluster_of_unit[unit]),
        occurring(human.rater[rows]),
        len(rows),
    )


def _nothing(
    scoring: Scoring, epsilon: float, q: float, scope: Scope, left_out: tuple[str, ...], min_units: int
) -> AlternativeAnnotatorTest:
    reason = f"No annotator of known identity has {min_units} outputs with a second rating and an answer of the judge."
    nothing = Estimate.not_estimable(reason=reason, **scope.fields())
    return AlternativeAnnotatorTest(scoring, epsilon, q, nothing, nothing, (), (), None, None, left_out)


def _check(scoring: str, epsilon: float, q: float, min_units: int) -> None:
    if scoring not in ("accuracy", "neg_rmse"):
        raise ValueError(f"Unknown scoring {scoring!r}: use accuracy or neg_rmse.")
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon must lie between 0 and 1 (.2 experts, .15 skilled, .1 crowd); got {epsilon}.")
    if not 0 < q < 1:
        raise ValueError(f"q must lie between 0 and 1; got {q}.")
    if min_units < 2:
        raise ValueError(f"min_units must be 2 or more (30 is the authors' minimum); got {min_units}.")

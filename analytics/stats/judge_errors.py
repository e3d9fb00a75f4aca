"""Which way a judge errs, level by level, beside the way another rater differs from the same ratings.

A judge that only guesses is above people where they are low and below them where they are high: so does every noisy
rater. So each level is held against another rater on the same outputs, and what is left over is the judge's own lean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from analytics.stats._judge import judge_values, level_codes, require_same_kind
from analytics.stats.coding import CodedRatings, FloatArray, IntArray, weighted_count
from analytics.stats.intervals import Scope, ratio_over_clusters
from analytics.stats.results import Estimate


@dataclass(frozen=True)
class LevelErrors:
    """Of the ratings at one level: how often the judge says more, the same, and less; how often another rater does;
    and the judge's lean (more minus less) minus the other raters'."""

    level: Any
    judge: dict[str, Estimate]  # above, same, below
    rater: dict[str, Estimate]
    lean: Estimate

    def to_dict(self) -> dict[str, Any]:
        shares = {who: {way: e.to_dict() for way, e in getattr(self, who).items()} for who in ("judge", "rater")}
        return {"level": self.level, **shares, "lean": self.lean.to_dict()}


@dataclass(frozen=True)
class JudgeErrors:
    levels: tuple[LevelErrors, ...]

    def estimates(self) -> tuple[Estimate, ...]:
        every = ((*each.judge.values(), *each.rater.values(), each.lean) for each in self.levels)
        return tuple(estimate for of_level in every for estimate in of_level)

    def to_dict(self) -> dict[str, Any]:
        return {"levels": [each.to_dict() for each in self.levels]}


WAYS = {"above": 1, "same": 0, "below": -1}


def errors_by_level(unit: ArrayLike, value: ArrayLike, human: CodedRatings, *, level: float = 0.95) -> JudgeErrors:
    """For each level of the scale, in its order, over the ratings at that level of outputs that the judge and at least
    one other rater answered.

    `unit`, `value` (answers,): the judge's answers in the words of the criterion, as `alternative_annotator_test`;
    missing ones and answers that are no level are left out. Shares are of ratings, 0 to 1; a rating's other raters
    count as their mean. `lean` is in shares too, -2 to 2: above 0 the judge is higher at this level than other raters
    are. Intervals: ratio estimator, cluster-robust by prompt, t(G-1), for these raters. A level that nobody gave where
    another rater and the judge answered: not estimable. Raises ValueError for two answers of the judge to one unit,
    or text against numbers. Source: Cochran, Sampling Techniques, 1977, section 2.11; leave-one-out as in Calderon,
    Reichart & Dror, ACL 2025, section 3.
    """
    units, values = judge_values(unit, value, human)
    require_same_kind(values, human)
    answer = np.full(human.n_units, -1, dtype=np.int64)
    answer[units] = level_codes(values, human)
    other = human.ratings_per_unit[human.unit] - 1
    used = (answer[human.unit] >= 0) & (other > 0)
    mine, judge = human.code[used], answer[human.unit[used]]
    others = _other_ways(human, used)
    cluster = human.cluster_of_unit[human.unit[used]]
    rater = human.rater[used]
    return JudgeErrors(
        tuple(
            _at(name, mine == code, np.sign(judge - mine), others, cluster, rater, human, level)
            for code, name in enumerate(human.domain)
        )
    )


def _other_ways(human: CodedRatings, used: Any) -> dict[str, FloatArray]:
    """Of each used rating: the share of the unit's other ratings that are above, the same, below."""
    table = np.zeros((human.n_units, human.n_codes))
    np.add.at(table, (human.unit, human.code), 1.0)
    below = np.cumsum(table, axis=1) - table
    unit, code = human.unit[used], human.code[used]
    others = human.ratings_per_unit[unit] - 1.0
    same = (table[unit, code] - 1) / others
    less = below[unit, code] / others
    return {"above": 1 - same - less, "same": same, "below": less}


def _at(
    name: Any,
    here: Any,
    way: IntArray,
    others: dict[str, FloatArray],
    cluster: IntArray,
    rater: IntArray,
    human: CodedRatings,
    level: float,
) -> LevelErrors:
    groups = len(human.cluster_labels)
    trials = weighted_count(cluster[here], np.ones(int(here.sum())), groups)
    scope = Scope(
        method=f"ratings at level {name}, outputs with a judge's answer and another rating",
        unit="share",
        level=level,
        n_units=int(here.sum()),
        n_clusters=int((trials > 0).sum()),
        n_raters=len(np.unique(rater[here & (rater >= 0)])),
        n_judgments=int(here.sum()),
    )

    def share(hits: FloatArray) -> Estimate:
        return ratio_over_clusters(weighted_count(cluster[here], hits[here], groups), trials, scope)

    judge = {word: share((way == sign).astype(np.float64)) for word, sign in WAYS.items()}
    rated = {word: share(others[word]) for word in WAYS}
    lean = way - (others["above"] - others["below"])
    sums = weighted_count(cluster[here], lean[here], groups)
    return LevelErrors(name, judge, rated, ratio_over_clusters(sums, trials, scope, share=False))

"""Whether the side shown first is preferred, and how steady answers are when the sides change places.

If the order was drawn at random, half of the decided answers should go to the side shown first. Where a
rater saw a pair in both orders the comparison is within the pair, whatever the order's randomness.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analytics.stats._outcomes import WIN
from analytics.stats._shares import binomial_half, scope_of_judgments, share_against_half
from analytics.stats.battles import Battles
from analytics.stats.coding import BoolArray, FloatArray, IntArray, weighted_count
from analytics.stats.intervals import Scope, ratio_over_clusters
from analytics.stats.results import Estimate, TestedEstimate


def first_choice(data: Battles, *, by_rater: bool = False, level: float = 0.95) -> TestedEstimate:
    """Share of answers for the side shown first, among decided answers of known order; .5 is no bias.

    Interval: cluster-robust by prompt. p for .5: the exact binomial test where every prompt has one such answer,
    else Wald's test with the cluster-robust error, t(G-1). `by_rater` clusters by rater too, for a claim about
    raters like these (with 3 to 10 raters who have no habit its .95 covers .99 and more: wide, never narrow). Valid if
    the order was randomised. No such answers: not estimable, p None.
    Source: exact binomial test (130 of 210: p = .00068); Cochran, Sampling Techniques, 1977, section 2.11, for the
    ratio by cluster.
    """
    rows = data.rows(data.decided & (data.position != 0))
    first = np.asarray((rows.outcome == WIN) == (rows.position == 1), dtype=np.float64)
    scope = _scope(rows, "share choosing the side shown first, pooled over decided answers of known order", level)
    return share_against_half(first, rows.cluster, scope, rows.rater if by_rater else None)


def feature_choice(data: Battles, feature: str, *, level: float = 0.95) -> TestedEstimate:
    """Share of decided answers for the output that has more of a feature, such as length; .5 is no preference.

    Pairs that have as much of it are left out. Interval and p as `first_choice`, clustered by prompt. It says what is
    chosen, not why: the longer answer may be the better one, so hold it against people on the same pairs. No such
    answers: not estimable, p None. Raises ValueError for a feature that the data do not have. Source: as
    `first_choice`; the comparison with people as in Zheng et al., NeurIPS 2023 (verbosity).
    """
    if feature not in data.feature_names:
        raise ValueError(f"There is no feature {feature!r}; there are: {', '.join(data.feature_names) or 'none'}.")
    column = data.feature_names.index(feature)
    rows = data.rows(data.decided & (data.features[:, column] != 0))
    more = np.asarray((rows.outcome == WIN) == (rows.features[:, column] > 0), dtype=np.float64)
    scope = _scope(rows, f"share choosing the output with more {feature}, pooled over decided answers", level)
    return share_against_half(more, rows.cluster, scope)


def order_consistency(data: Battles, *, level: float = 0.95) -> Estimate:
    """Share of pairs judged by one rater in both orders whose answer does not change side; 0 to 1.

    Win in one order and tie in the other is a change; two kinds of tie are not. Interval: cluster-robust by
    prompt; Wilson on prompts without spread. No pair in both orders: not estimable.
    Source: Zheng et al., Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena, NeurIPS 2023 ("consistency").
    """
    pairs = _both_orders(data)
    scope = _scope(pairs.rows, "share of pairs in both orders answered alike", level)
    scope = replace(scope, n_judgments=len(pairs.first))
    if not len(pairs.first):
        return Estimate.not_estimable(reason=_NO_SWAPS, **scope.fields())
    return _share(pairs.alike.astype(np.float64), pairs.rows.cluster[pairs.first], scope)


def order_test(data: Battles, *, level: float = 0.95) -> TestedEstimate:
    """Of the pairs judged in both orders whose two answers chose opposite systems, the share that stayed with the
    side shown first; .5 is no bias.

    p: McNemar's exact test, the binomial test on these discordant pairs (18 against 35: p = .027). It takes
    pairs as independent, and a warning says where several share a prompt; the interval is clustered.
    Source: McNemar, Psychometrika 12, 1947, in its exact form.
    """
    pairs = _both_orders(data)
    stayed_first, stayed_second = pairs.stayed(first=True), pairs.stayed(first=False)
    used = pairs.first[stayed_first | stayed_second]
    hits = stayed_first[stayed_first | stayed_second].astype(np.float64)
    scope = _scope(pairs.rows, "share staying with the side shown first, among pairs that changed sides", level)
    cluster = pairs.rows.cluster[used]
    scope = replace(
        scope, n_units=len(used), n_judgments=len(used), n_clusters=len(np.flatnonzero(np.bincount(cluster)))
    )
    if not len(used):
        reason = _NO_SWAPS if not len(pairs.first) else "No pair changed sides when the order changed."
        return TestedEstimate(Estimate.not_estimable(reason=reason, **scope.fields()), None, 0.5, "")
    note = "Several of these pairs share a prompt; the exact test takes them as independent."
    estimate = _share(hits, cluster, scope).with_warnings(note if scope.n_clusters < len(used) else "")
    p = binomial_half(int(hits.sum()), len(hits))
    return TestedEstimate(estimate, p, 0.5, "McNemar's test, exact, on the discordant pairs")


_NO_SWAPS = "No rater judged a pair in both orders."


@dataclass(frozen=True)
class JudgePosition:
    """One judge's dealings with the order. Accuracy counts answers whose side is the right one; `both_right` asks
    for both orders of a pair. a is the first of the two systems' names, b the second."""

    judge: str
    consistency: Estimate
    first_choice: TestedEstimate
    accuracy_a_first: Estimate
    accuracy_b_first: Estimate
    both_right: Estimate

    def estimates(self) -> tuple[Estimate, ...]:
        return (
            self.consistency,
            self.first_choice.estimate,
            self.accuracy_a_first,
            self.accuracy_b_first,
            self.both_right,
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "judge": self.judge,
            "consistency": self.consistency.to_dict(),
            "first_choice": self.first_choice.to_dict(),
            "accuracy_a_first": self.accuracy_a_first.to_dict(),
            "accuracy_b_first": self.accuracy_b_first.to_dict(),
            "both_right": self.both_right.to_dict(),
        }


@dataclass(frozen=True)
class JudgePositions:
    """Every judge of known identity, by name."""

    judges: tuple[JudgePosition, ...]

    def estimates(self) -> tuple[Estimate, ...]:
        return tuple(estimate for judge in self.judges for estimate in judge.estimates())

    def to_dict(self) -> dict[str, Any]:
        return {"judges": [judge.to_dict() for judge in self.judges]}


def judge_positions(data: Battles, *, level: float = 0.95) -> JudgePositions:
    """For each judge (rater): consistency, share for the side shown first, accuracy in each order where `gold` is
    known, and both orders right.

    Intervals are clustered by prompt. What a judge has no judgments for is not estimable. With many judges some
    look biased by chance: correct the p values for their number. Source: Zeng et al., Evaluating Large Language
    Models at Evaluating Instruction Following, ICLR 2024, for the accuracies.
    """
    order = np.argsort(data.rater, kind="stable")
    bounds = np.searchsorted(data.rater[order], np.arange(len(data.rater_labels) + 1))
    judges = []
    for number, label in enumerate(data.rater_labels.tolist()):
        rows = data.rows(np.sort(order[bounds[number] : bounds[number + 1]]))
        judges.append(
            JudgePosition(
                judge=str(label),
                consistency=order_consistency(rows, level=level),
                first_choice=first_choice(rows, level=level),
                accuracy_a_first=_accuracy(rows, 1, level),
                accuracy_b_first=_accuracy(rows, -1, level),
                both_right=_both_right(rows, level),
            )
        )
    return JudgePositions(tuple(judges))


def _right(rows: Battles) -> BoolArray:
    """A tie is right only where a tie is the right answer."""
    return np.asarray((rows.gold >= 0) & (rows.score == _gold_score(rows)))


def _gold_score(rows: Battles) -> FloatArray:
    return np.asarray(replace(rows, outcome=np.maximum(rows.gold, 0)).score)


def _accuracy(rows: Battles, position: int, level: float) -> Estimate:
    known = rows.rows((rows.gold >= 0) & (rows.position == position))
    scope = _scope(known, f"share right where {'a' if position == 1 else 'b'} was shown first", level)
    if not len(known.a):
        reason = "No judgment in this order has a known right answer."
        return Estimate.not_estimable(reason=reason, **scope.fields())
    return _share(_right(known).astype(np.float64), known.cluster, scope)


def _both_right(rows: Battles, level: float) -> Estimate:
    pairs = _both_orders(rows.rows(rows.gold >= 0))
    scope = replace(_scope(pairs.rows, "share of pairs right in both orders", level), n_judgments=len(pairs.first))
    if not len(pairs.first):
        reason = "No pair with a known right answer was judged in both orders."
        return Estimate.not_estimable(reason=reason, **scope.fields())
    right = _right(pairs.rows)
    both = right[pairs.first] & right[pairs.second]
    return _share(both.astype(np.float64), pairs.rows.cluster[pairs.first], scope)


class _Pairs(NamedTuple):
    """Showings of judgments made in both orders: `first` and `second` index `rows`, a shown first and second."""

    rows: Battles
    first: IntArray
    second: IntArray
    alike: BoolArray

    def stayed(self, *, first: bool) -> BoolArray:
        """Pairs decided in both orders for the side in the same place."""
        one, two = self.rows.score[self.first], self.rows.score[self.second]
        return np.asarray((one == (1.0 if first else 0.0)) & (two == (0.0 if first else 1.0)))


def _both_orders(data: Battles) -> _Pairs:
    rows = data.rows(data.position != 0)
    repeated = np.diff(rows.judgment, append=-1) == 0
    one = np.flatnonzero(repeated)
    two = one + 1
    a_first = rows.position[one] == 1
    first, second = np.where(a_first, one, two), np.where(a_first, two, one)
    kept = rows.rows(np.sort(np.concatenate([one, two])))
    new = np.zeros(len(rows.a), dtype=np.int64)
    new[np.sort(np.concatenate([one, two]))] = np.arange(len(kept.a))
    alike = rows.score[first] == rows.score[second]
    return _Pairs(kept, new[first], new[second], np.asarray(alike))


def _share(hits: FloatArray, cluster: IntArray, scope: Scope) -> Estimate:
    code, _ = pd.factorize(cluster)
    groups = int(code.max()) + 1
    trials = weighted_count(code, np.ones(len(code)), groups)
    return ratio_over_clusters(weighted_count(code, hits, groups), trials, scope)


def _scope(rows: Battles, method: str, level: float) -> Scope:
    return scope_of_judgments(method, level, rows.unit, rows.cluster, rows.rater)

"""How often a metric orders two outputs as the people do, ties included (acc_eq with tie calibration).

People often say that two outputs are equal; a metric with decimals almost never does. So a difference of the metric
up to epsilon counts as a tie, and epsilon is the one that gives the metric its best accuracy: metrics with many
distinct values and metrics with few can then be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analytics.stats._linearised import t_estimate, within
from analytics.stats._rows import Rows, complete_rows
from analytics.stats._within_prompt import Items, Pairs, cluster_means, items_of, pairs_within
from analytics.stats.coding import BoolArray, FloatArray, IntArray, weighted_count
from analytics.stats.intervals import MIN_PROMPTS, Scope, cluster_variance, mean_over_clusters
from analytics.stats.results import Estimate, finite_or_none

# More pairs than this are not listed one by one: a sample of them is drawn with the seed.
MAX_PAIRS = 2_000_000
_WITHIN = "pairwise accuracy within prompts, averaged over prompts"
_POOLED = "pairwise accuracy of all pairs of outputs, pooled over prompts"


@dataclass(frozen=True)
class PairwiseAccuracy:
    """`estimate` at `epsilon`: metric values that far apart count as equal. `human_ties` is the share of pairs the
    people call equal; where a metric's accuracy is near it, the metric says little more than "equal"."""

    estimate: Estimate
    epsilon: float | None
    calibrated: bool
    human_ties: float | None
    n_pairs: int

    def to_dict(self) -> dict[str, Any]:
        return {
            **self.estimate.to_dict(),
            "epsilon": finite_or_none(self.epsilon),
            "calibrated": self.calibrated,
            "human_ties": finite_or_none(self.human_ties),
            "n_pairs": self.n_pairs,
        }


def within_prompts(
    metric: ArrayLike,
    human: ArrayLike,
    cluster: ArrayLike,
    *,
    item: ArrayLike | None = None,
    epsilon: float | None = None,
    level: float = 0.95,
    **counts: int,
) -> PairwiseAccuracy:
    """Share of pairs of outputs of one prompt that the metric orders (or calls equal) as people do; prompts equal.

    `metric`, `human` (outputs,) numbers, rows with a missing one are dropped; `cluster` (outputs,) the prompt of
    each (`item`: the prompt where a cluster holds several). `epsilon` None calibrates it on these pairs, which
    flatters the metric a little: give one found on other data to be exact. Prompts with one output are left out.
    Interval: t(G-1) over clusters. No pair: not estimable.
    Raises ValueError on unequal lengths, text, infinities, a negative epsilon.
    Source: Deutsch, Foster & Freitag, "Ties Matter", EMNLP 2023 (acc_eq*, group by item).
    """
    rows = complete_rows(cluster, metric=metric, human=human)
    items = items_of(rows, item)
    judged = _judge(rows, pairs_within(items.code))
    per_item = np.bincount(judged.prompt, minlength=len(items.cluster))
    scope = _scope(_WITHIN, rows, level, counts, items, per_item > 0)
    if not len(judged.gap):
        return _no_pairs(scope, epsilon)
    chosen = _epsilon(judged, 1 / per_item[judged.prompt], epsilon)
    means, _ = cluster_means(_item_shares(judged.right_at(chosen), judged.prompt, per_item), items)
    estimate = mean_over_clusters(means, _named(scope, chosen, epsilon), share=True)
    return _result(estimate, judged, chosen, epsilon)


def pooled(
    metric: ArrayLike,
    human: ArrayLike,
    cluster: ArrayLike,
    *,
    epsilon: float | None = None,
    seed: int = 0,
    level: float = 0.95,
    **counts: int,
) -> PairwiseAccuracy:
    """The same over all pairs of outputs, of one prompt or two: prompts' difficulty helps a metric that sees it.

    Interval: the U-statistic's projection on prompts, t(G-1); under 10 prompts none is claimed. Beyond two
    million pairs a sample of them is drawn with the seed, and the method says so. Other arguments and refusals as
    `within_prompts`. Source: Deutsch et al., EMNLP 2023 (no grouping); Hoeffding, Annals of Mathematical
    Statistics 1948, for the variance.
    """
    rows = complete_rows(cluster, metric=metric, human=human)
    pairs, sampled = _all_pairs(rows, seed)
    judged = _judge(rows, pairs)
    scope = Scope(_POOLED + sampled, "share", level, len(rows), rows.groups, **counts)
    if not len(judged.gap):
        return _no_pairs(scope, epsilon)
    chosen = _epsilon(judged, np.full(len(judged.gap), 1.0), epsilon)
    right = judged.right_at(chosen)
    value = float(right.mean())
    scope = _named(scope, chosen, epsilon)
    if rows.groups < MIN_PROMPTS:
        reason = f"Only {rows.groups} prompts have both figures: no interval below {MIN_PROMPTS}."
        return _result(Estimate.insufficient(value, reason=reason, **scope.fields()), judged, chosen, epsilon)
    off = (right - value) / len(right)
    influence = weighted_count(rows.cluster[pairs.left], off, rows.groups)
    influence += weighted_count(rows.cluster[pairs.right], off, rows.groups)
    variance = cluster_variance(influence, np.arange(rows.groups))
    return _result(within(t_estimate(value, variance, rows.groups - 1, scope), 0.0, 1.0), judged, chosen, epsilon)


def difference(
    metric_a: ArrayLike,
    metric_b: ArrayLike,
    human: ArrayLike,
    cluster: ArrayLike,
    *,
    item: ArrayLike | None = None,
    level: float = 0.95,
    **counts: int,
) -> Estimate:
    """Accuracy within prompts of metric A minus that of metric B, each at its own epsilon, paired by prompt.

    On the outputs that have both metrics. Interval: t(G-1) over the prompts' differences. Refusals as
    `within_prompts`. Source: Deutsch et al., EMNLP 2023; paired t over prompts.
    """
    rows = complete_rows(cluster, metric_a=metric_a, metric_b=metric_b, human=human)
    a, b, people = rows.columns
    items = items_of(rows, item)
    pairs = pairs_within(items.code)
    per_item = np.bincount(pairs.prompt, minlength=len(items.cluster))
    method = f"difference of {_WITHIN}, each metric at its own epsilon"
    scope = _scope(method, rows, level, counts, items, per_item > 0)
    if not len(pairs.left):
        return Estimate.not_estimable(reason=_NO_PAIRS, **scope.fields())
    shares = []
    for column in (a, b):
        judged = _compare(column, people, pairs)
        right = judged.right_at(_epsilon(judged, 1 / per_item[pairs.prompt], None))
        shares.append(_item_shares(right, pairs.prompt, per_item))
    means, _ = cluster_means(shares[0] - shares[1], items)
    return within(mean_over_clusters(means, scope), -1.0, 1.0)


class _Judged(NamedTuple):
    """Pairs: how far apart the metric puts them, whether its order is people's, whether people call them equal."""

    gap: FloatArray
    right_order: BoolArray
    human_tie: BoolArray
    prompt: IntArray

    def right_at(self, epsilon: float) -> FloatArray:
        return np.where(self.gap <= epsilon, self.human_tie, self.right_order).astype(np.float64)


_NO_PAIRS = "No two outputs can be compared: each prompt has one output with both figures."


def _judge(rows: Rows, pairs: Pairs) -> _Judged:
    metric, human = rows.columns
    return _compare(metric, human, pairs)


def _compare(metric: FloatArray, human: FloatArray, pairs: Pairs) -> _Judged:
    by_metric = metric[pairs.left] - metric[pairs.right]
    by_people = np.sign(human[pairs.left] - human[pairs.right])
    # Differences that are equal on paper (.3 - .2 and .2 - .1) must not be two thresholds.
    scale = float(abs(by_metric).max(initial=0.0)) or 1.0
    gap = np.round(abs(by_metric) / scale, 12) * scale
    return _Judged(gap, (np.sign(by_metric) == by_people) & (by_people != 0), by_people == 0, pairs.prompt)


def _epsilon(judged: _Judged, weight: FloatArray, given: float | None) -> float:
    """The smallest threshold that gives the highest weighted accuracy.

    Going up through the sorted gaps, each pair stops being ordered and becomes a tie: one running sum tries
    every threshold.
    """
    if given is not None:
        if not 0 <= given < np.inf:
            raise ValueError(f"epsilon must be a finite number from 0; got {given}.")
        return float(given)
    order = np.argsort(judged.gap, kind="stable")
    gap = judged.gap[order]
    gain = weight[order] * (judged.human_tie[order].astype(np.float64) - judged.right_order[order])
    last = np.flatnonzero(np.diff(gap, append=np.inf))
    total = np.cumsum(gain)[last]
    thresholds = gap[last]
    if thresholds[0] > 0:
        thresholds, total = np.insert(thresholds, 0, 0.0), np.insert(total, 0, 0.0)
    return float(thresholds[np.argmax(total >= total.max() - 1e-9 * weight.sum())])


def _all_pairs(rows: Rows, seed: int) -> tuple[Pairs, str]:
    n = len(rows)
    if n * (n - 1) // 2 <= MAX_PAIRS:
        left, right = np.triu_indices(n, 1)
        return Pairs(left, right, np.zeros(len(left), dtype=np.int64)), ""
    rng = np.random.default_rng(seed)
    order = np.lexsort((*rows.columns, rows.cluster))  # the draw must not depend on the order of rows
    first = rng.integers(0, n, MAX_PAIRS)
    second = (first + rng.integers(1, n, MAX_PAIRS)) % n
    return Pairs(order[first], order[second], np.zeros(MAX_PAIRS, dtype=np.int64)), f" ({MAX_PAIRS:,} pairs drawn)"


def _item_shares(right: FloatArray, item: IntArray, per_item: IntArray) -> FloatArray:
    """Accuracy of each item, NaN where it has no pair."""
    sums = weighted_count(item, right, len(per_item))
    return np.where(per_item > 0, sums / np.maximum(per_item, 1), np.nan)


def _scope(method: str, rows: Rows, level: float, counts: dict[str, int], items: Items, used: BoolArray) -> Scope:
    n_units = int(used[items.code].sum())
    return Scope(method, "share", level, n_units, len(np.unique(items.cluster[used])), **counts)


def _named(scope: Scope, epsilon: float, given: float | None) -> Scope:
    kind = "tie calibration on these pairs" if given is None else "given"
    return Scope(**{**vars(scope), "method": f"{scope.method}, epsilon = {epsilon:.6g} ({kind})"})


def _no_pairs(scope: Scope, given: float | None) -> PairwiseAccuracy:
    estimate = Estimate.not_estimable(reason=_NO_PAIRS, **scope.fields())
    return PairwiseAccuracy(estimate, None, given is None, None, 0)


def _result(estimate: Estimate, judged: _Judged, epsilon: float, given: float | None) -> PairwiseAccuracy:
    ties = float(judged.human_tie.mean())
    return PairwiseAccuracy(estimate, epsilon, given is None, ties, len(judged.gap))

"""Pairwise preferences of one system A over another, B: win rates, outcome shares, position bias.

Names: a judgment is one rater's answer about one pair; a pair of outputs belongs to a prompt. Prompts weigh
the same and are the unit of independence, whatever the number of judgments on each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analytics.stats._outcomes import (
    LOSS,
    NO_OUTCOME,
    OUTCOMES,
    SCORES,
    WIN,
    Outcome,
    merged_outcome,
    order_codes,
    outcome_codes,
)
from analytics.stats._shares import binomial_half, prompt_share, scope_of_judgments, share_against_half
from analytics.stats.coding import (
    BoolArray,
    FloatArray,
    IntArray,
    ObjectArray,
    as_column,
    code_ratings,
    label_column,
    weighted_count,
)
from analytics.stats.intervals import Scope, mean_over_clusters
from analytics.stats.results import Distribution, Estimate, TestedEstimate

__all__ = ["OUTCOMES", "Outcome", "binomial_half"]  # defined beside it, and part of this module's words


@dataclass(frozen=True, eq=False)
class PreferenceData:
    """Coded judgments, A's point of view; make it with `code_preferences`.

    `cluster`, `unit`, `rater` (-1 unknown) and `outcome` (index into OUTCOMES) have one entry per judgment,
    where both orders of a pair by one rater are one judgment. `shown_*` have one per showing of known order:
    the prompt, whether A was shown first, and the outcome. `n_inconsistent` counts raters' pairs whose
    answer changed with the order.
    """

    cluster: IntArray
    unit: IntArray
    rater: IntArray
    outcome: IntArray
    cluster_labels: ObjectArray
    shown_cluster: IntArray
    shown_unit: IntArray
    shown_rater: IntArray
    shown_a_first: BoolArray
    shown_outcome: IntArray
    n_inconsistent: int
    n_missing: int

    @property
    def score(self) -> FloatArray:
        """1 for a win of A, .5 for any tie, 0 for a loss; one per judgment."""
        return np.asarray(SCORES[self.outcome])


def code_preferences(
    cluster: ArrayLike,
    unit: ArrayLike,
    rater: ArrayLike,
    outcome: ArrayLike,
    a_shown_first: ArrayLike | None = None,
    *,
    rater_known: ArrayLike | None = None,
) -> PreferenceData:
    """Encode a long table of judgments of one pair of systems, one entry per row in every argument.

    `outcome` is win, tie, both_good, both_bad or loss from A's point of view, or A's score 1, .5, 0; missing
    is dropped. `a_shown_first` is True, False or missing (order unknown: left out of position statistics). A
    known rater's later answer to the same pair in the same order replaces the earlier; the two orders of one
    pair are one judgment: the answer if both say the same, else a tie counted as inconsistent. Raises
    ValueError on other outcomes or unequal lengths.
    """
    codes = outcome_codes(label_column("outcome", outcome))
    order = order_codes(a_shown_first, len(codes))
    prompts, pairs = as_column("cluster", cluster), as_column("unit", unit)
    # One rating table per showing: the order is part of the unit, so that repeats are dropped within an
    # order only.
    _one_prompt_each(pairs, prompts)
    showing = pd.factorize(pairs)[0] * 3 + order
    answers = np.where(codes == NO_OUTCOME, np.nan, codes)
    table = code_ratings(showing, prompts, rater, answers, [0, 1, 2, 3, 4], rater_known=rater_known)
    shown = table.unit_labels.astype(np.int64)[table.unit]
    clusters, found = table.cluster_of_unit[table.unit], table.code
    known = shown % 3 != 2
    merged = _merge_orders(shown // 3, table.rater, found)
    return PreferenceData(
        cluster=clusters[merged.row],
        unit=(shown // 3)[merged.row],
        rater=table.rater[merged.row],
        outcome=merged.outcome,
        cluster_labels=table.cluster_labels,
        shown_cluster=clusters[known],
        shown_unit=(shown // 3)[known],
        shown_rater=table.rater[known],
        shown_a_first=np.asarray(shown[known] % 3 == 1),
        shown_outcome=found[known],
        n_inconsistent=merged.n_inconsistent,
        n_missing=table.n_missing,
    )


def win_rate(data: PreferenceData, *, level: float = 0.95) -> Estimate:
    """A's win rate: mean over prompts of the prompt's mean score (win 1, tie .5, loss 0); 0 to 1.

    Interval sd/sqrt(G), t(G-1); with one judgment a prompt and no ties, or all wins or all losses: Wilson on
    prompts. No judgments: not estimable; one prompt: a value without an interval. Swapping A and B gives 1 - p.
    Source: statistics of cluster means; Wilson, JASA 1927.
    """
    scope = _scope(data, "win rate, ties count one half, prompts weighted equally", level)
    means, sizes = _prompt_means(data.cluster, data.score, len(data.cluster_labels))
    return prompt_share(means, sizes, scope).with_warnings(_inconsistent(data))


def win_rate_without_ties(data: PreferenceData, *, level: float = 0.95) -> Estimate:
    """The same among judgments that chose a side; prompts with ties only do not count. All ties: not
    estimable."""
    decided = np.isin(data.outcome, (WIN, LOSS))
    scope = _scope(data, "win rate without ties, prompts weighted equally", level, decided)
    if not decided.any() and len(data.outcome):
        return Estimate.not_estimable(reason="Every judgment is a tie.", **scope.fields())
    means, sizes = _prompt_means(data.cluster[decided], data.score[decided], len(data.cluster_labels))
    return prompt_share(means, sizes, scope)


def outcome_shares(data: PreferenceData, *, level: float = 0.95) -> Distribution:
    """Counts of the five outcomes, and their shares with equal weight for each prompt (0 to 1)."""
    scope = _scope(data, "share of judgments, prompts weighted equally", level)
    clusters = len(data.cluster_labels)
    hits = [np.asarray(data.outcome == code, dtype=np.float64) for code in range(len(OUTCOMES))]
    means = [_prompt_means(data.cluster, hit, clusters)[0] for hit in hits]
    shares = tuple(mean_over_clusters(mean, scope, share=True) for mean in means)
    return Distribution(OUTCOMES, tuple(int(hit.sum()) for hit in hits), shares)


def position_bias(data: PreferenceData, *, level: float = 0.95) -> TestedEstimate:
    """Share of answers that chose the side shown first, among decided answers of known order.

    .5 is no bias if the order was randomised. Interval: cluster-robust by prompt. p for .5: the two-sided
    exact binomial test where every prompt has one such answer, else Wald's test with errors clustered by prompt.
    No such answers: not estimable, p None. Source: exact binomial test; 130 of 210 gives p = .00068.
    """
    decided = np.isin(data.shown_outcome, (WIN, LOSS))
    cluster, rater = data.shown_cluster[decided], data.shown_rater[decided]
    first = np.asarray((data.shown_outcome[decided] == WIN) == data.shown_a_first[decided], dtype=np.float64)
    method = "share choosing the side shown first, pooled over judgments without ties"
    scope = scope_of_judgments(method, level, data.shown_unit[decided], cluster, rater)
    return share_against_half(first, cluster, scope)


def prompt_preferences(data: PreferenceData) -> tuple[ObjectArray, FloatArray]:
    """Prompt labels and A's mean score on each, for association with a metric's difference."""
    return data.cluster_labels, _prompt_means(data.cluster, data.score, len(data.cluster_labels))[0]


@dataclass(frozen=True, eq=False)
class _Merged:
    row: IntArray
    outcome: IntArray
    n_inconsistent: int


def _merge_orders(unit: NDArray[Any], rater: IntArray, outcome: IntArray) -> _Merged:
    """Both orders of one pair by one known rater become one judgment; unknown raters stay apart."""
    rows = np.arange(len(outcome))
    who = np.where(rater >= 0, rater, -1 - rows)
    frame = pd.DataFrame({"unit": unit, "who": who, "outcome": outcome, "row": rows})
    groups = frame.groupby(["unit", "who"], sort=False)["outcome"].agg(["min", "max"])
    first = frame.drop_duplicates(["unit", "who"])["row"].to_numpy()
    low, high = groups["min"].to_numpy(), groups["max"].to_numpy()
    merged, changed = merged_outcome(low, high)
    return _Merged(first, merged, int(changed.sum()))


def _one_prompt_each(unit: NDArray[Any], cluster: NDArray[Any]) -> None:
    if len(unit) != len(cluster):
        raise ValueError(f"unit has {len(unit)} entries, cluster {len(cluster)}.")
    if pd.isna(unit).any():
        raise ValueError("A judgment has no unit (pair).")
    seen = pd.DataFrame({"unit": unit, "cluster": cluster}).drop_duplicates()
    clash = seen[seen["unit"].duplicated()]
    if len(clash):
        raise ValueError(f"Pair {clash['unit'].iloc[0]!r} appears in more than one cluster (prompt).")


def _prompt_means(cluster: IntArray, score: FloatArray, clusters: int) -> tuple[FloatArray, IntArray]:
    """Mean score and number of judgments of each prompt that has any, both (prompts with judgments,)."""
    sizes = np.bincount(cluster, minlength=clusters)
    used = sizes > 0
    return weighted_count(cluster, score, clusters)[used] / sizes[used], sizes[used]


def _scope(data: PreferenceData, method: str, level: float, rows: BoolArray | None = None) -> Scope:
    kept = slice(None) if rows is None else rows
    return scope_of_judgments(method, level, data.unit[kept], data.cluster[kept], data.rater[kept])


def _inconsistent(data: PreferenceData) -> str:
    if not data.n_inconsistent:
        return ""
    return f"{data.n_inconsistent} pairs were answered differently in the two orders and count as ties."

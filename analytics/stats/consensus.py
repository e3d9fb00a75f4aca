"""What raters together say of each output: majority with its ties, and the median.

A tie is a tie: no order of labels breaks it. The votes are kept beside the consensus, because disagreement
is information. For models of raters' errors see `dawid_skene`, for numbers corrected by severity
`rater_adjusted`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from analytics.stats.coding import Cells, CodedRatings, FloatArray, IntArray, Measurement, ObjectArray, weighted_count
from analytics.stats.intervals import Scope, ratio_over_clusters
from analytics.stats.results import Estimate

TiePolicy = Literal["tie", "adjudicate"]
NO_LABEL = -1


@dataclass(frozen=True, eq=False)
class MajorityVote:
    """The majority label of each output.

    `code` (units,) indexes `domain`, `NO_LABEL` where two labels or more have the most votes; `share` (units,)
    is the winning label's share of the votes, `tied` (units,) how many labels have that many, `votes` the
    non-zero counts behind them. `decided` estimates the share of outputs that have a majority label, `majority`
    the mean share of votes behind the most frequent label.
    """

    unit_labels: ObjectArray
    domain: tuple[float, ...] | tuple[str, ...]
    code: IntArray
    share: FloatArray
    tied: IntArray
    votes: Cells
    policy: TiePolicy
    decided: Estimate
    majority: Estimate

    def labels(self) -> list[float | str | None]:
        """The label of each output; None where there is no majority."""
        return [None if code == NO_LABEL else self.domain[code] for code in self.code.tolist()]

    def states(self) -> list[str]:
        """`majority`, or what the policy makes of a tie, for each output."""
        return ["majority" if code != NO_LABEL else self.policy for code in self.code.tolist()]

    def to_adjudicate(self) -> list[Any]:
        """Outputs waiting for a decision: all ties under the policy "adjudicate", none under "tie"."""
        return self.unit_labels[self.code == NO_LABEL].tolist() if self.policy == "adjudicate" else []

    def estimates(self) -> tuple[Estimate, ...]:
        return self.decided, self.majority

    def to_dict(self) -> dict[str, Any]:
        return {
            "tie_policy": self.policy,
            "decided": self.decided.to_dict(),
            "majority": self.majority.to_dict(),
            "n_tied": int((self.code == NO_LABEL).sum()),
        }


def majority_vote(data: CodedRatings, *, ties: TiePolicy = "tie", level: float = 0.95) -> MajorityVote:
    """The label with the most votes on each output (a plurality suffices).

    `ties` says what becomes of an output whose labels tie: "tie" reports the tie as such, "adjudicate" puts the
    output into a queue for a person. Intervals are cluster-robust by prompt; outputs with one rating have a
    majority of one, and a warning counts them. No ratings: not estimable. Raises ValueError on another policy.
    Source: plurality rule; Cochran, Sampling Techniques, 1977, section 2.11, for the intervals.
    """
    if ties not in ("tie", "adjudicate"):
        raise ValueError(f"Unknown tie policy {ties!r}: use 'tie' or 'adjudicate'.")
    cells = data.cells
    start = np.flatnonzero(np.diff(cells.unit, prepend=-1))
    most = np.maximum.reduceat(cells.n, start) if len(start) else np.zeros(0)
    winner = cells.n == most[cells.unit]
    tied = np.bincount(cells.unit[winner], minlength=data.n_units)
    code = np.full(data.n_units, NO_LABEL, dtype=np.int64)
    code[cells.unit[winner]] = cells.code[winner]
    code[tied > 1] = NO_LABEL
    share = most / np.maximum(data.ratings_per_unit, 1)
    decided = np.asarray(code != NO_LABEL, dtype=np.float64)
    note = _single_votes(data)
    return MajorityVote(
        unit_labels=data.unit_labels,
        domain=data.domain,
        code=code,
        share=share,
        tied=tied,
        votes=cells,
        policy=ties,
        decided=_share(data, decided, "share of outputs with a majority label", level).with_warnings(note),
        majority=_share(data, share, "mean share of votes for the most frequent label", level).with_warnings(note),
    )


def median_vote(data: CodedRatings, measurement: Measurement) -> FloatArray:
    """The median rating of each output, shape (units,), in scale points; `rater_adjusted` gives means.

    An even number of ratings: the lower middle one at the ordinal level (the median is then a level that
    exists), the midpoint at interval and ratio. Raises ValueError at the nominal level, which has no order, or
    if the values do not fit the level. Source: Zheng et al., PVLDB 10, 2017, as the baseline "median".
    """
    if measurement == "nominal":
        raise ValueError("Nominal categories have no order, so there is no median: use majority_vote.")
    data.require(measurement)
    count = data.ratings_per_unit
    start = np.cumsum(count) - count  # ratings are sorted by unit and value
    value = data.values()[data.code]
    low, high = value[start + (count - 1) // 2], value[start + count // 2]
    return low if measurement == "ordinal" else (low + high) / 2


def _share(data: CodedRatings, per_unit: FloatArray, method: str, level: float) -> Estimate:
    clusters = len(data.cluster_labels)
    scope = Scope(
        method=f"{method}, pooled over outputs",
        unit="share",
        level=level,
        n_units=data.n_units,
        n_clusters=clusters,
        n_raters=len(data.rater_labels),
        n_judgments=len(data.unit),
    )
    cluster = data.cluster_of_unit
    trials = weighted_count(cluster, np.ones(data.n_units), clusters)
    return ratio_over_clusters(weighted_count(cluster, per_unit, clusters), trials, scope)


def _single_votes(data: CodedRatings) -> str:
    single = int((data.ratings_per_unit == 1).sum())
    return f"{single} of {data.n_units} outputs have one rating, which is its own majority." if single else ""

"""MQM scores: weighted errors that raters marked, per segment; lower is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analytics.stats._linearised import ONE_PROMPT, residual_influence, t_estimate, variance_of
from analytics.stats._rows import codes, same_lengths
from analytics.stats.coding import FloatArray, IntArray, as_column, weighted_count
from analytics.stats.intervals import Scope
from analytics.stats.results import Estimate


@dataclass(frozen=True)
class MqmWeights:
    """Points for an error by severity; a category that begins with a key of `minor` or `any` has its own points, in
    minor errors or whatever the severity. The defaults are those of Freitag et al. 2021."""

    severity: Mapping[str, float] = field(
        default_factory=lambda: {"major": 5.0, "minor": 1.0, "neutral": 0.0, "no-error": 0.0}
    )
    minor: Mapping[str, float] = field(default_factory=lambda: {"Fluency/Punctuation": 0.1})
    any: Mapping[str, float] = field(default_factory=lambda: {"Non-translation": 25.0})


def mqm_score(
    segment: ArrayLike,
    document: ArrayLike | None,
    rater: ArrayLike,
    category: ArrayLike,
    severity: ArrayLike,
    *,
    weights: MqmWeights | None = None,
    level: float = 0.95,
) -> Estimate:
    """The MQM score of one system: errors' points summed per segment and rater, mean over raters, mean over segments.

    All columns are (errors,): one row an error; a rater who found none in a segment has one row of severity
    "no-error", which counts as 0 and must not be dropped. `document` is the cluster of a segment (None: each segment
    its own). Segments weigh the same. Interval: cluster-robust by document, t(G-1). No rows: not estimable; one
    document, or no spread: a value without an interval. Raises ValueError: lengths, a missing entry, a severity
    without points, a segment in two documents.
    Source: Freitag et al., Transactions of the ACL 9, 2021, section 3.2 and table 4.
    """
    table = _table(segment, document, rater, category, severity, weights or MqmWeights())
    scope = Scope(
        "MQM: mean over segments of the mean over raters, lower is better",
        "points",
        level,
        len(table.score),
        len(np.unique(table.cluster)),
        table.raters,
        table.judgments,
    )
    if not len(table.score):
        return Estimate.not_estimable(reason="There are no rated segments.", **scope.fields())
    value = float(table.score.mean())
    if scope.n_clusters == 1:
        return Estimate.insufficient(value, reason=ONE_PROMPT.replace("prompt", "document"), **scope.fields())
    variance = variance_of(residual_influence(table.score, table.cluster), table.cluster)
    method = f"cluster-robust by document, t({scope.n_clusters - 1})"
    return t_estimate(value, variance, scope.n_clusters - 1, scope, method)


def mqm_scores(
    system: ArrayLike,
    segment: ArrayLike,
    document: ArrayLike | None,
    rater: ArrayLike,
    category: ArrayLike,
    severity: ArrayLike,
    *,
    weights: MqmWeights | None = None,
    level: float = 0.95,
) -> dict[str, Estimate]:
    """`mqm_score` of each system of a table, by name."""
    of_system, names = codes("system", system)
    columns = [
        as_column(name, column) for name, column in zip(_NAMES, (segment, rater, category, severity), strict=True)
    ]
    same_lengths(system=of_system, **dict(zip(_NAMES, columns, strict=True)))
    documents = None if document is None else as_column("document", document)
    found = {}
    for number, name in enumerate(names):
        rows = of_system == number
        part = [column[rows] for column in columns]
        where = None if documents is None else documents[rows]
        found[str(name)] = mqm_score(part[0], where, *part[1:], weights=weights, level=level)
    return found


_NAMES = ("segment", "rater", "category", "severity")


@dataclass(frozen=True, eq=False)
class _Table:
    score: FloatArray
    cluster: IntArray
    raters: int
    judgments: int


def _table(
    segment: ArrayLike,
    document: ArrayLike | None,
    rater: ArrayLike,
    category: ArrayLike,
    severity: ArrayLike,
    weights: MqmWeights,
) -> _Table:
    kind, how_bad = as_column("category", category), as_column("severity", severity)
    of_segment, segments = codes("segment", segment)
    of_rater, raters = codes("rater", rater)
    of_document = of_segment if document is None else codes("document", document)[0]
    same_lengths(segment=of_segment, document=of_document, rater=of_rater, category=kind, severity=how_bad)
    cluster = np.zeros(len(segments), dtype=np.int64)
    cluster[of_segment] = of_document
    clash = np.flatnonzero(cluster[of_segment] != of_document)
    if clash.size:
        raise ValueError(f"Segment {segments[of_segment[clash[0]]]!r} appears in more than one document.")
    judged, judgment = np.unique(of_segment * max(len(raters), 1) + of_rater, return_inverse=True)
    sums = weighted_count(judgment, _points(kind, how_bad, weights), len(judged))
    at = judged // max(len(raters), 1)
    score = weighted_count(at, sums, len(segments)) / np.maximum(np.bincount(at, minlength=len(segments)), 1)
    return _Table(score, cluster, len(raters), len(judged))


def _points(category: NDArray[np.object_], severity: NDArray[np.object_], weights: MqmWeights) -> FloatArray:
    """Points of each row; the few distinct pairs of category and severity are looked up once."""
    frame = pd.DataFrame({"category": category, "severity": severity})
    if frame.isna().any().any():
        raise ValueError("An error has no category or no severity; a segment without errors has severity no-error.")
    pairs = frame.drop_duplicates()
    found = zip(pairs["category"].tolist(), pairs["severity"].tolist(), strict=True)
    points = {(kind, how_bad): _points_of(kind, how_bad, weights) for kind, how_bad in found}
    keys = zip(category.tolist(), severity.tolist(), strict=True)
    return np.asarray([points[key] for key in keys], dtype=np.float64)


def _points_of(category: str, severity: str, weights: MqmWeights) -> float:
    name = str(severity).lower()
    if name not in weights.severity:
        raise ValueError(f"Severity {severity!r} has no points: use {', '.join(weights.severity)}.")
    special = dict(weights.any) | (dict(weights.minor) if name == "minor" else {})
    own = [points for prefix, points in special.items() if str(category).lower().startswith(prefix.lower())]
    return own[0] if own else weights.severity[name]

"""Raters against known answers, and raters against themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analytics.stats._coefficients import Alpha
from analytics.stats._estimation import estimate
from analytics.stats._subsets import keep_ratings
from analytics.stats._totals import PairTable
from analytics.stats.coding import (
    BoolArray,
    CodedRatings,
    FloatArray,
    IntArray,
    Measurement,
    as_column,
    code_ratings,
    weighted_count,
)
from analytics.stats.intervals import Scope, ratio_over_clusters
from analytics.stats.proportions import wilson
from analytics.stats.rater_figures import RaterFigure, RaterFigures, held_back, together, too_few_shared
from analytics.stats.results import Estimate


@dataclass(frozen=True)
class GoldAccuracy:
    """Accuracy of each rater on items with a known answer, and what was said instead.

    `confusion[rater][gold][given]` counts the ratings; gold and given in the order of `levels`.
    """

    accuracy: RaterFigures
    levels: tuple[float | str, ...]
    confusion: Mapping[str, tuple[tuple[int, ...], ...]]
    pooled: Estimate

    def estimates(self) -> tuple[Estimate, ...]:
        return (*self.accuracy.estimates(), self.pooled)

    def to_dict(self) -> dict[str, Any]:
        tables = {rater: [list(row) for row in table] for rater, table in self.confusion.items()}
        return {
            **self.accuracy.to_dict(),
            "levels": list(self.levels),
            "confusion": tables,
            "pooled": self.pooled.to_dict(),
        }


def gold_accuracy(
    data: CodedRatings, gold: Mapping[Any, Any], *, tolerance: float = 0.0, level: float = 0.95
) -> GoldAccuracy:
    """Share of a rater's gold items answered right, with the Wilson interval; 8 of 10 is .490 to .943.

    `gold` gives the right level of each unit by its label; other units are left out. A number within `tolerance`
    of the right one is right. `shrunk` is the beta-binomial mean (x + p M) / (n + M), which ranks raters with
    few items fairly: p and M from all raters by moments (Kleinman, Journal of the American Statistical
    Association 68, 1973). Raises ValueError for an answer outside the scale, a negative tolerance, or one on a scale
    of labels. Source: Wilson, Journal of the American Statistical Association 22, 1927.
    """
    answers = _gold_values(data, gold, tolerance)
    levels = _all_levels(data, answers)
    number = {value: code for code, value in enumerate(levels)}
    right = np.full(data.n_units, -1, dtype=np.int64)
    right[list(answers)] = [number[answer] for answer in answers.values()]
    kept = keep_ratings(data, (right[data.unit] >= 0) & (data.rater >= 0))
    truth = right[kept.unit]
    own: tuple[float | str, ...] = data.domain
    given = np.array([number[value] for value in own], dtype=np.int64)[kept.code]
    hit = _is_right(levels, given, truth, tolerance)
    size = len(data.rater_labels)
    trials = np.bincount(kept.rater, minlength=size)
    hits = np.bincount(kept.rater[hit], minlength=size)
    used = np.flatnonzero(trials)
    shrunk = _beta_binomial(hits[used].astype(np.float64), trials[used].astype(np.float64))
    figures, tables = [], {}
    for row, rater in enumerate(used.tolist()):
        label = str(data.rater_labels[rater])
        found = _share(int(hits[rater]), int(trials[rater]), level, "share of gold items answered right", 1)
        few = f"Only {trials[rater]} gold items." if trials[rater] < 20 else ""
        figures.append(RaterFigure(label, found.with_warnings(few), float(shrunk[row])))
        mine = kept.rater == rater
        flat = np.bincount(truth[mine] * len(levels) + given[mine], minlength=len(levels) ** 2)
        tables[label] = tuple(map(tuple, flat.reshape(len(levels), len(levels)).tolist()))
    pooled = _pooled(kept, hit, level, "share of gold items answered right, all raters", len(used))
    return GoldAccuracy(RaterFigures(tuple(figures)), levels, tables, pooled)


def repeat_consistency(
    unit: ArrayLike,
    cluster: ArrayLike | None,
    rater: ArrayLike,
    position: ArrayLike,
    value: ArrayLike,
    measurement: Measurement,
    domain: Sequence[float] | Sequence[str] | None = None,
    *,
    min_lag: int = 1,
    level: float = 0.95,
) -> RaterFigures:
    """For each rater: alpha between the occasions on which the rater judged the same item.

    One entry per judgment in every argument; `position` numbers a rater's judgments in the order they were given.
    A repetition less than `min_lag` judgments after the one before it is left out: it may be remembered. `details`
    has the median lag and the share of repeated items answered the same each time. Not compared with other raters;
    below 20 repeated items insufficient. Raises ValueError as `code_ratings` does, and for positions that are no
    numbers. Source: Krippendorff 2019, ch. 11 (stability), alpha with occasions in the place of raters.
    """
    frame = _occasions(unit, cluster, rater, position, value, min_lag)
    coded = code_ratings(frame["key"], frame["cluster"], frame["occasion"], frame["value"], domain)
    coded.require(measurement)
    owner = np.asarray(frame.drop_duplicates("key").set_index("key")["rater"].reindex(coded.unit_labels), dtype=object)
    lags = frame[frame["occasion"] > 0].groupby("rater")["lag"].median()
    figures = []
    for name in sorted(frame["rater"].unique()):
        mine = keep_ratings(coded, (owner == name)[coded.unit])
        table = PairTable(mine)
        found = estimate(table, Alpha(mine, measurement), "these_raters", level, f"{measurement}, rater with himself")
        found = replace(found, n_raters=1)
        repeated = int(mine.pairable.sum())
        details = {"median_lag": float(lags.get(name, np.nan)), "same_share": _same(mine) if repeated else None}
        figures.append(RaterFigure(name, held_back(found, too_few_shared(repeated)), details=details))
    return together(figures, flag=0)


def _gold_values(data: CodedRatings, gold: Mapping[Any, Any], tolerance: float) -> dict[int, float | str]:
    """The right answer of each unit that has one, by unit code."""
    if not 0 <= tolerance < np.inf:
        raise ValueError(f"The tolerance is a distance on the scale, 0 or more; got {tolerance}.")
    if tolerance and not data.is_numeric:
        raise ValueError("The levels are labels, so an answer is right or wrong: the tolerance must be 0.")
    by_label = {str(unit): answer for unit, answer in gold.items()}
    found: dict[int, float | str] = {}
    for row, label in enumerate(data.unit_labels):
        if str(label) not in by_label:
            continue
        answer = by_label[str(label)]
        is_number = isinstance(answer, int | float | np.number)
        plain = float(answer) if is_number else answer
        if is_number != data.is_numeric or (data.domain_declared and plain not in data.domain):
            accepted = ", ".join(repr(level) for level in data.domain)
            raise ValueError(f"The right answer {answer!r} of unit {label!r} is outside the scale: {accepted}.")
        found[row] = plain
    return found


def _all_levels(data: CodedRatings, answers: dict[int, float | str]) -> tuple[float | str, ...]:
    """The scale; where none was declared, what was given or is right, in order."""
    if data.domain_declared:
        return data.domain
    found: set[Any] = {*data.domain, *answers.values()}
    return tuple(sorted(found))


def _is_right(levels: tuple[float | str, ...], given: IntArray, truth: IntArray, tolerance: float) -> BoolArray:
    if not tolerance:
        return np.asarray(given == truth)
    values = np.asarray(levels, dtype=np.float64)
    return np.asarray(np.abs(values[given] - values[truth]) <= tolerance * (1 + 1e-12))


def _share(hits: int, trials: int, level: float, name: str, raters: int) -> Estimate:
    low, high = wilson(hits, trials, level)
    return Estimate(
        hits / trials,
        low,
        high,
        level,
        method=f"{name}; Wilson interval",
        unit="share",
        n_units=trials,
        n_clusters=trials,
        n_raters=raters,
        n_judgments=trials,
    )


def _pooled(kept: CodedRatings, hit: BoolArray, level: float, name: str, raters: int) -> Estimate:
    """All raters together: their answers to one item are not independent, so the interval is by prompt."""
    cluster = kept.cluster_of_unit[kept.unit]
    scope = Scope(
        method=name,
        unit="share",
        level=level,
        n_units=len(np.unique(kept.unit)),
        n_clusters=len(np.unique(cluster)),
        n_raters=raters,
        n_judgments=len(kept.unit),
    )
    size = len(kept.cluster_labels)
    trials = weighted_count(cluster, np.ones(len(cluster)), size)
    return ratio_over_clusters(weighted_count(cluster, hit, size), trials, scope)


def _beta_binomial(hits: FloatArray, trials: FloatArray) -> FloatArray:
    """Posterior means of the raters' accuracies; all the pooled share where they differ no more than by chance."""
    if not len(hits):
        return hits
    total, raters = trials.sum(), len(hits)
    share = hits.sum() / total
    chance = share * (1 - share)
    if raters < 2 or chance == 0:
        return np.full(raters, share)
    scatter = float(np.sum(trials * (hits / trials - share) ** 2))
    room = total - np.sum(trials**2) / total - (raters - 1)
    correlation = (scatter - chance * (raters - 1)) / (chance * room) if room > 0 else 0.0
    if correlation <= 0:
        return np.full(raters, share)
    weight = (1 - min(correlation, 1.0)) / correlation
    return np.asarray((hits + share * weight) / (trials + weight))


def _occasions(
    unit: ArrayLike, cluster: ArrayLike | None, rater: ArrayLike, position: ArrayLike, value: ArrayLike, min_lag: int
) -> pd.DataFrame:
    """Judgments numbered within rater and item, those that come too soon left out."""
    columns = {
        "unit": as_column("unit", unit),
        "cluster": as_column("cluster", unit if cluster is None else cluster),
        "rater": as_column("rater", rater),
        "position": as_column("position", position),
        "value": as_column("value", value),
    }
    if len({len(column) for column in columns.values()}) > 1:
        lengths = ", ".join(f"{name} {len(column)}" for name, column in columns.items())
        raise ValueError(f"All columns must have one length; found {lengths}.")
    frame = pd.DataFrame(columns)
    frame = frame[frame["value"].notna() & frame["rater"].notna() & (frame["rater"] != "")]
    frame["rater"] = frame["rater"].astype(str)
    frame["position"] = _positions(frame["position"])
    frame["key"] = frame["rater"] + "\x1f" + frame["unit"].astype(str)
    frame = frame.sort_values(["key", "position"], kind="stable", ignore_index=True)
    frame["lag"] = frame.groupby("key")["position"].diff()
    frame = frame[~(frame["lag"] < min_lag)]
    return frame.assign(occasion=frame.groupby("key").cumcount())


def _positions(column: pd.Series) -> pd.Series:
    try:
        numbers = pd.to_numeric(column).astype("float64")
    except (ValueError, TypeError) as error:
        raise ValueError(f"Positions number a rater's judgments in order: {error}.") from error
    if not np.isfinite(numbers).all():
        raise ValueError("A position is missing or infinite: number each rater's judgments in order.")
    return numbers


def _same(data: CodedRatings) -> float:
    """The share of repeated items on which every occasion has one value."""
    distinct = np.bincount(data.cells.unit, minlength=data.n_units)[data.pairable]
    return float(np.mean(distinct == 1))

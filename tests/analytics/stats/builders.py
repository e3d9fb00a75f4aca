"""Small rating tables for the tests of the statistics."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.stats import association, preference
from analytics.stats.coding import CodedRatings, Measurement, code_ratings
from analytics.stats.registry import METRICS
from analytics.stats.results import Distribution, Estimate, TestedEstimate
from tests.analytics.stats import evaluators_agreement, evaluators_automated, evaluators_preference

EVALUATORS = (
    evaluators_agreement.EVALUATORS_AGREEMENT
    | evaluators_preference.EVALUATORS_PREFERENCE
    | evaluators_automated.EVALUATORS
)

REFERENCE_FILES = Path(__file__).resolve().parents[4] / "shared" / "data" / "reference"

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), example C. 0 means missing.
KRIPPENDORFF_2011 = {
    "A": [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
    "B": [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
    "C": [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
    "D": [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
}


# Feinstein & Cicchetti (1990): 85 % raw agreement with one frequent category.
PARADOX_SKEWED = [[80, 10], [5, 5]]


def reference_file(name: str) -> Path:
    path = REFERENCE_FILES / name
    if not path.exists():
        pytest.skip(f"The reference file {name} is not on this machine.")
    return path


def krippendorff_2011() -> CodedRatings:
    rows = [
        (unit, rater, value or None) for rater, values in KRIPPENDORFF_2011.items() for unit, value in enumerate(values)
    ]
    unit, rater, value = zip(*rows, strict=True)
    return code_ratings(unit, None, rater, value, [1, 2, 3, 4, 5])


def from_cross_table(table: list[list[int]]) -> CodedRatings:
    """Two raters' cross-table (rows: first rater) as ratings, one unit per counted pair."""
    first = [row for row, cells in enumerate(table) for n in cells for _ in range(n)]
    second = [column for cells in table for column, n in enumerate(cells) for _ in range(n)]
    unit = list(range(len(first)))
    raters = ["first"] * len(first) + ["second"] * len(first)
    return code_ratings(unit * 2, None, raters, first + second, list(range(len(table))))


def from_counts(counts: Any) -> CodedRatings:
    """A table of counts (units x categories) as ratings of unknown raters."""
    table = np.asarray(counts, dtype=int)
    unit, code = np.nonzero(table)
    repeat = table[unit, code]
    units, codes = np.repeat(unit, repeat), np.repeat(code, repeat)
    return code_ratings(units, None, [None] * len(units), codes, list(range(table.shape[1])))


@dataclass(frozen=True)
class Table:
    """A long table that every kind of statistic can read; one entry per rating in each column."""

    unit: np.ndarray
    cluster: np.ndarray
    rater: np.ndarray
    value: np.ndarray
    value_b: np.ndarray  # the other system's rating by the same rater
    metric: np.ndarray  # an automated score of the unit, repeated on its ratings
    first: np.ndarray  # whether the first system was shown first
    domain: tuple[float, ...] = (1.0, 2.0, 3.0, 4.0, 5.0)

    def rows(self, index: np.ndarray) -> Table:
        names = ("unit", "cluster", "rater", "value", "value_b", "metric", "first")
        return replace(self, **{name: getattr(self, name)[index] for name in names})

    def coded(self, column: str = "value") -> CodedRatings:
        return code_ratings(self.unit, self.cluster, self.rater, getattr(self, column), self.domain)


def random_table(seed: int, *, prompts: int = 12, systems: int = 2, raters: int = 4, shown: float = 0.8) -> Table:
    """Ratings 1..5 with a true quality per unit, some cells missing, two units or more a prompt."""
    rng = np.random.default_rng(seed)
    units = prompts * systems
    unit = np.repeat(np.arange(units), raters)
    rater = np.tile(np.arange(raters), units)
    quality = rng.normal(0, 1, prompts)[unit // systems] + rng.normal(0, 0.7, units)[unit]

    def rate() -> np.ndarray:
        return np.clip(np.round(3 + quality + rng.normal(0, 0.8, len(unit))), 1, 5)

    table = Table(
        unit=unit,
        cluster=unit // systems,
        rater=np.array([f"r{i}" for i in rater], dtype=object),
        value=rate(),
        value_b=rate(),
        metric=np.round(quality + rng.normal(0, 0.5, units)[unit], 1),
        first=rng.random(len(unit)) < 0.5,
    )
    return table.rows(np.flatnonzero(rng.random(len(unit)) < shown))


def table_for(name: str, seed: int) -> Table:
    """A random table that the statistic can be estimated from."""
    return random_table(seed, **evaluators_agreement.SHAPES.get(name, {}))


def evaluate(name: str, table: Table, measurement: Measurement) -> Any:
    """Run a registered statistic on a table, whatever its kind."""
    if name in EVALUATORS:
        return EVALUATORS[name](table, measurement)
    metric = METRICS[name]
    level = {"measurement": measurement} if metric.by_level else {}
    if metric.kind in ("agreement", "score"):
        return metric.function(table.coded(), **level)
    if metric.kind == "comparison":
        return metric.function(table.coded(), table.coded("value_b"), **level)
    if metric.kind == "preference":
        return metric.function(preferences(table))
    units, first_row = np.unique(table.unit, return_index=True)
    if name == "agreement_share":
        labels = np.clip(np.round(3 + table.metric[first_row]), 1, 5)
        return metric.function(units, labels, table.coded())
    labels, clusters, means = association.human_means(table.coded())
    scores = dict(zip(units.tolist(), table.metric[first_row].tolist(), strict=True))
    return metric.function([scores[label] for label in labels], means, clusters, seed=3)


def preferences(table: Table) -> preference.PreferenceData:
    outcome = [preference.OUTCOMES[int(value) - 1] for value in table.value]
    return preference.code_preferences(table.cluster, table.unit, table.rater, outcome, table.first)


def estimates_of(result: Any) -> list[Estimate]:
    """Every estimate in a result, whatever its type."""
    if isinstance(result, Distribution):
        return list(result.shares)
    if isinstance(result, Estimate | TestedEstimate):
        return [result.estimate if isinstance(result, TestedEstimate) else result]
    return list(result.estimates()) if hasattr(result, "estimates") else []


def figures(result: Any) -> list[float]:
    """The numbers of a result that holds no estimate."""
    read = evaluators_agreement if isinstance(result, evaluators_agreement.FIGURES) else evaluators_preference
    return read.figures(result)


def numbers(result: Any) -> list[float]:
    """Every number of a result: values and limits, then p values."""
    if isinstance(result, Distribution):
        return [number for share in result.shares for number in numbers(share)] + list(result.counts)
    if isinstance(result, TestedEstimate):
        return [*numbers(result.estimate), result.p_value]
    if isinstance(result, Estimate):
        return [result.value, result.low, result.high]
    if hasattr(result, "estimates"):
        return [number for estimate in result.estimates() for number in numbers(estimate)]
    return figures(result)


def values(result: Any) -> list[float]:
    """Point values only."""
    return [estimate.value for estimate in estimates_of(result)] or figures(result)

"""How agreement and rater statistics read the tables of the property tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analytics.stats import agreement
from analytics.stats.benchmarks import Benchmark
from analytics.stats.rater_behaviour import StraightLines
from analytics.stats.rater_figures import RaterFigures
from analytics.stats.registered_agreement import AGREEMENT, RATERS

if TYPE_CHECKING:
    from tests.analytics.stats.builders import Table

# Tables that a statistic can be estimated from, where the usual one is not such a table.
_MANY = {"prompts": 20}  # twenty shared items for every rater
SHAPES: dict[str, dict[str, Any]] = {
    "cohen_kappa": {"raters": 2, "shown": 1.0},
    "cohen_kappa_weighted": {"raters": 2, "shown": 1.0},
    "kendall_w": {"systems": 4, "shown": 1.0},
    "specific_agreement": _MANY,
    "item_bootstrap": {"systems": 1},
    **dict.fromkeys(RATERS, _MANY),
}
# Milliseconds each: fewer random tables for these.
COSTLY = {
    *(name for name in AGREEMENT if name.startswith("icc")),
    *("item_bootstrap", "leave_one_out_alpha", "severity", "repeat_consistency", "pace", "straight_lining"),
}


def _sorted(figures: RaterFigures) -> RaterFigures:
    """In the order of their values, so that renaming raters changes nothing; raters without a value left out."""
    valued = [figure for figure in figures.figures if figure.estimate.value is not None]
    key = {
        figure.rater: (figure.estimate.value, figure.estimate.n_judgments, figure.estimate.low or 0.0)
        for figure in valued
    }
    return replace(figures, figures=tuple(sorted(valued, key=lambda figure: key[figure.rater])))


def _coded(name: str) -> Callable[[Table, str], Any]:
    metric = RATERS[name]

    def run(table: Table, measurement: str) -> Any:
        level = {"measurement": measurement} if metric.by_level else {}
        return _sorted(metric.function(table.coded(), **level))

    return run


def _gold(table: Table, measurement: str) -> Any:
    """What an automated score rounds to is taken for the truth."""
    truth = np.clip(np.round(3 + table.metric), 1, 5)
    domain = np.asarray(sorted(table.domain))
    answers = dict(zip(table.unit.tolist(), domain[truth.astype(int) - 1].tolist(), strict=True))
    found = RATERS["gold_accuracy"].function(table.coded(), answers)
    return replace(found, accuracy=_sorted(found.accuracy))


def _positions(table: Table) -> np.ndarray:
    """An order of judging that depends on what was judged, not on the row."""
    return table.unit * 7 % 10_007


def _repeats(table: Table, measurement: str) -> Any:
    """The rating of the other system stands for a second occasion."""
    twice = {name: np.concatenate([getattr(table, name)] * 2) for name in ("unit", "cluster", "rater")}
    position = np.concatenate([_positions(table), _positions(table) + 20_000])
    value = np.concatenate([table.value, table.value_b])
    found = RATERS["repeat_consistency"].function(**twice, position=position, value=value, measurement=measurement)
    return _sorted(found)


def _seconds(table: Table) -> np.ndarray:
    """Between about 5 and 60 seconds, from the columns that no transformation of the values touches."""
    return np.exp(2.5 + np.sin(table.unit * 3.7 + 5 * table.first) + 0.2 * (table.unit % 5))


def _pace(table: Table, measurement: str) -> Any:
    return _sorted(RATERS["pace"].function(table.rater, table.unit, _seconds(table)))


def _lines(table: Table, measurement: str) -> Any:
    return RATERS["straight_lining"].function(table.rater, _positions(table), table.value, permutations=200)


def _benchmark(table: Table, measurement: str) -> Any:
    return AGREEMENT["benchmark"].function(agreement.krippendorff_alpha(table.coded(), measurement))


def _bootstrap(table: Table, measurement: str) -> Any:
    """Few resamples: the properties are exact whatever their number."""
    return AGREEMENT["item_bootstrap"].function(table.coded(), measurement, resamples=50)


def _ranked(table: Table, measurement: str) -> Any:
    """Each rater's order of the outputs of a prompt, by the values given."""
    frame = pd.DataFrame({name: getattr(table, name) for name in ("cluster", "rater", "unit", "value")})
    frame["ranking"] = frame["cluster"].astype(str) + frame["rater"].astype(str)
    rank = frame.groupby("ranking")["value"].rank()
    columns = (frame[name].to_numpy() for name in ("cluster", "cluster", "ranking", "unit"))
    return AGREEMENT["kendall_w"].function(*columns, rank.to_numpy())


def _marks(table: Table, measurement: str) -> Any:
    """Each rating marks as many characters as its value says, from a place that depends on the unit."""
    marks = [
        [(int(u), int(u) + int(v) - 1, "error")] if v > 1 else [] for u, v in zip(table.unit, table.value, strict=True)
    ]
    return AGREEMENT["span_f1"].function(table.unit, table.cluster, table.rater, marks)


EVALUATORS_AGREEMENT: dict[str, Callable[[Table, str], Any]] = {
    **{name: _coded(name) for name in ("leave_one_out_alpha", "severity", "consensus_agreement", "consensus_distance")},
    "kendall_w": _ranked,
    "span_f1": _marks,
    "gold_accuracy": _gold,
    "repeat_consistency": _repeats,
    "pace": _pace,
    "straight_lining": _lines,
    "benchmark": _benchmark,
    "item_bootstrap": _bootstrap,
}


FIGURES = (Benchmark, StraightLines)


def figures(result: Any) -> list[float]:
    """The numbers of a result that holds no estimate."""
    if isinstance(result, Benchmark):
        return [band.cumulative for band in result.bands]
    assert isinstance(result, StraightLines)
    return sorted(x for line in result.raters for x in (line.longest_run, line.entropy))

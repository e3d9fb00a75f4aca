"""How consensus and rankings read the tables of the property tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from analytics.stats.registered_preference import CONSENSUS, PREFERENCE
from analytics.stats.transitivity import CircularTriads, GoodnessOfFit
from tests.analytics.stats.battle_tables import BattleTable, of_table

if TYPE_CHECKING:
    from tests.analytics.stats.builders import Table

# Fewer draws and resamples than a report: the properties are exact whatever their number.
QUICK: dict[str, dict[str, int]] = {"rank_table": {"draws": 200}, "goodness_of_fit": {"resamples": 20}}


def of_battles(name: str, table: BattleTable) -> Any:
    return PREFERENCE[name].function(table.coded(), **QUICK.get(name, {}))


def _battles(name: str) -> Callable[[Table, str], Any]:
    return lambda table, measurement: of_battles(name, of_table(table))


def _consensus(name: str) -> Callable[[Table, str], Any]:
    metric = CONSENSUS[name]
    if metric.by_level:
        return lambda table, measurement: metric.function(table.coded(), measurement)
    return lambda table, measurement: metric.function(table.coded())


EVALUATORS_PREFERENCE: dict[str, Callable[[Table, str], Any]] = {
    **{name: _consensus(name) for name in CONSENSUS},
    **{name: _battles(name) for name in PREFERENCE},
}


def figures(result: Any) -> list[float]:
    """The numbers of a result that is no estimate: a test or a count."""
    if isinstance(result, GoodnessOfFit):
        return [result.statistic, result.df]
    assert isinstance(result, CircularTriads)
    return [result.circular, result.decidable, -1.0 if result.zeta is None else result.zeta]

"""What rankings do not depend on: names of the systems, the side a judgment is written from, and which way is up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.stats.registered_preference import PREFERENCE
from analytics.stats.strengths import ELO_POINTS, SystemEstimates
from tests.analytics.stats.battle_tables import (
    BattleTable,
    of_table,
    other_sides,
    with_other_names,
    with_outcomes_turned,
)
from tests.analytics.stats.builders import estimates_of, numbers, random_table
from tests.analytics.stats.evaluators_preference import of_battles

# Another alphabetical order: the codes of the systems change.
NAMES = {"ash": "zelkova", "birch": "oak", "cedar": "alder", "elm": "yew", "fir": "maple"}


def declared(property_: str) -> list[str]:
    return [name for name, metric in PREFERENCE.items() if property_ in metric.invariances]


def table(seed: int) -> BattleTable:
    return of_table(random_table(seed))


@pytest.mark.parametrize("name", declared("sides"))
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_writing_a_judgment_from_its_other_side_changes_nothing(name: str, seed: int):
    before = table(seed)
    assert numbers(of_battles(name, other_sides(before))) == pytest.approx(numbers(of_battles(name, before)), abs=1e-8)


@pytest.mark.parametrize("name", declared("system_names"))
@pytest.mark.parametrize("seed", [1, 2])
def test_renaming_the_systems_renames_the_results(name: str, seed: int):
    before = of_battles(name, table(seed))
    after = of_battles(name, with_other_names(table(seed), NAMES))
    systems = sorted(NAMES)
    renamed = sorted(NAMES.values())
    order = [renamed.index(NAMES[system]) for system in systems]
    found = estimates_of(after)
    if len(found) % len(systems) == 0:  # one, or several, for each system
        found = [found[block + i] for block in range(0, len(found), len(systems)) for i in order]
        assert [e.value for e in found] == pytest.approx([e.value for e in estimates_of(before)], abs=1e-8)
        assert [e.low for e in found] == pytest.approx([e.low for e in estimates_of(before)], abs=1e-8)
    else:
        assert numbers(after) == pytest.approx(numbers(before), abs=1e-8)


def opposite(estimate: object, unit: str) -> list[float]:
    turn = (lambda x: 1 - x) if unit == "share" else (lambda x: -x)
    return [turn(estimate.value), turn(estimate.high), turn(estimate.low)]


@pytest.mark.parametrize("name", [name for name in declared("opposite") if name != "circular_triads"])
@pytest.mark.parametrize("seed", [1, 2])
def test_turning_every_outcome_turns_the_result(name: str, seed: int):
    before = estimates_of(of_battles(name, table(seed)))
    after = estimates_of(of_battles(name, with_outcomes_turned(table(seed))))
    assert before
    for one, other in zip(before, after, strict=True):
        assert [other.value, other.low, other.high] == pytest.approx(opposite(one, one.unit), abs=1e-8)


def test_turning_every_outcome_turns_circles_the_other_way_round():
    name = "circular_triads"
    turned = of_battles(name, with_outcomes_turned(table(1)))
    assert numbers(turned) == numbers(of_battles(name, table(1)))


def test_the_elo_scale_turns_about_its_average():
    before, after = (of_battles("elo_scale", t) for t in (table(1), with_outcomes_turned(table(1))))
    assert [e.value for e in after.items] == pytest.approx([2000 - e.value for e in before.items])
    assert pytest.approx(400 / np.log(10)) == ELO_POINTS


def test_what_the_tables_reach():
    """The properties are tried on judgments with ties, both orders, features and known answers."""
    data = table(1).coded()
    assert data.n_inconsistent > 5
    assert len(data.merged.a) < len(data.a)
    assert data.n_systems == 5
    assert (data.gold >= 0).any()
    assert isinstance(of_battles("bradley_terry", table(1)).effects, dict)
    assert isinstance(of_battles("win_rate_pooled", table(1)), SystemEstimates)

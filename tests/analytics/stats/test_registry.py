"""Every registered statistic: a reference value, the declared invariances, the contract of its results."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.stats.registry import METRICS
from tests.analytics.stats.builders import Table, estimates_of, evaluate, numbers, table_for, values
from tests.analytics.stats.evaluators_agreement import COSTLY
from tests.analytics.stats.reference import Reference
from tests.analytics.stats.references import REFERENCES

CASES = [(name, case) for name, cases in REFERENCES.items() for case in cases]


def test_every_registered_statistic_has_a_reference_value():
    assert set(REFERENCES) == set(METRICS)
    assert all(REFERENCES.values())


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name}: {case.label}" for name, case in CASES])
def test_reference_value(name: str, case: Reference):
    assert case.compute() == pytest.approx(case.expected, abs=case.tolerance), case.source


def shuffled(table: Table) -> Table:
    return table.rows(np.random.default_rng(1).permutation(len(table.unit)))


def raters_renamed(table: Table) -> Table:
    names = {"r0": "zoe", "r1": "amy", "r2": "r0", "r3": "bob"}
    return replace(table, rater=np.array([names[rater] for rater in table.rater], dtype=object))


def categories_renamed(table: Table) -> Table:
    new = np.array([0, 4, 1, 5, 2, 3], dtype=float)
    return replace(table, value=new[table.value.astype(int)])


def reversed_scale(table: Table) -> Table:
    return replace(table, value=6 - table.value, value_b=6 - table.value_b)


def affine(table: Table) -> Table:
    scaled = {name: 2.5 * getattr(table, name) + 10 for name in ("value", "value_b", "metric")}
    return replace(table, **scaled, domain=tuple(2.5 * x + 10 for x in table.domain))


def duplicated(table: Table) -> Table:
    twice = table.rows(np.tile(np.arange(len(table.unit)), 2))
    copy = np.arange(len(twice.unit)) >= len(table.unit)
    return replace(twice, unit=twice.unit + 1000 * copy, cluster=twice.cluster + 1000 * copy)


def with_lone_rater(table: Table) -> Table:
    more = table.rows(np.concatenate([np.arange(len(table.unit)), np.arange(5)]))
    new = np.arange(len(more.unit)) >= len(table.unit)
    rater = np.where(new, "hermit", more.rater).astype(object)
    shift = np.where(new, 5000 + np.arange(len(new)), 0)
    return replace(more, rater=rater, unit=more.unit + shift, cluster=more.cluster + shift)


def swapped(table: Table) -> Table:
    """Systems change places: scores swap, and win (coded 1) becomes loss (5)."""
    return replace(table, value=table.value_b, value_b=table.value)


def outcome_swapped(table: Table) -> Table:
    return replace(table, value=np.array([0, 5, 2, 3, 4, 1.0])[table.value.astype(int)], first=~table.first)


UNCHANGED: dict[str, tuple[Callable[[Table], Table], tuple[str, ...]]] = {
    "row_order": (shuffled, ("nominal", "ordinal", "interval", "ratio")),
    "rater_names": (raters_renamed, ("nominal", "ordinal", "interval", "ratio")),
    "category_names": (categories_renamed, ("nominal",)),
    "reversal": (reversed_scale, ("ordinal", "interval")),
    "affine": (affine, ("interval",)),
    "lone_rater": (with_lone_rater, ("nominal", "ordinal", "interval", "ratio")),
}
DECLARED = [
    (name, property_, level)
    for name, metric in METRICS.items()
    for property_, (_, levels) in UNCHANGED.items()
    if property_ in metric.invariances
    # A statistic that does not read the level is tried at one.
    for level in [x for x in levels if x in metric.levels][: None if metric.by_level else 1]
]


# Fitted until the log-likelihood changes by less than 1e-8: another order of summing may stop one step apart.
TOLERANCE = {"dawid_skene": 1e-6, "one_coin": 1e-6}
# Functions of two numbers, and of the p values of other statistics.
WITHOUT_ROWS = {"proportion", "multiplicity", "measure"}


def test_every_statistic_of_data_declares_row_order():
    """Nothing may depend on row order."""
    assert {m.kind for m in METRICS.values() if "row_order" not in m.invariances} == WITHOUT_ROWS
    assert all("row_order" not in m.invariances for m in METRICS.values() if m.kind in WITHOUT_ROWS)


def test_every_statistic_names_the_designs_it_fits():
    assert [name for name, metric in METRICS.items() if not metric.designs] == []


@pytest.mark.parametrize(("name", "property_", "level"), [case for case in DECLARED if case[0] not in COSTLY])
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_declared_invariance(name: str, property_: str, level: str, seed: int):
    unchanged(name, property_, level, seed)


@pytest.mark.parametrize(("name", "property_", "level"), [case for case in DECLARED if case[0] in COSTLY])
@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_declared_invariance_of_a_costly_statistic(name: str, property_: str, level: str, seed: int):
    unchanged(name, property_, level, seed)


def unchanged(name: str, property_: str, level: str, seed: int) -> None:
    table = table_for(name, seed)
    before = numbers(evaluate(name, table, level))
    after = numbers(evaluate(name, UNCHANGED[property_][0](table), level))
    assert after == pytest.approx(before, abs=TOLERANCE.get(name, 1e-10))


def of_property(property_: str) -> list[str]:
    return [name for name, metric in METRICS.items() if property_ in metric.invariances]


@pytest.mark.parametrize("name", of_property("duplication"))
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_duplicating_every_item_leaves_the_value(name: str, seed: int):
    table = table_for(name, seed)
    level = METRICS[name].levels[-1]
    once = values(evaluate(name, table, level))
    assert values(evaluate(name, duplicated(table), level)) == pytest.approx(once, abs=1e-10)


@pytest.mark.parametrize("name", of_property("swap"))
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_swapping_the_systems_gives_one_minus_p(name: str, seed: int):
    table = table_for(name, seed)
    swap = swapped if METRICS[name].kind == "comparison" else outcome_swapped
    value, low, high = numbers(evaluate(name, table, "ordinal"))
    assert numbers(evaluate(name, swap(table), "ordinal")) == pytest.approx([1 - value, 1 - high, 1 - low])


WITH_ROWS = [name for name, metric in METRICS.items() if metric.kind not in WITHOUT_ROWS]


@pytest.mark.parametrize("name", WITH_ROWS)
@pytest.mark.parametrize("seed", range(4))
def test_results_are_plain_json_with_ordered_limits_and_counts(name: str, seed: int):
    table = table_for(name, seed)
    result = evaluate(name, table, METRICS[name].levels[-1])
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))
    for estimate in estimates_of(result):
        if estimate.status == "ok":
            assert estimate.low <= estimate.value <= estimate.high
            assert estimate.high > estimate.low or estimate.unit == "rank"
        assert estimate.method
        assert estimate.unit
        assert 1 <= estimate.n_clusters <= len(table.value)


def test_the_statistics_import_no_django():
    code = (
        "import sys; sys.modules['django'] = None; import analytics.stats.registry; "
        "bad = [m for m in sys.modules if m.startswith('django.')]; sys.exit(1 if bad else 0)"
    )
    root = str(__import__("pathlib").Path(__file__).resolve().parents[3])
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, timeout=60)

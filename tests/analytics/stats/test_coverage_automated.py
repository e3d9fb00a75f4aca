"""Intervals for automated scores, gates, slices and totals cover what they claim (coverage-automated.md)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analytics.stats.results import Estimate
from analytics.stats.small_samples import coverage_notes
from tests.analytics.stats.simulations_automated import SIMULATIONS, Outcome, Simulation, run, shortfall

RUNS = 500
# Of a correlation that noise pulls towards 0 an interval is rightly claimed in few studies only.
SELDOM = "100 prompts, 5 systems that differ little"
# Where a warning says that less is covered: what it says (analytics/stats/small_samples.py).
AS_WARNED = {
    "Pearson, pooled: 20 prompts, 5 systems": 0.92,
    "Pearson, pooled: 40 prompts, 5 systems": 0.92,
    "human ceiling, share equal: 20 prompts, 5 systems": 0.92,
}
PAGE = Path(__file__).resolve().parents[3] / "docs" / "algorithms" / "coverage-automated.md"
NAMES = [f"{simulation.name}: {simulation.setting}" for simulation in SIMULATIONS]


@pytest.mark.slow
@pytest.mark.parametrize("simulation", [s for s in SIMULATIONS if s.expected], ids=lambda s: f"{s.name}: {s.setting}")
def test_the_interval_covers_within_binomial_error(simulation: Simulation):
    outcome = run(simulation, RUNS, seed=2)
    assert outcome.claimed >= (RUNS / 10 if simulation.setting == SELDOM else RUNS / 2)
    assert not shortfall(simulation, outcome, AS_WARNED.get(f"{simulation.name}: {simulation.setting}")), outcome


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Spearman, pooled", "PPI++"])
def test_ignoring_prompts_covers_less(name: str):
    [ignored] = [s for s in SIMULATIONS if s.name == f"{name}, prompts ignored"]
    assert shortfall(ignored, run(ignored, RUNS, seed=2))


def test_the_page_has_a_row_for_every_simulation():
    rows = re.findall(r"^\| (.+?) \| (.+?) \| 0\.9", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [f"{name}: {setting}" for name, setting in rows] == NAMES


def test_every_row_that_falls_short_has_a_warning():
    rows = re.findall(r"^\| (.+?) \| (.+?) \| 0\.9\d \| \*\*", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    short = {f"{name}: {setting}" for name, setting in rows if "ignored" not in name}
    assert short <= set(AS_WARNED)
    few = Estimate(0.5, 0.4, 0.6, n_clusters=20)
    assert "92 to 94 %" in coverage_notes("pearson", few)[0]
    assert "92 to 94 %" in coverage_notes("human_ceiling", few)[0]
    many = Estimate(0.5, 0.4, 0.6, n_clusters=60)
    assert coverage_notes("pearson", many) == coverage_notes("human_ceiling", many) == ()


def test_a_shortfall_is_recognised():
    def never(rng: object) -> Estimate:
        return Estimate(0.5, 0.4, 0.6)

    narrow = Simulation("narrow", "", never, lambda: 0.7)
    assert run(narrow, 50) == Outcome(0.0, pytest.approx(0.2), 50)
    assert shortfall(narrow, run(narrow, 50))
    assert not shortfall(narrow, Outcome(0.95, 0.2, 50))

"""A warning stands where the simulations found an interval too narrow, and nowhere else without a reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analytics.stats.full_agreement import full_agreement
from analytics.stats.results import Estimate
from analytics.stats.small_samples import coverage_notes, noted
from tests.analytics.stats.builders import random_table

PAGE = Path(__file__).resolve().parents[3] / "docs" / "algorithms" / "coverage-agreement.md"
ROW = re.compile(r"^\| (\d+) prompts of (one|\d+) outputs?, (.+?) \| (.+?) \| (0\.\d+) \|", re.MULTILINE)
# .95 less 2.3 binomial standard errors of 400 runs: of a hundred rows some are two below by chance.
SHORT = 0.925
NAMES = {
    "percent agreement": ("percent_agreement", "ordinal"),
    "alpha, nominal": ("krippendorff_alpha", "nominal"),
    "alpha, ordinal": ("krippendorff_alpha", "ordinal"),
    "alpha, interval": ("krippendorff_alpha", "interval"),
    "AC1": ("gwet_ac1", "nominal"),
    "AC2, ordinal weights": ("gwet_ac2", "ordinal"),
    "Fleiss": ("fleiss_kappa", "nominal"),
    "Brennan-Prediger, quadratic": ("brennan_prediger_weighted", "interval"),
    "Conger": ("conger_kappa", "nominal"),
    "Cohen, quadratic weights": ("cohen_kappa_weighted", "interval"),
    "specific agreement, each level": ("specific_agreement", "nominal"),
    "ICC(2,1)": ("icc_2_1", "interval"),
    "ICC(2,k)": ("icc_2_k", "interval"),
    "ICC(3,1)": ("icc_3_1", "interval"),
    "ICC(3,k)": ("icc_3_k", "interval"),
}


def simulated() -> list[tuple[str, str, float, Estimate]]:
    """Every row of the page that a rule could be about, with an estimate of its design."""
    found = []
    for prompts, outputs, design, figure, covered in ROW.findall(PAGE.read_text(encoding="utf-8")):
        if figure in NAMES:
            units = int(prompts) * (1 if outputs == "one" else int(outputs))
            who = re.search(r"(?:all (\d+)|(\d+) of (\d+)) raters", design)
            raters, each = (2, 2) if who is None else (int(who[1] or who[3]), int(who[1] or who[2]))
            fixed = "raters like these" not in design and "intraclass" not in design
            estimate = Estimate(
                0.5, 0.4, 0.6, method="these raters" if fixed else "raters like these",
                n_units=units, n_clusters=int(prompts), n_raters=raters, n_judgments=units * each,
            )  # fmt: skip
            found.append((f"{design}: {figure}", figure, float(covered), estimate))
    return found


def test_the_page_is_read():
    assert len(simulated()) > 100


@pytest.mark.parametrize(
    ("figure", "covered", "estimate"), [(f, c, e) for _, f, c, e in simulated() if c < SHORT], ids=str
)
def test_every_shortfall_of_the_page_has_a_warning_that_gives_its_size(figure, covered, estimate):
    name, level = NAMES[figure]
    notes = coverage_notes(name, estimate, level)
    assert notes, f"{figure} covers {covered} and nothing is said"
    limits = [[int(x) for x in re.findall(r"\d+", held)] for held in re.findall(r"value in ([\d to]+) %", notes[0])]
    assert min(limits[0]) - 0.6 <= 100 * covered <= max(limits[0]) + 0.6


def test_where_raters_are_many_or_the_interval_held_nothing_is_said():
    quiet = [(f, e) for name, f, c, e in simulated() if e.n_raters == 10 and c >= SHORT]
    assert len(quiet) > 20
    for figure, estimate in quiet:
        name, level = NAMES[figure]
        assert coverage_notes(name, estimate, level) == ()
    assert coverage_notes("krippendorff_alpha", quiet[0][1], "ordinal") == ()


def test_a_figure_without_an_interval_needs_no_word_about_it():
    nothing = Estimate.insufficient(0.5, reason="few", n_units=9, n_clusters=3, n_raters=3, n_judgments=27)
    assert noted("gwet_ac2", nothing, "ordinal") == nothing


def test_full_agreement_carries_the_warnings_of_its_case():
    few = full_agreement(random_table(1, prompts=30, systems=2, raters=3, shown=1.0).coded(), "interval")
    assert "With 3 raters who rated nearly everything" in " ".join(few.estimates["gwet_ac2"].warnings)
    assert "several outputs a prompt" in " ".join(few.estimates["icc_2_1"].warnings)
    assert any("85 to 93 %" in text for text in few.warnings)
    many = full_agreement(random_table(1, prompts=120, systems=2, raters=9, shown=0.4).coded(), "ordinal")
    assert not any("too narrow" in text for text in many.warnings)

"""Many systems in one order: strengths with rank intervals, and whether an order can stand for the pairs at all."""

from __future__ import annotations

from typing import Any, Literal

from analytics.stats import transitivity, win_rates
from analytics.stats.battles import Battles
from analytics.stats.bradley_terry import SHOWN_FIRST, bradley_terry, davidson
from analytics.stats.connectivity import connectivity
from analytics.stats.ranks import RankTable, rank_table
from analytics.stats.strengths import StrengthFit, strength_differences, win_probabilities

MIN_RATERS = 3
# Refitting every pair some hundred times stays within a second up to here.
MAX_SYSTEMS_TESTED = 20
MAX_PAIRS_LISTED = 200
TRIADS_LISTED = 5


def ranking(rows: Battles, *, seed: int, level: float) -> dict[str, Any]:
    """Bradley-Terry strengths by system, Davidson's where there are ties, and the tests of both."""
    if rows.n_systems < 2:
        return {}
    clusters = _clusters(rows)
    fit = bradley_terry(rows, clusters=clusters, level=level)
    fixed = fit if clusters == "prompts" else bradley_terry(rows, level=level)
    table = rank_table(fit, seed=seed)
    found = {"bradley_terry": _systems(rows, fit, fixed, table, level), "ranking": _tests(rows, fit, seed, level)}
    if len(rows.systems) * (len(rows.systems) - 1) // 2 <= MAX_PAIRS_LISTED:
        found["ranking"]["differences"] = strength_differences(fit).to_dict()["pairs"]
    if not rows.merged.decided.all():
        found["davidson"] = davidson(rows, clusters=clusters, level=level).to_dict()
    return found


def _clusters(rows: Battles) -> Literal["prompts", "prompts_and_raters"]:
    """Raters like these where all are known and there are three or more; otherwise these raters."""
    known = len(rows.rater_labels) >= MIN_RATERS and bool((rows.rater >= 0).all())
    return "prompts_and_raters" if known else "prompts"


def _systems(rows: Battles, fit: StrengthFit, fixed: StrengthFit, table: RankTable, level: float) -> dict[str, Any]:
    chances = win_probabilities(fit)
    over_prompts = win_rates.win_rate_over_prompts(rows, level=level)
    pooled = win_rates.win_rate_pooled(rows, level=level)
    over_opponents = win_rates.win_rate_over_opponents(rows, level=level)
    return {
        system: {
            "strength": fit.strengths[n].to_dict(),
            "strength_these_raters": fixed.strengths[n].to_dict(),
            "against_average": chances.items[n].to_dict(),
            "rank": table.ranks[n].to_dict(),
            "rank_set": table.simultaneous[n].to_dict(),
            "place": table.place[n],
            "better_than": table.better_than[n],
            "worse_than": table.worse_than[n],
            "win_rate_over_prompts": over_prompts.items[n].to_dict(),
            "win_rate_pooled": pooled.items[n].to_dict(),
            "win_rate_over_opponents": over_opponents.items[n].to_dict(),
        }
        for n, system in enumerate(fit.systems)
    }


def _tests(rows: Battles, fit: StrengthFit, seed: int, level: float) -> dict[str, Any]:
    graph = connectivity(rows)
    by_order = bradley_terry(rows, position=True, clusters=_clusters(rows), level=level)
    found: dict[str, Any] = {
        "model": fit.model,
        "population": "raters like these" if _clusters(rows) == "prompts_and_raters" else "these raters",
        "n_groups": graph.n_components,
        "prior": fit.prior,
        "shown_first": by_order.effects[SHOWN_FIRST].to_dict() if by_order.effects else None,
        "reason": fit.reason,
        "warnings": list(fit.warnings),
        "circular_triads": transitivity.circular_triads(rows, worst=TRIADS_LISTED).to_dict(),
    }
    if rows.n_systems <= MAX_SYSTEMS_TESTED:
        ties = not rows.merged.decided.all()
        fits = transitivity.goodness_of_fit(rows, model="bradley_terry", seed=seed)
        found["goodness_of_fit"] = fits.to_dict()
        if ties:
            found["goodness_of_fit_davidson"] = transitivity.goodness_of_fit(
                rows, model="davidson", seed=seed
            ).to_dict()
    return found

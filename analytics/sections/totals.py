"""One number for each system, where the rubric declares weights that differ."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from analytics.sections.base import ReportData, domain, measurement
from analytics.sections.scores import MAX_SYSTEMS_COMPARED, scored, tables
from analytics.stats.weighted_totals import WeightedCriterion, weighted_total, weighted_total_difference
from rubrics.specs import CriterionSpec

# An output that lacks a criterion is left out and counted: to stretch the other weights would change the question.
MISSING = "complete"


def totals_section(data: ReportData) -> dict[str, Any]:
    """Empty unless weights differ: equal ones are the default, and nobody asked for a total."""
    weighted = [c for c in scored(data) if c.weight > 0]
    if len({c.weight for c in scored(data)}) < 2 or not weighted:
        return {}
    kept = [c for c in weighted if not _left_out(c)]
    found: dict[str, Any] = {
        "weights": {c.key: c.weight for c in kept},
        "left_out": {c.key: _left_out(c) for c in weighted if _left_out(c)},
        "missing": MISSING,
        "systems": {},
        "differences": {},
    }
    if not kept:
        return found
    sides = {system: rows for system in data.systems if (rows := _side(data, kept, system)) is not None}
    options: dict[str, Any] = {"missing": MISSING, "rescale": True, "seed": data.seed, "level": data.level}
    found["systems"] = {system: weighted_total(rows, **options).to_dict() for system, rows in sides.items()}
    if len(sides) <= MAX_SYSTEMS_COMPARED:
        for a, b in permutations(sides, 2):
            difference = weighted_total_difference(sides[a], sides[b], **options)
            found["differences"].setdefault(a, {})[b] = difference.to_dict()
    return found


def _left_out(criterion: CriterionSpec) -> str:
    """Why a criterion cannot be part of a total, or an empty string."""
    if criterion.level_of_measurement == "nominal" and criterion.type != "yes_no":
        return "Its labels have no order, so they have no points."
    if not domain(criterion):
        return "It has no declared ends, so it cannot be brought to 0 to 1."
    return ""


def _side(data: ReportData, criteria: list[CriterionSpec], system: str) -> list[WeightedCriterion] | None:
    whole = sum(c.weight for c in criteria)
    rows = []
    for criterion in criteria:
        table = tables(data, criterion).get(system)
        if table is None:
            return None
        level = measurement(criterion)
        points = None if level in ("interval", "ratio") else _points(criterion)
        # Shares of the whole: the total of outputs that get all points is 1.
        rows.append(WeightedCriterion(criterion.key, table, level, criterion.weight / whole, points))
    return rows


def _points(criterion: CriterionSpec) -> dict[Any, float]:
    """The numbers that the lead gave the levels; yes is 1 and no is 0."""
    if criterion.type == "yes_no":
        return {"yes": 1.0, "no": 0.0}
    return {float(value): float(value) for value in domain(criterion) or []}

"""All systems in one table: how good people find them, what each metric says, and what an answer takes.

What is better and cheaper is said only where the intervals of both differences, by prompt, say so."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd

from analytics.sections.base import ReportData, is_of_pairs, measurement
from analytics.sections.pairs import battles, compared
from analytics.sections.scores import MAX_SYSTEMS_COMPARED, comparable
from analytics.stats import measures, scores
from analytics.stats.coding import CodedRatings, weighted_count
from analytics.stats.intervals import Scope, mean_over_clusters
from analytics.stats.results import Estimate
from analytics.stats.win_rates import win_rate_over_opponents
from rubrics.specs import CriterionSpec

UNITS = {"latency_ms": "ms", "ttft_ms": "ms", "tokens_in": "tokens", "tokens_out": "tokens"}
QUANTILES = {"p50": 0.5, "p95": 0.95}
TIMES = ("latency_ms", "ttft_ms")


def picture_section(data: ReportData) -> dict[str, Any]:
    """`systems.<system>` has quality by criterion, measures, metrics; `differences.<measure>.<a>.<b>` is a minus b, by
    prompt; `front.<criterion>.<measure>` the systems that no other one beats in both, by their values. Empty where
    outputs came without measures and scores."""
    quality = {criterion.key: _quality(data, criterion) for criterion in data.measured}
    quality = {key: found for key, found in quality.items() if found}
    metrics, currency = _metrics(data), _currency(data.measures)
    table: dict[str, Any] = {
        system: {
            "quality": {key: found[system].to_dict() for key, found in quality.items() if system in found},
            "measures": _measures(data, system, currency),
            "metrics": metrics.get(system, {}),
        }
        for system in data.systems
    }
    if not any(row["measures"] or row["metrics"] for row in table.values()):
        return {}
    return {
        "systems": table,
        "currency": currency,
        "differences": _differences(data, currency),
        "front": {key: _fronts(table, key) for key in quality},
    }


# --- quality ---------------------------------------------------------------------------------------------


def _quality(data: ReportData, criterion: CriterionSpec) -> dict[str, Estimate]:
    """The chance that people put a system's answer above another system's answer to the same prompt, ties as half."""
    if is_of_pairs(criterion):
        frame = compared(data, criterion, settled=True)
        if frame.empty:
            return {}
        rows = battles(frame)
        if rows.n_systems < 2:
            return {}
        found = win_rate_over_opponents(rows, level=data.level)
        return dict(zip(found.systems, found.items, strict=True))
    sides = comparable(data, criterion)
    if not 2 <= len(sides) <= MAX_SYSTEMS_COMPARED:
        return {}
    return {system: _above_others(data, criterion, sides, system) for system in sides}


def _above_others(data: ReportData, criterion: CriterionSpec, sides: dict[str, CodedRatings], system: str) -> Estimate:
    """Mean over prompts of the mean over the other systems that answered the prompt."""
    found = [scores.prompt_superiority(sides[system], table) for other, table in sides.items() if other != system]
    chances, prompts = (np.concatenate(parts) for parts in zip(*found, strict=True))
    prompt, names = pd.factorize(prompts)
    means = weighted_count(prompt, chances, len(names)) / np.bincount(prompt, minlength=len(names))
    own = sides[system]
    scope = Scope(
        method=f"chance to be above another system on the same prompt, {measurement(criterion)} level",
        unit="share",
        level=data.level,
        n_units=own.n_units,
        n_clusters=len(means),
        n_raters=len(own.rater_labels),
        n_judgments=len(own.unit),
    )
    return mean_over_clusters(means, scope, share=True)


# --- what an answer takes, and what metrics say ----------------------------------------------------------


def _measures(data: ReportData, system: str, currency: str) -> dict[str, Any]:
    own = data.measures[data.measures["system"] == system]
    found: dict[str, Any] = {}
    for name, unit in UNITS.items():
        known = own.dropna(subset=[name])
        if known.empty:
            continue
        values, prompts = known[name].to_numpy(), known["cluster"].to_numpy(dtype=object)
        if name in TIMES:
            found[name] = {
                key: measures.prompt_quantile(values, prompts, share, unit=unit, level=data.level).to_dict()
                for key, share in QUANTILES.items()
            }
        else:
            found[name] = {"mean": measures.prompt_mean(values, prompts, unit=unit, level=data.level).to_dict()}
    costs = own.dropna(subset=["cost"])
    if len(costs):
        found["cost"] = {"mean": _cost(data, costs, currency).to_dict()}
    return found


def _cost(data: ReportData, costs: pd.DataFrame, currency: str) -> Estimate:
    """A sum of money of one currency only: others are not added up."""
    if not currency:
        return Estimate.not_estimable(
            reason="The costs of the outputs are in different currencies, so they are not compared.",
            level=data.level,
            n_units=len(costs),
            n_clusters=int(costs["cluster"].nunique()),
        )
    values, prompts = costs["cost"].to_numpy(), costs["cluster"].to_numpy(dtype=object)
    return measures.prompt_mean(values, prompts, unit=currency, level=data.level)


def _currency(table: pd.DataFrame) -> str:
    """The one currency of all costs; an empty string where there are several. Costs without one are dollars nowhere:
    they are called units."""
    found = {str(each) for each in table.loc[table["cost"].notna(), "currency"].unique()}
    return (found.pop() or "units") if len(found) == 1 else ""


def _metrics(data: ReportData) -> dict[str, dict[str, Any]]:
    """By system, means of the metrics that give a number to one output, over the outputs that the round judges."""
    found: dict[str, dict[str, Any]] = {}
    known = data.metric_numbers.reset_index().merge(data.measures[["output", "system", "cluster"]], on="output")
    metrics = {metric.id: metric for metric in data.metrics if metric.kind in ("number", "bool")}
    groups: Any = known.groupby(["metric", "system"], sort=True)
    for (number, system), rows in groups:
        if (metric := metrics.get(number)) is None:
            continue
        share = metric.kind == "bool"
        values, prompts = rows["number"].to_numpy(), rows["cluster"].to_numpy(dtype=object)
        unit = "share" if share else "points"
        mean = measures.prompt_mean(values, prompts, unit=unit, share=share, level=data.level)
        found.setdefault(str(system), {})[metric.key] = mean.to_dict()
    return found


# --- both together ---------------------------------------------------------------------------------------


def _differences(data: ReportData, currency: str) -> dict[str, Any]:
    """`<measure>.<a>.<b>`: a minus b, by prompt, of time and cost."""
    found: dict[str, Any] = {}
    if not 2 <= len(data.systems) <= MAX_SYSTEMS_COMPARED:
        return found
    units = {"latency_ms": "ms", "cost": currency}
    for name, unit in units.items():
        if not unit:
            continue
        means = data.measure_by_prompt(name)
        for a, b in permutations(list(means.columns), 2):
            both = means[[a, b]].dropna()
            gap = measures.prompt_difference(both[a].to_numpy(), both[b].to_numpy(), unit=unit, level=data.level)
            found.setdefault(name, {}).setdefault(str(a), {})[str(b)] = gap.to_dict()
    return found


def _fronts(table: dict[str, Any], criterion: str) -> dict[str, list[str]]:
    """For cost and for the median time: the systems that no other one beats in both, by their values."""
    found = {}
    for name, key in (("cost", "mean"), ("latency_ms", "p50")):
        points = {
            system: (row["quality"][criterion]["value"], row["measures"][name][key]["value"])
            for system, row in table.items()
            if criterion in row["quality"] and name in row["measures"]
        }
        known = {system: point for system, point in points.items() if None not in point}
        if len(known) > 1:
            found[name] = [system for system, point in known.items() if not _is_beaten(point, known.values())]
    return found


def _is_beaten(point: tuple[float, float], others: Any) -> bool:
    quality, takes = point
    return any(q >= quality and t <= takes and (q, t) != point for q, t in others)

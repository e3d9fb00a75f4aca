"""A gate held against the judgments: each condition, the whole, and how many more judgments would settle it.

A condition passes when the lower limit of new minus old lies above minus the margin, fails when the upper limit does
not, and is insufficient otherwise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from analytics.gate_file import MEASURES, Condition, GateSpec
from analytics.sections.base import ReportData, domain, measurement
from analytics.sections.pairs import battles, compared
from analytics.sections.scores import comparable
from analytics.stats import gates, scores
from analytics.stats.coding import FloatArray, ObjectArray
from rubrics.specs import CriterionSpec

EXIT_CODES = {"pass": 0, "fail": 1, "insufficient": 3}


class _Differences(NamedTuple):
    """New minus old on each prompt."""

    value: FloatArray
    cluster: ObjectArray
    unit: str
    span: float | None
    counts: dict[str, int]


@dataclass(frozen=True)
class Decided:
    condition: Condition
    decision: gates.GateDecision
    more_prompts: int | None  # for the power declared; None: not known, or none needed
    more_judgments: int | None

    def to_dict(self) -> dict[str, Any]:
        told = {self.condition.kind: self.condition.name, "direction": self.condition.direction}
        more = {"more_prompts": self.more_prompts, "more_judgments": self.more_judgments}
        return {**told, **self.decision.to_dict(), **more}


@dataclass(frozen=True)
class GateAnswer:
    spec: GateSpec
    summary: gates.GateSummary
    conditions: tuple[Decided, ...]

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.summary.verdict]

    def to_dict(self) -> dict[str, Any]:
        return {
            "verdict": self.summary.verdict,
            "reason": self.summary.reason,
            "new": self.spec.new,
            "old": self.spec.old,
            "rule": self.spec.rule,
            "alpha": self.spec.alpha,
            "power": self.spec.power,
            "conditions": [each.to_dict() for each in self.conditions],
        }


def decide(data: ReportData, spec: GateSpec) -> GateAnswer:
    decided = tuple(_decided(data, spec, condition) for condition in spec.conditions)
    by_name = {each.condition.name: each.decision for each in decided}
    summary = gates.combined(by_name, "any" if spec.rule == "any" else "all")
    return GateAnswer(spec, summary, decided)


def _decided(data: ReportData, spec: GateSpec, condition: Condition) -> Decided:
    found = _differences(data, spec, condition)
    decision = gates.non_inferiority(
        found.value,
        found.cluster,
        margin=condition.margin,
        alpha=spec.alpha,
        higher_is_better=condition.direction == "higher",
        span=found.span,
        power=spec.power,
        planned_difference=condition.planned_difference,
        unit=found.unit,
        **found.counts,
    )
    more = judged = None
    if decision.verdict == "insufficient" and decision.n_needed is not None:
        more = max(0, decision.n_needed - decision.n_prompts)
        per_prompt = found.counts["n_judgments"] / decision.n_prompts if decision.n_prompts else 0.0
        judged = math.ceil(more * per_prompt) if per_prompt else None
    return Decided(condition, decision, more, judged)


def _differences(data: ReportData, spec: GateSpec, condition: Condition) -> _Differences:
    if condition.kind == "measure":
        return _measured(data, spec, condition.name)
    criterion = next(c for c in data.criteria if c.key == condition.name)
    if criterion.type == "preference":
        return _preferred(data, spec, criterion)
    sides = comparable(data, criterion)
    if spec.new not in sides or spec.old not in sides:
        return _Differences(np.zeros(0), np.zeros(0, dtype=object), "points", None, {"n_raters": 0, "n_judgments": 0})
    new, old = sides[spec.new], sides[spec.old]
    counts = {
        "n_raters": len({*new.rater_labels.tolist(), *old.rater_labels.tolist()}),
        "n_judgments": len(new.unit) + len(old.unit),
    }
    if criterion.type == "yes_no":
        return _Differences(*scores.prompt_differences(new, old), "share", 1.0, counts)
    if measurement(criterion) == "ordinal":
        above, prompts = scores.prompt_superiority(new, old)
        return _Differences(above - 0.5, prompts, "share", 1.0, counts)
    ends = [float(each) for each in domain(criterion) or []]
    span = max(ends) - min(ends) if ends else None
    return _Differences(*scores.prompt_differences(new, old), "points", span, counts)


def _preferred(data: ReportData, spec: GateSpec, criterion: CriterionSpec) -> _Differences:
    """The share of the new system’s wins less one half, ties as half."""
    rows = battles(compared(data, criterion, settled=True)).merged
    sides = {name: number for number, name in enumerate(rows.systems)}
    new, old = sides.get(spec.new, -1), sides.get(spec.old, -1)
    ahead, behind = (rows.a == new) & (rows.b == old), (rows.a == old) & (rows.b == new)
    mine = (ahead | behind) & (new >= 0) & (old >= 0)
    score = np.where(ahead, rows.score, 1 - rows.score)[mine] - 0.5
    known = rows.rater[mine]
    counts = {"n_raters": len(np.unique(known[known >= 0])), "n_judgments": int(mine.sum())}
    return _Differences(score, rows.cluster_labels[rows.cluster[mine]], "share", 1.0, counts)


def _measured(data: ReportData, spec: GateSpec, name: str) -> _Differences:
    """On the outputs that the round judges; an output without the measure is left out."""
    means = data.measure_by_prompt(name)
    empty = {"n_raters": 0, "n_judgments": 0}
    if spec.new not in means or spec.old not in means:
        return _Differences(np.zeros(0), np.zeros(0, dtype=object), MEASURES[name], None, empty)
    both = means[[spec.new, spec.old]].dropna()
    gap = (both[spec.new] - both[spec.old]).to_numpy(dtype=np.float64)
    return _Differences(gap, both.index.to_numpy(dtype=object), MEASURES[name], None, empty)

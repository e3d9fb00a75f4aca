"""The conditions of a release as a person declares them, checked against the round: GATE.yaml."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from projects.located import Path, Source
from rubrics.specs import CriterionSpec

# What is recorded of an output besides its text, and in what unit.
MEASURES = {"latency_ms": "ms", "ttft_ms": "ms", "tokens_out": "tokens", "cost": "currency units"}
KEYS = ("new", "old", "rule", "alpha", "power", "conditions")
CONDITION_KEYS = ("criterion", "measure", "margin", "direction", "planned_difference")
MAX_CONDITIONS = 50


@dataclass(frozen=True)
class Condition:
    """`new` must not be worse than `old` on this by `margin` or more."""

    name: str  # of a criterion or a measure
    kind: str  # criterion or measure
    margin: float
    direction: str = "higher"
    planned_difference: float = 0.0


@dataclass(frozen=True)
class GateSpec:
    new: str
    old: str
    conditions: tuple[Condition, ...]
    rule: str = "all"
    alpha: float = 0.05
    power: float = 0.8

    def to_dict(self) -> dict[str, Any]:
        """As it is stored, and as `gate_from` reads it again."""
        conditions = [
            {
                each.kind: each.name,
                "margin": each.margin,
                "direction": each.direction,
                "planned_difference": each.planned_difference,
            }
            for each in self.conditions
        ]
        return {**asdict(self), "conditions": conditions}

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()


def gate_from(source: Source, criteria: tuple[CriterionSpec, ...], systems: list[str]) -> GateSpec:
    """A checked gate. Fails by line and column with what is accepted."""
    data = source.mapping(source.value, (), KEYS, required=("new", "old", "conditions"))
    new, old = (_system(source, data[side], (side,), systems) for side in ("new", "old"))
    if new == old:
        source.fail(("old",), f"“{new}” cannot be held against itself. Name two systems.")
    rows = source.items(data["conditions"], ("conditions",))
    if not 1 <= len(rows) <= MAX_CONDITIONS:
        source.fail(("conditions",), f"A gate has 1 to {MAX_CONDITIONS} conditions, not {len(rows)}.")
    conditions = tuple(_condition(source, row, ("conditions", n), criteria) for n, row in enumerate(rows))
    twice = [c.name for n, c in enumerate(conditions) if c.name in {other.name for other in conditions[:n]}]
    if twice:
        source.fail(("conditions",), f"There are two conditions on “{twice[0]}”. Accepted: one.")
    return GateSpec(
        new,
        old,
        conditions,
        rule=source.one_of(data.get("rule", "all"), ("rule",), ("all", "any")),
        alpha=_between(source, data.get("alpha", 0.05), ("alpha",), 0.0, 0.5),
        power=_between(source, data.get("power", 0.8), ("power",), 0.5, 1.0),
    )


def _system(source: Source, value: Any, path: Path, systems: list[str]) -> str:
    """`name@version`, or a bare name where one system only has it."""
    name = source.text(value, path)
    if name in systems:
        return name
    versions = [label for label in systems if label.rpartition("@")[0] == name]
    if len(versions) == 1:
        return versions[0]
    if versions:
        source.fail(path, f"“{name}” has several versions. Write one of: {', '.join(versions)}.")
    source.fail(path, f"“{name}” is no system of this round. Accepted: {', '.join(systems) or 'none, as it has none'}.")


def _condition(source: Source, value: Any, path: Path, criteria: tuple[CriterionSpec, ...]) -> Condition:
    data = source.mapping(value, path, CONDITION_KEYS, required=("margin",))
    if ("criterion" in data) == ("measure" in data):
        source.fail(path, "A condition names either a criterion or a measure.")
    kind = "criterion" if "criterion" in data else "measure"
    name, at = source.text(data[kind], (*path, kind)), (*path, kind)
    if kind == "measure":
        source.one_of(name, at, tuple(MEASURES))
    else:
        _comparable(source, name, at, criteria)
    margin = source.number(data["margin"], (*path, "margin"))
    if not 0 < margin < float("inf"):
        source.fail((*path, "margin"), f"The margin must be above 0, not {margin:g}: no data rule out every loss.")
    default = "lower" if kind == "measure" else "higher"
    planned = source.number(data.get("planned_difference", 0), (*path, "planned_difference"))
    if planned <= -margin:
        source.fail((*path, "planned_difference"), "A planned loss of the margin or more could never pass.")
    direction = source.one_of(data.get("direction", default), (*path, "direction"), ("higher", "lower"))
    return Condition(name, kind, margin, direction, planned)


def _comparable(source: Source, name: str, path: Path, criteria: tuple[CriterionSpec, ...]) -> None:
    usable = {
        c.key: c
        for c in criteria
        if c.level_of_measurement != "text"
        and (c.type in ("yes_no", "preference") or c.level_of_measurement != "nominal")
    }
    if name not in usable:
        accepted = ", ".join(usable) or "none of this rubric, as none has an order"
        source.fail(path, f"“{name}” is no criterion that puts answers in an order. Accepted: {accepted}.")


def _between(source: Source, value: Any, path: Path, low: float, high: float) -> float:
    number = source.number(value, path)
    if not low < number < high:
        source.fail(path, f"“{path[-1]}” must lie between {low:g} and {high:g}, not {number:g}.")
    return number

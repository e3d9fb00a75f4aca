"""People and judge together on the page: what both say of all items, beside what each says alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from analytics.charts import Axis, interval
from analytics.charts.axis import value_axis
from analytics.report_parts import SHARE_AXIS, Line, ends, warnings_of
from analytics.report_words import Said, say
from projects.templatetags.numbers import number


@dataclass(frozen=True)
class PoweredCriterion:
    """A line a system, or a pair of systems, and metric. `cells`: people alone, the judge alone, what it is worth."""

    key: str
    question: str
    measure: str
    lines: list[Line]
    axis: Axis
    suffix: str
    reference: str
    warnings: list[str]


@dataclass(frozen=True)
class Powered:
    reason: str = ""
    criteria: list[PoweredCriterion] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.reason or self.criteria or self.left_out)


def powered_part(body: dict[str, Any]) -> Powered:
    found = body.get("powered")
    if not found:
        return Powered()
    made = (_criterion(found, criterion) for criterion in body["criteria"])
    left_out = [f"“{x['criterion']}” with {x['metric']}: {x['reason']}" for x in found["left_out"]]
    return Powered(found["reason"], [each for each in made if each is not None], left_out)


def _criterion(found: dict[str, Any], criterion: dict[str, Any]) -> PoweredCriterion | None:
    key = criterion["key"]
    rows = list(_rows(found, key))
    if not rows:
        return None
    pairs = key in found["win_rates"]
    share = rows[0][1]["estimate"]["unit"] == "share"
    reached = [e for _, row in rows for name in ("estimate", "classical") for e in ends(row[name])]
    bounds = [x for x in criterion["domain"] or [] if isinstance(x, int | float)]
    axis = SHARE_AXIS if share else value_axis([*bounds, *reached])
    return PoweredCriterion(
        key=key,
        question=criterion["question"],
        measure="Win rate of the first" if pairs else "Share of yes" if share else "Mean",
        lines=[_line(name, row, axis) for name, row in rows],
        axis=axis,
        suffix=" %" if share else "",
        reference="50%" if pairs else "",
        warnings=warnings_of(*(row["estimate"] for _, row in rows)),
    )


def _rows(found: dict[str, Any], key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """By metric, then by system or pair."""
    for metric, systems in sorted(found["scores"].get(key, {}).items()):
        yield from ((f"{system}, with {metric}", row) for system, row in sorted(systems.items()))
    for metric, firsts in sorted(found["win_rates"].get(key, {}).items()):
        for first, seconds in sorted(firsts.items()):
            yield from ((f"{first} over {other}, with {metric}", row) for other, row in sorted(seconds.items()))


def _line(name: str, row: dict[str, Any], axis: Axis) -> Line:
    return Line(
        name=name,
        mark=interval(row["estimate"], axis),
        said=say(row["estimate"]),
        cells=(_short(say(row["classical"])), _short(say(row["judge_only"])), _worth(row)),
    )


def _short(said: Said) -> str:
    return f"{said.value} {said.interval}".strip() if said.is_known else f"not estimable: {said.note}"


def _worth(row: dict[str, Any]) -> str:
    """How many rated outputs would have given people alone the same interval; only where an interval is claimed."""
    if row["estimate"]["status"] != "ok" or row["effective_n"] is None:
        return "not known"
    return f"{number(row['n_labelled'], 0)} like {number(row['effective_n'], 0)}"

"""Where two systems are further apart, or closer, than elsewhere: prompts with a tag against all others.

The question is never whether a system wins within a tag, for one that wins everywhere does, but whether its lead
differs there. p values are adjusted over everything this section tests, as tags overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analytics.sections.base import ReportData, measurement
from analytics.sections.pairs import battles, compared, preferences
from analytics.sections.scores import comparable, scored
from analytics.stats.coding import FloatArray, ObjectArray
from analytics.stats.multiplicity import benjamini_yekutieli
from analytics.stats.results import finite_or_none
from analytics.stats.scores import prompt_superiority
from analytics.stats.slices import MIN_SLICE, slices
from rubrics.specs import CriterionSpec

MAX_SYSTEMS = 6  # 15 pairs
MAX_TAGS = 60  # the most frequent ones


class _Lead(NamedTuple):
    """How far one system is ahead of another, prompt by prompt: .5 is no lead."""

    criterion: str
    ahead: str
    other: str
    value: FloatArray
    cluster: ObjectArray
    n_raters: int
    n_judgments: int


def slices_section(data: ReportData) -> dict[str, Any]:
    """`<tag>.comparisons.<criterion>.<ahead>.<other>`, the system that is ahead over all prompts first."""
    members = _members(data)
    if len(data.systems) > MAX_SYSTEMS:
        reason = f"With more than {MAX_SYSTEMS} systems leads are not compared tag by tag."
        return {tag: {"n_prompts": len(own), "reason": reason, "comparisons": {}} for tag, own in members.items()}
    everything = int(data.counted["cluster"].nunique())
    found: dict[str, Any] = {tag: _about(len(prompts), everything) for tag, prompts in members.items()}
    shown = {tag: prompts for tag, prompts in members.items() if not found[tag]["reason"]}
    tested: list[dict[str, Any]] = []
    inside = pd.DataFrame({tag: dict.fromkeys(prompts, True) for tag, prompts in shown.items()}).notna()
    for lead in _leads(data) if shown else ():
        here = inside.reindex(lead.cluster, fill_value=False)
        masks = {tag: here[tag].to_numpy() for tag in shown}
        told = slices(
            lead.value,
            lead.cluster,
            masks,
            share=True,
            unit="share",
            level=data.level,
            n_raters=lead.n_raters,
            n_judgments=lead.n_judgments,
        )
        for each in told:
            entry = each.to_dict()
            row = {name: entry[name] for name in ("estimate", "interaction")}
            tested.append(row)
            pairs = found[each.name]["comparisons"].setdefault(lead.criterion, {})
            pairs.setdefault(lead.ahead, {})[lead.other] = row
    adjusted = benjamini_yekutieli([row["interaction"]["p_value"] for row in tested])
    for row, p in zip(tested, adjusted, strict=True):
        row["p_adjusted"] = finite_or_none(p)
    return found


def _about(prompts: int, everything: int) -> dict[str, Any]:
    rest = everything - prompts
    reason = ""
    if prompts < MIN_SLICE:
        reason = f"{prompts} prompts: below {MIN_SLICE} nothing is shown."
    elif rest < MIN_SLICE:
        reason = f"Only {rest} prompts are without it: below {MIN_SLICE} nothing is compared."
    return {"n_prompts": prompts, "reason": reason, "comparisons": {}}


def _members(data: ReportData) -> dict[str, set[Any]]:
    """The judged prompts of each tag."""
    if data.tags.empty or data.counted.empty:
        return {}
    prompts = data.counted[["item", "cluster"]].drop_duplicates()
    both = data.tags.merge(prompts, on="item")
    sizes = both.groupby("tag")["cluster"].nunique().sort_values(ascending=False, kind="stable")
    kept = sorted(sizes.index[:MAX_TAGS])
    return {str(tag): set(both.loc[both["tag"] == tag, "cluster"]) for tag in kept}


def _leads(data: ReportData) -> Iterator[_Lead]:
    for criterion in preferences(data):
        yield from _preferred(data, criterion)
    for criterion in scored(data):
        if measurement(criterion) != "nominal" or criterion.type == "yes_no":
            yield from _above(data, criterion)


def _preferred(data: ReportData, criterion: CriterionSpec) -> Iterator[_Lead]:
    rows = battles(compared(data, criterion, settled=True)).merged
    for a, b in combinations(range(rows.n_systems), 2):
        mine = (rows.a == a) & (rows.b == b)
        if mine.any():
            clusters = rows.cluster_labels[rows.cluster[mine]]
            raters = len(np.unique(rows.rater[mine & (rows.rater >= 0)]))
            pair = (rows.systems[a], rows.systems[b])
            yield _ahead_first(_Lead(criterion.key, *pair, rows.score[mine], clusters, raters, int(mine.sum())))


def _above(data: ReportData, criterion: CriterionSpec) -> Iterator[_Lead]:
    tables = comparable(data, criterion)
    for a, b in combinations(sorted(tables), 2):
        first, second = tables[a], tables[b]
        value, clusters = prompt_superiority(first, second)
        if len(value):
            raters = len({*first.rater_labels.tolist(), *second.rater_labels.tolist()})
            judged = len(first.unit) + len(second.unit)
            yield _ahead_first(_Lead(criterion.key, a, b, value, clusters, raters, judged))


def _ahead_first(lead: _Lead) -> _Lead:
    mean = float(pd.Series(lead.value).groupby(np.asarray(lead.cluster, dtype=object)).mean().mean())
    return lead if mean >= 0.5 else lead._replace(ahead=lead.other, other=lead.ahead, value=1 - lead.value)

"""Items worth reading: where raters are furthest apart, where the system that is behind did better, and where a judge
and people part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from analytics.sections.base import MetricInfo, ReportData, domain
from analytics.sections.pairs import battles, compared, preferences
from analytics.sections.scores import comparable, scored
from analytics.stats.scores import prompt_superiority
from rubrics.specs import CriterionSpec

MOST = 10
MOST_SYSTEMS = 6


def reading_section(data: ReportData) -> dict[str, Any]:
    """`disagreement`: outputs or pairs, the furthest apart first. `upsets`: prompts against the lead of a pair.
    `judges`: outputs of which a metric that answers the same question says something else than people."""
    return {"disagreement": _disagreement(data), "upsets": _upsets(data), "judges": _judges(data)}


def _disagreement(data: ReportData) -> list[dict[str, Any]]:
    """By the share of the scale that two raters' answers lie apart, over all pairs of raters of a unit."""
    rows = [row for criterion in data.measured for row in _apart(data, criterion)]
    rows.sort(key=lambda row: (-row["apart"], -row["n_ratings"], row["criterion"], row["item"], row["system"]))
    return rows[:MOST]


def _apart(data: ReportData, criterion: CriterionSpec) -> Iterator[dict[str, Any]]:
    frame = data.of(criterion)
    if frame.empty:
        return
    answers = frame.assign(position=_positions(frame, criterion), said=_words(frame, criterion))
    groups = answers.groupby("unit", sort=True)
    sizes = groups.size()
    worst = _distances(answers, criterion, sizes).dropna().sort_values(ascending=False, kind="stable").head(3 * MOST)
    about = answers[answers["unit"].isin(worst.index)]
    first = about.groupby("unit").first().to_dict("index")
    said: dict[Any, list[str]] = {unit: sorted(part["said"]) for unit, part in about.groupby("unit")}
    counts = sizes.to_dict()
    for unit, value in worst.to_dict().items():
        if value > 0:
            yield {
                "criterion": criterion.key,
                "item": str(first[unit]["item"]),
                "system": _about(first[unit]),
                "apart": round(float(value), 9),
                "n_ratings": int(counts[unit]),
                "answers": said[unit],
            }


def _distances(answers: pd.DataFrame, criterion: CriterionSpec, sizes: pd.Series) -> pd.Series:
    """Labels: the share of pairs that differ. Numbers: how far apart two of them are, as a share of what was given."""
    if criterion.level_of_measurement == "nominal":
        counts = answers.groupby(["unit", "said"]).size()
        same = (counts * (counts - 1)).groupby("unit").sum()
        return 1 - same / (sizes * (sizes - 1)).where(sizes > 1)
    span = answers["position"].max() - answers["position"].min()
    # The mean squared distance of two of them is twice the variance.
    apart: pd.Series = (2 * answers.groupby("unit")["position"].var(ddof=1)) ** 0.5
    return apart / span if span > 0 else apart * np.nan


def _positions(frame: pd.DataFrame, criterion: CriterionSpec) -> pd.Series:
    own = frame["number"] if criterion.type == "yes_no" else frame["value"]
    return pd.to_numeric(own, errors="coerce").astype("float64")


def _words(frame: pd.DataFrame, criterion: CriterionSpec) -> pd.Series:
    """An answer as a reader knows it: a preference by the system it is for."""
    if criterion.type != "preference":
        return frame["value"].map({value: _said(value) for value in frame["value"].unique()})  # few of many rows
    side = frame["side"].astype(object)
    named = side.where(side != "a", frame["system_a"]).where(side != "b", frame["system_b"])
    return named.astype(str).str.replace("_", " ")


def _about(row: dict[Any, Any]) -> str:
    if row["system"]:
        return str(row["system"])
    return f"{row['system_a']} and {row['system_b']}" if row["system_a"] else ""


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _upsets(data: ReportData) -> list[dict[str, Any]]:
    found = [row for criterion in data.measured for row in _against(data, criterion)]
    found.sort(key=lambda row: (row["share"], -row["n_judgments"], row["criterion"], row["prompt"], row["ahead"]))
    return found[:MOST]


def _against(data: ReportData, criterion: CriterionSpec) -> Iterator[dict[str, Any]]:
    if len(data.systems) > MOST_SYSTEMS:
        return
    pairs = _preferred(data, criterion) if criterion in preferences(data) else _scored(data, criterion)
    for ahead, other, share, prompts, judged in pairs:
        mean = float(share.mean()) if len(share) else 0.5
        if mean < 0.5:
            ahead, other, share = other, ahead, 1 - share
        if abs(mean - 0.5) < 1e-12:
            continue  # nobody is ahead
        for place in np.argsort(share, kind="stable")[:MOST]:
            if share[place] < 0.5 - 1e-12:
                yield {
                    "criterion": criterion.key,
                    "prompt": str(prompts[place]),
                    "ahead": ahead,
                    "other": other,
                    "share": round(float(share[place]), 9),
                    "n_judgments": int(judged.get(prompts[place], 0)),
                }


def _preferred(data: ReportData, criterion: CriterionSpec) -> Iterator[tuple[Any, ...]]:
    rows = battles(compared(data, criterion, settled=True)).merged
    clusters = rows.cluster_labels[rows.cluster] if len(rows.cluster) else np.zeros(0, dtype=object)
    told = pd.DataFrame({"a": rows.a, "b": rows.b, "cluster": clusters, "score": rows.score})
    met = sorted(set(zip(rows.a.tolist(), rows.b.tolist(), strict=True)))
    for a, b in met:
        part = told[(told["a"] == a) & (told["b"] == b)]
        means = part.groupby("cluster", sort=True)["score"].mean()
        judged = part.groupby("cluster").size().to_dict()
        yield rows.systems[a], rows.systems[b], means.to_numpy(), means.index.to_numpy(dtype=object), judged


def _scored(data: ReportData, criterion: CriterionSpec) -> Iterator[tuple[Any, ...]]:
    if criterion not in scored(data):
        return
    tables = comparable(data, criterion)
    frame = data.of(criterion)
    for n, a in enumerate(sorted(tables)):
        for b in sorted(tables)[n + 1 :]:
            share, prompts = prompt_superiority(tables[a], tables[b])
            both = frame[frame["system"].isin((a, b))]
            yield a, b, share, prompts, both.groupby("cluster").size().to_dict()


def _judges(data: ReportData) -> list[dict[str, Any]]:
    """By how far the metric's number lies from the median rating, as a share of the criterion's scale."""
    rows = [row for c in scored(data) for metric in data.metrics if metric.criterion == c.key
            for row in _parted(data, c, metric)]  # fmt: skip
    rows.sort(key=lambda r: (-r["apart"], -r["n_ratings"], r["criterion"], r["item"], r["system"], r["metric"]))
    return rows[:MOST]


def _parted(data: ReportData, criterion: CriterionSpec, metric: MetricInfo) -> Iterator[dict[str, Any]]:
    """People are told by their median: the answer of one of them, on an ordered scale, too."""
    ends = [0.0, 1.0] if criterion.type == "yes_no" else [x for x in domain(criterion) or [] if isinstance(x, float)]
    frame = data.of(criterion)
    if len(ends) < 2 or frame.empty:
        return
    numbers = data.metric_numbers
    judge = numbers[numbers.index.get_level_values("metric") == metric.id].droplevel("metric")
    rated = frame.assign(position=_positions(frame, criterion)).dropna(subset=["position"]).groupby("output")
    people = rated["position"].quantile(0.5, interpolation="lower")
    apart = ((judge.reindex(people.index) - people).abs() / (max(ends) - min(ends))).dropna()
    about: dict[Any, Any] = rated[["item", "system"]].first().to_dict("index")
    middle: dict[Any, Any] = people.to_dict()
    given_by: dict[Any, Any] = judge.to_dict()
    sizes: dict[Any, Any] = rated.size().to_dict()
    for output, share in apart[apart > 0].sort_values(ascending=False, kind="stable").head(3 * MOST).to_dict().items():
        yield {
            "criterion": criterion.key,
            "item": str(about[output]["item"]),
            "system": str(about[output]["system"]),
            "metric": metric.key,
            "apart": round(float(share), 9),
            "people": float(middle[output]),
            "judge": round(float(given_by[output]), 9),
            "n_ratings": int(sizes[output]),
        }

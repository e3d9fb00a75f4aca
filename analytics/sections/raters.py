"""What each rater did: how much, how fast, and how far from the others. Nobody of unknown identity is here.

A flag is an invitation to look, never a reason to leave somebody out. Excluded raters keep their counts and have no
figures, as no figure counts them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from analytics.sections.base import ReportData, domain, is_of_pairs, measurement, rated
from analytics.sections.pairs import battles, compared, preferences
from analytics.stats import rater_behaviour, rater_quality, raters
from analytics.stats.coding import code_ratings
from analytics.stats.position import judge_positions
from analytics.stats.rater_figures import (
    MIN_SHARED,
    RaterFigure,
    RaterFigures,
    held_back,
    over_criteria,
    too_few_shared,
)
from rubrics.specs import CriterionSpec

MAX_RATERS = 300  # beyond it a table of raters helps nobody, and the figures take minutes
# Judgments shuffled a thousand times each: what one report may spend on the search for straight lines.
SHUFFLED = 10_000

# Each statistic: its figures, and the sign of an effect that is flagged (0: either).
Figures = dict[str, RaterFigures]


def raters_section(data: ReportData) -> dict[str, Any]:
    judged = data.frames.judgments
    known = judged[judged["counts"] & judged["rater_known"].astype(bool)]
    # Where the page measured idle gaps, the time without them is the better one.
    known = known.assign(
        time=pd.to_numeric(known["active_seconds"]).fillna(pd.to_numeric(known["seconds"])).astype("float64")
    )
    found = {str(rater): _counts(data, str(rater), rows) for rater, rows in known.groupby("rater", sort=True)}
    if len(found) <= MAX_RATERS:
        counted = known[~known["excluded"]]
        _put_behaviour(found, data, counted)
        for name, families in _statistics(data).items():
            for key, family in families.items():
                for figure in family.figures:
                    if figure.rater in found:
                        found[figure.rater]["criteria"].setdefault(key, {})[name] = figure.to_dict()
    return found


def _counts(data: ReportData, rater: str, rows: pd.DataFrame) -> dict[str, Any]:
    times = rows["time"].dropna()
    return {
        "n_judgments": len(rows),
        "n_cannot_judge": int(data.cannot_judge.get(rater, 0)),
        "median_seconds": round(float(times.median()), 3) if len(times) else None,
        "n_timed": len(times),
        "excluded": bool(rows["excluded"].any()),
        "criteria": {},
    }


# --- how they work -------------------------------------------------------------------------------------


def _put_behaviour(found: dict[str, Any], data: ReportData, counted: pd.DataFrame) -> None:
    names = counted["rater"].to_numpy(dtype=object)
    if counted["time"].notna().any():
        paces = rater_behaviour.pace(names, counted["task"].to_numpy(), counted["time"].to_numpy(), level=data.level)
        for figure in paces.figures:
            found[figure.rater]["pace"] = figure.to_dict()
    answers = _answers(data, counted)
    lines = rater_behaviour.straight_lining(answers["rater"], answers["position"], answers["answer"], seed=data.seed)
    for line in lines.raters:
        found[line.rater]["straight_lining"] = line.to_dict()


def _answers(data: ReportData, counted: pd.DataFrame) -> pd.DataFrame:
    """All answers of a judgment as one: who clicks through a page gives the same ones again and again. Of each rater
    the latest judgments, so that the shuffling of a large study stays within its time."""
    ordered = counted.sort_values(["submitted_at", "judgment"], kind="stable")
    position = ordered.groupby("rater").cumcount()
    latest = max(2 * MIN_SHARED, SHUFFLED // max(1, counted["rater"].nunique()))
    kept = ordered.assign(position=position).groupby("rater").tail(latest)
    keys = [criterion.key for criterion in data.measured]
    own = data.frames.ratings[data.frames.ratings["criterion"].isin(keys)]
    own = own[own["judgment"].isin(kept["judgment"])]
    own = own.sort_values(["judgment", "criterion", "target"], kind="stable")
    columns = [own[name].tolist() for name in ("criterion", "target", "number", "label", "cannot_judge")]
    parts = pd.Series(["/".join(map(str, row)) for row in zip(*columns, strict=True)], dtype=object)
    whole = parts.groupby(own["judgment"].to_numpy()).agg(" ".join)
    return kept.assign(answer=kept["judgment"].map(whole)).dropna(subset=["answer"])


# --- beside the others ---------------------------------------------------------------------------------


def _statistics(data: ReportData) -> dict[str, Figures]:
    """By statistic, then criterion. p values are adjusted over all raters and criteria of a statistic."""
    level = data.level
    outputs = [c for c in data.measured if not is_of_pairs(c)]

    def of(criteria: list[CriterionSpec], flag: int, read: Callable[[CriterionSpec], RaterFigures]) -> Figures:
        return over_criteria({c.key: read(c) for c in criteria}, flag)

    distances = [c for c in outputs if c.level_of_measurement in ("interval", "ratio")]
    return {
        "leave_one_out_alpha": of(
            data.measured, 1, lambda c: raters.leave_one_out_alpha(data.coded(c), measurement(c), level=level)
        ),
        "severity": of(
            [c for c in outputs if c.level_of_measurement != "nominal"],
            0,
            lambda c: raters.severity(data.coded(c), measurement(c), level=level),
        ),
        "consensus_agreement": of(data.measured, -1, lambda c: raters.consensus_agreement(data.coded(c), level=level)),
        "consensus_distance": of(
            distances, 1, lambda c: raters.consensus_distance(data.coded(c), measurement(c), level=level)
        ),
        "first_choice": of(preferences(data), 0, lambda c: _first_choice(data, c)),
        "gold_accuracy": _gold(data),
        "repeat_consistency": _repeats(data),
    }


def _first_choice(data: ReportData, criterion: CriterionSpec) -> RaterFigures:
    """How often a rater chose the side shown first; a habit shows as a share away from one half."""
    figures = []
    for judge in judge_positions(battles(compared(data, criterion)), level=data.level).judges:
        tested = judge.first_choice
        few = too_few_shared(tested.estimate.n_judgments)
        away = None if tested.estimate.value is None else tested.estimate.value - tested.null_value
        estimate = held_back(tested.estimate, few)
        p = None if few else tested.p_value
        figures.append(RaterFigure(judge.judge, estimate, None, p, details={"difference": away}))
    return RaterFigures(tuple(figures))


def _gold(data: ReportData) -> Figures:
    """Answers to tasks whose answer is known, right or wrong within their tolerance."""
    found = {}
    for criterion in data.measured:
        own = data.gold[data.gold["criterion"] == criterion.key] if len(data.gold) else data.gold
        own = own[own["rater_known"].astype(bool) & ~own["excluded"].astype(bool)] if len(own) else own
        if not len(own):
            continue
        said = np.where(own["right"], "right", "wrong")
        unit, cluster, rater = (own[name].to_numpy(dtype=object) for name in ("unit", "cluster", "rater"))
        table = code_ratings(unit, cluster, rater, said, ["wrong", "right"])
        known = dict.fromkeys(table.unit_labels.tolist(), "right")
        found[criterion.key] = rater_quality.gold_accuracy(table, known, level=data.level).accuracy
    return found


def _repeats(data: ReportData) -> Figures:
    """A rater against himself, where something was judged again."""
    ratings = data.frames.ratings
    kept = ratings[
        (ratings["counts"] | (ratings["purpose"] == "repeat"))
        & ratings["rater_known"].astype(bool)
        & ~ratings["excluded"].astype(bool)
    ]
    order = kept.drop_duplicates("judgment").sort_values(["submitted_at", "judgment"], kind="stable")
    position = order.set_index("judgment").groupby("rater").cumcount()
    found = {}
    for criterion in data.measured:
        own = rated(kept, criterion)
        again = own[own.duplicated(["rater", "unit"], keep=False)]
        if not len(again):
            continue
        unit, cluster, rater = (again[name].to_numpy(dtype=object) for name in ("unit", "cluster", "rater"))
        places, values = again["judgment"].map(position).to_numpy(), again["value"].to_numpy()
        found[criterion.key] = rater_quality.repeat_consistency(
            unit,
            cluster,
            rater,
            places,
            values,
            measurement(criterion),
            domain(criterion),
            level=data.level,
        )
    return found

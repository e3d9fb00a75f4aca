"""Frames and statistics to one report: plain values that page, file and gate all read.

Nothing is computed after this, and the same data and seed give the same bytes. Times of building stand
outside: the body has none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Min

from analytics.digests import body_json
from analytics.frames import RoundFrames, gold_frame, round_frames, scores_frame, tags_frame
from analytics.sections.agreement import agreement_section
from analytics.sections.answer import answer_section
from analytics.sections.automated import automated_section
from analytics.sections.base import MetricInfo, ReportData, domain
from analytics.sections.marks import marks_section
from analytics.sections.method import method_section, provenance_section
from analytics.sections.orders import orders_section
from analytics.sections.preference import preference_section
from analytics.sections.raters import MAX_RATERS, raters_section
from analytics.sections.scores import comparisons_section, scores_section
from analytics.sections.slices import slices_section
from analytics.sections.totals import totals_section
from annotation.models import Round
from projects.models import Metric
from projects.templatetags.numbers import times
from rubrics.selectors import spec_of
from rubrics.specs import CriterionSpec

FORMAT = "adjudge-report-1"
Progress = Callable[[str, int, int | None], None]
SECTIONS: dict[str, Callable[[ReportData], Any]] = {
    "agreement": agreement_section,
    "scores": scores_section,
    "comparisons": comparisons_section,
    "totals": totals_section,
    "preference": preference_section,
    "orders": orders_section,
    "marks": marks_section,
    "raters": raters_section,
    "automated": automated_section,
    "slices": slices_section,
}


@dataclass(frozen=True)
class ReportOptions:
    seed: int = 0
    level: float = 0.95
    final_answers: bool = False  # of reviewers, in place of raters' own in figures about systems

    def to_dict(self) -> dict[str, Any]:
        return {"seed": self.seed, "level": self.level, "final_answers": self.final_answers}


@dataclass(frozen=True)
class Report:
    """`body` holds plain JSON values only."""

    body: dict[str, Any]

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @property
    def data_digest(self) -> str:
        return str(self.body["provenance"]["data_digest"])

    def to_json(self) -> str:
        return body_json(self.body)


def build(round: Round, options: ReportOptions | None = None, progress: Progress | None = None) -> Report:
    """Everything the round's current judgments say."""
    chosen = options or ReportOptions()
    told = progress or (lambda *_: None)
    told("Reading judgments", 0, None)
    criteria = spec_of(round.rubric_version).criteria
    frames = round_frames(round)
    data = ReportData(
        frames=frames,
        criteria=criteria,
        metrics=_metrics(round),
        scores=scores_frame(round),
        gold=gold_frame(round, frames.ratings),
        tags=tags_frame(round),
        seed=chosen.seed,
        level=chosen.level,
        final_answers=chosen.final_answers,
    )
    counts = _counts(data.frames)
    body: dict[str, Any] = {
        "format": FORMAT,
        "round": _round(round, counts),
        "criteria": [_criterion(c) for c in criteria],
        "systems": data.systems,
    }
    body["final_answers"] = _finals(data)
    for done, (name, section) in enumerate(SECTIONS.items()):
        told("Computing the report", done, len(SECTIONS))
        body[name] = section(data)
    body["warnings"] = _warnings(round, body, counts)
    body["method"] = method_section(round, data, counts)
    body["provenance"] = {**provenance_section(round, data), "counts": counts}
    body["answer"] = answer_section(body, criteria)
    return Report(body)


def _finals(data: ReportData) -> dict[str, Any]:
    unsettled = int(data.finals["unsettled"].sum())
    return {"used": data.final_answers, "n": len(data.finals) - unsettled, "n_unsettled": unsettled}


def _metrics(round: Round) -> list[MetricInfo]:
    automated = Metric.objects.filter(project_id=round.project_id).exclude(source=Metric.Source.HUMAN)
    rows = automated.order_by("key")
    return [
        MetricInfo(m.pk, m.key, m.source, m.kind, m.direction, m.criterion_key, (m.scale_min, m.scale_max))
        for m in rows
    ]


def _round(round: Round, counts: dict[str, Any]) -> dict[str, Any]:
    return {
        "project": round.project.slug,
        "round": round.slug,
        "name": round.name,
        "mode": round.mode,
        "state": round.state,
        "interim": round.state != Round.State.CLOSED,
        "is_pilot": round.is_pilot,
        **counts,
    }


def _criterion(criterion: CriterionSpec) -> dict[str, Any]:
    return {
        "key": criterion.key,
        "question": criterion.question,
        "type": criterion.type,
        "level_of_measurement": criterion.level_of_measurement,
        "domain": domain(criterion) if criterion.level_of_measurement != "text" else None,
        "levels": [{"code": x.code, "label": x.label, "number": x.number} for x in criterion.levels],
    }


def _counts(frames: RoundFrames) -> dict[str, Any]:
    """What counts in the figures, and what was left out and why."""
    judgments = frames.judgments
    counted = judgments[judgments["counts"] & ~judgments["excluded"]]
    known = counted["rater_known"].astype(bool)
    tasks = frames.tasks.tasks.loc[counted["task"].unique()]
    return {
        "n_items": int(tasks["item"].nunique()),
        "n_prompts": int(tasks["cluster"].nunique()),
        "n_tasks": len(tasks),
        "n_judgments": len(counted),
        "n_ratings": _n_ratings(frames, counted["judgment"]),
        "n_raters": int(counted.loc[known, "rater"].nunique()),
        "n_unknown": int((~known).sum()),
        "n_excluded": int((judgments["counts"] & judgments["excluded"]).sum()),
        "n_other": int((~judgments["counts"]).sum()),
        "n_cannot_judge": int(frames.counted["cannot_judge"].sum()),
    }


def _n_ratings(frames: RoundFrames, judgments: Any) -> int:
    """A ranking is one rating, however many pairs it sets in order."""
    own = frames.ratings[frames.ratings["judgment"].isin(judgments)]
    return int((~own.duplicated(["judgment", "criterion", "target"])).sum())


def _uneven_chances(round: Round) -> str | None:
    """A mean that gives every prompt the same weight speaks for the frame only where all had the same chance."""
    chance = round.round_items.aggregate(low=Min("inclusion_probability"), high=Max("inclusion_probability"))
    if chance["low"] is None or chance["low"] == chance["high"]:
        return None
    return (
        f"Items had unequal chances of being drawn ({chance['low']:.3g} to {chance['high']:.3g}), and every prompt has "
        "the same weight here: these figures are about the items drawn. The export has each item’s chance, by whose "
        "inverse a figure about all items is weighted."
    )


def _warnings(round: Round, body: dict[str, Any], counts: dict[str, Any]) -> list[str]:
    found = []
    if round.state != Round.State.CLOSED:
        found.append(f"Interim: the round is {round.state}, so these figures will move with further judgments.")
    if counts["n_excluded"]:
        found.append(f"{counts['n_excluded']} judgments of excluded raters are left out.")
    if body["final_answers"]["used"] and body["final_answers"]["n"]:
        given = times(body["final_answers"]["n"], "final answer,final answers")
        found.append(
            f"{given} of reviewers taken in place of the raters’ own in scores, preference and metrics; "
            "agreement is of the raters alone."
        )
    if round.design == Round.Design.UNKNOWN:
        found.append("How the items were chosen is not known, so the figures are about these items only.")
    if counts["n_raters"] > MAX_RATERS:
        found.append(f"{counts['n_raters']} raters: figures of each one are made for up to {MAX_RATERS}.")
    if (uneven := _uneven_chances(round)) is not None:
        found.append(uneven)
    for key, section in body["agreement"].items():
        found += [f"{key}: {text}" for text in section["warnings"]]
    return found

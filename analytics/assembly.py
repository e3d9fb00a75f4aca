"""From frames to the body of a report, with nothing but the statistics: no models, so that anyone who has the exported
ratings can put the same report together (`verify_report`).

Nothing is computed after this, and the same data and seed give the same bytes. Times of building stand outside: the
body has none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from analytics.sections.agreement import agreement_section
from analytics.sections.answer import answer_section
from analytics.sections.automated import automated_section
from analytics.sections.base import ReportData, RoundInfo, domain
from analytics.sections.marks import marks_section
from analytics.sections.method import method_section, provenance_section
from analytics.sections.orders import orders_section
from analytics.sections.picture import picture_section
from analytics.sections.powered import powered_section
from analytics.sections.preference import preference_section
from analytics.sections.raters import MAX_RATERS, raters_section
from analytics.sections.reading import reading_section
from analytics.sections.scores import comparisons_section, scores_section
from analytics.sections.slices import slices_section
from analytics.sections.sources import references_section
from analytics.sections.totals import totals_section
from analytics.shapes import RoundFrames
from projects.templatetags.numbers import times
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
    "powered": powered_section,
    "slices": slices_section,
    "picture": picture_section,
    "reading": reading_section,
}


@dataclass(frozen=True)
class ReportOptions:
    seed: int = 0
    level: float = 0.95
    final_answers: bool = False  # of reviewers, in place of raters' own in figures about systems

    def to_dict(self) -> dict[str, Any]:
        return {"seed": self.seed, "level": self.level, "final_answers": self.final_answers}


def assemble(data: ReportData, round: RoundInfo, progress: Progress) -> dict[str, Any]:
    """The body of the report: plain JSON values only."""
    counts = _counts(data.frames)
    body: dict[str, Any] = {
        "format": FORMAT,
        "round": _round(round, counts),
        "criteria": [_criterion(c) for c in data.criteria],
        "systems": data.systems,
    }
    body["final_answers"] = _finals(data)
    for done, (name, section) in enumerate(SECTIONS.items()):
        progress("Computing the report", done, len(SECTIONS))
        body[name] = section(data)
    body["warnings"] = _warnings(round, body, counts)
    body["method"] = method_section(round, data, counts)
    body["references"] = references_section(body)
    body["provenance"] = {**provenance_section(round, data), "counts": counts}
    body["answer"] = answer_section(body, data.criteria)
    return body


def _finals(data: ReportData) -> dict[str, Any]:
    unsettled = int(data.finals["unsettled"].sum())
    return {"used": data.final_answers, "n": len(data.finals) - unsettled, "n_unsettled": unsettled}


def _round(round: RoundInfo, counts: dict[str, Any]) -> dict[str, Any]:
    return {
        "project": round.project,
        "round": round.slug,
        "name": round.name,
        "mode": round.mode,
        "state": round.state,
        "interim": not round.is_closed,
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


def _uneven_chances(round: RoundInfo) -> str | None:
    """A mean that gives every prompt the same weight speaks for the frame only where all had the same chance."""
    low, high = round.chances
    if low is None or low == high:
        return None
    return (
        f"Items had unequal chances of being drawn ({low:.3g} to {high:.3g}), and every prompt has "
        "the same weight here: these figures are about the items drawn. The export has each item’s chance, by whose "
        "inverse a figure about all items is weighted."
    )


def _warnings(round: RoundInfo, body: dict[str, Any], counts: dict[str, Any]) -> list[str]:
    found = []
    if not round.is_closed:
        found.append(f"Interim: the round is {round.state}, so these figures will move with further judgments.")
    if counts["n_excluded"]:
        found.append(f"{counts['n_excluded']} judgments of excluded raters are left out.")
    if body["final_answers"]["used"] and body["final_answers"]["n"]:
        given = times(body["final_answers"]["n"], "final answer,final answers")
        found.append(
            f"{given} of reviewers taken in place of the raters’ own in scores, preference and metrics; "
            "agreement is of the raters alone."
        )
    if round.design == "unknown":
        found.append("How the items were chosen is not known, so the figures are about these items only.")
    if counts["n_raters"] > MAX_RATERS:
        found.append(f"{counts['n_raters']} raters: figures of each one are made for up to {MAX_RATERS}.")
    if (uneven := _uneven_chances(round)) is not None:
        found.append(uneven)
    for key, section in body["agreement"].items():
        found += [f"{key}: {text}" for text in section["warnings"]]
    return found

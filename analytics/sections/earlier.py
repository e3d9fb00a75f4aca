"""A successor round against the round before it: what may be compared, and by how much it moved.

Where the criterion changed its meaning there is no difference to print, only why not."""

from __future__ import annotations

from typing import Any

from analytics.frames import round_frames
from analytics.sections.base import ReportData, measurement
from analytics.sections.scores import comparable, scored
from analytics.stats import scores
from analytics.stats.coding import CodedRatings
from annotation.comparability import rounds_comparable
from annotation.models import Round
from rubrics.changes import Meaning, Verdict
from rubrics.selectors import spec_of
from rubrics.specs import CriterionSpec


def earlier_section(round: Round, data: ReportData) -> dict[str, Any] | None:
    """None for a round that has no predecessor."""
    before = round.predecessor
    if before is None:
        return None
    verdicts = rounds_comparable(before, round)
    old = ReportData(round_frames(before), spec_of(before.rubric_version).criteria, level=data.level)
    return {
        "round": before.slug,
        "name": before.name,
        "rubric_version": before.rubric_version.number,
        "state": before.state,
        "criteria": {key: _criterion(verdict, old, data) for key, verdict in verdicts.items()},
    }


def _criterion(verdict: Verdict, old: ReportData, new: ReportData) -> dict[str, Any]:
    found: dict[str, Any] = {"meaning": str(verdict.meaning), "reasons": list(verdict.reasons), "systems": {}}
    if verdict.meaning == Meaning.NOT_COMPARABLE:
        return found
    criterion = next((c for c in scored(new) if c.key == verdict.criterion), None)
    if criterion is None:
        return found
    then, now = comparable(old, criterion), comparable(new, criterion)
    found["systems"] = {s: _moved(criterion, now[s], then[s], new.level) for s in sorted(now.keys() & then.keys())}
    return found


def _moved(criterion: CriterionSpec, now: CodedRatings, then: CodedRatings, level: float) -> dict[str, Any]:
    """This round against the one before, paired by prompt: what differs is raters and wording, not the answers."""
    known = "ordinal" if criterion.type == "yes_no" else measurement(criterion)
    return {"superiority": scores.superiority(now, then, known, level=level).to_dict()}

"""A round's rows to one report: plain values that page, file and gate all read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Min

from analytics.assembly import Progress, ReportOptions, assemble
from analytics.digests import body_json
from analytics.frames import (
    drawn_frame,
    gold_frame,
    measures_frame,
    round_frames,
    scores_frame,
    tags_frame,
    undrawn_frame,
)
from analytics.sections.base import MetricInfo, ReportData, RoundInfo, SampleInfo
from analytics.sections.earlier import earlier_section
from annotation.models import Round
from projects.models import Metric
from rubrics.selectors import spec_of

__all__ = ["Progress", "Report", "ReportOptions", "build"]


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
    data = data_of(round, chosen)
    body = assemble(data, info_of(round), told)
    # Of two rounds, so the export of one alone does not give it again.
    if (earlier := earlier_section(round, data)) is not None:
        body["earlier"] = earlier
    return Report(body)


def data_of(round: Round, options: ReportOptions) -> ReportData:
    frames, metrics = round_frames(round), _metrics(round)
    undrawn = undrawn_frame(round, {metric.key: metric.id for metric in metrics})
    return ReportData(
        frames=frames,
        criteria=spec_of(round.rubric_version).criteria,
        metrics=metrics,
        scores=scores_frame(round),
        gold=gold_frame(round, frames),
        tags=tags_frame(round),
        measures=measures_frame(round),
        sample=SampleInfo(round.design, round.frame_size, drawn_frame(round), undrawn),
        **options.to_dict(),
    )


def info_of(round: Round) -> RoundInfo:
    chance = round.round_items.aggregate(low=Min("inclusion_probability"), high=Max("inclusion_probability"))
    version = round.rubric_version
    return RoundInfo(
        project=round.project.slug,
        slug=round.slug,
        name=round.name,
        mode=round.mode,
        state=round.state,
        is_pilot=round.is_pilot,
        design=round.design,
        frame_size=round.frame_size,
        frame_digest=round.frame_digest,
        chances=(chance["low"], chance["high"]),
        rubric=(version.rubric.name, version.number, version.digest),
    )


def _metrics(round: Round) -> list[MetricInfo]:
    automated = Metric.objects.filter(project_id=round.project_id).exclude(source=Metric.Source.HUMAN)
    rows = automated.order_by("key")
    return [
        MetricInfo(m.pk, m.key, m.source, m.kind, m.direction, m.criterion_key, (m.scale_min, m.scale_max))
        for m in rows
    ]

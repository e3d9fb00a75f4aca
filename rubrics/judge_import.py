"""Answers of an LLM judge to an exported judge prompt become automated scores of the same criteria."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from django.db import transaction

from config.stopping import point_of_no_return
from projects import audit
from projects.errors import ServiceError
from projects.importers import ImportFileError, read_file
from projects.importers.records import Problem
from projects.models import Metric, Project
from projects.services.importing import import_file
from rubrics.judge_answers import Read, answers_in, answers_of_records, metric_key
from rubrics.judge_prompts import asked
from rubrics.models import RubricVersion
from rubrics.selectors import spec_of


@dataclass(frozen=True)
class JudgeImport:
    scores: int
    new: int
    metrics: dict[str, str]  # criterion → metric
    problems: list[Problem] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        skipped = [{"where": p.where, "why": p.why} for p in self.problems]
        return {"scores": self.scores, "new": self.new, "metrics": self.metrics, "skipped": skipped}


def judge_answers_import(
    *,
    version: RubricVersion,
    project: Project,
    stream: BinaryIO,
    name: str,
    judge: str = "",
    actor: Any = None,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> JudgeImport:
    """The same file again changes nothing. A file without one usable answer is refused, and nothing is written."""
    if not version.is_frozen:
        raise ServiceError(f"Version {version.number} is a draft. A judge can only have read a published version.")
    spec = spec_of(version)
    key = {c.key: metric_key(version.rubric.slug, version.number, c.key) for c in asked(spec)}
    read = _read(version, stream, name, key)
    if not read.rows:
        first = f" {read.problems[0].where}: {read.problems[0].why}" if read.problems else ""
        raise ServiceError(
            f"{name}: no answer to this rubric stands in it. Accepted: a line of JSON an answer with item, system and "
            f"answer; promptfoo results of the exported assertions; Inspect logs of the exported scorers.{first}"
        )
    for row in read.rows:
        if judge:
            row["judge"] = judge
    body = "\n".join(json.dumps(row, ensure_ascii=False) for row in read.rows).encode()
    with transaction.atomic():
        result = import_file(
            project=project, stream=io.BytesIO(body), file_name=f"{name}.jsonl", format="jsonl", actor=actor,
            progress=progress,
        )  # fmt: skip
        _link(project, version, {c: key[c] for c in read.criteria}, actor)
        point_of_no_return()
    return JudgeImport(
        scores=result.counts.get("scores", 0),
        new=result.new.get("scores", 0),
        metrics={c: key[c] for c in key if c in read.criteria},
        problems=[*read.problems, *result.skipped],
    )


def _read(version: RubricVersion, stream: BinaryIO, name: str, key: dict[str, str]) -> Read:
    spec = spec_of(version)
    head = stream.read(1 << 16)
    stream.seek(0)
    if b'"answer"' in head and head.lstrip().startswith(b"{") and _is_ours(head):
        lines = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace")
        return answers_in(spec, lines, name, key)
    try:
        return answers_of_records(spec, read_file(stream, name)[1], name, key)
    except ImportFileError as error:
        raise ServiceError(str(error)) from None


def _is_ours(head: bytes) -> bool:
    """The first line is an object of ours; one that was cut off by a long answer is taken for it."""
    first = head.split(b"\n", 1)[0]
    try:
        row = json.loads(first)
    except ValueError:
        return b"\n" not in head and b'"item"' in first
    return isinstance(row, dict) and "item" in row and "answer" in row and "metric" not in row


def _link(project: Project, version: RubricVersion, metrics: dict[str, str], actor: Any) -> None:
    """Each metric answers its criterion: that is known here and not asked."""
    source = {"rubric": version.rubric.slug, "version": version.number, "digest": version.digest}
    rows = {m.key: m for m in Metric.objects.filter(project=project, key__in=metrics.values())}
    for criterion, name in metrics.items():
        metric = rows[name]
        config = {**metric.config, "rubric": source}
        if (metric.criterion_key, metric.config) == (criterion, config):
            continue
        metric.criterion_key, metric.config = criterion, config
        metric.save(update_fields=["criterion_key", "config"])
        audit.record(project=project, actor=actor, verb="metric.update", target=f"metric:{metric.pk}")

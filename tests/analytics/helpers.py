"""Rounds filled by the import of a file typed in a test."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from annotation.models import Round
from annotation.services.imported import judgments_import
from rubrics.specs import CriterionSpec, LevelSpec
from tests.factories import project_factory, rubric_factory

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "reference"


def scale(key: str, level: str, top: int = 5) -> CriterionSpec:
    levels = tuple(LevelSpec(str(n), f"Level {n}", float(n)) for n in range(1, top + 1))
    return CriterionSpec(key, "scale", f"How {key} is it?", level, levels=levels)


def filled_round(
    criteria: Sequence[CriterionSpec], rows: Iterable[dict[str, Any]], mode: str = "score", **extra: Any
) -> Round:
    """A round that holds exactly these rows."""
    project = extra.pop("project", None) or project_factory()
    round_ = Round.objects.create(
        project=project,
        slug=extra.pop("slug", "pilot"),
        name="Pilot",
        title="Pilot",
        mode=mode,
        rubric_version=rubric_factory(project, criteria),
        **extra,
    )
    add_rows(round_, rows)
    return round_


def add_rows(round_: Round, rows: Iterable[dict[str, Any]]) -> None:
    listed = list(rows)
    if not listed:
        return
    columns = list(dict.fromkeys(name for row in listed for name in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns)
    writer.writeheader()
    writer.writerows(listed)
    judgments_import(round=round_, stream=io.BytesIO(buffer.getvalue().encode()), name="rows.csv")


def shared_rows(name: str, file: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((SHARED / name / file).read_text(encoding="utf-8"))))

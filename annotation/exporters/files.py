"""An export in a folder: every file whole, or none of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from annotation.exporters.back import BACK, Written, files_of, write_back
from annotation.exporters.back.answers import Choice
from annotation.exporters.base import CHUNK, Row, Table, moment
from annotation.exporters.tables import TABLES
from annotation.exporters.writers import WRITERS
from annotation.models import Round
from annotation.services.eligibility import requirements_of
from annotation.services.renewing import narrow_of, renews
from annotation.services.round_tasks import pairs_of, sample_of
from projects.errors import ServiceError
from projects.staging import staged
from rubrics.schema import rubric_to
from rubrics.selectors import spec_of

Progress = Callable[[str, int, int | None], None]
# What `import_export` takes over as it stands.
_SETTINGS = (
    *("lease_seconds", "gold_rate", "repeat_rate", "cap_per_rater", "show_reference", "raters_see_own_figures"),
    *("planned_seconds", "options"),
)
_METRIC = ("key", "source", "kind", "direction", "scale_min", "scale_max", "threshold", "criterion_key", "config")


def formats_of(text: str, accepted: tuple[str, ...]) -> list[str]:
    """`csv,jsonl` as a list. Raises ServiceError naming the accepted formats."""
    chosen = list(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    unknown = [name for name in chosen if name not in accepted]
    if unknown or not chosen:
        said = f"“{unknown[0]}” is not a format of this version" if unknown else "No format was named"
        raise ServiceError(f"{said}. Accepted: {', '.join(accepted)}.")
    return chosen


FORMATS: tuple[str, ...] = (*WRITERS, *BACK)


@dataclass(frozen=True, slots=True)
class Exported:
    files: list[Path]
    written: list[Written]  # what was written for other tools, and what had no place there


def export_round(
    *, round: Round, formats: list[str], out: Path, progress: Progress | None = None, choice: Choice | None = None
) -> Exported:
    """Write all tables in all formats of tables, with the round's set-up and a dictionary of the columns; and what
    people answered for each of the other tools named."""
    tables = {f"{table.name}.{kind}": (table, kind) for table in TABLES for kind in formats if kind in WRITERS}
    tools = [key for key in formats if key in BACK]
    names = [*tables, *(["columns.json", "round.json"] if tables else []), *(n for key in tools for n in files_of(key))]
    written = []
    with staged(out, names) as folder:
        for name, (table, kind) in tables.items():
            rows = table.rows(round)
            WRITERS[kind](folder / name, table, _told(rows, f"Writing {name}", progress) if progress else rows)
        if tables:
            _write(folder / "columns.json", dictionary())
            _write(folder / "round.json", description(round))
        for key in tools:
            written.append(write_back(folder, round=round, key=key, choice=choice, progress=progress))
    return Exported([out / name for name in names], written)


def _told(rows: Iterator[Row], what: str, progress: Progress) -> Iterator[Row]:
    for count, row in enumerate(rows):
        if count % CHUNK == 0:
            progress(what, count, None)
        yield row


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def dictionary() -> dict[str, Any]:
    """What every column of every table means."""
    return {table.name: {"about": table.title, "columns": _columns(table)} for table in TABLES}


def _columns(table: Table) -> list[dict[str, str]]:
    return [{"name": c.name, "type": c.kind, "meaning": c.meaning} for c in table.columns]


def description(round: Round) -> dict[str, Any]:
    """The round's set-up and its rubric, from which another house can rebuild it."""
    asked, guideline = requirements_of(round), round.guideline
    return {
        "project": {"slug": round.project.slug, "name": round.project.name},
        "round": {
            "slug": round.slug,
            "name": round.name,
            "title": round.title,
            "mode": round.mode,
            "state": round.state,
            "overlap": round.overlap,
            "strategy": round.strategy,
            "seed": round.seed,
            "one_task_per_item": round.one_task_per_item,
            "is_pilot": round.is_pilot,
            "only_criteria": round.only_criteria,
            **{name: getattr(round, name) for name in _SETTINGS},
            "baseline": str(round.baseline) if round.baseline else None,
            "opened_at": moment(round.opened_at),
            "closed_at": moment(round.closed_at),
            "systems": [str(s.system) for s in round.round_systems.select_related("system").order_by("system_id")],
            "pairs": asdict(pairs_of(round)) if round.mode == Round.Mode.COMPARE else None,
            "narrow": asdict(narrow_of(round)) if renews(round) else None,
            "groups": dict(asked.groups),
            "eligible": {"qualification": asked.qualification, "language": asked.language, "tags": dict(asked.tags)},
            "sample": {
                **asdict(sample_of(round)),
                "design": round.design,
                "drawn": round.round_items.count(),
                "frame_size": round.frame_size,
                "frame_digest": round.frame_digest,
            },
        },
        "metrics": [{name: getattr(m, name) for name in _METRIC} for m in round.project.metrics.order_by("key")],
        "guideline": {"name": guideline.name, "text": guideline.text} if guideline else None,
        "rubric_version": {"number": round.rubric_version.number, "digest": round.rubric_version.digest},
        "rubric": rubric_to(spec_of(round.rubric_version)),
    }

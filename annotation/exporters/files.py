"""An export in a folder: every file whole, or none of them."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from annotation.exporters.tables import TABLES, Table
from annotation.exporters.writers import WRITERS
from annotation.models import Round
from projects.errors import ServiceError
from rubrics.schema import rubric_to
from rubrics.selectors import spec_of

Progress = Callable[[str, int, int | None], None]


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A folder beside `out` to write into; its files move to `out` when all of them are there.

    The move is a rename within one file system, so nobody ever reads half a file."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".writing-", dir=out))
    except OSError as error:
        raise ServiceError(f"{out}: this folder cannot be written: {error.strerror}.") from error
    try:
        yield folder
        for path in sorted(folder.iterdir()):
            path.replace(out / path.name)
    except OSError as error:
        raise ServiceError(f"{out}: the files cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def formats_of(text: str, accepted: tuple[str, ...]) -> list[str]:
    """`csv,jsonl` as a list. Raises ServiceError naming the accepted formats."""
    chosen = list(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    unknown = [name for name in chosen if name not in accepted]
    if unknown or not chosen:
        said = f"“{unknown[0]}” is not a format of this version" if unknown else "No format was named"
        raise ServiceError(f"{said}. Accepted: {', '.join(accepted)}.")
    return chosen


def export_round(*, round: Round, formats: list[str], out: Path, progress: Progress | None = None) -> list[Path]:
    """Write all tables in all formats, the round's set-up and a dictionary of the columns."""
    names: list[str] = []
    with staged(out) as folder:
        for table in TABLES:
            for kind in formats:
                if progress:
                    progress(f"Writing {table.name}.{kind}", len(names), len(TABLES) * len(formats))
                WRITERS[kind](folder / f"{table.name}.{kind}", table, table.rows(round))
                names.append(f"{table.name}.{kind}")
        _write(folder / "columns.json", dictionary())
        _write(folder / "round.json", description(round))
        names += ["columns.json", "round.json"]
    return [out / name for name in names]


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def dictionary() -> dict[str, Any]:
    """What every column of every table means."""
    return {table.name: {"about": table.title, "columns": _columns(table)} for table in TABLES}


def _columns(table: Table) -> list[dict[str, str]]:
    return [{"name": c.name, "type": c.kind, "meaning": c.meaning} for c in table.columns]


def description(round: Round) -> dict[str, Any]:
    """The round's set-up and its rubric, from which another house can rebuild it."""
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
            "systems": [str(s.system) for s in round.round_systems.select_related("system").order_by("system_id")],
            "sample": {
                "design": round.design,
                "frame_size": round.frame_size,
                "frame_digest": round.frame_digest,
            },
        },
        "rubric_version": {"number": round.rubric_version.number, "digest": round.rubric_version.digest},
        "rubric": rubric_to(spec_of(round.rubric_version)),
    }

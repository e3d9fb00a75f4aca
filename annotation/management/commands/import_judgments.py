"""`manage.py import_judgments ROUND FILE`: existing human judgments from CSV, JSON Lines or Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotation.round_names import round_named
from annotation.services.imported import ImportResult, judgments_import
from annotation.services.imported_rows import COLUMNS, REQUIRED
from config.commands import Command as BaseCommand
from config.commands import opened

SHOWN = 20  # skipped rows printed; --json gives all


class Command(BaseCommand):
    help = (
        "Import existing human judgments into a round. The same file again changes nothing. "
        f"Columns: {', '.join(COLUMNS)}; the first {len(REQUIRED)} are needed."
    )
    examples = ("import_judgments support/pilot ratings.csv",)
    untouched = "Nothing was imported."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("round", metavar="ROUND", help="project/round, or the round's name where it is unique")
        parser.add_argument("file", metavar="FILE", type=Path, help="CSV, TSV, JSON Lines, JSON list or Parquet")

    def work(self, **options: Any) -> None:
        path: Path = options["file"]
        round_ = round_named(options["round"])
        with opened(path) as stream:
            result = judgments_import(round=round_, stream=stream, name=path.name, progress=self.progress)
        self.tell(result.to_dict(), _lines(path.name, result))


def _lines(name: str, result: ImportResult) -> Iterator[str]:
    new = result.ratings or result.changed
    yield f"{name}: {result.rows:,} rows." + ("" if new else " Nothing new: all of it is here already.")
    yield (
        f"  judgments: {result.judgments:,} new; ratings: {result.ratings:,} new, "
        f"{result.changed:,} changed, {result.unchanged:,} unchanged"
    )
    counts = {kind: getattr(result, kind) for kind in ("items", "systems", "outputs", "tasks", "raters")}
    if any(counts.values()):
        yield f"  made: {', '.join(f'{count:,} {kind}' for kind, count in counts.items() if count)}"
    if result.skipped:
        yield f"  skipped: {len(result.skipped):,}"
    for each in result.skipped[:SHOWN]:
        yield f"    {each['where']}: {each['why']}"
    if len(result.skipped) > SHOWN:
        yield f"    and {len(result.skipped) - SHOWN:,} more; --json lists all."

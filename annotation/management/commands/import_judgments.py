"""`manage.py import_judgments ROUND FILE`: existing human judgments from CSV, JSON Lines or Parquet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.round_names import round_named
from annotation.services.imported import ImportResult, judgments_import
from annotation.services.imported_rows import COLUMNS, REQUIRED
from projects.errors import ServiceError

SHOWN = 20  # skipped rows printed; --json gives all


class Command(BaseCommand):
    # All of them would load every page of the product, which takes longer than many a file.
    requires_system_checks = (Tags.compatibility,)
    help = "Import existing human judgments into a round. The same file again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = f"Columns: {', '.join(COLUMNS)}; the first {len(REQUIRED)} are needed."
        parser.add_argument("round", metavar="ROUND", help="project/round, or the round's name where it is unique")
        parser.add_argument("file", metavar="FILE", type=Path, help="CSV, TSV, JSON Lines, JSON list or Parquet")
        parser.add_argument("--json", action="store_true", help="print the outcome for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            round_ = round_named(options["round"])
            with path.open("rb") as stream:
                result = judgments_import(
                    round=round_,
                    stream=stream,
                    name=path.name,
                    progress=self._progress if self.stderr.isatty() else None,
                )
        except OSError as error:
            raise CommandError(f"{path}: the file cannot be read: {error.strerror}.", returncode=2) from error
        except ServiceError as error:
            raise CommandError(error.message, returncode=2) from error
        if options["json"]:
            self.stdout.write(json.dumps(result.to_dict(), ensure_ascii=False, indent=2))
        else:
            self._tell(path.name, result)

    def _progress(self, what: str, done: int, total: int | None) -> None:
        of = f" of {total:,}" if total else ""
        self.stderr.write(f"\r{what} {done:,}{of}…\033[K", ending="")

    def _tell(self, name: str, result: ImportResult) -> None:
        if self.stderr.isatty():
            self.stderr.write("\r\033[K", ending="")
        new = result.ratings or result.changed
        self.stdout.write(
            f"{name}: {result.rows:,} rows." + ("" if new else " Nothing new: all of it is here already.")
        )
        self.stdout.write(
            f"  judgments: {result.judgments:,} new; ratings: {result.ratings:,} new, "
            f"{result.changed:,} changed, {result.unchanged:,} unchanged"
        )
        made = [
            f"{count:,} {word}"
            for word, count in (
                ("items", result.items),
                ("systems", result.systems),
                ("outputs", result.outputs),
                ("tasks", result.tasks),
                ("raters", result.raters),
            )
            if count
        ]
        if made:
            self.stdout.write(f"  made: {', '.join(made)}")
        if result.skipped:
            self.stdout.write(f"  skipped: {len(result.skipped):,}")
        for each in result.skipped[:SHOWN]:
            self.stdout.write(f"    {each['where']}: {each['why']}")
        if len(result.skipped) > SHOWN:
            self.stdout.write(f"    and {len(result.skipped) - SHOWN:,} more; --json lists all.")

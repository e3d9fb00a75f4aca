"""`manage.py import_gold ROUND FILE`: tasks with a known answer, for a round."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.round_names import round_named
from annotation.services.gold_sets import COLUMNS, REQUIRED, gold_import
from projects.errors import ServiceError


class Command(BaseCommand):
    help = "Take known answers into a round as gold tasks. The same file again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = (
            f"Columns: {', '.join(COLUMNS)}; the first {len(REQUIRED)} are needed. "
            "Example: manage.py import_gold support/pilot gold.csv"
        )
        parser.add_argument("round", metavar="ROUND", help="project/round, or the round's name where it is unique")
        parser.add_argument("file", metavar="FILE", type=Path, help="CSV, TSV, JSON Lines, JSON list or Parquet")
        parser.add_argument("--json", action="store_true", help="print the outcome for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            with path.open("rb") as stream:
                done = gold_import(round=round_named(options["round"]), stream=stream, name=path.name)
        except OSError as error:
            raise CommandError(f"{path}: the file cannot be read: {error.strerror}.", returncode=2) from error
        except ServiceError as error:
            raise CommandError(error.message, returncode=2) from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(done)))
            return
        self.stdout.write(
            f"{path.name}: {done.rows:,} rows; {done.tasks:,} new gold tasks, {done.answers:,} new answers, "
            f"{done.changed:,} changed, {done.unchanged:,} unchanged."
        )

"""`manage.py import_gold ROUND FILE`: tasks with a known answer, for a round."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotation.models import Task
from annotation.round_names import round_named
from annotation.services.gold_sets import COLUMNS, REQUIRED, gold_import
from config.commands import Command as BaseCommand
from config.commands import opened


class Command(BaseCommand):
    help = (
        "Take known answers into a round as gold tasks. The same file again changes nothing. "
        f"Columns: {', '.join(COLUMNS)}; the first {len(REQUIRED)} are needed."
    )
    examples = ("import_gold support/pilot gold.csv", "import_gold support/pilot practice.csv --training")
    untouched = "Nothing was imported."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("round", metavar="ROUND", help="project/round, or the round's name where it is unique")
        parser.add_argument("file", metavar="FILE", type=Path, help="CSV, TSV, JSON Lines, JSON list or Parquet")

        parser.add_argument(
            "--training", action="store_true", help="as training tasks: shown first, and with feedback, not unseen"
        )

    def work(self, **options: Any) -> None:
        path: Path = options["file"]
        with opened(path) as stream:
            kind = Task.Kind.TRAINING if options["training"] else Task.Kind.GOLD
            done = gold_import(round=round_named(options["round"]), stream=stream, name=path.name, kind=kind)
        line = (
            f"{path.name}: {done.rows:,} rows; {done.tasks:,} new {kind} tasks, {done.answers:,} new answers, "
            f"{done.changed:,} changed, {done.unchanged:,} unchanged."
        )
        self.tell(asdict(done), [line])

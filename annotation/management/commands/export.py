"""`manage.py export ROUND --format csv,jsonl,parquet --out DIR`: a round as files for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotation.exporters.files import export_round, formats_of
from annotation.exporters.writers import WRITERS
from annotation.round_names import round_named
from config.commands import Command as BaseCommand


class Command(BaseCommand):
    help = "Write a round's ratings, judgments, items, outputs, automated scores and texts, and what they mean."
    examples = ("export support/pilot --format csv,parquet --out export",)
    untouched = "No file was written."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("round", metavar="ROUND", help="project/round, or the round's name where it is unique")
        parser.add_argument("--format", default="csv", help=f"any of {', '.join(WRITERS)}, with commas (default csv)")
        parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where to (default: here)")

    def work(self, **options: Any) -> None:
        formats = formats_of(options["format"], tuple(WRITERS))
        round_ = round_named(options["round"])
        files = export_round(round=round_, formats=formats, out=options["out"], progress=self.progress)
        self.tell(
            {"files": [str(path) for path in files]},
            [f"{path}: {path.stat().st_size:,} bytes" for path in files],
        )

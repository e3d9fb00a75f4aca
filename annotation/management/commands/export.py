"""`manage.py export ROUND --format csv,jsonl,parquet --out DIR`: a round as files for other tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.exporters.files import export_round, formats_of
from annotation.exporters.writers import WRITERS
from annotation.round_names import round_named
from projects.errors import ServiceError


class Command(BaseCommand):
    # All of them would load every page of the product, which takes longer than many a file.
    requires_system_checks = (Tags.compatibility,)
    help = "Write a round's ratings, judgments, items, outputs, automated scores and texts, and what they mean."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("round", metavar="ROUND", help="project/round, or the round's name where it is unique")
        parser.add_argument("--format", default="csv", help=f"any of {', '.join(WRITERS)}, with commas (default csv)")
        parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where to (default: here)")
        parser.add_argument("--json", action="store_true", help="print the list of files for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            formats = formats_of(options["format"], tuple(WRITERS))
            files = export_round(
                round=round_named(options["round"]),
                formats=formats,
                out=options["out"],
                progress=self._progress if self.stderr.isatty() else None,
            )
        except ServiceError as error:
            raise CommandError(error.message, returncode=2) from error
        if self.stderr.isatty():
            self.stderr.write("\r\033[K", ending="")
        if options["json"]:
            self.stdout.write(json.dumps({"files": [str(path) for path in files]}, ensure_ascii=False))
            return
        for path in files:
            self.stdout.write(f"{path}: {path.stat().st_size:,} bytes")

    def _progress(self, what: str, done: int, total: int | None) -> None:
        self.stderr.write(f"\r{what} ({done + 1} of {total})…\033[K", ending="")

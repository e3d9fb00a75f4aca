"""`manage.py report ROUND --out DIR`: build the report and write it as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics.models import Report
from analytics.report_file import report_html
from analytics.reports import body_json
from analytics.services import report_build
from annotation.exporters.files import formats_of, staged
from annotation.exporters.tables import RATINGS
from annotation.exporters.writers import write_csv
from annotation.round_names import round_named
from projects.errors import ServiceError

FORMATS = ("json", "html", "csv")
NAMES = {"json": "report.json", "html": "report.html", "csv": "ratings.csv"}
MAX_SEED = 2**31 - 1


class Command(BaseCommand):
    help = "Build a round's report and write report.json, report.html and the tidy ratings.csv."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = "Example: python manage.py report support/pilot --out reports --seed 7"
        parser.add_argument("round", metavar="ROUND", help="project/round, or the round's name where it is unique")
        parser.add_argument("--format", default=",".join(FORMATS), help=f"any of {', '.join(FORMATS)}, with commas")
        parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where to (default: here)")
        parser.add_argument("--seed", type=int, default=0, help="of everything that is resampled (default 0)")
        parser.add_argument("--json", action="store_true", help="print the outcome for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            formats = formats_of(options["format"], FORMATS)
            if not 0 <= options["seed"] <= MAX_SEED:
                raise ServiceError(f"The seed {options['seed']} is not accepted: a whole number from 0 to {MAX_SEED}.")
            round_ = round_named(options["round"])
            self._progress("Computing the report")
            report = report_build(round=round_, seed=options["seed"])
            self._progress("Writing files")
            files = self._write(report, formats, options["out"])
        except ServiceError as error:
            raise CommandError(error.message, returncode=2) from error
        self._progress("")
        self._tell(report, files, as_json=options["json"])

    def _write(self, report: Report, formats: list[str], out: Path) -> list[Path]:
        with staged(out) as folder:
            if "json" in formats:
                (folder / NAMES["json"]).write_text(body_json(report.body), encoding="utf-8")
            if "html" in formats:
                (folder / NAMES["html"]).write_text(report_html(report), encoding="utf-8")
            if "csv" in formats:
                write_csv(folder / NAMES["csv"], RATINGS, RATINGS.rows(report.round))
        return [out / NAMES[kind] for kind in formats]

    def _progress(self, what: str) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{what}{'…' if what else ''}\033[K", ending="")

    def _tell(self, report: Report, files: list[Path], *, as_json: bool) -> None:
        headline = report.body["answer"]["headline"]
        if as_json:
            outcome = {
                "report": report.number,
                "digest": report.digest,
                "data_digest": report.data_digest,
                "seed": report.seed,
                "headline": headline,
                "files": [str(path) for path in files],
            }
            self.stdout.write(json.dumps(outcome, ensure_ascii=False))
            return
        self.stdout.write(f"Report {report.number}: {headline}")
        for path in files:
            self.stdout.write(f"  {path}")

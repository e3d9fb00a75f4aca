"""`manage.py report ROUND --out DIR`: build the report and write it as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from analytics.models import Report
from analytics.report_forms import FORMS
from analytics.services import report_build
from annotation.exporters.files import formats_of
from annotation.exporters.tables import RATINGS
from annotation.exporters.writers import write_csv, write_parquet
from annotation.models import Round
from annotation.round_names import round_named
from config.commands import Command as BaseCommand
from config.commands import whole_number
from projects.staging import staged

FORMATS = ("json", "html", "pdf", "xlsx", "parquet", "csv")
DEFAULT = "json,html,csv"
# Beside the figures, the ratings they rest on.
RATINGS_FILES = {"csv": "ratings.csv", "parquet": "ratings.parquet"}
MAX_SEED = 2**31 - 1


class Command(BaseCommand):
    help = "Build a round's report and write it as files; csv and parquet are its figures and the tidy ratings."
    examples = ("report support/pilot --out report --seed 7", "report support/pilot --format pdf,xlsx --out report")
    untouched = "No report was stored, and no file was written."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("round", metavar="ROUND", help="project/round, or the round's name where it is unique")
        parser.add_argument(
            "--format", default=DEFAULT, help=f"any of {', '.join(FORMATS)}, with commas (default {DEFAULT})"
        )
        parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where to (default: here)")
        parser.add_argument(
            "--seed", type=whole_number(0, MAX_SEED), default=0, help="of everything that is resampled (default 0)"
        )
        parser.add_argument(
            "--final-answers", action="store_true", help="take reviewers' final answers where they gave one"
        )

    def work(self, **options: Any) -> None:
        formats = formats_of(options["format"], FORMATS)
        round_ = round_named(options["round"])
        out: Path = options["out"]
        report = self._build(round_, options, formats, out)
        files = [str(out / name) for name in _names(formats)]
        headline = report.body["answer"]["headline"]
        outcome = {
            "report": report.number,
            "digest": report.digest,
            "data_digest": report.data_digest,
            "seed": report.seed,
            "headline": headline,
            "files": files,
        }
        self.tell(outcome, [f"Report {report.number}: {headline}", *(f"  {path}" for path in files)])

    def _build(self, round_: Round, options: dict[str, Any], formats: list[str], out: Path) -> Report:
        """Stored and written, or neither: the report is stored once its files lie ready beside their places."""
        with staged(out, _names(formats)) as folder:
            # Long, and the same whatever the report says: before the transaction.
            for kind, write in (("csv", write_csv), ("parquet", write_parquet)):
                if kind in formats:
                    self.progress(f"Writing {RATINGS_FILES[kind]}")
                    write(folder / RATINGS_FILES[kind], RATINGS, RATINGS.rows(round_))

            def keep(report: Report) -> None:
                for kind in formats:
                    (folder / FORMS[kind].name).write_bytes(FORMS[kind].make(report))

            return report_build(
                round=round_,
                seed=options["seed"],
                final_answers=options["final_answers"],
                progress=self.progress,
                keep=keep,
            )


def _names(formats: list[str]) -> list[str]:
    return [name for kind in formats for name in (FORMS[kind].name, RATINGS_FILES.get(kind)) if name]

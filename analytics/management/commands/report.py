"""`manage.py report ROUND --out DIR`: build the report and write it as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from analytics.digests import body_json
from analytics.models import Report
from analytics.report_file import report_html
from analytics.report_table import figures_csv
from analytics.services import report_build
from annotation.exporters.files import formats_of
from annotation.exporters.tables import RATINGS
from annotation.exporters.writers import write_csv
from annotation.models import Round
from annotation.round_names import round_named
from config.commands import Command as BaseCommand
from config.commands import whole_number
from projects.staging import staged

FORMATS = ("json", "html", "csv")
RATINGS_CSV, FIGURES_CSV = "ratings.csv", "figures.csv"
NAMES = {"json": ["report.json"], "html": ["report.html"], "csv": [FIGURES_CSV, RATINGS_CSV]}
MAX_SEED = 2**31 - 1


class Command(BaseCommand):
    help = "Build a round's report and write report.json, report.html, figures.csv and the tidy ratings.csv."
    examples = ("report support/pilot --out report --seed 7",)
    untouched = "No report was stored, and no file was written."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("round", metavar="ROUND", help="project/round, or the round's name where it is unique")
        parser.add_argument("--format", default=",".join(FORMATS), help=f"any of {', '.join(FORMATS)}, with commas")
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
            if "csv" in formats:  # long, and the same whatever the report says: before the transaction
                self.progress(f"Writing {RATINGS_CSV}")
                write_csv(folder / RATINGS_CSV, RATINGS, RATINGS.rows(round_))

            def keep(report: Report) -> None:
                if "json" in formats:
                    (folder / "report.json").write_text(body_json(report.body), encoding="utf-8")
                if "html" in formats:
                    (folder / "report.html").write_text(report_html(report), encoding="utf-8")
                if "csv" in formats:
                    (folder / FIGURES_CSV).write_text(figures_csv(report.body), encoding="utf-8")

            return report_build(
                round=round_,
                seed=options["seed"],
                final_answers=options["final_answers"],
                progress=self.progress,
                keep=keep,
            )


def _names(formats: list[str]) -> list[str]:
    return [name for kind in formats for name in NAMES[kind]]

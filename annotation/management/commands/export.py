"""`manage.py export ROUND --format csv,jsonl,parquet,… --out DIR`: a round as tables, and as files of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotation.exporters.back.answers import Choice
from annotation.exporters.files import FORMATS, export_round, formats_of
from annotation.round_names import round_named
from config.commands import Command as BaseCommand


class Command(BaseCommand):
    help = "Write a round's ratings, judgments, items, outputs, automated scores and texts, and what they mean."
    examples = (
        "export support/pilot --format csv,parquet --out export",
        "export support/pilot --format promptfoo,dpo --final-answers --out export",
    )
    untouched = "No file was written."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("round", metavar="ROUND", help="project/round, or the round's name where it is unique")
        parser.add_argument("--format", default="csv", help=f"any of {', '.join(FORMATS)}, with commas (default csv)")
        parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where to (default: here)")

        parser.add_argument(
            "--final-answers",
            action="store_true",
            help="for other tools: a reviewer's final answer in place of the raters' own",
        )
        parser.add_argument("--texts", action="store_true", help="for other tools: what raters wrote, too")

    def work(self, **options: Any) -> None:
        formats = formats_of(options["format"], FORMATS)
        round_ = round_named(options["round"])
        choice = Choice(final_answers=options["final_answers"], texts=options["texts"])
        made = export_round(round=round_, formats=formats, out=options["out"], progress=self.progress, choice=choice)
        files = [str(path) for path in made.files]
        lines = [f"{path}: {path.stat().st_size:,} bytes" for path in made.files]
        for each in made.written:
            lines += [f"{each.format}: {count:,} left out. {why}." for why, count in each.left_out.items()]
        outcome: dict[str, Any] = {"files": files}
        if made.written:
            outcome["written"] = [each.to_dict() for each in made.written]
        self.tell(outcome, lines)

"""`manage.py import_export DIR`: a round from a folder that `export` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotation.exporters.reading import read_export
from annotation.services.rebuilding import export_import
from config.commands import Command as BaseCommand


class Command(BaseCommand):
    help = (
        "Rebuild project, rubric, round and judgments from a folder that `export` wrote. Raters come back as their "
        "pseudonyms, without accounts."
    )
    examples = ("import_export export",)
    untouched = "Nothing was imported."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path, help="the folder that `export --out DIR` wrote")

    def work(self, **options: Any) -> None:
        self.progress("Reading the export")
        made = export_import(export=read_export(options["folder"]), progress=self.progress)
        round_ = f"{made.round.project.slug}/{made.round.slug}"
        counts = {name: getattr(made, name) for name in ("items", "outputs", "tasks", "raters", "judgments", "ratings")}
        told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        lines = [f"{round_}: {told}."]
        if not made.round.project.memberships.exists():
            lines.append("The project has no members yet: `apply` with --lead names one.")
        self.tell({"round": round_, **counts}, lines)

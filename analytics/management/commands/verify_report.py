"""`manage.py verify_report FILE --ratings DIR`: does the report say what the exported ratings give?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotation.exporters.reading import read_export
from config.commands import Command as BaseCommand

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Recompute a report from the exported ratings, without the database, and say whether they are equal. "
        "Exit code 0: equal to 1e-9; 1: they differ; 2: the files cannot be used."
    )
    examples = ("verify_report report/report.json --ratings export",)
    untouched = "Nothing was compared."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="a report.json")
        parser.add_argument(
            "--ratings", type=Path, metavar="DIR", help="the folder that `export` wrote (default: where FILE lies)"
        )

    def work(self, **options: Any) -> None:
        from analytics.verification import OTHER_ROUND, differences, read_report  # the statistics take a second to load

        path: Path = options["file"]
        body = read_report(path)
        self.progress("Reading the export")
        export = read_export(options["ratings"] or path.parent)
        found = differences(body, export, self.progress)
        told = [
            {"place": each.place, "reported": _plain(each.reported), "recomputed": _plain(each.recomputed)}
            for each in found
        ]
        lines = [str(each) for each in found[:SHOWN]]
        if len(found) > SHOWN:
            lines.append(f"And {len(found) - SHOWN:,} more; --json lists all.")
        equal = "Equal: the ratings give every figure of the report."
        if OTHER_ROUND in body:
            lines.append("Not compared: the part against the round before, since the export holds one round.")
        lines.append(f"Different in {len(found):,} places." if found else equal)
        self.tell({"equal": not found, "differences": told}, lines)
        if found:
            sys.exit(1)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | list | dict | None) else None

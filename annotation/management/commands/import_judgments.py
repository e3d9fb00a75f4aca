"""`manage.py import_judgments ROUND FILE`: existing human judgments from CSV, JSON Lines or Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotation.round_names import round_named
from annotation.services.imported import ImportResult, judgments_import
from annotation.services.imported_rows import COLUMNS, REQUIRED
from annotation.services.imported_tools import ToolFile
from config.commands import Command as BaseCommand
from config.commands import opened
from projects.errors import ServiceError

SHOWN = 20  # skipped rows printed; --json gives all


class Command(BaseCommand):
    help = (
        "Import existing human judgments into a round. The same file again changes nothing. "
        f"Columns: {', '.join(COLUMNS)}; the first {len(REQUIRED)} are needed. A file of an evaluation tool gives "
        "the ratings that people made in it."
    )
    examples = (
        "import_judgments support/pilot ratings.csv",
        "import_judgments support/pilot traces.jsonl --system amber --criterion helpfulness=helpful",
    )
    untouched = "Nothing was imported."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("round", metavar="ROUND", help="project/round, or the round's name where it is unique")
        parser.add_argument(
            "file", metavar="FILE", type=Path, help="CSV, TSV, JSON Lines, JSON list, Parquet, or a tool's file"
        )
        parser.add_argument("--format", default="auto", help="auto (default), judgments, or a format of import_outputs")
        parser.add_argument("--system", default="", help="what answered, for a tool's file that does not name it")
        parser.add_argument(
            "--criterion", metavar="NAME=KEY", action="append", default=[],
            help="which criterion a tool's rating is; needed where they are not called the same",
        )  # fmt: skip

    def work(self, **options: Any) -> None:
        path: Path = options["file"]
        round_ = round_named(options["round"])
        with opened(path) as stream:
            result = judgments_import(
                round=round_, stream=stream, name=path.name, progress=self.progress, tool=_tool(options)
            )
        self.tell(result.to_dict(), _lines(path.name, result))


def _tool(options: dict[str, Any]) -> ToolFile:
    criteria = {}
    for each in options["criterion"]:
        name, equals, key = each.rpartition("=")
        if not equals or not name.strip() or not key.strip():
            raise ServiceError(f"“{each}” is not accepted by --criterion. Accepted: NAME=KEY, as helpfulness=helpful.")
        criteria[name.strip()] = key.strip()
    return ToolFile(options["format"], {"system": options["system"]} if options["system"] else {}, criteria)


def _lines(name: str, result: ImportResult) -> Iterator[str]:
    new = result.ratings or result.changed
    yield f"{name}: {result.rows:,} rows." + ("" if new else " Nothing new: all of it is here already.")
    yield (
        f"  judgments: {result.judgments:,} new; ratings: {result.ratings:,} new, "
        f"{result.changed:,} changed, {result.unchanged:,} unchanged"
    )
    counts = {kind: getattr(result, kind) for kind in ("items", "systems", "outputs", "tasks", "raters")}
    if any(counts.values()):
        yield f"  made: {', '.join(f'{count:,} {kind}' for kind, count in counts.items() if count)}"
    if result.skipped:
        yield f"  skipped: {len(result.skipped):,}"
    for each in result.skipped[:SHOWN]:
        yield f"    {each['where']}: {each['why']}"
    if len(result.skipped) > SHOWN:
        yield f"    and {len(result.skipped) - SHOWN:,} more; --json lists all."

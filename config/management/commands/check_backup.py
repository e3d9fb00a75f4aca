"""`manage.py check_backup FILE`: would this archive restore? It is read as a whole, and nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.backup.door import answered, progress_of, tell
from config.backup.services import backup_check


class Command(BaseCommand):
    help = "Check an archive: its digests, and that the database in it opens and has the rows it should."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = "Example: manage.py check_backup adjudge-20260105T090000Z.tar"
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--json", action="store_true", help="print the outcome for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        with answered("Stopped."):
            outcome = backup_check(path=options["file"], progress=progress_of(self))
        tell(self, outcome, "whole", as_json=options["json"])

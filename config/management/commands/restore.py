"""`manage.py restore FILE`: an archive put in place of the present database and files, or nothing changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.backup.door import answered, progress_of, tell
from config.backup.services import backup_restore


class Command(BaseCommand):
    help = "Restore an archive of the same kind of database. Stop web and worker first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = "Example: manage.py restore adjudge-20260105T090000Z.tar"
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--overwrite", action="store_true", help="replace a database or files that are not empty")
        parser.add_argument("--json", action="store_true", help="print the outcome for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        with answered("Stopped. Nothing was changed."):
            outcome = backup_restore(path=options["file"], overwrite=options["overwrite"], progress=progress_of(self))
        tell(self, outcome, "restored, and rows and audit chains are as they were", as_json=options["json"])

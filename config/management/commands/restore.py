"""`manage.py restore FILE`: an archive put in place of the present database and files, or nothing changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from config.backup.door import lines, plain
from config.backup.services import backup_restore
from config.commands import Command as BaseCommand


class Command(BaseCommand):
    help = "Restore an archive of the same kind of database. Stop web and worker first."
    examples = ("restore adjudge-20260105T090000Z.tar",)
    untouched = "Nothing was changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="an archive that backup wrote")
        parser.add_argument("--overwrite", action="store_true", help="replace a database or files that are not empty")

    def work(self, **options: Any) -> None:
        outcome = backup_restore(path=options["file"], overwrite=options["overwrite"], progress=self.progress)
        self.tell(plain(outcome), lines(outcome, "restored, and rows and audit chains are as they were"))

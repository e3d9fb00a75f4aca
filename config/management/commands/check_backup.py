"""`manage.py check_backup FILE`: would this archive restore? It is read as a whole, and nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from config.backup.door import lines, plain
from config.backup.services import backup_check
from config.commands import Command as BaseCommand


class Command(BaseCommand):
    help = "Check an archive: its digests, and that the database in it opens and has the rows it should."
    examples = ("check_backup adjudge-20260105T090000Z.tar",)
    untouched = "Nothing was changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="an archive that backup wrote")

    def work(self, **options: Any) -> None:
        outcome = backup_check(path=options["file"], progress=self.progress)
        self.tell(plain(outcome), lines(outcome, "whole"))

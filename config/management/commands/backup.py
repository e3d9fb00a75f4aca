"""`manage.py backup FILE`: the database and its files as one archive, while people go on working."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from config.backup.door import lines, plain
from config.backup.services import backup_create
from config.commands import Command as BaseCommand


class Command(BaseCommand):
    help = "Write the database and its files to one archive. Nothing has to be stopped for it."
    examples = ("backup /srv/backups",)
    untouched = "There is no archive."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="a new file, or a folder for one named by the time")

    def work(self, **options: Any) -> None:
        outcome = backup_create(target=options["file"], progress=self.progress)
        self.tell(plain(outcome), lines(outcome, "written"))

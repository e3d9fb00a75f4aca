"""`manage.py backup FILE`: the database and its files as one archive, while people go on working."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.backup.door import answered, progress_of, tell
from config.backup.services import backup_create


class Command(BaseCommand):
    help = "Write the database and its files to one archive. Nothing has to be stopped for it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = "Example: manage.py backup /srv/backups"
        parser.add_argument("file", metavar="FILE", type=Path, help="a new file, or a folder for one named by the time")
        parser.add_argument("--json", action="store_true", help="print the outcome for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        with answered("Stopped. There is no archive."):
            outcome = backup_create(target=options["file"], progress=progress_of(self))
        tell(self, outcome, "written", as_json=options["json"])

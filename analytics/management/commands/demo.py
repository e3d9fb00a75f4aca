from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from accounts.models import User
from analytics.demo.load import Login, load
from projects.models import Project


class Command(BaseCommand):
    help = "Load the built-in demonstration study and print who can log in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = "Example: python manage.py demo"
        parser.add_argument("--if-empty", action="store_true", help="do nothing where there are people already")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            self.stderr.write(
                "The demo makes accounts with passwords shown on a terminal, so it is refused with "
                "ADJUDGE_ENV=production. Run it on a machine of your own."
            )
            raise SystemExit(2)
        if options["if_empty"] and User.objects.exists():
            return
        if Project.objects.filter(slug="brambleway").exists():
            self.stderr.write("The demonstration study is here already. Its log-ins are in demo-logins.txt.")
            raise SystemExit(2)
        with transaction.atomic():
            logins = load(self._progress)
            self._keep(logins)
        for login in logins:
            self.stdout.write(f"{login.role:9} {login.email:24} {login.password}")

    def _progress(self, what: str) -> None:
        # Beside the log-ins, which are the result: `make run` prints those at its end and this as it goes.
        self.stderr.write(f"    {what}", style_func=str)
        self.stderr.flush()

    def _keep(self, logins: list[Login]) -> None:
        """For this machine's account only: a second start prints them again."""
        path = settings.DATA_DIR / "demo-logins.txt"
        lines = [f"{login.role:9} {login.email:24} {login.password}\n" for login in logins]
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.writelines(lines)

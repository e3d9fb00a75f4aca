from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.db import transaction

from accounts.models import User
from analytics.demo.load import Login, load
from config.commands import Command as BaseCommand
from config.stopping import point_of_no_return
from projects.errors import ServiceError
from projects.models import Project


class Command(BaseCommand):
    help = "Load the built-in demonstration study and print who can log in."
    examples = ("demo",)
    untouched = "Nothing of the demonstration study was kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing where there are people already")

    def work(self, **options: Any) -> None:
        if settings.PRODUCTION:
            raise ServiceError(
                "The demo makes accounts with passwords shown on a terminal, so it is refused with "
                "ADJUDGE_ENV=production. Run it on a machine of your own."
            )
        if options["if_empty"] and User.objects.exists():
            self.tell({"logins": []}, [])
            return
        if Project.objects.filter(slug="brambleway").exists():
            raise ServiceError("The demonstration study is here already. Its log-ins are in demo-logins.txt.")
        with transaction.atomic():
            logins = load(lambda what: self.progress(f"Loading {what}"))
            point_of_no_return()
            self._keep(logins)
        self.tell(
            {"logins": [{"role": each.role, "email": each.email, "password": each.password} for each in logins]},
            [f"{each.role:9} {each.email:24} {each.password}" for each in logins],
        )

    def _keep(self, logins: list[Login]) -> None:
        """For this machine's account only: a second start prints them again."""
        path = settings.DATA_DIR / "demo-logins.txt"
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        with open(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.writelines(f"{each.role:9} {each.email:24} {each.password}\n" for each in logins)
        new.replace(path)

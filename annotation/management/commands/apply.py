from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser

from accounts.models import User
from annotation.services.study import study_apply
from projects.errors import ServiceError
from projects.located import load


class Command(BaseCommand):
    help = "Make or update project, rubric, systems, metrics and round from one study file."
    epilog = "Example: python manage.py apply study.yaml --dry-run"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = self.epilog
        parser.add_argument("study", metavar="STUDY.yaml", help="the study file")
        parser.add_argument("--lead", metavar="EMAIL", help="who leads the project, so that it shows in the browser")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(options["study"])
        try:
            source = load(path.read_bytes(), path.name)
            lead = self._lead(options["lead"])
            applied = study_apply(source=source, actor=lead, lead=lead, dry_run=options["dry_run"])
        except OSError as error:
            self._refuse(f"{path}: this file cannot be read: {error.strerror}.")
        except ServiceError as error:
            self._refuse(error.message)
        if options["json"]:
            outcome = {
                "project": applied.project,
                "round": applied.round,
                "rubric_version": applied.rubric_version,
                "changes": applied.changes,
                "notes": applied.notes,
                "dry_run": options["dry_run"],
            }
            self.stdout.write(json.dumps(outcome, ensure_ascii=False))
            return
        for line in applied.changes or ["Nothing to change: everything stands as the file says."]:
            self.stdout.write(("would be: " if options["dry_run"] and applied.changes else "") + line)
        for note in applied.notes:
            self.stderr.write(note)

    def _lead(self, email: str | None) -> User | None:
        if not email:
            return None
        user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
        if user is None:
            self._refuse(f"{email}: nobody has an account with this address. Make one with create_lead.")
        return user

    def _refuse(self, message: str) -> NoReturn:
        self.stderr.write(self.style.ERROR(message))
        raise SystemExit(2)

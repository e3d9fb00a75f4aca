"""`manage.py apply STUDY.yaml`: project, rubric, systems, metrics and round from one study file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import User
from annotation.services.study import study_apply
from annotation.services.study_round import Applied
from config.commands import Command as BaseCommand
from config.commands import opened
from projects.errors import ServiceError
from projects.located import load


class Command(BaseCommand):
    help = "Make or update project, rubric, systems, metrics and round from one study file."
    examples = ("apply study.yaml --dry-run",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", metavar="STUDY.yaml", type=Path, help="the study file")
        parser.add_argument("--lead", metavar="EMAIL", help="who leads the project, so that it shows in the browser")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")

    def work(self, **options: Any) -> None:
        path, dry_run = options["study"], options["dry_run"]
        self.progress(f"Applying {path.name}")
        with opened(path) as file:
            source = load(file.read(), path.name)
        lead = _lead(options["lead"])
        applied = study_apply(source=source, actor=lead, lead=lead, dry_run=dry_run, progress=self.progress)
        outcome = {
            "project": applied.project,
            "round": applied.round,
            "rubric_version": applied.rubric_version,
            "changes": applied.changes,
            "notes": applied.notes,
            "dry_run": dry_run,
        }
        self.tell(outcome, _lines(applied, dry_run=dry_run))
        if not options["json"]:
            for note in applied.notes:
                self.stderr.write(note)


def _lines(applied: Applied, *, dry_run: bool) -> Iterator[str]:
    if not applied.changes:
        yield "Nothing to change: everything stands as the file says."
    for change in applied.changes:
        yield f"would be: {change}" if dry_run else change


def _lead(email: str | None) -> User | None:
    if not email:
        return None
    user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    if user is None:
        raise ServiceError(f"{email}: nobody has an account with this address. Make one with create_lead.")
    return user

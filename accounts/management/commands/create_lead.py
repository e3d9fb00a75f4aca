"""The first person on a fresh install: somebody who may make projects and invite the others."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from django.contrib.auth import password_validation
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.models import User
from accounts.services import AccountError, user_create


def password_from(path: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: the password file cannot be read ({error}).", returncode=2) from error
    password = text.rstrip("\r\n")
    if not password or "\n" in password:
        raise CommandError(f"{path}: the password file must hold the password on one line.", returncode=2)
    return password


class Command(BaseCommand):
    help = "Make an account that may make projects. Prints a password made for it, unless a file gives one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="", help="The person's name.")
        parser.add_argument("--password-file", help="Read the password from this file instead of making one.")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        given = options["password_file"]
        password = password_from(given) if given else secrets.token_urlsafe(15)
        try:
            person = User(email=options["email"], name=options["name"])
            password_validation.validate_password(password, person)
            user = user_create(email=options["email"], name=options["name"], password=password, email_verified=True)
        except ValidationError as error:
            raise CommandError(f"The password is refused: {' '.join(error.messages)}", returncode=2) from error
        except AccountError as error:
            raise CommandError(error.message, returncode=2) from error
        user.user_permissions.add(Permission.objects.get(content_type__app_label="projects", codename="add_project"))
        self.stdout.write(f"{user.email} may log in and make projects.")
        if not given:
            self.stdout.write(f"Password: {password}")
            self.stdout.write("It is shown this once. Change it after the first log-in, under “Password”.")

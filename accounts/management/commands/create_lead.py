"""The first person on a fresh install: somebody who may make projects and invite the others."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from django.contrib.auth import password_validation
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.db import transaction

from accounts.models import User
from accounts.services import AccountError, user_create
from config.commands import Command as BaseCommand
from config.stopping import point_of_no_return


def password_from(path: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise AccountError(f"{path}: the password file cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise AccountError(f"{path}: the password file cannot be read, for it is not UTF-8 text.") from error
    password = text.rstrip("\r\n")
    if not password or "\n" in password:
        raise AccountError(f"{path}: the password file must hold the password on one line.")
    return password


class Command(BaseCommand):
    help = "Make an account that may make projects. Prints a password made for it, unless a file gives one."
    examples = ('create_lead ines@example.org --name "Ines Okafor"',)
    untouched = "No account was made."
    must_be_told = True  # the password is shown this once

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL", help="the address the person logs in with")
        parser.add_argument("--name", default="", help="the person's name")
        parser.add_argument("--password-file", metavar="FILE", help="read the password from this file, of one line")

    @transaction.atomic
    def work(self, **options: Any) -> None:
        given = options["password_file"]
        password = password_from(given) if given else secrets.token_urlsafe(15)
        user = _make(options["email"], options["name"], password)
        point_of_no_return()
        lines = [f"{user.email} may log in and make projects."]
        if not given:
            lines.append(f"Password: {password}")
            lines.append("It is shown this once. Change it after the first log-in, under “Password”.")
        self.tell({"email": user.email, "name": user.name, "password": None if given else password}, lines)


def _make(email: str, name: str, password: str) -> User:
    try:
        password_validation.validate_password(password, User(email=email, name=name))
    except ValidationError as error:
        raise AccountError(f"The password is refused: {' '.join(error.messages)}") from error
    user = user_create(email=email, name=name, password=password, email_verified=True)
    user.user_permissions.add(Permission.objects.get(content_type__app_label="projects", codename="add_project"))
    return user

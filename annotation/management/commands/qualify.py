"""`manage.py qualify PROJECT EMAIL`: what a member may judge."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from annotation.services.eligibility import member_qualify
from config.commands import Command as BaseCommand
from config.stopping import point_of_no_return
from projects.errors import ServiceError
from projects.models import Membership


class Command(BaseCommand):
    help = (
        "Note which qualifications a member of a project has and which languages they read: rounds ask for them. "
        "What is not named stays as it is; an empty text takes all away."
    )
    examples = ("qualify support ines@example.org --qualifications expert,medicine --languages de,en",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="the project's short name")
        parser.add_argument("email", metavar="EMAIL", help="the member's address")
        parser.add_argument("--qualifications", metavar="LIST", help="with commas between, such as expert,medicine")
        parser.add_argument("--languages", metavar="LIST", help="with commas between, such as de,en")

    def work(self, **options: Any) -> None:
        found = Membership.objects.select_related("project", "user").filter(project__slug=options["project"])
        membership = found.filter(user__email=options["email"].strip().lower()).first()
        if membership is None:
            raise ServiceError(f"“{options['email']}” is not a member of a project “{options['project']}”.")
        given = {key: options[key].split(",") for key in ("qualifications", "languages") if options[key] is not None}
        known = {"qualifications": membership.qualifications, "languages": membership.languages}
        with transaction.atomic():
            done = member_qualify(membership=membership, **{**known, **given}, actor=None)
            point_of_no_return()
        self.tell(
            {"member": membership.user.email, "qualifications": done.qualifications, "languages": done.languages},
            [
                f"{membership.user.email}: qualifications {', '.join(done.qualifications) or 'none'}; "
                f"languages {', '.join(done.languages) or 'none'}."
            ],
        )

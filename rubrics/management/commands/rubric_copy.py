"""`manage.py rubric_copy PROJECT/RUBRIC[@VERSION] TO`: a draft in another project that asks the same."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from config.commands import Command as BaseCommand
from config.stopping import point_of_no_return
from projects.errors import ServiceError
from rubrics.services import rubric_copy, rubric_share
from rubrics.version_names import project_named, version_named


class Command(BaseCommand):
    help = "Copy a published rubric into another project, as a draft, without what may quote the first one."
    examples = ("rubric_copy support/answer-quality billing", "rubric_copy support/answer-quality --share")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("rubric", metavar="RUBRIC", help="project/rubric, or project/rubric@version")
        parser.add_argument("project", metavar="PROJECT", nargs="?", help="the project it is copied into")
        parser.add_argument(
            "--share", action="store_true", help="publish the copy for all projects of the site instead"
        )
        parser.add_argument(
            "--with-examples", action="store_true", help="take examples, guidance and description along as well"
        )

    def work(self, **options: Any) -> None:
        if bool(options["project"]) == options["share"]:
            raise ServiceError("Name the project it is copied into, or ask to --share it with all of them.")
        version = version_named(options["rubric"])
        if not version.is_frozen:
            raise ServiceError(f"{options['rubric']} is a draft and may still change. Publish it, then copy it.")
        if options["share"]:
            with transaction.atomic():
                shared = rubric_share(version=version, actor=None, with_examples=options["with_examples"])
                point_of_no_return()
            where = f"shared/{shared.rubric.slug}@{shared.number}"
            self.tell({"shared": where, "with_examples": options["with_examples"]}, [f"{where}: published for all."])
            return
        project = project_named(options["project"])
        with transaction.atomic():
            made = rubric_copy(version=version, project=project, actor=None, with_examples=options["with_examples"])
            point_of_no_return()
        where = f"{project.slug}/{made.rubric.slug}@{made.number}"
        self.tell({"draft": where, "with_examples": options["with_examples"]}, [f"{where}: a draft."])

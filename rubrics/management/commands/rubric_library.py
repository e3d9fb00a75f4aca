"""`manage.py rubric_library [NAME]`: the rubrics to start from; one of them as a file, or as a draft in a project."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from config.commands import Command as BaseCommand
from config.stopping import point_of_no_return
from projects.errors import ServiceError
from rubrics.library import Entry, entries, entry_named
from rubrics.services import rubric_start
from rubrics.version_names import project_named


class Command(BaseCommand):
    help = "List the rubrics of the library, print one as YAML, or make a draft of it in a project."
    examples = ("rubric_library", "rubric_library factual-accuracy", "rubric_library coherence --start support")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", nargs="?", help="one of the library; all are listed without it")
        parser.add_argument("--start", metavar="PROJECT", help="make a draft of it in this project")

    def work(self, **options: Any) -> None:
        if options["name"] is None:
            if options["start"]:
                raise ServiceError("Name the rubric of the library that is to be started in the project.")
            listed = [_values(entry) for entry in entries()]
            self.tell({"rubrics": listed}, [f"{e.name:26} {e.rubric.description}" for e in entries()])
            return
        entry = entry_named(options["name"])
        if not options["start"]:
            self.tell({"rubrics": [_values(entry)], "text": entry.text}, [entry.text.rstrip()])
            return
        project = project_named(options["start"])
        with transaction.atomic():
            version = rubric_start(project=project, spec=entry.rubric, actor=None)
            point_of_no_return()
        where = f"{project.slug}/{version.rubric.slug}@{version.number}"
        self.tell({"rubrics": [_values(entry)], "draft": where}, [f"{where}: a draft of “{entry.title}”."])


def _values(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "title": entry.title,
        "description": entry.rubric.description,
        "for": entry.purpose,
        "not_for": entry.not_for,
        "measurement": entry.measurement,
        "pitfalls": list(entry.pitfalls),
        "agreement": [{"figure": p.figure, "source": p.source} for p in entry.agreement],
        "criteria": [c.key for c in entry.rubric.criteria],
    }

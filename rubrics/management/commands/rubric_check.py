"""`manage.py rubric_check FILE…`: what often goes wrong in a rubric, by line, with the reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from config.commands import Command as BaseCommand
from config.commands import opened
from projects.errors import ServiceError
from projects.templatetags.numbers import times
from rubrics.json_schema import rubric_schema
from rubrics.rubric_files import Checked, rubric_check


class Command(BaseCommand):
    help = "Read a rubric's file strictly and say what often goes wrong: where, what and why."
    examples = ("rubric_check rubric.yaml", "rubric_check --schema")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", metavar="FILE", nargs="*", type=Path, help="a rubric, or a study file with one")
        parser.add_argument("--schema", action="store_true", help="print the JSON Schema of a rubric's file instead")

    def work(self, **options: Any) -> None:
        if options["schema"]:
            self.tell(rubric_schema(), [json.dumps(rubric_schema(), indent=2, ensure_ascii=False)])
            return
        if not options["files"]:
            raise ServiceError("Name at least one file, or ask for the --schema.")
        checked: dict[str, Checked] = {}
        for path in options["files"]:
            self.progress(f"Checking {path.name}")
            with opened(path) as file:
                checked[str(path)] = rubric_check(file.read(), path.name)
        n = sum(len(each.findings) for each in checked.values())
        self.tell({"files": [_as_values(name, each) for name, each in checked.items()], "findings": n}, _lines(checked))
        if n:
            raise CommandError(f"{n} {'thing is' if n == 1 else 'things are'} worth another look.", returncode=1)


def _as_values(name: str, checked: Checked) -> dict[str, Any]:
    found = [
        {
            "code": placed.finding.code,
            "criterion": placed.finding.criterion,
            "place": placed.finding.place,
            "line": placed.line,
            "column": placed.column,
            "sentence": placed.finding.sentence,
            "why": placed.finding.why,
        }
        for placed in checked.findings
    ]
    return {"file": name, "rubric": checked.spec.name, "criteria": len(checked.spec.criteria), "findings": found}


def _lines(checked: dict[str, Checked]) -> Iterator[str]:
    for name, each in checked.items():
        for placed in each.findings:
            found = placed.finding
            yield f"{name}, line {placed.line}, column {placed.column}: {found.sentence} {found.why} ({found.code})"
        if not each.findings:
            yield f"{name}: {each.spec.name}, {times(len(each.spec.criteria), 'criterion,criteria')}, nothing to mend."

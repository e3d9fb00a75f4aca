"""`manage.py run_checks PROJECT --check valid_json …`: built-in checks over a project's outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import CommandParser

from config.commands import Command as BaseCommand
from config.commands import opened
from projects.checks import CHECKS
from projects.errors import ServiceError
from projects.models import Project, System
from projects.services.checking import checks_run, wanted_from

_MAX_FILE = 1 << 20


class Command(BaseCommand):
    help = "Check a project's outputs without a model: valid JSON, patterns, length, overlap with references, and more."
    examples = (
        "run_checks support --check valid_json --check rouge",
        """run_checks support --check 'has_pattern:{"pattern": "order [0-9]+"}' --systems amber,basalt""",
    )
    untouched = "No score was written."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="the project's short name, as in its address")
        parser.add_argument("--check", action="append", default=[], metavar="CHECK",
            help=f"one of {', '.join(CHECKS)}; with options as JSON after a colon; several times for several"
        )  # fmt: skip
        parser.add_argument("--checks", type=Path, metavar="FILE", help="a YAML list of checks: check, name, options")
        parser.add_argument("--systems", default="", help="outputs of these systems only, with commas (default: all)")

    def work(self, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise ServiceError(f"There is no project “{options['project']}”.")
        asked = [_asked(each) for each in options["check"]]
        if options["checks"]:
            asked += _of_file(options["checks"])
        wanted = wanted_from(asked)
        systems = _systems(project, options["systems"])
        outcome = checks_run(project=project, checks=wanted, systems=systems, progress=self.progress)
        told = {"metrics": [each.metric for each in wanted], **outcome.to_dict()}
        lines = [
            f"{outcome.outputs:,} outputs, {len(wanted)} checks: {outcome.scores:,} scores, "
            f"{outcome.missing:,} with a reason for none, {outcome.unchanged:,} unchanged."
        ]
        self.tell(told, lines)


def _asked(text: str) -> Any:
    key, colon, options = text.partition(":")
    if not colon:
        return key
    try:
        return {"check": key, "options": json.loads(options)}
    except ValueError:
        raise ServiceError(f"The options of {key} are not JSON: {options[:80]}") from None


def _of_file(path: Path) -> list[Any]:
    try:
        with opened(path) as file:
            content = file.read(_MAX_FILE + 1)
        found = yaml.safe_load(content) if len(content) <= _MAX_FILE else None
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise ServiceError(f"{path} cannot be read as YAML: {str(error).splitlines()[0]}.") from None
    if not isinstance(found, list):
        raise ServiceError(f"{path} is not a list of checks.")
    return found


def _systems(project: Project, names: str) -> list[int]:
    known = {system.label: system.pk for system in System.objects.filter(project=project)}
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in known]:
        raise ServiceError(f"There is no system “{unknown[0]}”. Systems: {', '.join(known) or 'none'}.")
    return [known[name] for name in wanted]

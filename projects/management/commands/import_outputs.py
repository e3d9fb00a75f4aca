"""`manage.py import_outputs PROJECT FILE…`: items, systems, outputs, automated scores."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from config.commands import Command as BaseCommand
from config.commands import opened
from projects.errors import ServiceError
from projects.importers import IMPORTERS
from projects.models import Project
from projects.services.import_plan import KINDS
from projects.services.importing import Folder, ImportResult, Upload, import_files

SHOWN = 20  # problems printed per file; --json gives all


class Command(BaseCommand):
    help = "Import items, systems, outputs and automated scores. The same file again changes nothing."
    examples = (
        "import_outputs support outputs.csv --create",
        "import_outputs support benchmark_output/runs/today",
    )
    untouched = "Nothing was imported."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="the project's short name, as in its address")
        parser.add_argument("files", metavar="FILE", nargs="+", type=Path,
            help="one file or several, all or none; a folder or a ZIP archive is imported as one"
        )  # fmt: skip
        parser.add_argument("--format", default="auto", help=f"auto (default), {', '.join(IMPORTERS)}")
        parser.add_argument("--system", default="", help="what answered, for files that do not name it")
        parser.add_argument("--system-b", default="", help="the second system, for pairs that name neither")
        parser.add_argument("--mapping", default="", metavar="NAME",
            help="read the columns as this mapping says, which was saved in the project"
        )  # fmt: skip
        parser.add_argument("--create", action="store_true", help="make the project if there is none of this name")

    def work(self, **options: Any) -> None:
        project = _project(options["project"], create=options["create"])
        with ExitStack() as stack:
            names = _names(options["files"])
            uploads = [
                Folder(path) if path.is_dir() else Upload(stack.enter_context(opened(path)), name)
                for path, name in zip(options["files"], names, strict=True)
            ]
            results = import_files(
                project=project,
                uploads=uploads,
                format=options["format"],
                options={key: options[key] for key in ("system", "system_b") if options[key]},
                mapping=options["mapping"],
                progress=self.progress,
            )
        self.tell(_together(results), [line for result in results for line in _lines(result)])


def _names(paths: list[Path]) -> list[str]:
    """The files' names; where two have the same, with the folders that tell them apart."""
    names = [path.name for path in paths]
    if len(set(names)) == len(names):
        return names
    full = [path.absolute() for path in paths]
    shared = Path(os.path.commonpath([path.parent for path in full]))
    return [path.relative_to(shared).as_posix() for path in full]


def _project(slug: str, *, create: bool) -> Project:
    project = Project.objects.filter(slug=slug).first()
    if project is not None:
        return project
    if not create:
        raise ServiceError(
            f"There is no project “{slug}”. Make it with manage.py apply STUDY.yaml, or add --create "
            "to make it in this import."
        )
    if not re.fullmatch(r"[-a-zA-Z0-9_]{1,100}", slug):
        raise ServiceError(
            f"“{slug}” cannot name a project. Accepted: 1 to 100 letters a to z, digits, hyphens and underscores."
        )
    return Project(slug=slug, name=slug)


def _lines(result: ImportResult) -> Iterator[str]:
    yield f"{result.file_name}: read as {IMPORTERS[result.format].title}."
    if result.batch is None:
        yield "  Nothing new: all of it is in the project already."
    for kind in KINDS:
        count, new, changed = result.counts[kind], result.new[kind], result.changed[kind]
        if count:
            yield f"  {kind}: {count:,} ({new:,} new, {changed:,} changed)"
    for word, problems in (("left out", result.skipped), ("notes", result.notes)):
        if problems:
            yield f"  {word}: {len(problems):,}"
        for each in problems[:SHOWN]:
            yield f"    {each}"
        if len(problems) > SHOWN:
            yield f"    and {len(problems) - SHOWN:,} more; --json lists all."


def _together(results: list[ImportResult]) -> dict[str, Any]:
    """One object: the counts of all the files together, and each file's own under `files`."""
    each = [{"file": result.file_name, **result.to_dict()} for result in results]
    if len(results) == 1:
        return each[0]
    formats = list(dict.fromkeys(result.format for result in results))
    return {
        "format": formats[0] if len(formats) == 1 else "several",
        **{kind: sum(result.counts[kind] for result in results) for kind in KINDS},
        **{
            key: {kind: sum(getattr(result, key)[kind] for result in results) for kind in KINDS}
            for key in ("new", "changed")
        },
        "skipped": [problem for found in each for problem in found["skipped"]],
        "notes": [problem for found in each for problem in found["notes"]],
        "files": each,
    }

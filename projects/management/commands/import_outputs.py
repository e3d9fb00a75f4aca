"""`manage.py import_outputs PROJECT FILE…`: items, systems, outputs, automated scores."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from projects.errors import ServiceError
from projects.importers import IMPORTERS
from projects.models import Project
from projects.services.import_plan import KINDS
from projects.services.importing import ImportResult, Upload, import_files

SHOWN = 20  # problems printed per file; --json gives all


class Command(BaseCommand):
    help = "Import items, systems, outputs and automated scores. The same file again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="the project's short name, as in its address")
        parser.add_argument("files", metavar="FILE", nargs="+", type=Path)
        parser.add_argument("--format", default="auto", help=f"auto (default), {', '.join(IMPORTERS)}")
        parser.add_argument("--system", default="", help="what answered, for files that do not name it")
        parser.add_argument("--json", action="store_true", help="print counts and problems for machines")
        parser.add_argument("--create", action="store_true", help="make the project if there is none of this name")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            project = self._project(options["project"], create=options["create"])
            with ExitStack() as stack:
                uploads = [_open(stack, path) for path in options["files"]]
                results = import_files(
                    project=project,
                    uploads=uploads,
                    format=options["format"],
                    options={"system": options["system"]} if options["system"] else None,
                    progress=self._progress if self.stderr.isatty() else None,
                )
        except ServiceError as error:
            raise CommandError(error.message, returncode=2) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped. Nothing was imported.", returncode=130) from error
        if options["json"]:
            self.stdout.write(json.dumps(_together(results), ensure_ascii=False, indent=2))
        else:
            for result in results:
                self._tell(result)

    def _project(self, slug: str, *, create: bool) -> Project:
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

    def _progress(self, what: str, done: int, total: int | None) -> None:
        """One line that overwrites itself; only for a terminal."""
        of = f" of {total:,}" if total else ""
        line = "" if what == "Writing" and done == total else f"{what} {done:,}{of}…"
        self.stderr.write(f"\r{line}\033[K", str, ending="")  # str: not in the red of errors
        self.stderr.flush()

    def _tell(self, result: ImportResult) -> None:
        self.stdout.write(f"{result.file_name}: read as {IMPORTERS[result.format].title}.")
        if result.batch is None:
            self.stdout.write("  Nothing new: all of it is in the project already.")
        for kind in KINDS:
            count, new, changed = result.counts[kind], result.new[kind], result.changed[kind]
            if count:
                self.stdout.write(f"  {kind}: {count:,} ({new:,} new, {changed:,} changed)")
        for word, problems in (("left out", result.skipped), ("notes", result.notes)):
            if problems:
                self.stdout.write(f"  {word}: {len(problems):,}")
            for each in problems[:SHOWN]:
                self.stdout.write(f"    {each}")
            if len(problems) > SHOWN:
                self.stdout.write(f"    and {len(problems) - SHOWN:,} more; --json lists all.")


def _open(stack: ExitStack, path: Path) -> Upload:
    if not path.is_file():
        raise ServiceError(f"{path}: there is no such file.")
    try:
        return Upload(stack.enter_context(path.open("rb")), path.name)
    except OSError as error:
        raise ServiceError(f"{path}: the file cannot be opened: {error.strerror}.") from error


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

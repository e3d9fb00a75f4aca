"""`manage.py rubric_export PROJECT/RUBRIC[@VERSION]`: a version as YAML, as a judge prompt, for eval tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from config.commands import Command as BaseCommand
from projects.errors import ServiceError
from projects.staging import staged
from rubrics.judge_prompts import FORMS, written
from rubrics.models import RubricVersion
from rubrics.selectors import spec_of
from rubrics.version_names import version_named
from rubrics.yaml_form import yaml_of

ACCEPTED = ("yaml", *FORMS)


class Command(BaseCommand):
    help = "Write a published rubric as YAML, as the prompt of an LLM judge with its answer schema, or for eval tools."
    examples = ("rubric_export support/answer-quality --form prompt,schema --out judge",)
    untouched = "No file was written."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("rubric", metavar="RUBRIC", help="project/rubric, or project/rubric@version")
        parser.add_argument(
            "--form", default="prompt,schema", help=f"any of {', '.join(ACCEPTED)}, with commas (default prompt,schema)"
        )
        parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where to (default: here)")

    def work(self, **options: Any) -> None:
        version = version_named(options["rubric"])
        if not version.is_frozen:
            raise ServiceError(f"{options['rubric']} is a draft and may still change. Publish it, then export it.")
        files = _files(version, [form.strip() for form in options["form"].split(",")])
        with staged(options["out"], files) as folder:
            for name, text in files.items():
                (folder / name).write_text(text, encoding="utf-8")
        paths = [options["out"] / name for name in files]
        self.tell({"files": [str(path) for path in paths]}, [str(path) for path in paths])


def _files(version: RubricVersion, forms: list[str]) -> dict[str, str]:
    """Every text is made before the first file is written."""
    spec = spec_of(version)
    base = f"{version.rubric.slug}-v{version.number}"
    files = {}
    for form in forms:
        if form == "yaml":
            files[f"{base}.yaml"] = yaml_of(spec)
        elif form in FORMS:
            files[f"{base}.{FORMS[form].suffix}"] = written(spec, form)
        else:
            raise ServiceError(f"“{form}” is not a form of a rubric. Accepted: {', '.join(ACCEPTED)}.")
    return files

"""`manage.py import_judge_answers RUBRIC FILE`: what an LLM judge answered to an exported judge prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from config.commands import Command as BaseCommand
from config.commands import opened
from projects.errors import ServiceError
from rubrics.judge_import import judge_answers_import
from rubrics.version_names import project_named, version_named

SHOWN = 20


class Command(BaseCommand):
    help = "Import a judge's answers to an exported judge prompt as automated scores of the same criteria."
    examples = ("import_judge_answers support/answer-quality@2 answers.jsonl --judge big-model",)
    untouched = "Nothing was imported."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("rubric", metavar="RUBRIC", help="project/rubric, or project/rubric@version")
        parser.add_argument(
            "file", metavar="FILE", type=Path, help="answers as JSON Lines, promptfoo results, Inspect log"
        )
        parser.add_argument("--project", default="", help="where to, for a rubric that is shared")
        parser.add_argument("--judge", default="", help="the judge's name, where the file does not say it")

    def work(self, **options: Any) -> None:
        version = version_named(options["rubric"])
        project = project_named(options["project"]) if options["project"] else version.rubric.project
        if project is None:
            raise ServiceError("This rubric is shared by all projects. Name the project with --project.")
        path: Path = options["file"]
        with opened(path) as stream:
            done = judge_answers_import(
                version=version, project=project, stream=stream, name=path.name, judge=options["judge"],
                progress=self.progress,
            )  # fmt: skip
        lines = [f"{done.scores:,} scores, {done.new:,} of them new."]
        lines += [f"  {criterion}: metric “{metric}”" for criterion, metric in done.metrics.items()]
        lines += [f"  {problem.where}: {problem.why}" for problem in done.problems[:SHOWN]]
        if len(done.problems) > SHOWN:
            lines.append(f"  And {len(done.problems) - SHOWN:,} more; --json lists all.")
        self.tell(done.to_dict(), lines)

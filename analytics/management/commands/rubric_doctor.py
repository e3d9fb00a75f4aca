"""`manage.py rubric_doctor ROUND`: which criterion does not work, and the likely cause."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from annotation.round_names import round_named
from config.commands import Command as BaseCommand


class Command(BaseCommand):
    help = "Say of each criterion of a round whether it works, with likely causes, figures and items that show it."
    examples = ("rubric_doctor support/pilot", "rubric_doctor support/pilot --json")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("round", metavar="ROUND", help="project/round, or the round's name where it is unique")

    def work(self, **options: Any) -> None:
        from analytics.doctor import Diagnosis, rubric_doctor  # pandas: only for who needs it

        found = rubric_doctor(round_named(options["round"]))

        def lines(each: Diagnosis) -> list[str]:
            said = [f"{each.key}: {each.title}. {each.sentence}"]
            said += [f"  {each.thin}"] if each.thin else []
            for finding in each.findings:
                e = finding.estimate
                limits = f", from {e.low:.2f} to {e.high:.2f}" if e.low is not None and e.high is not None else ""
                value = f"{e.value:.2f}" if e.value is not None else "not estimable"
                said.append(f"  {finding.sentence} ({value}{limits}; {e.n_judgments} ratings)")
                said.append(f"    {finding.advice}")
                said += [f"    item {item.item}: {', '.join(item.answers)}" for item in finding.items]
            return said

        self.tell(found.to_dict(), [line for each in found.criteria for line in lines(each)])

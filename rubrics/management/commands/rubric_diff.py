"""`manage.py rubric_diff PROJECT/RUBRIC@1 PROJECT/RUBRIC@2`: what changed, and whether figures may be compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from config.commands import Command as BaseCommand
from rubrics.changes import KIND_TITLES, Verdict, to_rate_again, verdicts
from rubrics.selectors import spec_of
from rubrics.version_names import version_named


class Command(BaseCommand):
    help = "Say what differs between two versions of a rubric, and which figures may be compared over them."
    examples = ("rubric_diff support/answer-quality@1 support/answer-quality@2",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("older", metavar="OLDER", help="project/rubric@version")
        parser.add_argument("newer", metavar="NEWER", help="project/rubric@version")

    def work(self, **options: Any) -> None:
        older, newer = spec_of(version_named(options["older"])), spec_of(version_named(options["newer"]))
        every = verdicts(older, newer)
        outcome = {"criteria": [_values(v) for v in every], "to_rate_again": to_rate_again(older, newer)}
        self.tell(outcome, (line for v in every for line in _lines(v)))


def _values(verdict: Verdict) -> dict[str, Any]:
    return {
        "criterion": verdict.criterion,
        "meaning": verdict.meaning,
        "changes": [
            {
                "kind": c.kind,
                "place": c.place,
                "before": c.before,
                "after": c.after,
                "meaning": c.meaning,
                "why": c.why,
            }
            for c in verdict.changes
        ],
    }


def _lines(verdict: Verdict) -> Iterator[str]:
    yield f"{verdict.criterion}: {verdict.title.lower()}"
    for change in verdict.changes:
        yield f"  {KIND_TITLES[change.kind].lower()}, {change.place}: {change.why}"
        if change.before or change.after:
            yield f"    - {_one_line(change.before)}"
            yield f"    + {_one_line(change.after)}"


def _one_line(text: str) -> str:
    return " / ".join(text.splitlines()) or "(nothing)"

"""Export and report of rounds that have been judged, each in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench import figures
from bench.processes import Cost, run
from bench.scratch import Kind, Scratch
from tools.console import say

# The product's promise for 10,000 judged tasks.
PROMISED_SECONDS = 3.0
# And for a report of 100,000 judgments and a million scores.
LARGE_SECONDS, LARGE_MEGABYTES = 15.0, 1_500.0
FORMATS = ("csv", "jsonl", "parquet")
GROWTH = 4
EXPORT = ("database", "format", "judged tasks", "s", "of the promise", "CPU s", "most memory MB", "MB written")
REPORT = ("database", "judgments", "s", "CPU s", "most memory MB")
LARGE = ("database", "written", "judgments", "scores", "s (of the promise)", "CPU s", "most memory MB (of the promise)")


@dataclass(frozen=True)
class Judged:
    database: Scratch
    round: str
    tasks: int
    judgments: int


def _judged(kind: Kind, name: str, *studies: dict[str, Any]) -> list[Judged]:
    database = kind.scratch(name)
    made = [database.python("bench.study", study) for study in studies]
    return [
        Judged(database, one["round"], study["tasks"], one["judgments"])
        for one, study in zip(made, studies, strict=True)
    ]


def measure_export(kinds: list[Kind], tasks: int) -> str:
    """The promised size, and one larger by GROWTH: the most memory must stay what it was."""
    rows = []
    for kind in kinds:
        sizes = (tasks, tasks * GROWTH)
        studies = [{"slug": f"judged-{size}", "tasks": size, "judged": 1} for size in sizes]
        for judged in _judged(kind, "export", *studies):
            rows += [_export(judged, form) for form in FORMATS]
    text = figures.table(EXPORT, rows)
    say(text)
    return text


def _export(judged: Judged, form: str) -> list[str]:
    out = judged.database.home / f"out-{judged.tasks}-{form}"
    cost = _manage(judged, "export", judged.round, "--format", form, "--out", str(out))
    size = sum(path.stat().st_size for path in out.iterdir()) / 1e6
    promise = PROMISED_SECONDS * judged.tasks / 10_000
    return [
        judged.database.name,
        form,
        f"{judged.tasks:,}",
        figures.number(cost.seconds),
        figures.number(cost.seconds / promise),
        figures.number(cost.cpu),
        f"{cost.megabytes:,.0f}",
        f"{size:.0f}",
    ]


def measure_report(kinds: list[Kind], judgments: int) -> str:
    rows = []
    for kind in kinds:
        study = {"slug": "reported", "tasks": judgments // 2, "judged": 2}
        [judged] = _judged(kind, "report", study)
        cost = _manage(judged, "report", judged.round, "--out", str(judged.database.home / "report"))
        rows.append(
            [
                judged.database.name,
                f"{judged.judgments:,}",
                figures.number(cost.seconds),
                figures.number(cost.cpu),
                f"{cost.megabytes:,.0f}",
            ]
        )
    text = figures.table(REPORT, rows)
    say(text)
    return text


def measure_large(kinds: list[Kind], judgments: int) -> str:
    """A report with everything in it, on the first of the databases: built and written as JSON, then in every form."""
    database = kinds[0].scratch("large")
    made = database.python("bench.large_study", {"slug": "large", "judgments": judgments})
    judged = Judged(database, made["round"], made["judgments"] // 2, made["judgments"])
    rows: list[list[str]] = []
    for forms in (("--format", "json"), ()):
        cost = _manage(judged, "report", judged.round, *forms, "--out", str(database.home / f"large-{len(rows)}"))
        rows.append(
            [
                database.name,
                "JSON" if forms else "every form",
                f"{judged.judgments:,}",
                f"{made['scores']:,}",
                f"{figures.number(cost.seconds)} ({cost.seconds / LARGE_SECONDS:.2g})",
                figures.number(cost.cpu),
                f"{cost.megabytes:,.0f} ({cost.megabytes / LARGE_MEGABYTES:.2g})",
            ]
        )
    text = figures.table(LARGE, rows)
    say(text)
    return text


def _manage(judged: Judged, *command: str) -> Cost:
    return run(judged.database.settings, judged.database.home, "manage.py", *command)

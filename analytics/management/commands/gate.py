"""`manage.py gate ROUND`: may the new system be released? Pass 0, fail 1, insufficient 3."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from analytics.gate_services import Decision, gate_decide, gate_register
from annotation.round_names import round_named
from config.commands import Command as BaseCommand
from config.commands import opened
from projects.errors import ServiceError
from projects.located import MAX_BYTES, Source, load


class Command(BaseCommand):
    help = (
        "Hold the gate that was registered before the round was opened against its judgments. Exit code 0: every "
        "condition passes; 1: one fails; 3: the data do not settle it yet, and it says how many more judgments would; "
        "2: bad input."
    )
    examples = ("gate support/pilot", "gate support/pilot --register gate.yaml", "gate support/pilot --file other.yaml")
    untouched = "Nothing was decided."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("round", metavar="ROUND", help="project/round, or the round's name where it is unique")
        parser.add_argument("--file", type=Path, metavar="GATE.yaml", help="another gate; it was not registered before")
        parser.add_argument(
            "--register", type=Path, metavar="GATE.yaml", help="register it, before the round is opened"
        )

    def work(self, **options: Any) -> None:
        round_ = round_named(options["round"])
        if options["file"] and options["register"]:
            raise ServiceError("Name either --file or --register: what is registered is decided later.")
        if options["register"]:
            gate = gate_register(round=round_, source=_source(options["register"]))
            told = {"registered": True, "digest": gate.digest, "definition": gate.definition}
            self.tell(told, [f"Registered for {round_.project.slug}/{round_.slug}: digest {gate.digest}."])
            return
        self.progress("Reading judgments")
        decision = gate_decide(round=round_, source=_source(options["file"]) if options["file"] else None)
        self.tell(decision.to_dict(), _lines(decision))
        if decision.answer.exit_code:
            sys.exit(decision.answer.exit_code)


def _source(path: Path) -> Source:
    with opened(path) as stream:
        return load(stream.read(MAX_BYTES + 1), path.name)


def _lines(decision: Decision) -> Iterator[str]:
    answer = decision.answer
    yield f"{answer.summary.verdict}: {answer.spec.new} against {answer.spec.old}. {answer.summary.reason}"
    for each in answer.conditions:
        made = each.decision
        yield f"  {each.condition.name}: {made.verdict}. {made.reason}"
        if made.estimate.low is not None:
            e = made.estimate
            interval = f"{e.value:.3g} [{e.low:.3g}, {e.high:.3g}] {e.unit}"
            yield f"    {interval}, margin {made.margin:g}, {made.n_prompts:,} prompts"
        if each.more_prompts:
            judged = f", about {each.more_judgments:,} judgments" if each.more_judgments else ""
            yield f"    about {each.more_prompts:,} more prompts{judged}"
    yield "Registered before the round was opened." if decision.preregistered else "Not registered before the data."
    yield from decision.warnings

"""`manage.py verify_audit`: recompute the audit chains, and compare them with heads that were noted earlier."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from config.commands import Command as BaseCommand
from projects import audit
from projects.audit import ChainState
from projects.models import Project

ACCEPTED = "Accepted: what verify_audit --json printed."


class Command(BaseCommand):
    help = "Recompute the hash chains of the audit log. Exit code 1 when one is broken."
    examples = ("verify_audit", "verify_audit support --json")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", nargs="?", help="one project's short name (default: all)")
        parser.add_argument("--heads", type=Path, metavar="FILE", help="what --json printed earlier, to compare with")

    def work(self, **options: Any) -> None:
        noted = _heads(options["heads"]) if options["heads"] else []
        if options["project"]:
            chain = _chain_of(options["project"])
            noted = [each for each in noted if each.chain == chain]
            chains = [audit.verify(chain)]
        else:
            chains = audit.verify_all()
        departures = [said for each in noted if (said := audit.departure(each))]
        found = {"chains": [asdict(each) for each in chains], "departures": departures}
        self.tell(found, [*map(_line, chains), *departures])
        if departures or any(each.broken_at is not None for each in chains):
            raise CommandError("The audit log is not what was written.", returncode=1)


def _line(chain: ChainState) -> str:
    if chain.broken_at is None:
        return f"{chain.chain}: {chain.events:,} events fit. Head {chain.head}"
    return f"{chain.chain}: event {chain.broken_at} does not fit the one before it or its own digest."


def _chain_of(slug: str) -> str:
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise CommandError(f"There is no project “{slug}”.", returncode=2)
    return f"project:{project.pk}"


def _heads(path: Path) -> list[ChainState]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [ChainState(str(e["chain"]), int(e["events"]), str(e["head"]), None) for e in content["chains"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path}: the heads cannot be read ({error}). {ACCEPTED}", returncode=2) from error

"""`manage.py rerate ROUND`: plan a round over the same tasks that asks what a newer rubric version changed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from annotation.round_names import round_named
from annotation.services.rounds import round_open
from annotation.services.successors import round_succeed, successor_offer
from config.commands import Command as BaseCommand
from config.commands import whole_number
from config.stopping import point_of_no_return
from projects.errors import ServiceError


class Command(BaseCommand):
    help = "Plan a round over a round's tasks that rates again what a newer version of its rubric changed."
    examples = ("rerate support/pilot", "rerate support/pilot --criteria correct,tone --open")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("round", metavar="ROUND", help="project/round, or the round's name where it is unique")
        parser.add_argument("--criteria", metavar="KEYS", help="with commas (default: those whose figures changed)")
        parser.add_argument("--name", help="the name of the new round (default: the old one's, and the version)")
        parser.add_argument("--title", default="", help="what raters see (default: as in the old round)")
        parser.add_argument("--overlap", type=whole_number(1, 100), help="raters for each task (default: as before)")
        parser.add_argument("--open", action="store_true", help="open it at once")

    def work(self, **options: Any) -> None:
        found = round_named(options["round"])
        offer = successor_offer(found)
        if offer is None:
            raise ServiceError(
                f"There is nothing to rate again in “{options['round']}”: it was never opened, or its rubric has no "
                "newer published version."
            )
        keys = [k.strip() for k in options["criteria"].split(",")] if options["criteria"] else offer.to_rate
        if not keys:
            raise ServiceError(
                f"Version {offer.version.number} changed nothing that would need rating again. Name --criteria to ask "
                "some all the same."
            )
        with transaction.atomic():
            made = round_succeed(
                round=found,
                version=offer.version,
                criteria=keys,
                name=options["name"] or f"{found.name}, version {offer.version.number}"[:200],
                title=options["title"],
                overlap=options["overlap"],
                actor=None,
            )
            if options["open"]:
                made = round_open(round=made, actor=None, progress=self.progress)
            point_of_no_return()
        where = f"{made.project.slug}/{made.slug}"
        asked = made.only_criteria or [c.key for c in made.rubric_version.criteria.all()]
        outcome = {
            "round": where,
            "predecessor": f"{found.project.slug}/{found.slug}",
            "version": offer.version.number,
            "criteria": asked,
            "state": made.state,
        }
        self.tell(outcome, [f"{where}: {made.state}, asks {', '.join(asked)}."])

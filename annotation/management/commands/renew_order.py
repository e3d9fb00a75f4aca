"""`manage.py renew_order ROUND`: the order of an open round worked out anew from its judgments, now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from annotation.round_names import round_named
from annotation.services.renewing import order_renew
from config.commands import Command as BaseCommand
from projects.errors import ServiceError


class Command(BaseCommand):
    help = (
        "Bring to the front of a round's order what would narrow its chosen interval most. A worker does it every "
        "minute while the round is open."
    )
    examples = ("renew_order support-assistant/pilot", "renew_order pilot --json")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("round", metavar="ROUND", help="project/round, or the round's name where it is unique")

    def work(self, **options: Any) -> None:
        row = round_named(options["round"])
        renewal = order_renew(round=row)
        if renewal is None:
            raise ServiceError(
                "Nothing was changed: only an open round with the order “Most uncertain first” follows its judgments."
            )
        self.tell(
            {"round": f"{row.project.slug}/{row.slug}", "judgments": renewal.n_judgments, "words": renewal.words},
            [f"The order rests on {renewal.n_judgments:,} judgments. {renewal.words}"],
        )

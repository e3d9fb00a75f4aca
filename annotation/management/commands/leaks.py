"""`manage.py leaks ROUND`: words in a round's texts that tell which system answered."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from annotation.round_names import round_named
from annotation.services.leak_acts import leak_accept, leak_exclude, leak_redact
from annotation.services.leak_scan import Scan, scan
from config.commands import Command as BaseCommand
from config.stopping import point_of_no_return
from projects.errors import ServiceError

ACTS = {"accept": leak_accept, "redact": leak_redact, "exclude": leak_exclude}


class Command(BaseCommand):
    help = "List words that tell raters which system answered. Exit code 1 while some wait for a decision."
    examples = ("leaks support/pilot", "leaks support/pilot --redact amber --accept Gemini")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("round", metavar="ROUND", help="project/round, or the round's name where it is unique")
        parser.add_argument("--accept", action="append", default=[], metavar="WORD", help="let this word stay")
        parser.add_argument("--redact", action="append", default=[], metavar="WORD", help="take this word out")
        parser.add_argument(
            "--exclude", action="append", default=[], metavar="WORD", help="leave items with this word out"
        )

    def work(self, **options: Any) -> None:
        round = round_named(options["round"])
        wanted = [(act, word) for name, act in ACTS.items() for word in options[name]]
        if wanted:
            with transaction.atomic():
                for act, word in wanted:
                    act(round=round, key=_key(scan(round), word), actor=None)
                point_of_no_return()
        found = scan(round)
        self.tell(_plain(found), _lines(found))
        if found.open:
            sys.exit(1)


def _lines(found: Scan) -> Iterator[str]:
    for each in found.found:
        state = f"{each.open:,} to decide" if each.open else "stays"
        yield f"{each.term.text}: {each.why}; {each.places:,} places, {state}"
        for example in each.examples:
            where = f"{example.external_id}, {example.part}" + (f" of {example.system}" if example.system else "")
            yield f"    {where}: {example.before}>{example.words}<{example.after}"
    yield f"{found.texts:,} texts searched; {found.open:,} places wait for a decision."


def _key(found: Scan, word: str) -> str:
    for each in found.found:
        if word.casefold() == each.term.text.casefold():
            return each.term.key
    known = ", ".join(each.term.text for each in found.found) or "nothing"
    raise ServiceError(f"“{word}” was not found in the texts of the round. Found: {known}.")


def _plain(found: Scan) -> dict[str, Any]:
    return {
        "texts": found.texts,
        "open": found.open,
        "left_out": found.left_out,
        "redacted": found.redacted,
        "words": [
            {
                "word": each.term.text,
                "why": each.term.why,
                "places": each.places,
                "open": each.open,
                "accepted": each.accepted,
                "items": len(each.items),
                "systems": dict(each.systems),
            }
            for each in found.found
        ],
    }

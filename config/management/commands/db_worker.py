"""`manage.py db_worker`: in the place of the command of django-tasks-db, whose tasks stay running for ever when their
worker is killed."""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
from types import FrameType
from typing import Any

from config.background.leases import LEASE_SECONDS
from config.background.worker import Worker
from config.commands import Command as BaseCommand
from config.progress import Progress


class Command(BaseCommand):
    help = (
        "Do the background work: large imports. Runs until it is stopped; what is under way is then finished, and a "
        "second signal hands it back to the next worker at once."
    )
    examples = ("db_worker", "db_worker --batch")

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--batch", action="store_true", help="end when nothing is left to do")
        parser.add_argument("--queue-name", default="*", help="only these queues, separated by commas (default: all)")
        parser.add_argument(
            "--interval", type=_seconds, default=1.0, help="seconds between looks at an empty queue (default: 1)"
        )
        parser.add_argument(
            "--lease",
            type=_seconds,
            default=LEASE_SECONDS,
            help="seconds without a sign of life after which another worker takes the task up (default: 60)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Other commands are undone by a signal; this one has nothing of its own to undo."""
        self._as_json = bool(options["json"])
        self.progress = Progress(sys.stderr, shown=False)
        queues = [] if options["queue_name"] == "*" else [name for name in options["queue_name"].split(",") if name]
        worker = Worker(secrets.token_hex(8), interval=options["interval"], lease=options["lease"], queues=queues)
        with _Signals(worker):
            worker.run(batch=options["batch"])
        tried = f", {worker.failed} tried in vain" if worker.failed else ""
        self.tell({"done": worker.done, "failed": worker.failed}, [f"{worker.done} done{tried}."])


class _Signals:
    """The first asks the worker to end after the task under way; the second ends that too."""

    numbers = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        for number in self.numbers:
            self._before[number] = signal.signal(number, self._on_signal)

    def __exit__(self, *details: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self._worker.running:
            raise SystemExit(128 + number)
        self._worker.running = False


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0.01 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not accepted, only seconds from 0.01 to 3600")
    return seconds

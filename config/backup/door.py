"""What the three commands share: refusals in words, Ctrl-C and SIGTERM, progress on a terminal, the outcome."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from config.backup.archive import Progress, silent
from config.backup.services import TITLES, Outcome
from projects.errors import ServiceError


@contextmanager
def answered(stopped: str) -> Iterator[None]:
    """Refusals are exit code 2; being stopped is 130, after everything was taken back."""
    try:
        with _terminable():
            yield
    except ServiceError as error:
        raise CommandError(error.message, returncode=2) from error
    except DatabaseError as error:
        raise CommandError(f"The database does not answer or refuses: {str(error).strip()}", returncode=2) from error
    except KeyboardInterrupt as error:
        raise CommandError(str(error) or stopped, returncode=130) from error


@contextmanager
def _terminable() -> Iterator[None]:
    """A service manager stops us by SIGTERM, which would leave drafts behind: it counts as Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def progress_of(command: BaseCommand) -> Progress:
    """One line that overwrites itself; only for a terminal."""
    if not command.stderr.isatty():
        return silent

    def tell(what: str, done: int, total: int | None) -> None:
        of = f" {done:,} of {total:,}" if total else f" {done:,}" if done else ""
        command.stderr.write(f"\r{what}{of}…\033[K", str, ending="")
        command.stderr.flush()

    return tell


def tell(command: BaseCommand, outcome: Outcome, verb: str, *, as_json: bool) -> None:
    manifest = outcome.manifest
    state = manifest.state
    if command.stderr.isatty():
        command.stderr.write("\r\033[K", ending="")
    if as_json:
        command.stdout.write(json.dumps(_plain(outcome), ensure_ascii=False, indent=2))
        return
    command.stdout.write(f"{outcome.path}: {verb}.")
    command.stdout.write(
        f"  Adjudge {manifest.adjudge}, {TITLES[manifest.kind]} {manifest.database_version}, made {manifest.made_at}"
    )
    command.stdout.write(
        f"  {sum(state.rows.values()):,} rows in {len(state.rows)} tables, {len(manifest.files):,} files, "
        f"{manifest.size:,} bytes"
    )
    for each in state.audit:
        fits = "fit" if each.broken_at is None else f"BREAK at {each.broken_at}"
        command.stdout.write(f"  audit chain {each.chain}: {each.events:,} events {fits}, head {each.head}")
    if outcome.missing_migrations:
        command.stdout.write(
            f"  It lacks {outcome.missing_migrations} migration(s) of this version: after a restore run migrate."
        )


def _plain(outcome: Outcome) -> dict[str, Any]:
    manifest = outcome.manifest
    return {
        "file": str(outcome.path),
        "adjudge": manifest.adjudge,
        "made_at": manifest.made_at,
        "database": {"kind": manifest.kind, "version": manifest.database_version},
        "bytes": manifest.size,
        "files": len(manifest.files),
        "rows": manifest.state.rows,
        "audit": [
            {"chain": each.chain, "events": each.events, "head": each.head, "broken_at": each.broken_at}
            for each in manifest.state.audit
        ],
        "missing_migrations": outcome.missing_migrations,
    }

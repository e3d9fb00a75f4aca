"""SQLite: copied by its online backup, which sees one moment of a database that others write to, and put
back by a rename."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from traceback import clear_frames
from typing import Any

from django.db import DatabaseError, connections
from django.db import connection as default
from django.db.backends.sqlite3.base import DatabaseWrapper

from config.backup.archive import Progress, sync_folder
from config.backup.manifest import Manifest, State
from config.backup.state import differences, state_of
from projects.errors import ServiceError

KIND = "sqlite"
MEMBER = "database.sqlite3"
PAGES = 2048  # copied at a time: often enough to show progress and to stop at Ctrl-C
SIDES = ("-wal", "-shm")
DAMAGED = (sqlite3.DatabaseError, DatabaseError)


def path_of_database() -> Path:
    name = str(default.settings_dict["NAME"])
    if default.is_in_memory_db():  # type: ignore[attr-defined]  # SQLite's own
        raise ServiceError("DATABASE_URL names a database in memory, which has nothing to back up or restore.")
    return Path(name)


def version() -> str:
    return sqlite3.sqlite_version


def save(target: Path, progress: Progress) -> State:
    """Copy the database as it stands now to a new file that needs no other beside it."""
    source = path_of_database()
    if not source.is_file():
        raise ServiceError(f"There is no database {source} to back up.")
    with closing(_plain(source)) as reading, closing(sqlite3.connect(target, isolation_level=None)) as copy:
        # Held open over all steps: a writer in between would make the copy begin again, and never end.
        reading.execute("BEGIN")
        reading.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        reading.backup(
            copy, pages=PAGES, progress=lambda _, left, total: progress("Copying the database", total - left, total)
        )
        # The copy says of itself that it has a write-ahead log beside it, like its source.
        copy.execute("PRAGMA journal_mode=DELETE")
    with as_database(target) as connection:
        return state_of(connection)


def _plain(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=20)


@contextmanager
def as_database(path: Path) -> Iterator[Any]:
    """Another file as a Django database, for the time of the block."""
    alias = f"backup-{secrets.token_hex(4)}"
    # No turnstile and no write-ahead log for a copy.
    wrapper = DatabaseWrapper({**default.settings_dict, "NAME": str(path), "OPTIONS": {}}, alias)
    connections[alias] = wrapper
    try:
        yield wrapper
    except BaseException as error:
        clear_frames(error.__traceback__)  # a cursor in the middle of its rows would keep the file open
        raise
    finally:
        wrapper.close()
        del connections[alias]


def examine(path: Path, manifest: Manifest, archive: Path) -> None:
    """Does the copy open, is it whole, and does it hold what its manifest says?"""
    try:
        with closing(sqlite3.connect(path)) as plain:
            [(said,), *_] = plain.execute("PRAGMA integrity_check").fetchall()
        if said != "ok":
            raise ServiceError(f"{archive}: the database in it is damaged: {said}.")
        with as_database(path) as connection:
            found = state_of(connection)
    except DAMAGED as error:
        raise ServiceError(f"{archive}: the database in it does not open: {error}.") from error
    if wrong := differences(manifest.state, found):
        raise ServiceError(f"{archive}: the database in it is not what its manifest says: {'; '.join(wrong)}.")


def ready_to_load(manifest: Manifest) -> None:
    """Refuse what cannot be restored here, before anything is unpacked."""
    _refuse_users(path_of_database())


def rows_there() -> dict[str, int]:
    """Tables of the present database, read without making one."""
    path = path_of_database()
    if not path.exists() or path.stat().st_size == 0:
        return {}
    try:
        with as_database(path) as connection:
            return state_of(connection).rows
    except DAMAGED as error:
        raise ServiceError(f"{path} is there and is no SQLite database ({error}). Move it away first.") from error


def _refuse_users(path: Path) -> None:
    """A process that has the old file open would go on writing to it, and what it writes would be lost.

    Leaving the write-ahead log needs the database for oneself, so SQLite says whether somebody has it open."""
    default.close()
    if not path.exists() or path.stat().st_size == 0:
        return
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=1)) as alone:
            alone.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        raise ServiceError(
            f"Another process has {path} open ({error}). Stop web and worker, then restore again."
        ) from error


def folder_for_copy() -> Path:
    """Where the copy is unpacked: beside the database, so that a rename puts it in place."""
    return path_of_database().parent


@contextmanager
def loaded(copy: Path, manifest: Manifest, progress: Progress) -> Iterator[Callable[[], None]]:
    """Yields what puts the copy in place. Before that is called, nothing has changed."""
    target = path_of_database()
    with copy.open("rb") as file:
        os.fsync(file.fileno())

    def commit() -> None:
        _refuse_users(target)
        for side in SIDES:  # left by a database that was deleted; it must not be read into the new one
            Path(f"{target}{side}").unlink(missing_ok=True)
        os.replace(copy, target)

    yield commit
    sync_folder(target.parent)

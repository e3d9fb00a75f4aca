"""Backup, check and restore: the database, its files, and what both are compared by, as one archive."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import gettempdir
from types import ModuleType

from django.conf import settings
from django.db import connection

from config.backup import archive, files, postgresql, sqlite
from config.backup.archive import Progress, Reader, silent
from config.backup.manifest import Manifest
from config.backup.state import differences, state_of
from config.folders import private_folder
from config.health import expected_migrations
from config.stopping import point_of_no_return
from config.version import VERSION, parts
from projects.errors import ServiceError

ENGINES: dict[str, ModuleType] = {"sqlite": sqlite, "postgresql": postgresql}
TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
# What `migrate` and an idle service write by themselves: a database with nothing else counts as empty.
WRITTEN_BY_ITSELF = {
    *("django_migrations", "django_content_type", "auth_permission", "django_session"),
    *("adjudge_cache", "sqlite_sequence"),
}


@dataclass(frozen=True)
class Outcome:
    path: Path
    manifest: Manifest
    missing_migrations: int = 0


def engine() -> ModuleType:
    return ENGINES[connection.vendor]


def backup_create(*, target: Path, progress: Progress = silent) -> Outcome:
    """Write an archive of what stands in the database at this moment, and of its files."""
    now = datetime.now(UTC)
    path = target / f"adjudge-{now:%Y%m%dT%H%M%SZ}.tar" if target.is_dir() else target
    if path.exists():
        raise ServiceError(f"{path}: there is such a file already. Choose another name, or give a folder.")
    if not path.parent.is_dir():
        raise ServiceError(f"{path}: there is no folder {path.parent}. Make it first.")
    here = engine()
    try:
        with private_folder(path.parent, ".adjudge-backup-") as work, archive.written(path) as writer:
            copy = work / here.MEMBER
            version = here.version()
            state = here.save(copy, progress)
            writer.add(here.MEMBER, copy)
            progress("Adding files", 0, None)
            files.add_all(writer)
            manifest = writer.finish(
                Manifest(
                    adjudge=VERSION,
                    made_at=now.isoformat(timespec="seconds"),
                    kind=here.KIND,
                    database_version=version,
                    database=here.MEMBER,
                    state=state,
                )
            )
    except OSError as error:
        raise ServiceError(f"{path}: the archive cannot be written: {error.strerror or error}.") from error
    return Outcome(path, manifest)


def backup_check(*, path: Path, progress: Progress = silent) -> Outcome:
    """Read all of an archive: digests, names, and whether the database in it opens and holds what it should."""
    with archive.opened(path) as reader, private_folder(Path(gettempdir()), "adjudge-check-") as work:
        _refuse_newer(reader)
        manifest = reader.manifest
        copy = work / "database"
        for member in reader.members(progress, "Checking (bytes)"):
            if member.name == manifest.database:
                files.need_space(work, member.size)
                reader.extract(member, copy)
            else:
                reader.check(member)
        progress("Opening the database", 0, None)
        _engine_of(manifest, path).examine(copy, manifest, path)
    return Outcome(path, manifest, _missing(manifest))


def backup_restore(*, path: Path, overwrite: bool = False, progress: Progress = silent) -> Outcome:
    """Put an archive in place of the present database and files. Until the last step nothing is changed."""
    restored = False
    try:
        with archive.opened(path) as reader, ExitStack() as stack:
            manifest, here = _fitting(reader, overwrite=overwrite)
            data = Path(settings.DATA_DIR)
            stage = stack.enter_context(files.staging(data))
            beside = stack.enter_context(files.staging(here.folder_for_copy()))
            copy = beside / "database"
            _unpack(reader, stage, copy, progress)
            progress("Checking the database", 0, None)
            here.examine(copy, manifest, path)
            for folder in (stage, beside):
                files.give_to_owner(folder, data)
            with here.loaded(copy, manifest, progress) as commit, uninterrupted(), files.swapped(stage):
                commit()
                restored = True
        progress("Comparing the database with the archive", 0, None)
        _verify(manifest)
        outcome = Outcome(path, manifest, _missing(manifest))
        point_of_no_return()
    except KeyboardInterrupt as error:
        if not restored:
            raise
        said = "Stopped. The archive is restored, but the comparison with it was not finished."
        raise KeyboardInterrupt(said) from error
    except OSError as error:
        raise ServiceError(f"{path} cannot be restored: {error.filename or ''} {error.strerror or error}.") from error
    return outcome


def _fitting(reader: Reader, *, overwrite: bool) -> tuple[Manifest, ModuleType]:
    """The archive's manifest and the present database, if the one can be restored into the other."""
    _refuse_newer(reader)
    manifest, here = reader.manifest, _engine_of(reader.manifest, reader.path)
    if here is not engine():
        kind = TITLES[here.KIND]
        raise ServiceError(
            f"{reader.path} holds a {kind} database, and DATABASE_URL names {TITLES[connection.vendor]}. "
            f"Restore it into {kind}."
        )
    if not overwrite:
        _refuse_to_overwrite(here)
    here.ready_to_load(manifest)
    return manifest, here


def _unpack(reader: Reader, stage: Path, copy: Path, progress: Progress) -> None:
    files.need_space(stage, reader.manifest.size)
    for member in reader.members(progress, "Unpacking (bytes)"):
        reader.extract(member, copy if member.name == reader.manifest.database else stage / member.name)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait for the end of the block: files and database change together."""
    came: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt


def _verify(manifest: Manifest) -> None:
    if wrong := differences(manifest.state, state_of(connection)):
        raise ServiceError(
            f"The archive was restored, but the database is not what it should be: {'; '.join(wrong)}. "
            "Is somebody writing to it? Stop web and worker, then restore again with --overwrite."
        )


def _engine_of(manifest: Manifest, path: Path) -> ModuleType:
    here = ENGINES.get(manifest.kind)
    if here is None or manifest.database != here.MEMBER:
        accepted = ", ".join(f"{each.MEMBER} of the kind {each.KIND}" for each in ENGINES.values())
        raise ServiceError(
            f"{path} names {manifest.database} of the kind {manifest.kind!r} as its database. Accepted: {accepted}."
        )
    return here


def _refuse_newer(reader: Reader) -> None:
    manifest = reader.manifest
    unknown = set(manifest.state.migrations) - {f"{app}.{name}" for app, name in expected_migrations()}
    if parts(manifest.adjudge) > parts(VERSION):
        raise ServiceError(
            f"{reader.path} was made by Adjudge {manifest.adjudge}, and this is {VERSION}. "
            f"Install {manifest.adjudge} or newer."
        )
    if unknown:
        raise ServiceError(
            f"{reader.path} has {len(unknown)} migration(s) that this version does not know, "
            f"{min(unknown)} among them. Install the version that made it, or a newer one."
        )


def _missing(manifest: Manifest) -> int:
    return len({f"{app}.{name}" for app, name in expected_migrations()} - set(manifest.state.migrations))


def _refuse_to_overwrite(here: ModuleType) -> None:
    rows = {table: count for table, count in here.rows_there().items() if count and table not in WRITTEN_BY_ITSELF}
    if rows:
        raise ServiceError(
            f"The database is not empty: it has {sum(rows.values()):,} rows in {len(rows)} tables. Name another "
            "database in DATABASE_URL, or say --overwrite to replace everything in it."
        )
    if present := next(files.listed(), None):
        raise ServiceError(
            f"There are files already, {present[1]} among them. Name another DATA_DIR, or say --overwrite to "
            "replace all of them."
        )

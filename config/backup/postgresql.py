"""PostgreSQL: dumped by pg_dump in the moment that we counted in, and put back in one transaction."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection as default
from django.db import transaction

from config.backup import programs
from config.backup.archive import CHUNK, Progress
from config.backup.manifest import Manifest, State
from config.backup.state import differences, state_of
from projects.errors import ServiceError

KIND = "postgresql"
MEMBER = "database.pgdump"
OLDEST = 15
PATIENCE = "10s"  # for tables that somebody else holds
PLAIN = ("--no-owner", "--no-privileges", "--no-publications", "--no-subscriptions")
COPY = re.compile(rb"COPY (?:\S+\.)?(\S+) .*FROM stdin;\n")
UNKNOWN_BEFORE_17 = b"SET transaction_timeout = 0;\n"
PREAMBLE = 60  # lines in which such settings stand


def version() -> str:
    default.ensure_connection()
    connection: Any = default
    number = connection.pg_version
    return f"{number // 10_000}.{number % 10_000}"


def save(target: Path, progress: Progress) -> State:
    """Dump the database. Counts and dump see the same snapshot, whatever is written meanwhile."""
    folder = programs.folder_for(programs.server_major())
    with transaction.atomic(), default.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        [snapshot] = cursor.fetchone()
        options = ["--format=custom", f"--snapshot={snapshot}", f"--file={target}", *PLAIN]
        _dump(folder, [*options, f"--dbname={programs.conninfo()}"], target, progress)
        return state_of(default)


def _dump(folder: Path, arguments: list[str], target: Path, progress: Progress) -> None:
    with tempfile.TemporaryFile() as said:
        process = programs.start(folder, "pg_dump", *arguments, stdin=subprocess.DEVNULL, stderr=said)
        try:
            while process.poll() is None:
                progress("Dumping the database (bytes)", target.stat().st_size if target.exists() else 0, None)
                time.sleep(0.02)
        finally:
            programs.end(process)
        if process.returncode:
            raise ServiceError(f"pg_dump failed, so there is no backup. It said: {_words(said)}")


def _words(said: IO[bytes]) -> str:
    said.seek(0)
    return " ".join(said.read(20_000).decode(errors="replace").split())[:2000] or "nothing"


def examine(path: Path, manifest: Manifest, archive: Path) -> None:
    """Read the whole dump, which needs no server, and count its rows."""
    folder = programs.folder_for(0, reading=_written_by(path, archive))
    with tempfile.TemporaryFile() as said:
        arguments = ["--data-only", "--file=-", str(path)]
        process = programs.start(
            folder, "pg_restore", *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
        )
        try:
            assert process.stdout is not None  # noqa: S101 - PIPE above
            rows = _count_rows(process.stdout)
            process.wait()
        finally:
            programs.end(process)
        if process.returncode:
            raise ServiceError(f"{archive}: the database in it cannot be read. pg_restore said: {_words(said)}")
    found = State(manifest.state.migrations, rows, manifest.state.audit)
    if wrong := differences(manifest.state, found):
        raise ServiceError(f"{archive}: the database in it is not what its manifest says: {'; '.join(wrong)}.")


def _count_rows(script: IO[bytes]) -> dict[str, int]:
    """Rows by table: every line between a COPY and its end mark is one."""
    rows: dict[str, int] = {}
    table = ""
    for line in script:
        if table and line == b"\\.\n":
            table = ""
        elif table:
            rows[table] += 1
        elif match := COPY.fullmatch(line):
            table = match[1].decode().strip('"')
            rows[table] = 0
    return rows


def _written_by(path: Path, archive: Path) -> int:
    """Which major version of pg_dump wrote this file. Only programs as new as that can read it.

    The file begins with PGDMP and a version of its own: 1.14 up to PostgreSQL 15, 1.15 with 16, 1.16 with 17."""
    with path.open("rb") as file:
        head = file.read(8)
    if len(head) < 8 or not head.startswith(b"PGDMP"):
        raise ServiceError(f"{archive}: the database in it is no dump of pg_dump.")
    return max(OLDEST, head[6] + 1)


def rows_there() -> dict[str, int]:
    """Tables of the present database and how many rows they hold."""
    return state_of(default).rows


def ready_to_load(manifest: Manifest) -> None:
    """Refuse what cannot be restored here, before anything is unpacked."""
    server, source = programs.server_major(), int(manifest.database_version.split(".")[0])
    if server < source:
        raise ServiceError(
            f"The archive was made on PostgreSQL {source}, and this server is version {server}. "
            f"Restore it on PostgreSQL {source} or newer."
        )
    programs.folder_for(server)


def folder_for_copy() -> Path:
    return Path(settings.DATA_DIR)


@contextmanager
def loaded(copy: Path, manifest: Manifest, progress: Progress) -> Iterator[Callable[[], None]]:
    """Replace our tables by those of the dump, in one transaction; yields what commits it."""
    server = programs.server_major()
    folder = programs.folder_for(server, reading=_written_by(copy, Path(copy.name)))
    clearing = _clearing(manifest)
    default.close()  # so that it holds no lock on the tables
    default.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's own
    with tempfile.TemporaryFile() as said, tempfile.NamedTemporaryFile("w") as wanted:
        wanted.write(_contents_without_extensions(folder, copy))
        wanted.flush()
        options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={programs.conninfo()}", "--file=-"]
        psql = programs.start(folder, "psql", *options, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said)

        def commit() -> None:
            _say(psql, b"COMMIT;\n\\echo committed\n", b"committed\n", said)

        try:
            _say(
                psql, f"\\o /dev/null\nBEGIN;\nSET LOCAL lock_timeout = '{PATIENCE}';\n{clearing}\n".encode(), b"", said
            )
            _feed(psql, folder, [*PLAIN, f"--use-list={wanted.name}", str(copy)], server, progress, said)
            # Figures by which the server plans are not part of a dump. The script has emptied the search path.
            tables = ", ".join(default.ops.quote_name(table) for table in manifest.state.rows)
            _say(psql, f"\nRESET search_path;\nANALYZE {tables};\n\\echo loaded\n".encode(), b"loaded\n", said)
            yield commit
        finally:
            programs.end(psql)  # without COMMIT the server takes everything back


def _say(psql: subprocess.Popen[bytes], script: bytes, answer: bytes, said: IO[bytes]) -> None:
    """Give psql something to do and wait for what it then echoes; at an error it stops instead."""
    assert psql.stdin is not None  # noqa: S101 - both are pipes
    assert psql.stdout is not None  # noqa: S101
    try:
        psql.stdin.write(script)
        psql.stdin.flush()
        if not answer or psql.stdout.readline() == answer:
            return
    except BrokenPipeError:
        pass
    psql.wait()
    raise ServiceError(_why(_words(said)))


def _why(said: str) -> str:
    if "lock timeout" in said:
        return "Somebody is using the database. Stop web and worker, then restore again. Nothing was changed."
    return f"The database could not be restored, and nothing was changed. psql said: {said}"


def _feed(
    psql: subprocess.Popen[bytes],
    folder: Path,
    arguments: list[str],
    server: int,
    progress: Progress,
    said_by_psql: IO[bytes],
) -> None:
    """Let pg_restore write its statements to psql, but for those that an older server does not know."""
    with tempfile.TemporaryFile() as said:
        process = programs.start(
            folder, "pg_restore", "--file=-", *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
        )
        try:
            assert process.stdout is not None  # noqa: S101 - PIPE above
            lines = [process.stdout.readline() for _ in range(PREAMBLE)]
            known = [line for line in lines if server >= 17 or line != UNKNOWN_BEFORE_17]
            _say(psql, b"".join(known), b"", said_by_psql)
            done = 0
            while chunk := process.stdout.read(CHUNK):
                _say(psql, chunk, b"", said_by_psql)
                done += len(chunk)
                progress("Restoring the database (bytes)", done, None)
            process.wait()
        finally:
            programs.end(process)
        if process.returncode:
            raise ServiceError(f"pg_restore failed, and nothing was changed. It said: {_words(said)}")


def _contents_without_extensions(folder: Path, copy: Path) -> str:
    """An extension is the server's: often only its administrator may make one, and we need none."""
    command = [str(folder / "pg_restore"), "--list", str(copy)]
    done = subprocess.run(command, env=programs.environment(), capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise ServiceError(f"pg_restore cannot read the dump: {done.stderr.strip()}")
    return "".join(line for line in done.stdout.splitlines(keepends=True) if " EXTENSION " not in line)


def _clearing(manifest: Manifest) -> str:
    """SQL that takes away our tables, and the functions of their triggers; tables of others stay."""
    ours = {*default.introspection.django_table_names(), *manifest.state.rows, "django_migrations"}
    with default.cursor() as cursor:
        present = [name for name in default.introspection.table_names(cursor) if name in ours]
        cursor.execute(
            "SELECT DISTINCT t.tgfoid::regprocedure::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE NOT t.tgisinternal AND c.relname = ANY(%s) AND pg_table_is_visible(c.oid)",
            [present],
        )
        functions = [row[0] for row in cursor.fetchall()]
    said = [f"DROP TABLE {', '.join(map(default.ops.quote_name, present))} CASCADE;"] if present else []
    return "\n".join([*said, *(f"DROP FUNCTION {name};" for name in functions)])

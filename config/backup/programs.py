"""PostgreSQL's own programs: found on this machine, in the version that fits the server, and run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection as default
from psycopg.conninfo import make_conninfo

from config.databases import POSTGRESQL_PARAMETERS
from projects.errors import ServiceError

NAMES = ("pg_dump", "pg_restore", "psql")
DEBIAN = Path("/usr/lib/postgresql")


def folder_for(server: int, *, reading: int = 0) -> Path:
    """The folder with the programs for a server of this major version: the same, else the next newer one.

    `reading` is the version that wrote a dump: older programs do not read it."""
    found = {version: folder for folder in _folders() if (version := _major(str(folder)))}
    needed = max(server, reading)
    fitting = sorted(version for version in found if version >= needed)
    if fitting:
        return found[fitting[0]]
    there = f"the newest here is version {max(found)}" if found else "they are not on this machine"
    raise ServiceError(
        f"PostgreSQL's programs {', '.join(NAMES)} of version {needed} or newer are needed, and {there}. "
        f"On Debian and Ubuntu: sudo apt-get install postgresql-client-{needed}"
    )


def _folders() -> Iterator[Path]:
    for name in os.environ.get("PATH", "").split(os.pathsep):
        if name and (folder := Path(name)).is_dir():
            yield folder
    yield from sorted(DEBIAN.glob("*/bin"))


@cache
def _major(folder: str) -> int:
    """The version of the programs in this folder, 0 where one is missing."""
    if not all(shutil.which(name, path=folder) for name in NAMES):
        return 0
    try:
        done = subprocess.run([f"{folder}/pg_dump", "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return 0
    match = re.search(r"\b(\d+)[.\d]*", done.stdout)
    return int(match[1]) if match else 0


def server_major() -> int:
    default.ensure_connection()
    connection: Any = default
    return int(connection.pg_version) // 10_000


def conninfo() -> str:
    """The connection without its password: what a program is started with can be read by everybody on the machine."""
    parameters = default.get_connection_params()
    told = {"dbname", *POSTGRESQL_PARAMETERS} - {"sslpassword"}
    return make_conninfo(**{name: value for name, value in parameters.items() if name in told})


def environment() -> dict[str, str]:
    """What the programs see: not our secrets, except the password of this connection."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    kept |= {name: value for name, value in os.environ.items() if name.startswith("PG")}
    if password := default.settings_dict["PASSWORD"]:
        kept["PGPASSWORD"] = str(password)
    return kept


def start(folder: Path, name: str, *arguments: str, **pipes: Any) -> subprocess.Popen[bytes]:
    command = [str(folder / name), *arguments]
    # In a session of its own: Ctrl-C reaches us alone, and we end it in order.
    return subprocess.Popen(command, env=environment(), start_new_session=True, **pipes)  # noqa: S603


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            try:
                stream.close()
            except OSError:  # a pipe whose reader is gone
                continue

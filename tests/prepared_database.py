"""A migrated, empty database made once, of which every test worker gets a copy.

Migrations take seconds; a copy takes none. The prepared database is named after a digest of every
migration and guard, so that a change of schema makes a new one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "var" / "prepared"


def schema_digest() -> str:
    found = hashlib.sha256()
    for pattern in ("*/migrations/*.py", "*/guards.py", "requirements/base.txt", "config/settings.py"):
        for path in sorted(ROOT.glob(pattern)):
            found.update(path.read_bytes())
    return found.hexdigest()[:16]


@contextmanager
def _alone() -> Iterator[None]:
    """One worker prepares; the others wait and find it done."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _migrate(url: str) -> None:
    with tempfile.TemporaryDirectory(prefix="adjudge-prepare-") as data:
        env = {**os.environ, "DATABASE_URL": url, "DATA_DIR": data, "DJANGO_SETTINGS_MODULE": "config.settings"}
        command = [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"]
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"The prepared database could not be migrated:\n{done.stderr}")


def prepared_sqlite() -> Path:
    """The file to copy."""
    path = FOLDER / f"{schema_digest()}.sqlite3"
    with _alone():
        if not path.exists():
            for old in FOLDER.glob("*.sqlite3*"):
                old.unlink()
            draft = path.with_suffix(".draft")
            _migrate(f"sqlite:///{draft}")
            for side in ("-wal", "-shm", ".turnstile"):
                Path(f"{draft}{side}").unlink(missing_ok=True)
            draft.rename(path)
    return path


def prepared_postgresql(settings: dict[str, Any]) -> str:
    """The name of the database that PostgreSQL copies as its template."""
    import psycopg

    name = f"adjudge_prepared_{schema_digest()}"
    place = {"host": settings["HOST"], "port": settings["PORT"] or 5432, "user": settings["USER"]}
    password = settings["PASSWORD"]
    secret = {"password": password} if password else {}
    with _alone(), psycopg.connect(dbname="postgres", autocommit=True, **place, **secret) as admin:
        if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return name
        draft = f"{name}_draft"
        admin.execute(f'DROP DATABASE IF EXISTS "{draft}"')
        admin.execute(f'CREATE DATABASE "{draft}"')
        who = f"{place['user']}:{password}@" if password else f"{place['user']}@"
        _migrate(f"postgresql://{who}{place['host']}:{place['port']}/{draft}")
        admin.execute(f'ALTER DATABASE "{draft}" RENAME TO "{name}"')
    return name

"""A database to measure on, and the product served from it as in production."""

from __future__ import annotations

import http.client
import json
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench.processes import bare_environment, run, tail
from tools.console import Stop
from tools.postgres import Server

PATIENCE = 60.0
# What deploy/ runs: with SQLite one process, for threads queue for the one writer more fairly than processes do.
WORKERS = {"sqlite": ("1", "8"), "postgresql": ("2", "4")}


@dataclass(frozen=True)
class Scratch:
    """One empty database with the product's tables."""

    name: str  # as people call it: PostgreSQL 15.4
    home: Path
    settings: dict[str, str]
    server: int | None  # the process of the database server, where there is one

    @property
    def vendor(self) -> str:
        return self.settings["DATABASE_URL"].split(":")[0]

    def python(self, module: str, given: object) -> Any:
        """Run one of our modules on the database: it reads one JSON file and writes another."""
        asked, answered = self.home / "asked.json", self.home / "answered.json"
        asked.write_text(json.dumps(given), encoding="utf-8")
        run(self.settings, self.home, "-m", module, str(asked), str(answered))
        return json.loads(answered.read_text(encoding="utf-8"))


def scratch(title: str, home: Path, server: Server | None) -> Scratch:
    """A fresh database in a fresh folder: SQLite without a server."""
    home.mkdir()
    url = f"sqlite:///{home}/bench.sqlite3"
    if server:
        name = f"bench_{secrets.token_hex(6)}"
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = f"{server.url.rpartition('/')[0]}/{name}"
    settings = {
        "ADJUDGE_ENV": "production",
        "DJANGO_SETTINGS_MODULE": "bench.server.settings",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "127.0.0.1",
        "BASE_URL": "https://127.0.0.1",
        "DATABASE_URL": url,
        "DB_POOL_SIZE": WORKERS["postgresql"][1],
        "DATA_DIR": str(home / "data"),
        "STATIC_ROOT": str(home / "static"),
    }
    run(settings, home, "manage.py", "migrate", "--verbosity", "0")
    return Scratch(title, home, settings, server.pid if server else None)


@dataclass(frozen=True)
class Served:
    port: int
    pid: int
    log: Path


@contextmanager
def serving(database: Scratch) -> Iterator[Served]:
    """gunicorn on a free port until the block ends; its log is kept beside the database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    log = database.home / "gunicorn.log"
    run(database.settings, database.home, "manage.py", "collectstatic", "--no-input", "--verbosity", "0")
    workers, threads = WORKERS[database.vendor]
    options = ["--workers", workers, "--threads", threads, "--bind", f"127.0.0.1:{port}", "--no-control-socket"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *options, "config.wsgi"],
            env=bare_environment() | database.settings,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C comes to us, and we end it
        )
    try:
        _wait(process, port, log)
        yield Served(port, process.pid, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise Stop(f"The server did not answer within {PATIENCE:.0f} s:\n{tail(log)}")

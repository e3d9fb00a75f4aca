"""A database to measure on, and the product served from it as in production."""

from __future__ import annotations

import http.client
import json
import secrets
import shutil
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

from bench.machine import cpu_seconds
from bench.processes import bare_environment, run, tail
from tools.console import Stop
from tools.environment import ROOT
from tools.postgres import Server

PATIENCE = 60.0
SECRET = secrets.token_urlsafe(64)
# (processes, threads in each). With SQLite one process: threads queue for the one writer more fairly than processes do.
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


@dataclass(frozen=True)
class Kind:
    """A kind of database, with a folder of its own. Its tables are made once and copied after that."""

    title: str
    home: Path
    server: Server | None  # none: SQLite

    def scratch(self, name: str) -> Scratch:
        """A fresh database with the product's tables."""
        template = self._settings("template")
        if not self.home.exists():
            self.home.mkdir()
            if self.server:
                self._create("template", "template1")
            run(template, self.home, "manage.py", "migrate", "--verbosity", "0")
        if self.server:
            self._create(name, "template")
        else:
            shutil.copyfile(self.home / "template.sqlite3", self.home / f"{name}.sqlite3")
        home = self.home / name
        home.mkdir()
        return Scratch(self.title, home, self._settings(name), self.server.pid if self.server else None)

    def _create(self, name: str, template: str) -> None:
        assert self.server is not None  # noqa: S101 - only called with one
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')

    def _settings(self, name: str) -> dict[str, str]:
        url = f"sqlite:///{self.home}/{name}.sqlite3"
        if self.server:
            url = f"{self.server.url.rpartition('/')[0]}/{name}"
        return {
            "ADJUDGE_ENV": "production",
            "DJANGO_SETTINGS_MODULE": "bench.server.settings",
            "SECRET_KEY": SECRET,
            "ALLOWED_HOSTS": "127.0.0.1",
            "BASE_URL": "https://127.0.0.1",
            "DATABASE_URL": url,
            "DB_POOL_SIZE": WORKERS["postgresql"][1],
            "DATA_DIR": str(self.home / "data"),
            "STATIC_ROOT": str(self.home / "static"),
        }


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
    if not Path(database.settings["STATIC_ROOT"]).exists():
        run(database.settings, database.home, "manage.py", "collectstatic", "--no-input", "--verbosity", "0")
    workers, threads = WORKERS[database.vendor]
    options = ["--config", str(ROOT / "deploy/gunicorn.conf.py"), "--bind", f"127.0.0.1:{port}"]
    options += ["--workers", workers, "--threads", threads]
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
        _settle(process.pid)
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


def _settle(pid: int) -> None:
    """One process answers while another still loads: wait until none has anything to do."""
    deadline = time.monotonic() + PATIENCE
    busy = True
    while busy and time.monotonic() < deadline:
        before = cpu_seconds([pid])
        time.sleep(0.5)
        busy = cpu_seconds([pid]) - before > 0.1

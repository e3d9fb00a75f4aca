"""The fair queue in front of SQLite's write lock: exact, in order of arrival, safe against kill -9."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler

from config.databases import database_from_url
from config.sqlite.base import DatabaseWrapper, is_write
from config.sqlite.turnstile import Turnstile, TurnstileTimeoutError, turnstile_of

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Queues over processes need Linux's file locks.")

PRELUDE = """
import sys, time, django
from django.conf import settings
from config.databases import database_from_url
from pathlib import Path
base = database_from_url("sqlite:///" + sys.argv[1], base_dir=Path("/"), pool_size=1, pooler=False)
settings.configure(DATABASES={"default": base}, USE_TZ=True)
django.setup()
from django.db import connection, transaction
def increment():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT value FROM counter")
        value = cursor.fetchone()[0]
        cursor.execute("UPDATE counter SET value = %s", [value + 1])
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "counter.sqlite3"
    with sqlite3.connect(path) as plain:
        plain.execute("CREATE TABLE counter (value INTEGER)")
        plain.execute("INSERT INTO counter VALUES (0)")
    plain.close()
    return path


def connection_to(database: Path, timeout: float) -> DatabaseWrapper:
    entry = database_from_url(f"sqlite:///{database}", base_dir=Path("/"), pool_size=1, pooler=False)
    entry["OPTIONS"]["timeout"] = timeout
    wrapper: DatabaseWrapper = ConnectionHandler({"default": entry}).create_connection("default")
    return wrapper


@pytest.fixture
def connect(database: Path, django_db_blocker: Any) -> Iterator[Callable[..., DatabaseWrapper]]:
    """Connections as the product opens them, one for each call, closed at the end."""
    opened: list[DatabaseWrapper] = []

    def open_one(timeout: float = 20) -> DatabaseWrapper:
        wrapper = connection_to(database, timeout)
        wrapper.inc_thread_sharing()
        opened.append(wrapper)
        return wrapper

    with django_db_blocker.unblock():
        yield open_one
        for wrapper in opened:
            wrapper.close()


def begin(wrapper: DatabaseWrapper) -> None:
    wrapper.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)


def end(wrapper: DatabaseWrapper) -> None:
    wrapper.commit()
    wrapper.set_autocommit(True)


def increment(wrapper: DatabaseWrapper) -> None:
    begin(wrapper)
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT value FROM counter")
        value = cursor.fetchone()[0]
        cursor.execute("UPDATE counter SET value = %s", [value + 1])
    end(wrapper)


def value_in(database: Path) -> int:
    plain = sqlite3.connect(database)
    try:
        return int(plain.execute("SELECT value FROM counter").fetchone()[0])
    finally:
        plain.close()


def held(wrapper: DatabaseWrapper) -> bool:
    return wrapper.turnstile is not None and wrapper.turnstile.held


def start(script: str, database: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + script, str(database)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_pragmas(connect: Callable[..., DatabaseWrapper]) -> None:
    with connect().cursor() as cursor:
        for pragma, expected in {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "busy_timeout": 20_000,
        }.items():
            assert cursor.execute(f"PRAGMA {pragma}").fetchone()[0] == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        *(("SELECT 1", False), ("  /* why */ -- how\n select 1", False), ("PRAGMA foreign_keys", False)),
        *(("SAVEPOINT s1", False), ("COMMIT", False), ("EXPLAIN UPDATE t SET a = 1", False)),
        *(("BEGIN IMMEDIATE", True), ("INSERT INTO t VALUES (1)", True), ("/* x */update t SET a = 1", True)),
        *(("CREATE TABLE t (a)", True), ("VACUUM", True), ("REPLACE INTO t VALUES (1)", True), ("", True)),
        *(("WITH x AS (SELECT 1) SELECT * FROM x", False), ("WITH x AS (SELECT 1) DELETE FROM t", True)),
    ],
)
def test_which_statements_write(sql: str, expected: bool) -> None:
    assert is_write(sql) is expected


def test_the_turn_is_held_for_the_transaction_only(connect: Callable[..., DatabaseWrapper]) -> None:
    wrapper = connect()
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert not held(wrapper)
        cursor.execute("UPDATE counter SET value = 5")  # autocommit: for the statement
        assert not held(wrapper)
        begin(wrapper)
        cursor.execute("SELECT value FROM counter")
        assert held(wrapper)
        cursor.execute("SAVEPOINT s1")
        cursor.execute("ROLLBACK TO s1")
        assert held(wrapper)
        end(wrapper)
        assert not held(wrapper)
        begin(wrapper)
        wrapper.rollback()
        wrapper.set_autocommit(True)
        assert not held(wrapper)
        begin(wrapper)
        wrapper.close()
        assert not held(wrapper)


def test_a_failed_statement_gives_the_turn_back(connect: Callable[..., DatabaseWrapper]) -> None:
    wrapper = connect()
    with wrapper.cursor() as cursor, pytest.raises(OperationalError, match="no such table"):
        cursor.execute("INSERT INTO nowhere VALUES (1)")
    assert not held(wrapper)


def test_a_transaction_without_autocommit_is_queued_from_its_first_write(
    connect: Callable[..., DatabaseWrapper],
) -> None:
    wrapper = connect()
    wrapper.set_autocommit(False)
    with wrapper.cursor() as cursor:
        cursor.execute("UPDATE counter SET value = 5")
        assert held(wrapper)
        wrapper.commit()
        assert not held(wrapper)
    wrapper.set_autocommit(True)


def test_a_lost_connection_gives_the_turn_back(connect: Callable[..., DatabaseWrapper], database: Path) -> None:
    wrapper = connection_to(database, 1)
    begin(wrapper)
    del wrapper
    gc.collect()
    increment(connect(timeout=2))
    assert value_in(database) == 1


def test_a_writer_who_waits_too_long_is_told(connect: Callable[..., DatabaseWrapper]) -> None:
    first, second = connect(), connect(timeout=0.2)
    begin(first)
    started = time.monotonic()
    with pytest.raises(OperationalError, match="database is locked"):
        begin(second)
    assert time.monotonic() - started < 20, "it waited as long as a connection that may, not a slow machine"
    end(first)
    increment(second)


def test_readers_never_wait(connect: Callable[..., DatabaseWrapper]) -> None:
    writer, reader = connect(), connect(timeout=0.2)
    begin(writer)
    with reader.cursor() as cursor:
        assert cursor.execute("SELECT value FROM counter").fetchone()[0] == 0
    end(writer)


def test_threads_lose_no_increment(connect: Callable[..., DatabaseWrapper], database: Path) -> None:
    errors: list[BaseException] = []

    def work(wrapper: DatabaseWrapper) -> None:
        try:
            for _ in range(25):
                increment(wrapper)
        except BaseException as error:  # noqa: BLE001 (shown by the assertion)
            errors.append(error)

    threads = [threading.Thread(target=work, args=[connect()]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert value_in(database) == 200


def test_threads_are_served_in_the_order_they_came(connect: Callable[..., DatabaseWrapper]) -> None:
    holder = connect()
    begin(holder)
    served: list[int] = []
    line = turnstile_of(holder.settings_dict["NAME"])._line

    def work(number: int, wrapper: DatabaseWrapper) -> None:
        begin(wrapper)
        served.append(number)
        end(wrapper)

    threads = []
    for number in range(12):
        threads.append(threading.Thread(target=work, args=[number, connect()]))
        threads[-1].start()
        while len(line) < number + 2:  # until this one stands in line
            time.sleep(0.001)
    end(holder)
    for thread in threads:
        thread.join()
    assert served == list(range(12))


def test_processes_lose_no_increment(database: Path) -> None:
    workers = [start("for _ in range(50): increment()\n", database) for _ in range(4)]
    for worker in workers:
        _, errors = worker.communicate(timeout=60)
        assert worker.returncode == 0, errors
    assert value_in(database) == 200


def test_processes_are_served_in_the_order_they_came(tmp_path: Path) -> None:
    # Two turnstiles on one file behave as two processes: each has its own open file, and so its own locks.
    path = str(tmp_path / "t")
    here, there = Turnstile(path), Turnstile(path)
    first = here.enter(1)
    served: list[str] = []
    threads = []
    for number, place in enumerate([there, here, there, here]):
        threads.append(threading.Thread(target=serve, args=[place, f"{number}", served]))
        threads[-1].start()
        while len(here._line) + len(there._line) < number + 2:
            time.sleep(0.001)
    here.leave(first)
    for thread in threads:
        thread.join()
    assert served == ["0", "1", "2", "3"]


def serve(place: Turnstile, name: str, served: list[str]) -> None:
    ticket = place.enter(10)
    served.append(name)
    place.leave(ticket)


def test_who_gives_up_stops_nobody(tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    here, there = Turnstile(path), Turnstile(path)
    first = here.enter(1)
    with pytest.raises(TurnstileTimeoutError):
        there.enter(0.05)
    with pytest.raises(TurnstileTimeoutError):
        here.enter(0.05)
    here.leave(first)
    there.leave(there.enter(1))
    here.leave(here.enter(1))


def test_an_emptied_file_is_survived(tmp_path: Path) -> None:
    path = tmp_path / "t"
    here, there = Turnstile(str(path)), Turnstile(str(path))
    first = here.enter(1)
    os.truncate(path, 0)
    second = threading.Thread(target=serve, args=[there, "second", served := []])
    second.start()
    time.sleep(0.02)
    assert served == []
    here.leave(first)
    second.join()
    assert served == ["second"]


def test_a_killed_writer_stops_nobody(connect: Callable[..., DatabaseWrapper], database: Path) -> None:
    script = """
with transaction.atomic(), connection.cursor() as cursor:
    cursor.execute("UPDATE counter SET value = 1000")
    print("holding", flush=True)
    time.sleep(60)
"""
    worker = start(script, database)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "holding\n"
    with pytest.raises(OperationalError, match="database is locked"):
        begin(connect(timeout=0.2))  # it does hold
    worker.send_signal(signal.SIGKILL)
    worker.communicate(timeout=10)
    increment(connect())  # or it would say that the database is locked
    assert value_in(database) == 1  # the killed transaction left nothing


def test_a_forked_child_queues_for_itself(connect: Callable[..., DatabaseWrapper], database: Path) -> None:
    script = """
import os
holder = transaction.atomic()
holder.__enter__()
child = os.fork()
if child == 0:
    from django.db import connections
    from config.sqlite.turnstile import TurnstileTimeoutError, turnstile_of
    try:
        turnstile_of(sys.argv[1]).enter(0.2)
    except TurnstileTimeoutError:
        os._exit(7)
    os._exit(8)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
holder.__exit__(None, None, None)
increment()
sys.exit(code)
"""
    worker = start(script, database)
    _, errors = worker.communicate(timeout=30)
    assert worker.returncode == 7, errors
    assert value_in(database) == 1

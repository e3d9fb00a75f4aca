"""Django's SQLite backend, with a fair queue in front of every write (see turnstile.py).

The settings give BEGIN IMMEDIATE for each `atomic` block, synchronous=FULL and a busy timeout. Added here:

- Write-ahead logging, switched on once per database, one process at a time.
- The turnstile. A statement that begins a transaction or writes passes it first. It is left when the
  connection is in no transaction any more: after COMMIT, ROLLBACK, a single statement in autocommit, or
  closing. Savepoints are inside the transaction and do not pass again; readers never pass, for in WAL mode
  they never wait.

A writer whose turn does not come within the timeout gets the error SQLite would give: "database is locked".
In-memory databases belong to one connection and need no queue.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.db.backends.sqlite3 import base

from config.sqlite.turnstile import Pass, TurnstileTimeoutError, pass_for, turnstile_of

Result = TypeVar("Result")

LEADING_COMMENTS = re.compile(r"(?:\s+|--[^\n]*\n|/\*.*?\*/)*", re.DOTALL)
READING_WORDS = {
    *("SELECT", "VALUES", "EXPLAIN", "PRAGMA", "ATTACH", "DETACH"),
    *("SAVEPOINT", "RELEASE", "COMMIT", "END", "ROLLBACK"),
}
WRITING_IN_WITH = re.compile(r"\b(?:INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)


def is_write(sql: str) -> bool:
    """Does this statement need the write lock, or begin a transaction that will? In doubt, yes."""
    start = LEADING_COMMENTS.match(sql).end()  # type: ignore[union-attr]  # it matches the empty string
    word = re.split(r"[^A-Za-z]", sql[start : start + 12], maxsplit=1)[0].upper()
    if word == "WITH":
        return WRITING_IN_WITH.search(sql, start) is not None
    return word not in READING_WORDS


class Cursor(base.SQLiteCursorWrapper):
    wrapper: DatabaseWrapper

    def execute(self, query: str, params: Any = None) -> Any:
        return self._pass_then(query, lambda: super(Cursor, self).execute(query, params))

    def executemany(self, query: str, param_list: Iterable[Any]) -> Any:
        return self._pass_then(query, lambda: super(Cursor, self).executemany(query, param_list))

    def executescript(self, script: str) -> Any:
        return self._pass_then("", lambda: super(Cursor, self).executescript(script))

    def _pass_then(self, sql: str, run: Callable[[], Result]) -> Result:
        if is_write(sql):
            self.wrapper.enter_turnstile()
        try:
            return run()
        finally:
            self.wrapper.leave_turnstile_unless_in_transaction()


class DatabaseWrapper(base.DatabaseWrapper):
    turnstile: Pass | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        connection: sqlite3.Connection = super().get_new_connection(conn_params)
        if self.is_in_memory_db():
            self.turnstile = None
            return connection
        name = self.settings_dict["NAME"]
        if self.turnstile is None or self.turnstile.turnstile is not turnstile_of(name):
            self.turnstile = pass_for(self, name, conn_params.get("timeout", 5.0))
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            self.enter_turnstile()
            try:
                connection.execute("PRAGMA journal_mode=WAL")
            finally:
                self.turnstile.leave()
        return connection

    def create_cursor(self, name: str | None = None) -> Cursor:
        cursor: Cursor = self.connection.cursor(factory=Cursor)
        cursor.wrapper = self
        return cursor

    def enter_turnstile(self) -> None:
        if self.turnstile is None:
            return
        try:
            self.turnstile.enter()
        except TurnstileTimeoutError:
            # As the driver's own class: Django's cursors turn it into django.db.OperationalError.
            raise sqlite3.OperationalError("database is locked") from None
        except OSError as error:
            raise sqlite3.OperationalError(f"unable to queue for writing: {error.strerror}") from error

    def leave_turnstile_unless_in_transaction(self) -> None:
        if self.turnstile is None or not self.turnstile.held:
            return
        try:
            busy = self.connection is not None and self.connection.in_transaction
        except sqlite3.ProgrammingError:  # closed under us: SQLite has rolled back
            busy = False
        if not busy:
            self.turnstile.leave()

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]  # the stubs leave out Django's private methods
        finally:  # a failed commit leaves the transaction open, and the turn with us until the rollback
            self.leave_turnstile_unless_in_transaction()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self.leave_turnstile_unless_in_transaction()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            if self.turnstile is not None:
                self.turnstile.leave()

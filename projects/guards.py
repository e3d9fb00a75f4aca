"""Database triggers that refuse a change, written once for SQLite and PostgreSQL.

A service refuses first, in words; a guard is the last line, for a shell, a bug or a stray UPDATE.
Both databases raise `IntegrityError`. On SQLite, a migration that alters a guarded table rebuilds it and
so loses its triggers: such a migration runs `drop_guards` before and `install_guards` after, and a test
compares the guards of the database with those declared in `<app>/guards.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import migrations


@dataclass(frozen=True)
class Guard:
    """Refuse `event` on `table` where `condition` (SQL over OLD and NEW) holds."""

    name: str
    table: str
    event: str  # INSERT, UPDATE or DELETE
    condition: str
    message: str

    def create_sql(self, vendor: str) -> list[str]:
        if vendor == "sqlite":
            return [
                f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table} FOR EACH ROW "
                f"WHEN {self.condition} BEGIN SELECT RAISE(ABORT, '{self.message}'); END"
            ]
        row = "OLD" if self.event == "DELETE" else "NEW"
        return [
            f"CREATE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $guard$ BEGIN "
            f"IF {self.condition} THEN RAISE EXCEPTION '{self.message}' USING ERRCODE = 'check_violation'; "
            f"END IF; RETURN {row}; END $guard$",
            f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table} FOR EACH ROW "
            f"EXECUTE FUNCTION {self.name}()",
        ]

    def drop_sql(self, vendor: str) -> list[str]:
        if vendor == "sqlite":
            return [f"DROP TRIGGER IF EXISTS {self.name}"]
        return [f"DROP TRIGGER IF EXISTS {self.name} ON {self.table}", f"DROP FUNCTION IF EXISTS {self.name}()"]


def changed(*columns: str) -> str:
    """SQL: any of these columns differs between OLD and NEW. Both databases know IS DISTINCT FROM."""
    return "(" + " OR ".join(f"OLD.{c} IS DISTINCT FROM NEW.{c}" for c in columns) + ")"


def install_guards(guards: Iterable[Guard]) -> migrations.RunPython:
    return migrations.RunPython(*_steps(guards))


def _steps(guards: Iterable[Guard]) -> tuple[Any, Any]:
    chosen = list(guards)

    def forward(apps: Any, schema_editor: Any) -> None:
        for guard in chosen:
            for sql in guard.create_sql(schema_editor.connection.vendor):
                schema_editor.execute(sql)

    def backward(apps: Any, schema_editor: Any) -> None:
        for guard in chosen:
            for sql in guard.drop_sql(schema_editor.connection.vendor):
                schema_editor.execute(sql)

    return forward, backward


def drop_guards(guards: Iterable[Guard]) -> migrations.RunPython:
    forward, backward = _steps(guards)
    return migrations.RunPython(backward, forward)


def never(name: str, table: str, events: str, message: str) -> list[Guard]:
    """Guards that refuse an event always."""
    return [Guard(f"{name}_{event.lower()}", table, event, "TRUE", message) for event in events.split()]


_REVISION = ("revision", "kind", "messages", "digest")
GUARDS: list[Guard] = [
    *never("guard_audit", "projects_auditevent", "UPDATE DELETE", "The audit log is append-only."),
    Guard(
        "guard_itemrevision_update",
        "projects_itemrevision",
        "UPDATE",
        changed("item_id", *_REVISION, "context", "reference", "choices"),
        "The content of an item never changes: write a new revision.",
    ),
    Guard(
        "guard_outputrevision_update",
        "projects_outputrevision",
        "UPDATE",
        changed("output_id", *_REVISION, "text"),
        "The content of an output never changes: write a new revision.",
    ),
]

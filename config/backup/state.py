"""What a database holds: its schema, its rows, the ends of its audit chains. For comparing two of them."""

from __future__ import annotations

from typing import Any

from django.db.migrations.recorder import MigrationRecorder

from config.backup.manifest import Chain, State
from projects import audit


def state_of(connection: Any) -> State:
    """Read everything; the caller sees to it that nothing changes meanwhile."""
    rows: dict[str, int] = {}
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT COUNT(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608 - from the catalogue
            rows[table] = cursor.fetchone()[0]
    applied = MigrationRecorder(connection).applied_migrations()
    chains = audit.verify_all(using=connection.alias) if audit.TABLE in rows else []
    return State(
        migrations=sorted(f"{app}.{name}" for app, name in applied),
        rows=rows,
        audit=[Chain(each.chain, each.events, each.head, each.broken_at) for each in chains],
    )


def differences(expected: State, found: State) -> list[str]:
    """In words, table by table and chain by chain; empty when they are the same."""
    said = [
        f"{table} has {found.rows.get(table, 0):,} rows and should have {expected.rows.get(table, 0):,}"
        for table in sorted(expected.rows.keys() | found.rows.keys())
        if expected.rows.get(table) != found.rows.get(table)
    ]
    chains = {each.chain: each for each in found.audit}
    said += [
        f"the audit chain {each.chain} ends differently" for each in expected.audit if chains.get(each.chain) != each
    ]
    if expected.migrations != found.migrations:
        said.append("the migrations differ")
    return said

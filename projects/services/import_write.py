"""Carry out a plan: reserve keys and render outside, then write everything in one short transaction.

Raters never wait long for an import. Parsing, comparing, rendering and the preparing of rows take seconds and
happen before the transaction begins; the transaction itself only sends prepared rows (under a second
for 10,000 outputs with 20,000 scores on SQLite, where writers queue; on PostgreSQL nobody waits at all). A
process that is killed leaves nothing but a gap in the numbering.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, models, transaction
from django.utils import timezone

from projects.models import AutomatedScore, Item, ItemRevision, Metric, Output, OutputRevision
from projects.services.import_plan import Plan, chunks

_WRITE_CHUNK = 2000  # rows in one executemany: bounds the memory that prepared rows take

_COPY = "COPY"  # PostgreSQL takes rows so at half the cost of an INSERT each

Prepared = tuple[str, list[list[Any]]]  # an INSERT or UPDATE, and its parameters


def reserve(rows: Sequence[models.Model]) -> None:
    """Give unsaved rows primary keys that no other writer will get, so that children can point to them."""
    if not rows:
        return
    table = rows[0]._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
                [table, len(rows)],
            )
            keys: Iterable[int] = [key for (key,) in cursor.fetchall()]
        else:
            keys = _reserve_sqlite(cursor, table, len(rows))
    for row, key in zip(rows, keys, strict=True):
        row.pk = key


def _reserve_sqlite(cursor: Any, table: str, count: int) -> range:
    # AUTOINCREMENT counts in sqlite_sequence, which may be written like any table; the row appears with the
    # table's first insert.
    cursor.execute("UPDATE sqlite_sequence SET seq = seq + %s WHERE name = %s", [count, table])
    if not cursor.rowcount:
        cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, count])
    cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
    last = cursor.fetchone()[0]
    return range(last - count + 1, last + 1)


def prepare(plan: Plan) -> list[Prepared]:
    """All statements of the plan in an order that keeps every reference satisfied. What is new leaves the plan."""
    inserts: list[list[Any]] = [
        plan.systems,
        plan.items,
        plan.item_revisions,
        plan.tags,
        plan.metrics,
        plan.outputs,
        plan.output_revisions,
        plan.scores,
    ]
    unsaved: list[Sequence[models.Model]] = [
        plan.item_revisions,
        plan.tags,
        plan.output_revisions,
        plan.scores,
    ]
    for rows in unsaved:
        reserve(rows)
    prepared = [*_retire(ItemRevision, plan.retired_item_revisions)]
    prepared += _retire(OutputRevision, plan.retired_output_revisions)
    for rows in inserts:
        prepared += _inserts(rows)
    prepared += _updates(Item, plan.changed_items, ["cluster", "language", "metadata"])
    measures = ["has_text", "error", "latency_ms", "ttft_ms", "tokens_in", "tokens_out", "cost", "currency"]
    prepared += _updates(Output, plan.changed_outputs, measures)
    values = ["number", "label", "passed", "explanation", "missing_reason", "details", "batch"]
    prepared += _updates(AutomatedScore, plan.changed_scores, values)
    prepared += _updates(Metric, plan.changed_metrics, ["scale_min", "scale_max", "threshold", "direction"])
    return prepared


def _retire(model: type[models.Model], keys: list[int]) -> list[Prepared]:
    quote = connection.ops.quote_name
    sql = f"UPDATE {quote(model._meta.db_table)} SET {quote('current')} = %s WHERE id = %s"  # noqa: S608 - names
    return [(sql, [[False, key] for key in keys])] if keys else []


def _inserts(rows: list[Any]) -> list[Prepared]:
    if not rows:
        return []
    meta, quote = rows[0]._meta, connection.ops.quote_name
    fields: Sequence[Any] = meta.local_concrete_fields
    columns = ", ".join(quote(field.column) for field in fields)
    if connection.vendor == "postgresql":
        sql = f"{_COPY} {quote(meta.db_table)} ({columns}) FROM STDIN"
    else:
        marks = ", ".join(["%s"] * len(fields))
        sql = f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES ({marks})"  # noqa: S608 - the models' names
    values = _values(_drained(rows), fields)
    return [(sql, chunk) for chunk in chunks(values, _WRITE_CHUNK)]


def _drained(rows: list[Any]) -> Iterator[Any]:
    """Each row in turn, let go of once it was taken: the prepared ones take its place, not a place beside it."""
    rows.reverse()
    while rows:
        yield rows.pop()


def _updates(model: type[models.Model], rows: Sequence[models.Model], names: list[str]) -> list[Prepared]:
    if not rows:
        return []
    meta, quote = model._meta, connection.ops.quote_name
    fields: list[Any] = [meta.get_field(name) for name in names]
    sets = ", ".join(f"{quote(field.column)} = %s" for field in fields)
    sql = f"UPDATE {quote(meta.db_table)} SET {sets} WHERE id = %s"  # noqa: S608 - the models' names
    return [(sql, list(_values(rows, [*fields, meta.pk])))]


def _values(rows: Iterable[models.Model], fields: Sequence[Any]) -> Iterator[list[Any]]:
    """The rows as the database takes them. Only dates and JSON need converting, which saves half the time."""
    database = connections[DEFAULT_DB_ALIAS]  # without the proxy, which costs at every use
    take = attrgetter(*(field.attname for field in fields))
    now = timezone.now()
    special = [
        (position, field)
        for position, field in enumerate(fields)
        if isinstance(field, models.JSONField | models.DateTimeField)
    ]
    for row in rows:
        values = list(take(row))
        for position, field in special:
            value = now if getattr(field, "auto_now_add", False) else values[position]
            values[position] = field.get_db_prep_save(value, database)
        yield values


def send(prepared: list[Prepared], progress: Callable[[int], None] | None = None) -> None:
    """Run the statements, inside the caller's transaction."""
    done = 0
    with connection.cursor() as cursor:
        for sql, parameters in prepared:
            if sql.startswith(_COPY):
                _copy(cursor, sql, parameters)
            else:
                cursor.executemany(sql, parameters)
            done += len(parameters)
            if progress:
                progress(done)


def _copy(cursor: Any, sql: str, rows: list[list[Any]]) -> None:
    # The driver's own cursor: Django's has no COPY. Its errors must become Django's, which we catch.
    with connection.wrap_database_errors, cursor.cursor.copy(sql) as copy:
        for row in rows:
            copy.write_row(row)

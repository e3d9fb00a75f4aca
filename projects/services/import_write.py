"""Carry out a plan: reserve keys and render outside, then write everything in one short transaction.

Raters never wait long for an import. Parsing, comparing, rendering and, on SQLite, the preparing of rows take seconds
and happen before the transaction begins; the transaction itself only sends prepared rows (under a second
for 10,000 outputs with 20,000 scores on SQLite, where writers queue; on PostgreSQL nobody waits at all). A
process that is killed leaves nothing but a gap in the numbering.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection, connections, models, transaction
from django.utils import timezone

from projects.models import AutomatedScore, Item, ItemRevision, Metric, Output, OutputRevision
from projects.services.import_plan import NewScores, Plan, chunks, give_keys
from projects.services.import_plan_outputs import output_of, score_of

_WRITE_CHUNK = 2000  # rows in one executemany: bounds the memory that prepared rows take

_COPY = "COPY"  # PostgreSQL takes rows so at half the cost of an INSERT each


class Prepared(NamedTuple):
    """An INSERT or UPDATE, and the parameters of each row."""

    sql: str
    size: int
    rows: Iterable[list[Any]]


def reserve(rows: Sequence[models.Model]) -> None:
    give_keys(rows, keys_of)


def keys_of(model: type[models.Model], count: int) -> Iterable[int]:
    """Primary keys that no other writer will get."""
    table = model._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
            )
            return array("q", (key for (key,) in cursor))
        return _reserve_sqlite(cursor, table, count)


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
    ]
    unsaved: list[Sequence[models.Model]] = [
        plan.item_revisions,
        plan.tags,
        plan.output_revisions,
    ]
    for rows in unsaved:
        plan.reserve(rows)
    prepared = [*_retire(ItemRevision, plan.retired_item_revisions)]
    prepared += _retire(OutputRevision, plan.retired_output_revisions)
    for rows in inserts:
        prepared += _of_rows(rows)
    prepared += _outputs(plan) + _of_rows(plan.output_revisions)
    prepared += [_insert(AutomatedScore._meta, len(new.identities), _scores(plan, new)) for new in plan.scores]
    prepared += _updates(Item, plan.changed_items, ["cluster", "language", "metadata"])
    measures = ["has_text", "error", "latency_ms", "ttft_ms", "tokens_in", "tokens_out", "cost", "currency"]
    prepared += _updates(Output, plan.changed_outputs, measures)
    values = ["number", "label", "passed", "explanation", "missing_reason", "details", "batch"]
    prepared += _updates(AutomatedScore, plan.changed_scores, values)
    prepared += _updates(Metric, plan.changed_metrics, ["scale_min", "scale_max", "threshold", "direction"])
    return prepared


def _of_rows(rows: list[Any]) -> list[Prepared]:
    if not rows:
        return []
    meta = rows[0]._meta
    return [_insert(meta, len(rows), _values(_drained(rows), meta.local_concrete_fields))]


def _outputs(plan: Plan) -> list[Prepared]:
    if not plan.outputs:
        return []
    rows = (output_of(plan, key) for key in plan.outputs)
    meta = Output._meta
    return [_insert(meta, len(plan.outputs), _values(rows, meta.local_concrete_fields, itemgetter))]


def _scores(plan: Plan, new: NewScores) -> Iterator[list[Any]]:
    keys = keys_of(AutomatedScore, len(new.identities))
    pairs = zip(new.identities, keys, strict=True)
    rows = (score_of(plan, new.metric, new.staged[identity], pk) for identity, pk in pairs)
    yield from _values(rows, AutomatedScore._meta.local_concrete_fields, itemgetter)


def _retire(model: type[models.Model], keys: list[int]) -> list[Prepared]:
    quote = connection.ops.quote_name
    sql = f"UPDATE {quote(model._meta.db_table)} SET {quote('current')} = %s WHERE id = %s"  # noqa: S608 - names
    return [Prepared(sql, len(keys), [[False, key] for key in keys])] if keys else []


def _insert(meta: Any, count: int, values: Iterator[list[Any]]) -> Prepared:
    """On SQLite, where a transaction keeps all other writers waiting, rows are ready before it begins. On PostgreSQL
    nobody waits, so they are made as they are sent, and are never all there at once."""
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in meta.local_concrete_fields)
    if connection.vendor == "postgresql":
        return Prepared(f"{_COPY} {quote(meta.db_table)} ({columns}) FROM STDIN", count, values)
    marks = ", ".join(["%s"] * len(meta.local_concrete_fields))
    sql = f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES ({marks})"  # noqa: S608 - the models' names
    return Prepared(sql, count, list(values))


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
    return [Prepared(sql, len(rows), list(_values(rows, [*fields, meta.pk])))]


def _values(
    rows: Iterable[Any], fields: Sequence[Any], getter: Callable[..., Callable[[Any], Any]] = attrgetter
) -> Iterator[list[Any]]:
    """The rows as the database takes them; `itemgetter` is for rows that are dictionaries by column. Only dates and
    JSON need converting, which saves half the time, and empty JSON, which nearly all have, is made once."""
    database = connections[DEFAULT_DB_ALIAS]  # without the proxy, which costs at every use
    take = getter(*(field.attname for field in fields))
    now = timezone.now()
    special = [
        (position, field, field.get_db_prep_save({}, database) if isinstance(field, models.JSONField) else None)
        for position, field in enumerate(fields)
        if isinstance(field, models.JSONField | models.DateTimeField)
    ]
    for row in rows:
        values = list(take(row))
        for position, field, nothing in special:
            value = now if getattr(field, "auto_now_add", False) else values[position]
            values[position] = nothing if value == {} else field.get_db_prep_save(value, database)
        yield values


def send(prepared: list[Prepared], progress: Callable[[int], None] | None = None) -> None:
    """Run the statements, inside the caller's transaction."""
    done = 0
    with connection.cursor() as cursor:
        for statement in prepared:
            for rows in chunks(statement.rows, _WRITE_CHUNK):
                if statement.sql.startswith(_COPY):
                    _copy(cursor, statement.sql, rows)
                else:
                    cursor.executemany(statement.sql, rows)
                done += len(rows)
                if progress:
                    progress(done)


def _copy(cursor: Any, sql: str, rows: list[list[Any]]) -> None:
    # The driver's own cursor: Django's has no COPY. Its errors must become Django's, which we catch.
    with connection.wrap_database_errors, cursor.cursor.copy(sql) as copy:
        for row in rows:
            copy.write_row(row)

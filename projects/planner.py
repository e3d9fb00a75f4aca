"""Tell PostgreSQL at once how large tables have become, rather than when autovacuum gets to it.

After a large load the planner still believes that the tables are small, and the first report on them then
takes a plan that is quadratic: 37 s instead of 0.1 s for 19,200 judgments, as measured.
"""

from __future__ import annotations

from django.db import connection, models

ENOUGH_ROWS = 1000


def note_growth(rows: int, *tables: type[models.Model]) -> None:
    """Refresh the planner's statistics of these tables after `rows` new rows. Call it last in the transaction.

    Tables are locked against other ANALYZE only, and always in one order, so that two loads cannot deadlock."""
    if rows < ENOUGH_ROWS or connection.vendor != "postgresql":
        return
    names = sorted(connection.ops.quote_name(table._meta.db_table) for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(names)}")

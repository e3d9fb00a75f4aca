"""Rows of models out of SQL that was written down once.

Django works the text of a query out anew each time, which takes longer than running it: ten times as long for the round
with what belongs to it. The queries of a rater's every request are therefore written down, and their rows become
the same instances that Django would have made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

from django.db import connection, models

Converter = Callable[[Any, Any, Any], Any]
M = TypeVar("M", bound=models.Model)


class Columns(Generic[M]):
    """All columns of a model under an alias: `sql` for the SELECT, `read` for its part of a row."""

    def __init__(self, model: type[M], alias: str, without: Collection[str] = ()) -> None:
        """`without`: long columns that are seldom asked for. Django reads them when they are."""
        self._model, self._without = model, tuple(without)
        self._fields = [field for field in model._meta.concrete_fields if field.attname not in self._without]
        self._names = [field.attname for field in self._fields]
        self.width = len(self._fields)
        self.sql = ", ".join(f'{alias}."{field.column}"' for field in self._fields)

    def read(self, row: Sequence[Any]) -> M | None:
        """None where an outer join found nothing."""
        values = list(row)
        if values[0] is None:
            return None
        for at, expression, converters in _converters(self._model, self._without, connection.vendor):
            for convert in converters:
                values[at] = convert(values[at], expression, connection)
        return self._model.from_db(connection.alias, self._names, values)


@cache
def _converters(
    model: type[models.Model], without: tuple[str, ...], vendor: str
) -> list[tuple[int, Any, list[Converter]]]:
    """What Django does to the value of each column that needs it, on this database."""
    found = []
    for at, field in enumerate(field for field in model._meta.concrete_fields if field.attname not in without):
        column = field.get_col(model._meta.db_table)
        converters = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
        if converters:
            found.append((at, column, converters))
    return found

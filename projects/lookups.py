"""Finding words in a conversation, on both databases."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import JSONField, Lookup

_ESCAPES = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


@JSONField.register_lookup
class Says(Lookup[Any]):
    """`messages__says="refund"`: some message of the list [{role, content, …}] has these words in its content. Names of
    keys and roles are not what is said. Capitals do not matter; on SQLite that holds for the letters a to z.

    The text of the whole list is looked at first: it is read much faster than it is taken apart."""

    lookup_name = "says"
    prepare_rhs = False  # words, not JSON

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        lhs, params = self.process_lhs(compiler, connection)
        sql = rf"""({lhs} LIKE %s ESCAPE '\' AND EXISTS (SELECT 1 FROM json_each({lhs}) AS said
          WHERE said.type = 'object' AND json_extract(said.value, '$.content') LIKE %s ESCAPE '\'))"""  # noqa: S608 - words are parameters
        return sql, [*params, _like(json.dumps(self.rhs)[1:-1]), *params, _like(self.rhs)]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        lhs, params = self.process_lhs(compiler, connection)
        sql = f"""({lhs}::text ILIKE %s AND EXISTS (
          SELECT 1 FROM jsonb_array_elements(CASE jsonb_typeof({lhs}) WHEN 'array' THEN {lhs} ELSE '[]' END) AS said
          WHERE said->>'content' ILIKE %s))"""  # noqa: S608 - words are parameters
        words = _like(json.dumps(self.rhs, ensure_ascii=False)[1:-1])
        return sql, [*params, words, *params, *params, _like(self.rhs)]


def _like(words: str) -> str:
    return f"%{words.translate(_ESCAPES)}%"

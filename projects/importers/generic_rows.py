"""One mapped row → item, systems, outputs and scores, with what is wrong in it by row and column."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from projects.importers import limits, values
from projects.importers.compact import hashes
from projects.importers.generic_cells import Cells, Target, name_and_version, shown
from projects.importers.generic_scores import ScoreReader
from projects.importers.identity import canonical, digest_id, user_message
from projects.importers.mapping import Mapping, Row
from projects.importers.records import (
    ItemRecord,
    Message,
    OutputRecord,
    Problem,
    Record,
    Skip,
    SystemKey,
    SystemRecord,
    problem,
)

Found = Iterator[Record | Problem]

# role → field of OutputRecord, and the factor that makes milliseconds of it.
_MEASURES: dict[str, tuple[str, int]] = {
    "latency_ms": ("latency_ms", 1),
    "latency_s": ("latency_ms", 1000),
    "ttft_ms": ("ttft_ms", 1),
    "ttft_s": ("ttft_ms", 1000),
    "tokens_in": ("tokens_in", 1),
    "tokens_out": ("tokens_out", 1),
    "cost_usd": ("cost", 1),
    "cost": ("cost", 1),
}


class RowReader:
    """Keeps hashes of what it has seen, not the texts: a million rows stay within memory.

    ``empty_is_answer``: an empty text is an answer of no words (JSON, Parquet), not a blank cell (CSV).
    """

    def __init__(self, mapping: Mapping, name: str, *, empty_is_answer: bool = False, compact: bool = False) -> None:
        self.cells = Cells(mapping, name)
        self.empty_is_answer = empty_is_answer
        self.scores = ScoreReader(self.cells, compact=compact)
        self.tags = mapping.all_of("tag")
        self.metadata = mapping.all_of("metadata")
        self.extra = mapping.all_of("extra")
        self.output_columns = [(c, mapping.columns[c].name) for c in mapping.all_of("output_column")]
        self.items = hashes(compact)  # hash of the id → hash of the content (0: none yet)
        self.item_tags = hashes(compact)
        self.systems: set[SystemKey] = set()
        self.outputs = hashes(compact)  # hash of the target → hash of the text (0: none yet)

    def row(self, line: int, row: Row) -> Found:
        self.cells.late_columns(line, row)
        try:
            item = yield from self._item(line, row)
            if self.output_columns:
                yield from self._side_by_side(line, row, item)
            else:
                yield from self._answer(line, row, item)
        except Skip as skip:
            yield problem(self.cells.name, skip.why, line, skip.column)

    def closing_notes(self) -> Iterator[Problem]:
        return self.cells.closing_notes()

    # The item

    def _item(self, line: int, row: Row) -> Generator[Record | Problem, None, str]:
        ident, messages = self._identity(row)
        tags = tuple(dict.fromkeys(tag for column in self.tags for tag in values.tags(row.get(column))))
        key, content = hash(ident), _content_hash(messages)
        known = self.items.get(key)
        if known and content and known != content:
            raise Skip(
                f"The item '{ident}' has another text here than in an earlier row; give it an id of its own.",
                self._text_column() or self.cells.column.get("item", ""),
            )
        if self.tags and self.item_tags.setdefault(key, hash(tags)) != hash(tags) and tags:
            why = f"The tags of item '{ident}' differ from those in its first row, which are kept."
            yield from self.cells.note("Other tags", why, line, self.tags[0])
        if known is None or (content and not known):
            self.items[key] = content
            yield self._item_record(row, ident, messages, tags)
        return ident

    def _identity(self, row: Row) -> tuple[str, tuple[Message, ...]]:
        messages = self._messages(row)
        ident = self.cells.text(row, "item", limits.MAX_CELL_CHARS)
        column = self.cells.column.get("item", "")
        if not ident:
            if not messages:
                raise Skip("The row names no item: it has neither an id nor a text.", column or self._text_column())
            return digest_id(messages), messages
        if not self._text_column() and any(character.isspace() for character in ident):
            # No column for the text, and the id is several words: the id is the question itself.
            messages = user_message(ident)
            return (ident if len(ident) <= limits.MAX_ID_CHARS else digest_id(messages)), messages
        if len(ident) > limits.MAX_ID_CHARS:
            raise Skip(f"The id has {len(ident):,} characters; at most {limits.MAX_ID_CHARS} are accepted.", column)
        return ident, messages

    def _text_column(self) -> str:
        return self.cells.column.get("messages") or self.cells.column.get("prompt") or ""

    def _messages(self, row: Row) -> tuple[Message, ...]:
        cell = self.cells.cell(row, "messages")
        if not values.is_missing(cell):
            return _conversation(cell, self.cells.column["messages"])
        cell, column = self.cells.cell(row, "prompt"), self.cells.column.get("prompt", "")
        if values.looks_like_conversation(cell):
            return _conversation(cell, column)
        if isinstance(cell, dict | list):
            raise Skip(
                "The prompt is a list or an object; accepted: a text, or messages with role and content.",
                column,
            )
        text = values.body(cell)
        return user_message(text) if text and text.strip() else ()

    def _item_record(self, row: Row, ident: str, messages: tuple[Message, ...], tags: tuple[str, ...]) -> ItemRecord:
        cell, text = self.cells.cell, self.cells.text
        return ItemRecord(
            external_id=ident,
            messages=messages,
            context=values.texts(cell(row, "context")),
            reference=values.texts(cell(row, "reference")),
            choices=values.texts(cell(row, "choices")),
            metadata=self.cells.kept(row, self._with_late(self.metadata) if self.output_columns else self.metadata),
            tags=tags,
            cluster=text(row, "cluster", limits.MAX_ID_CHARS) or None,
            language=text(row, "language", 35),
        )

    def _with_late(self, columns: list[str]) -> list[str]:
        return [*columns, *self.cells.late] if self.cells.late else columns

    # Systems and outputs

    def _system(self, key: SystemKey) -> Iterator[SystemRecord]:
        if key not in self.systems:
            self.systems.add(key)
            yield SystemRecord(*key)

    def _side_by_side(self, line: int, row: Row, item: str) -> Found:
        """Wide: each such column holds the answers of one system."""
        for column, name in self.output_columns:
            try:
                key = name_and_version(name, "", column)
                yield from self._system(key)
                text, messages = self._answer_text(row.get(column), column)
                if text is None:
                    why = "The cell is empty: this system has no output for this item."
                    yield from self.cells.note("No output", why, line, column)
                elif self._is_new(Target(item, key), text, column):
                    yield OutputRecord(item, key, text, messages)
            except Skip as skip:
                yield problem(self.cells.name, skip.why, line, skip.column)

    def _answer(self, line: int, row: Row, item: str) -> Found:
        """Long, or wide with a column a metric: one system's answer and what was said of it."""
        key = self.cells.system_key(row, "system")
        target = Target(item, key, self.cells.count(row, "repeat") or 0, self.cells.text(row, "variant"))
        yield from self._system(key)
        told = yield from self._output(line, row, target)
        if self.cells.text(row, "system_b", 2 * limits.MAX_NAME_CHARS):
            yield from self._system(self.cells.system_key(row, "system_b"))
        scored = yield from self.scores.row(line, row, target)
        if not told and not scored:
            raise Skip("The row holds neither an output nor a score.", self.cells.column.get("output", ""))

    def _output(self, line: int, row: Row, target: Target) -> Generator[Record | Problem, None, bool]:
        """Yields the output unless an earlier row gave it; returns whether the row holds one."""
        column = self.cells.column.get("output", "")
        text, messages = self._answer_text(self.cells.cell(row, "output"), column)
        error = self.cells.text(row, "error", limits.MAX_CELL_CHARS)
        measures = yield from self._measures(line, row)
        if text is None and not error and not measures:
            return False
        if self._is_new(target, error or None if text is None else text, column):
            kept = self.cells.kept(row, self._with_late(self.extra))
            yield OutputRecord(**target._asdict(), **measures, text=text, messages=messages, error=error, raw=kept)
        return True

    def _answer_text(self, cell: Any, column: str) -> tuple[str | None, tuple[Message, ...]]:
        if values.looks_like_conversation(cell):
            messages = _conversation(cell, column)
            last = messages[-1]["content"]
            return (last if isinstance(last, str) else values.dump(last)), messages
        if isinstance(cell, dict | list):
            return values.dump(cell), ()
        text = values.body(cell)
        return (None if text == "" and not self.empty_is_answer else text), ()

    def _is_new(self, target: Target, text: str | None, column: str) -> bool:
        key, content = hash(target), 0 if text is None else hash(text) or 1
        known = self.outputs.get(key)
        if known and content and known != content:
            raise Skip(
                f"The item '{target.item}' and system '{shown(target.system)}' have another output in an "
                "earlier row, which is kept; number repeated trials in a column repeat.",
                column,
            )
        if known or (known == 0 and not content):
            return False
        self.outputs[key] = content
        return True

    def _measures(self, line: int, row: Row) -> Generator[Problem, None, dict[str, Any]]:
        found: dict[str, Any] = {}
        for role, (field, factor) in _MEASURES.items():
            column = self.cells.column.get(role)
            if column is None or field in found or values.is_missing(row.get(column)):
                continue
            whole = field.startswith("tokens")
            number = values.count(row[column]) if whole else values.amount(row[column])
            if number is None:
                why = f"The cell is not a {'whole ' * whole}number from 0 on; it is left out."
                yield from self.cells.note("Unreadable measure", why, line, column)
                continue
            found[field] = number * factor
            if field == "cost":
                found["currency"] = "USD" if role == "cost_usd" else self.cells.text(row, "currency", 3).upper()
        return found


def _content_hash(messages: tuple[Message, ...]) -> int:
    return hash(canonical(messages)) or 1 if messages else 0


def _conversation(cell: Any, column: str) -> tuple[Message, ...]:
    try:
        return values.conversation(cell)
    except ValueError as error:
        raise Skip(str(error), column) from None

"""promptfoo results: the JSON export (format versions 1 to 3, with or without its wrapper) and JSON Lines.

What the tool writes and its traps (checked against version 0.121):

- a row's ``error`` also holds the text of a failed assertion; it is an infrastructure error only when
  ``failureReason`` is 2, and then its score of 0 is no score;
- the system is provider and prompt together: one column of its table;
- a thumb given in its viewer overrides the row's pass and score, which are then no longer automated.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, BinaryIO, NamedTuple

from projects.importers import beside, limits, promptfoo_csv, tables, values
from projects.importers.identity import canonical
from projects.importers.jsonscan import Document
from projects.importers.promptfoo_rows import Prompt, RowReader, prompt_of, rows_of_table
from projects.importers.records import Problem, Record, RunRecord, not_alone, note, problem, refusal
from projects.importers.shapes import as_dict, as_list

TITLE = "promptfoo results (JSON, JSON Lines or CSV)"

_ROW_LISTS = (("results", "results"), ("results",))  # with the wrapper, and the inner object alone
_TABLES = (("results", "table"), ("table",))  # before version 3
_NEWEST_VERSION = 3
_EXPORT_JSON = (
    "it is made for people to read. Export JSON instead: promptfoo eval -o results.json, "
    "or promptfoo export <eval id> -o results.json."
)
_ROW_KEYS = re.compile(rb'"(?:gradingResult|promptIdx|testIdx)"\s*:')
_INNER = re.compile(rb'\{\s*"version"\s*:\s*[1-4]\s*,\s*"timestamp"\s*:')


class _Source(NamedTuple):
    head: dict[str, Any]
    rows: Callable[[list[Problem]], Iterator[tuple[int, dict[str, Any]]]]  # read anew at each call
    notes: tuple[str, ...] = ()


def sniff(head: bytes, name: str) -> float:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _is_csv(text) or _other_export(text):
        return 0.9
    if not text.startswith(b"{"):
        return 0.0
    if re.search(rb'"evalId"\s*:', text) and b'"results"' in text:
        return 0.95
    if _ROW_KEYS.search(text):
        return 0.9
    return 0.8 if _INNER.match(text) else 0.0


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    data = limits.read_utf8(stream, name)
    if other := _other_export(data[:65536].lstrip()):
        raise not_alone(name, f"This is promptfoo's {other} export; {_EXPORT_JSON}")
    found: list[Problem] = []
    source = _csv(data, name, options) if _is_csv(data[:4096].lstrip()) else _open(data, name)
    yield from (note(name, each) for each in source.notes)
    results = _results(source.head)
    version = results.get("version")
    if isinstance(version, int) and version > _NEWEST_VERSION:
        yield note(name, f"The file is of version {version}; versions up to {_NEWEST_VERSION} are known here.")
    prompts = _prompts(source)
    if source.head:
        yield _run(source.head, results, prompts)
    reader = RowReader(name, prompts)
    read_rows = 0
    for number, row in source.rows(found):
        yield from found
        found.clear()
        read_rows += 1
        if read_rows > limits.MAX_ROWS:
            raise refusal(name, f"The file has more than {limits.MAX_ROWS:,} results, the most accepted.")
        yield from reader.row(number, row)
    yield from found
    if not read_rows:
        raise refusal(name, "The file holds no results. A finished promptfoo evaluation has at least one.")
    yield from reader.closing_notes()


def _other_export(head: bytes) -> str:
    text = head[:4096].decode("utf-8", "replace")
    if text.startswith("<"):
        if re.match(r"(?:<\?xml[^>]*>\s*)?<promptfoo>", text):
            return "XML"
        return "HTML" if "promptfoo" in head[:65536].decode("utf-8", "replace").lower() else ""
    return ""


def _is_csv(head: bytes) -> bool:
    text = head[:4096].decode("utf-8", "replace")
    return not text.startswith(("{", "[", "<")) and promptfoo_csv.is_csv(text.split("\n", 1)[0])


def _csv(data: bytes, name: str, options: dict[str, Any] | None) -> _Source:
    """The same evaluation as JSON has more, and its items go by other ids: beside it the CSV is left out."""
    if any(sniff(head, other.name) and not _is_csv(head.lstrip()) for other, head in beside.heads(options)):
        raise not_alone(name, "The same evaluation is there as JSON, which holds more than promptfoo's CSV export.")
    return _Source({}, lambda found: promptfoo_csv.read(io.BytesIO(data), name, found), (promptfoo_csv.NOTE,))


def _open(data: bytes, name: str) -> _Source:
    data = data.lstrip()
    line_end = data.find(b"\n")
    # A document over several lines never has a whole object in its first line.
    if line_end > 0 and data[:line_end].rstrip().endswith(b"}") and re.compile(rb"\S").search(data, line_end):
        return _lines(data, name)
    document = Document(data, name, [*_ROW_LISTS, *((*table, "body") for table in _TABLES)])
    if not isinstance(document.head, dict):
        raise refusal(name, "The JSON is not an object with promptfoo's results.")
    for path in _ROW_LISTS:
        if document.count(path):
            return _Source(document.head, partial(_document_rows, document, path), document.notes)
    for path in _TABLES:
        if document.count((*path, "body")):
            head = as_dict(_at(document.head, (*path, "head")))
            return _Source(document.head, partial(_table_rows, document, path, head), document.notes)
    if _ROW_KEYS.search(data):
        return _lines(data, name)  # one line of a JSON Lines export
    raise refusal(name, "The JSON holds no list results.results with promptfoo's results, or the list is empty.")


def _lines(data: bytes, name: str) -> _Source:
    return _Source({}, lambda found: tables.read_rows(io.BytesIO(data), name, found.append))


def _document_rows(
    document: Document, path: tuple[str, ...], found: list[Problem]
) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, row, notes in document.rows(path):
        found.extend(note(document.name, each, number) for each in notes)
        yield number, row


def _table_rows(
    document: Document, path: tuple[str, ...], head: dict[str, Any], found: list[Problem]
) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, body, notes in document.rows((*path, "body")):
        found.extend(note(document.name, each, number) for each in notes)
        if not as_list(body.get("outputs")):
            found.append(problem(document.name, "The table row has no outputs.", number))
        for row in rows_of_table(head, body, number):
            yield number, row


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = as_dict(value).get(key)
    return value


def _results(head: dict[str, Any]) -> dict[str, Any]:
    """The inner object: under ``results`` with the wrapper, else the top itself."""
    inner = head.get("results")
    return inner if isinstance(inner, dict) else head


def _prompts(source: _Source) -> list[Prompt]:
    """The distinct prompts, from the head or, in JSON Lines, from all the rows."""
    results = _results(source.head)
    listed = as_list(results.get("prompts")) or as_list(
        as_dict(as_dict(results.get("table")).get("head")).get("prompts")
    )
    found: dict[str, Prompt] = {}
    for entry in listed:
        prompt = prompt_of(
            {
                "prompt": entry,
                "promptId": as_dict(entry).get("id"),
                "provider": as_dict(entry).get("provider"),
            }
        )
        found[canonical([prompt.key, prompt.provider])] = prompt._replace(
            metrics=as_dict(as_dict(entry).get("metrics"))
        )
    if not found:
        for _, row in source.rows([]):
            prompt = prompt_of(row)
            found.setdefault(prompt.key, prompt._replace(template=""))
    return list(found.values())


def _run(head: dict[str, Any], results: dict[str, Any], prompts: list[Prompt]) -> RunRecord:
    metadata = as_dict(head.get("metadata"))
    created = metadata.get("evaluationCreatedAt") or results.get("timestamp") or head.get("createdAt")
    return RunRecord(
        tool="promptfoo",
        tool_version=values.text(metadata.get("promptfooVersion"))[:100],
        run_id=values.text(head.get("evalId"))[: limits.MAX_NAME_CHARS],
        created=values.text(created),
        aggregates={
            "stats": values.plain(as_dict(results.get("stats"))),
            "prompts": [_aggregate(prompt) for prompt in prompts if prompt.metrics],
        },
    )


def _aggregate(prompt: Prompt) -> dict[str, Any]:
    """promptfoo writes sums; a name without a count is a derived metric, of which only the value is known."""
    sums = as_dict(prompt.metrics.get("namedScores"))
    counts = as_dict(prompt.metrics.get("namedScoresCount"))
    means: dict[str, float] = {}
    derived: dict[str, float] = {}
    for metric, total in sums.items():
        number, count = values.finite(total), values.finite(counts.get(metric))
        if number is not None:
            (means if count else derived)[metric] = number / count if count else number
    return {
        "provider": prompt.provider,
        "prompt": prompt.label,
        "means": means,
        "derived": derived,
        "passed": values.count(prompt.metrics.get("testPassCount")),
        "failed": values.count(prompt.metrics.get("testFailCount")),
        "errors": values.count(prompt.metrics.get("testErrorCount")),
    }

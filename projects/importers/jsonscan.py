"""JSON read with limits: depth is known before parsing, long lists are parsed one element at a time."""

from __future__ import annotations

import json
import re
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from projects.importers import limits
from projects.importers.records import ImportFileError, refusal

Path = tuple[str, ...]

# From here over whole strings and all else to the next bracket, or to a quote that nothing closes.
# Possessive, and always anchored (``match``, not ``search``): linear on any input.
_NEXT = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+(["\[\]{}])', re.DOTALL)
_KEY = re.compile(rb'"((?:[^"\\]|\\.)*)"\s*:\s*$', re.DOTALL)
_LONGEST_KEY = 100  # of the keys that lead to a wanted list
# Escapes that give text no database can store: lone surrogates and NUL.
_SUSPECT = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
_UNSTORABLE = re.compile("[\ud800-\udfff\0]")
_QUOTE, _OPEN, _CLOSE = ord('"'), frozenset(b"[{"), frozenset(b"]}")


class Parsed(NamedTuple):
    value: Any
    notes: tuple[str, ...]


def too_deep(text: bytes) -> bool:
    """A linear scan that stops at the limit; brackets within strings do not count."""
    if text.count(b"[") + text.count(b"{") <= limits.MAX_JSON_DEPTH:
        return False
    depth = 0
    for token, _, _ in _brackets(text):
        if token in _OPEN:
            depth += 1
            if depth > limits.MAX_JSON_DEPTH:
                return True
        else:
            depth -= 1
    return False


def _brackets(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(bracket, where it stands, where the text before it begins); a quote never closed ends them."""
    position = 0
    while match := _NEXT.match(data, position):
        end = match.end()
        yield data[end - 1], end - 1, position
        if data[end - 1] == _QUOTE:
            return
        position = end


def depth_sentence() -> str:
    return f"The JSON is nested more than {limits.MAX_JSON_DEPTH} levels deep, the deepest accepted."


def loads(text: str) -> Parsed:
    """One JSON value; ValueError with a full sentence if it is not one. NaN and Infinity become floats."""
    if too_deep(text.encode("utf-8", "surrogatepass")):
        raise ValueError(depth_sentence())
    repeated: dict[str, None] = {}

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(found)
        if len(result) != len(found):
            counts = Counter(key for key, _ in found)
            repeated.update((key, None) for key, count in counts.items() if count > 1)
        return result

    try:
        value = json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise ValueError(f"The JSON cannot be read at character {error.pos + 1}: {error.msg}.") from None
    except ValueError:  # an integer of thousands of digits
        raise ValueError("The JSON holds a number too long to read.") from None
    notes = []
    if repeated:
        names = ", ".join(f"'{clean_text(key)}'" for key in repeated)
        notes.append(f"An object names the key {names} more than once; the last value was read.")
    if _SUSPECT.search(text):
        cleaned = clean(value)
        if cleaned != value:
            notes.append("A text holds half a character (a lone surrogate) or NUL; U+FFFD was put in its place.")
        value = cleaned
    return Parsed(value, tuple(notes))


def clean_text(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", text)


def clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [clean(each) for each in value]
    if isinstance(value, dict):
        return {clean_text(key): clean(each) for key, each in value.items()}
    return value


class Document:
    """A JSON document whose long lists stay bytes until each element is asked for.

    ``paths`` name the lists of objects to hold back, as keys from the top: () is a list at the top.
    ``head`` is the rest of the document, with those lists empty.
    """

    def __init__(self, data: bytes, name: str, paths: Sequence[Path]) -> None:
        self.data = data
        self.name = name
        self.spans = _index(data, name, paths)
        kept, position = [], 0
        for spans in sorted(self.spans.values(), key=lambda found: found[0]):
            kept.append(data[position : spans[0]])
            position = spans[-1]
        kept.append(data[position:])
        try:
            self.head, self.notes = loads(b"".join(kept).decode("utf-8"))
        except ValueError as error:
            raise refusal(name, str(error)) from None

    def count(self, path: Path) -> int:
        return len(self.spans.get(path, ())) // 2

    def rows(self, path: Path) -> Iterator[tuple[int, dict[str, Any], tuple[str, ...]]]:
        """Element number from 1, the object, and notes on it."""
        spans = self.spans.get(path, array("Q"))
        for index in range(0, len(spans), 2):
            number = index // 2 + 1
            if index and self.data[spans[index - 1] : spans[index]].strip() != b",":
                raise refusal(self.name, "The list holds something that is not an object between commas.", number)
            try:
                value, notes = loads(self.data[spans[index] : spans[index + 1]].decode("utf-8"))
            except ValueError as error:
                raise refusal(self.name, str(error), number) from None
            yield number, value, notes


def _index(data: bytes, name: str, paths: Sequence[Path]) -> dict[Path, array[int]]:
    """Where the objects of the wanted lists begin and end: one pass, which also checks depth and balance."""
    wanted = frozenset(paths)
    routes = {path[:length] for path in wanted for length in range(len(path) + 1)}
    found: dict[Path, array[int]] = {}
    stack: list[tuple[int, Path | None]] = []  # bracket, path (None: off every route)
    for token, at, before in _brackets(data):
        if token in _OPEN:
            path = _path(stack, data, before, at)
            if stack and token == 123 and stack[-1][0] == 91 and stack[-1][1] in wanted:
                found.setdefault(stack[-1][1] or (), array("Q")).append(at)
            stack.append((token, path if path in routes else None))
            if len(stack) > limits.MAX_JSON_DEPTH:
                raise refusal(name, depth_sentence())
        elif token == _QUOTE:
            raise _broken(data, name, at, "A text opened here is never closed")
        else:
            if not stack or stack.pop()[0] != token - 2:  # '[' and ']', '{' and '}' are two apart
                raise _broken(data, name, at, "A bracket is closed here that was not opened")
            if stack and token == 125 and stack[-1][0] == 91 and stack[-1][1] in wanted:
                found[stack[-1][1] or ()].append(at + 1)
    if stack:
        raise refusal(name, "The JSON ends before its last bracket is closed: the file was cut short.")
    return found


def _path(stack: list[tuple[int, Path | None]], data: bytes, before: int, at: int) -> Path | None:
    """The keys that lead to the bracket at ``at``; None off every route, as the elements of lists are."""
    if not stack:
        return ()
    bracket, path = stack[-1]
    if bracket == 91 or path is None:
        return None
    key = _KEY.search(data[max(before, at - _LONGEST_KEY) : at])
    return (*path, key[1].decode("utf-8", "replace")) if key else None


def _broken(data: bytes, name: str, offset: int, what: str) -> ImportFileError:
    line = data.count(b"\n", 0, offset) + 1
    return refusal(name, f"{what} (line {line}, byte {offset}), so the JSON cannot be read.")

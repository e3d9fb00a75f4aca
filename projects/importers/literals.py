"""Nested values that a data frame wrote into a cell as text: JSON, or Python's way of showing them.

Read as data by a small parser of our own, with limits; nothing is ever evaluated.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from projects.importers import limits
from projects.importers.jsonscan import clean, loads

_MAX_DEPTH = 60
_MOST_TOKENS = 200_000
_NESTED = re.compile(r"\s*(?:[\[{(]|(?:array|[A-Z]\w{0,40})\()")
# A string with its prefix, a number, a name with dots, a mark. Possessive: linear on any input.
_TOKEN = re.compile(
    r"""\s*+(?:(?P<text>[bur]{0,2}(?:'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+"))"""
    r"""|(?P<number>[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?)"""
    r"""|(?P<name>[+-]?[A-Za-z_][\w.]*+)|(?P<mark>[\[\]{}(),:=]))""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|(.))", re.DOTALL)
_PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\n": ""}
_WORDS: dict[str, Any] = {"None": None, "True": True, "False": False, "null": None, "true": True, "false": False}
_CLOSE = {"[": "]", "{": "}", "(": ")"}


class _Token(NamedTuple):
    kind: str
    value: Any


class _Wrong(ValueError):
    """Not a value as Python shows it."""


def parsed(cell: Any) -> Any:
    """The list or object that a cell's text stands for; any other cell as it is."""
    if not isinstance(cell, str) or not _NESTED.match(cell) or len(cell) > limits.MAX_CELL_CHARS:
        return cell
    if cell.lstrip()[:1] in {"[", "{"}:
        try:
            return loads(cell).value
        except ValueError:
            pass  # not JSON
    try:
        return clean(_Reader(cell).whole())
    except (_Wrong, ValueError, OverflowError):
        return cell


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.at = 0

    def whole(self) -> Any:
        value = self._value(0)
        if self.at != len(self.tokens):
            raise _Wrong
        return value

    def _next(self) -> _Token:
        if self.at >= len(self.tokens):
            raise _Wrong
        self.at += 1
        return self.tokens[self.at - 1]

    def _is(self, mark: str) -> bool:
        found = self.at < len(self.tokens) and self.tokens[self.at] == ("mark", mark)
        self.at += found
        return found

    def _value(self, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise _Wrong
        token = self._next()
        if token.kind == "name":
            return self._named(token.value, depth)
        if token.kind != "mark":
            return token.value
        if token.value == "{":
            return self._object(depth)
        if token.value in _CLOSE:
            return self._list(_CLOSE[token.value], depth)
        raise _Wrong

    def _list(self, close: str, depth: int) -> list[Any]:
        """Numpy writes no commas between the values, so they may be missing."""
        found: list[Any] = []
        while not self._is(close):
            found.append(self._value(depth + 1))
            self._is(",")
        return found

    def _object(self, depth: int) -> Any:
        pairs: dict[str, Any] = {}
        members: list[Any] = []  # of a set
        while not self._is("}"):
            key = self._value(depth + 1)
            if self._is(":"):
                pairs[key if isinstance(key, str) else str(key)] = self._value(depth + 1)
            else:
                members.append(key)
            self._is(",")
        if pairs and members:
            raise _Wrong
        return members or pairs

    def _named(self, name: str, depth: int) -> Any:
        """None, nan, and objects such as Score(name='x') or array([1, 2])."""
        if name in _WORDS:
            return _WORDS[name]
        if name.lstrip("+-").lower() in {"nan", "inf", "infinity"}:
            return float(name)
        if not self._is("("):
            raise _Wrong
        given, fields = self._arguments(depth)
        if name.startswith("datetime.") or name == "Timestamp":
            return "-".join(map(str, given[:3])) + (" " + ":".join(map(str, given[3:6])) if given[3:] else "")
        return fields if fields and (not given or not isinstance(given[0], list)) else given[0] if given else {}

    def _arguments(self, depth: int) -> tuple[list[Any], dict[str, Any]]:
        given: list[Any] = []
        fields: dict[str, Any] = {}
        while not self._is(")"):
            token = self.tokens[self.at] if self.at < len(self.tokens) else None
            if token and token.kind == "name" and self.tokens[self.at + 1 : self.at + 2] == [("mark", "=")]:
                self.at += 2
                fields[token.value] = self._word_or_value(depth)
            else:
                given.append(self._value(depth + 1))
            self._is(",")
        return given, fields

    def _word_or_value(self, depth: int) -> Any:
        """The value of a field; a bare word, such as the type in dtype=object, is a text."""
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        after = self.tokens[self.at + 1 : self.at + 2]
        if token and token.kind == "name" and token.value not in _WORDS and after != [("mark", "(")]:
            self.at += 1
            return token.value
        return self._value(depth + 1)


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if not match or len(found) >= _MOST_TOKENS:
            raise _Wrong
        at = match.end()
        kind, word = match.lastgroup or "", match[match.lastgroup or 0]
        if kind == "number":
            found.append(_Token(kind, float(word) if set(word) & set(".eE") or len(word) > 30 else int(word)))
        elif kind == "text":
            found.append(_Token(kind, _unquoted(word)))
        else:
            found.append(_Token(kind, word))
    return found


def _unquoted(word: str) -> str:
    opening = min(at for at in (word.find("'"), word.find('"')) if at >= 0)
    body = word[opening + 1 : -1]
    return body if "r" in word[:opening] else _ESCAPE.sub(_character, body)


def _character(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code:
        number = int(code, 16)
        return chr(number) if number < 0x110000 else "\ufffd"
    if match[4]:
        return chr(int(match[4], 8))
    return _PLAIN_ESCAPES.get(match[5], match[5] if match[5] in "\\'\"" else "\\" + match[5])

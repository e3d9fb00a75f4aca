"""What the first bytes of a file tell: the keys of its first object, or the names in its header."""

from __future__ import annotations

import csv
import re
from functools import lru_cache

# A whole string with the colon that makes it a key, a bracket, or a quote that nothing closes. Possessive: linear.
_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*+)"(\s*+:)?|([\[\]{}"])', re.DOTALL)
_BOM = b"\xef\xbb\xbf"


def opening(head: bytes) -> bytes:
    """The first bytes without byte order mark and blanks."""
    return head.removeprefix(_BOM).lstrip()


@lru_cache(maxsize=8)  # every importer asks the same of the same head
def keys(head: bytes) -> frozenset[str]:
    """Keys of the first JSON object, at the top or first in a list, as far as the head goes."""
    text = opening(head)
    if text[:1] not in {b"{", b"["}:
        return frozenset()
    found: set[str] = set()
    depth, level = 0, 0  # level: the depth of the object whose keys are wanted
    for match in _TOKEN.finditer(text):
        text_key, colon, mark = match.groups()
        if mark is None:
            if colon and level and depth == level:
                found.add(text_key.decode("utf-8", "replace"))
        elif mark == b'"':
            break
        elif mark in b"[{":
            depth += 1
            if not level and mark == b"{":
                level = depth
            elif not level and depth > 1:  # a list in a list
                break
        else:
            depth -= 1
            if level and depth < level:
                break
    return frozenset(found)


@lru_cache(maxsize=8)
def header(head: bytes) -> tuple[str, ...]:
    """Names in the first line of a table; () for JSON and for what is no text."""
    text = opening(head)
    if text[:1] in {b"{", b"[", b"<", b""} or b"\0" in text[:4096]:
        return ()
    line = text.split(b"\n", 1)[0].decode("utf-8", "replace").rstrip("\r")
    delimiter = max(",;\t", key=line.count)
    try:
        return tuple(cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return ()


def has(found: frozenset[str] | tuple[str, ...], *wanted: str) -> bool:
    return set(wanted) <= set(found)

"""E-mail addresses out of a pasted list: lines, commas, “Name <address>”, or a table with a column of addresses."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext

MAX_ADDRESSES = 1000
MAX_LENGTH = 254  # what an address may have, and what is stored
COLUMNS = {"email", "e-mail", "mail", "email address", "e-mail address"}
_BETWEEN = re.compile(r'[,;\t](?=(?:[^"]*"[^"]*")*[^"]*$)')  # not within quotes
_IN_BRACKETS = re.compile(r"<([^<>]*)>\s*$")


@dataclass(frozen=True, slots=True)
class Address:
    line: int
    email: str


@dataclass(frozen=True, slots=True)
class Unread:
    """What is no address, and why."""

    line: int
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Listed:
    """The addresses in the order of the list, each once; `again` counts those that stood there before."""

    addresses: list[Address]
    unread: list[Unread]
    again: int


def read_list(text: str) -> Listed:
    found: dict[str, Address] = {}
    unread: list[Unread] = []
    again = 0
    for line, part in _parts(text):
        email = _address(part).lower()
        if why := _refused(email):
            unread.append(Unread(line, part[:80], why))
        elif email in found:
            again += 1
        else:
            found[email] = Address(line, email)
    return Listed(list(found.values()), unread, again)


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """What should be an address each, with its line."""
    lines = [(number, line.strip()) for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1)]
    lines = [(number, line) for number, line in lines if line]
    if not lines:
        return
    table = _table(lines[0][1])
    if table is None:
        for number, line in lines:
            yield from ((number, part) for part in _split(line))
        return
    mark, column = table
    for number, line in lines[1:]:
        cells = next(csv.reader([line], delimiter=mark))
        yield number, cells[column].strip() if column < len(cells) else ""


def _table(head: str) -> tuple[str, int] | None:
    """How columns are parted and which one holds the addresses, if the first line names one."""
    for mark in (",", ";", "\t"):
        names = [name.strip().lower() for name in next(csv.reader([head], delimiter=mark))]
        for n, name in enumerate(names):
            if name in COLUMNS:
                return mark, n
    return None


def _split(line: str) -> Iterator[str]:
    """Addresses of one line. A name may have a comma: “Lindqvist, Mara <mara@example.org>”."""
    kept = ""
    for part in _BETWEEN.split(line):
        part = part.strip()
        if not part:
            continue
        if "<" in part and kept:
            yield f"{kept}, {part}"
            kept = ""
            continue
        if kept:
            yield kept
            kept = ""
        if "@" not in part:
            kept = part
        elif "<" in part:
            yield part
        else:
            yield from part.split()
    if kept:
        yield kept


def _address(part: str) -> str:
    inside = _IN_BRACKETS.search(part)
    return (inside.group(1) if inside else part).strip().removeprefix("mailto:")


def _refused(email: str) -> str:
    if not email:
        return gettext("There is no address in this row.")
    if len(email) > MAX_LENGTH:
        return gettext("An address has at most %(most)s characters.") % {"most": MAX_LENGTH}
    try:
        validate_email(email)
    except ValidationError:
        return gettext("This is not an e-mail address. Write one like name@example.org.")
    return ""

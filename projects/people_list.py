"""E-mail addresses out of a pasted list: lines, commas, “Name <address>”, or a table with a column of addresses."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext

from projects.abilities import languages_of, parted, qualifications_of
from projects.errors import ServiceError

MAX_ADDRESSES = 1000
MAX_LENGTH = 254  # what an address may have, and what is stored
COLUMNS = {"email", "e-mail", "mail", "email address", "e-mail address"}
LANGUAGES = {"language", "languages", "sprache", "sprachen"}
QUALIFICATIONS = {"qualification", "qualifications", "qualifikation", "qualifikationen"}
_BETWEEN = re.compile(r'[,;\t](?=(?:[^"]*"[^"]*")*[^"]*$)')  # not within quotes
_IN_BRACKETS = re.compile(r"<([^<>]*)>\s*$")


@dataclass(frozen=True, slots=True)
class Address:
    """`languages` and `qualifications`: what a table says that the person can judge."""

    line: int
    email: str
    languages: tuple[str, ...] = ()
    qualifications: tuple[str, ...] = ()


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
    for row in _rows(text):
        email = _address(row.text).lower()
        why = row.why or _refused(email)
        if not why and email in found:
            again += 1
            continue
        try:
            able = (tuple(languages_of(parted(row.languages))), tuple(qualifications_of(parted(row.qualifications))))
        except ServiceError as error:
            why = why or error.message
        if why:
            unread.append(Unread(row.line, row.text[:80], why))
        else:
            found[email] = Address(row.line, email, *able)
    return Listed(list(found.values()), unread, again)


class _Row(NamedTuple):
    """What should be an address, and the cells beside it; `why`: the row cannot be read."""

    line: int
    text: str
    languages: str = ""
    qualifications: str = ""
    why: str = ""


class _Table(NamedTuple):
    """How columns are parted, how many there are and which hold what; -1: none does."""

    mark: str
    width: int
    email: int
    languages: int
    qualifications: int

    def row(self, line: int, text: str) -> _Row:
        cells = [cell.strip() for cell in next(csv.reader([text], delimiter=self.mark))]
        email, *able = (
            cells[n] if 0 <= n < len(cells) else "" for n in (self.email, self.languages, self.qualifications)
        )
        why = ""
        if len(cells) > self.width and max(self.languages, self.qualifications) >= 0:
            why = gettext(
                "This row has more cells than the first line. Put quotes around a cell that holds several, or part "
                "them by another mark."
            )
        return _Row(line, email, able[0], able[1], why)


def _rows(text: str) -> Iterator[_Row]:
    lines = [(number, line.strip()) for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1)]
    lines = [(number, line) for number, line in lines if line]
    if not lines:
        return
    table = _table(lines[0][1])
    if table is None:
        for number, line in lines:
            yield from (_Row(number, part) for part in _split(line))
        return
    yield from (table.row(number, line) for number, line in lines[1:])


def _table(head: str) -> _Table | None:
    """The table that the first line heads, if it names a column of addresses."""
    for mark in (",", ";", "\t"):
        names = [name.strip().lower() for name in next(csv.reader([head], delimiter=mark))]
        email, *able = (
            next((n for n, name in enumerate(names) if name in known), -1)
            for known in (COLUMNS, LANGUAGES, QUALIFICATIONS)
        )
        if email >= 0:
            return _Table(mark, len(names), email, *able)
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

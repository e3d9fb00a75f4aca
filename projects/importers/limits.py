"""How large and how deep a file may be, and the reading of bytes under those caps.

Every cap is looked up when it is used, so a deployment or a test can lower it in one place.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from projects.importers.records import ImportFileError, refusal

MAX_BYTES = 100 * 1024 * 1024  # any file, as stored
MAX_STREAMED_BYTES = 4 * 1024 * 1024 * 1024  # a table that is read in parts (`Streamed`)
MAX_STREAMED_ROWS = 5_000_000
MAX_UNPACKED_BYTES = 512 * 1024 * 1024  # Parquet: what the compressed columns claim to unpack to; ZIP: all files
MAX_ENTRIES = 20_000  # files in a ZIP archive or a folder
MAX_RATIO = 200  # ZIP: how many times its size a file of over 1 MiB may unpack to
MAX_ENTRY_NAME_CHARS = 300
MAX_LINE_BYTES = 16 * 1024 * 1024  # one line of CSV or JSON Lines
MAX_ROWS = 1_000_000
MAX_COLUMNS = 500
MAX_CELL_CHARS = 2_000_000
MAX_JSON_DEPTH = 200
# Longest names, as the tables store them.
MAX_ID_CHARS = 300
MAX_NAME_CHARS = 200  # systems, judges, raters, variants, labels
MAX_VERSION_CHARS = 100
MAX_METRIC_CHARS = 150  # tags too
MAX_COUNT = 2_147_483_647  # tokens, repeats, turns

_CHUNK = 1 << 20
_INK = re.compile(rb"\S")
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ACCEPTED = "Save it as UTF-8 (with or without a byte order mark) and import it again."


class Streamed(io.BufferedReader):
    """A file that is read in parts, so that it may be larger than one that memory must hold."""


def most_bytes(stream: BinaryIO) -> int:
    return MAX_STREAMED_BYTES if isinstance(stream, Streamed) else MAX_BYTES


def most_rows(stream: BinaryIO) -> int:
    return MAX_STREAMED_ROWS if isinstance(stream, Streamed) else MAX_ROWS


def too_large(name: str, most: int = 0) -> ImportFileError:
    most = most or MAX_BYTES
    cap = f"{most / 1024 / 1024:,.0f} MiB" if most >= 1024 * 1024 else f"{most:,} bytes"
    return refusal(name, f"The file is larger than {cap}, the largest accepted. Split it and import the parts.")


def empty(name: str) -> ImportFileError:
    return refusal(name, "The file is empty. It must hold at least one row of data.")


def read_all(stream: BinaryIO, name: str) -> bytes:
    """The whole file, refused as soon as it passes the cap."""
    data = stream.read(MAX_BYTES + 1)
    # A raw, unbuffered stream may return less than asked before its end.
    while len(data) <= MAX_BYTES and (more := stream.read(MAX_BYTES + 1 - len(data))):
        data += more
    if len(data) > MAX_BYTES:
        raise too_large(name)
    return data


def read_utf8(stream: BinaryIO, name: str) -> bytes:
    """The whole file as checked UTF-8 bytes without the byte order mark.

    Bytes, not text: one emoji makes Python hold four bytes for every character of a string.
    """
    data = read_all(stream, name)
    if data.startswith(_UTF16_MARKS):
        raise _utf16(name)
    data = data.removeprefix(codecs.BOM_UTF8)
    if not _INK.search(data):
        raise empty(name)
    if (offset := data.find(b"\0")) >= 0:
        raise _nul(name, offset, data.count(b"\n", 0, offset) + 1)
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(data), _CHUNK):
        chunk = data[start : start + _CHUNK]
        try:
            decoder.decode(chunk, final=start + _CHUNK >= len(data))
        except UnicodeDecodeError as error:
            # error.object is the chunk with the bytes the decoder had kept from the one before.
            offset = start + len(chunk) - len(error.object) + error.start
            raise _not_utf8(name, data[offset], offset, data.count(b"\n", 0, offset) + 1) from None
    return data


def lines(stream: BinaryIO, name: str) -> Iterator[tuple[int, str]]:
    """Numbered lines with their line ends, decoded one at a time: memory does not grow with the file."""
    offset = 0
    number = 0
    most = most_bytes(stream)
    while raw := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(raw) > MAX_LINE_BYTES:
            cap = MAX_LINE_BYTES // (1024 * 1024)
            raise refusal(name, f"The line is longer than {cap} MiB, the longest accepted.", number)
        if number == 1:
            if raw.startswith(_UTF16_MARKS):
                raise _utf16(name)
            if raw.startswith(codecs.BOM_UTF8):
                raw, offset = raw.removeprefix(codecs.BOM_UTF8), len(codecs.BOM_UTF8)
        if offset + len(raw) > most:
            raise too_large(name, most)
        if b"\0" in raw:
            raise _nul(name, offset + raw.index(b"\0"), number)
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _not_utf8(name, raw[error.start], offset + error.start, number) from None
        offset += len(raw)
        yield number, text


def check_head(head: bytes, name: str) -> None:
    """Say what is wrong with the encoding when nothing else is known of a file."""
    if head.startswith(_UTF16_MARKS):
        raise _utf16(name)


def _utf16(name: str) -> ImportFileError:
    return refusal(name, f"The file is UTF-16: it begins with that byte order mark at byte 0, line 1. {_ACCEPTED}")


def _nul(name: str, offset: int, line: int) -> ImportFileError:
    return refusal(
        name,
        f"Byte {offset}, line {line}, is a NUL byte, so the file is not UTF-8 text (UTF-16 or a binary "
        f"format looks like this). {_ACCEPTED}",
    )


def _not_utf8(name: str, byte: int, offset: int, line: int) -> ImportFileError:
    return refusal(name, f"Byte {offset}, line {line}, is 0x{byte:02X}, which is not UTF-8. {_ACCEPTED}")

"""ZIP archives, which are hostile until shown otherwise: every bound is checked before and while reading.

Nothing is unpacked to the disk, and the names within are labels, never paths. Current tools write entries
compressed with Zstandard (method 93), which Python's own reader does not know before version 3.14.
"""

from __future__ import annotations

import gzip
import io
import re
import struct
import zipfile
import zlib
from typing import IO, BinaryIO

from projects.importers import limits
from projects.importers.records import ImportFileError, refusal

MAGIC = b"PK\x03\x04"
ZSTANDARD = 93
_GZIP = b"\x1f\x8b"

_END = b"PK\x05\x06"
_END_64, _END_64_BYTES = b"PK\x06\x06", 56
_LOCATOR_BYTES = 20
_DIRECTORY_BYTES = 500  # the most that one entry may take in the table of contents
_CHUNK = 1 << 20
_RATIO_COUNTS_FROM = 1 << 20  # a small file may well shrink to nothing
_ENCRYPTED = 0x1
_BAD_NAME = re.compile(r"^(?:[/\\]|[A-Za-z]:[/\\])|(?:^|[/\\])\.\.(?:[/\\]|$)|[\0-\x1f]|\\")
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, ZSTANDARD})


def is_archive(head: bytes) -> bool:
    return head.startswith((MAGIC, _END))


class Archive:
    """The files of a ZIP archive by name, in the order of its table of contents."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.stream, self.name = stream, name
        self.unpacked = 0
        self.size = _check_directory(stream, name)
        try:
            found = zipfile.ZipFile(stream).infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error, RuntimeError) as error:
            raise refusal(name, "The ZIP archive is damaged: its table of contents cannot be read.") from error
        self._check(found)
        self.entries = {entry.filename: entry for entry in found if not entry.is_dir()}

    def _check(self, found: list[zipfile.ZipInfo]) -> None:
        if len(found) > limits.MAX_ENTRIES:
            raise _too_many(self.name)
        if len({entry.filename for entry in found}) < len(found):
            raise refusal(self.name, "The ZIP archive names a file more than once; each name may appear once.")
        for entry in found:
            self._check_entry(entry)
        if sum(entry.file_size for entry in found) > limits.MAX_UNPACKED_BYTES:
            raise _too_much(self.name)
        end = 0
        for entry in sorted(found, key=lambda each: each.header_offset):
            if entry.header_offset < end:
                raise refusal(self.name, "Files in the ZIP archive overlap, so it is refused.")
            end = entry.header_offset + entry.compress_size
        if end > self.size:
            raise refusal(self.name, "The ZIP archive is damaged: a file reaches beyond its end.")

    def _check_entry(self, entry: zipfile.ZipInfo) -> None:
        shown = "".join(c if c.isprintable() else "\ufffd" for c in entry.filename[:80])
        if not entry.filename or _BAD_NAME.search(entry.filename) or len(entry.filename) > limits.MAX_ENTRY_NAME_CHARS:
            raise refusal(
                self.name,
                f"The ZIP archive holds the name “{shown}”; accepted are names within the archive, without .., "
                f"backslashes and control characters, of at most {limits.MAX_ENTRY_NAME_CHARS} characters.",
            )
        if (entry.external_attr >> 16) & 0o170000 == 0o120000:
            raise refusal(self.name, f"“{shown}” is a link; a ZIP archive may hold plain files only.")
        if entry.flag_bits & _ENCRYPTED:
            raise refusal(self.name, f"“{shown}” is encrypted; save the ZIP archive without a password.")
        if entry.compress_type not in _METHODS:
            raise refusal(self.name, f"“{shown}” is compressed in a way not read here; accepted: Deflate, Zstandard.")
        if entry.file_size > limits.MAX_BYTES:
            raise refusal(self.name, f"“{shown}” unpacks to more than {_mib(limits.MAX_BYTES)}, the most accepted.")
        if entry.file_size > max(_RATIO_COUNTS_FROM, entry.compress_size * limits.MAX_RATIO):
            raise refusal(
                self.name, f"“{shown}” unpacks to more than {limits.MAX_RATIO:,} times its size, so it is refused."
            )

    def read(self, entry_name: str) -> bytes:
        """The bytes of one file; refused as soon as there are more than its entry says."""
        entry = self.entries[entry_name]
        try:
            data = self._zstandard(entry) if entry.compress_type == ZSTANDARD else self._plain(entry)
        except ImportFileError:
            raise
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, struct.error, RuntimeError) as error:
            raise self._damaged(entry) from error
        if len(data) != entry.file_size or zlib.crc32(data) != entry.CRC:
            raise self._damaged(entry)
        self.unpacked += len(data)
        if self.unpacked > limits.MAX_UNPACKED_BYTES * 2:  # files that belong together are looked into twice
            raise _too_much(self.name)
        return data

    def _plain(self, entry: zipfile.ZipInfo) -> bytes:
        with zipfile.ZipFile(self.stream) as archive, archive.open(entry) as source:
            return _bounded(source, entry.file_size)

    def _zstandard(self, entry: zipfile.ZipInfo) -> bytes:
        import pyarrow as pa  # large: loaded only for such entries

        self.stream.seek(entry.header_offset)
        header = self.stream.read(30)
        if len(header) < 30 or not header.startswith(MAGIC):
            raise self._damaged(entry)
        self.stream.seek(sum(struct.unpack("<HH", header[26:30])), 1)
        packed = self.stream.read(entry.compress_size)
        try:
            with pa.CompressedInputStream(pa.BufferReader(packed), "zstd") as source:
                return _bounded(source, entry.file_size)
        except pa.ArrowException as error:
            raise self._damaged(entry) from error

    def _damaged(self, entry: zipfile.ZipInfo) -> ImportFileError:
        return refusal(f"{self.name}, {entry.filename}", "This file of the ZIP archive is damaged.")


def gunzipped(stream: BinaryIO, name: str) -> tuple[BinaryIO, str]:
    """A file packed by gzip, unpacked under the same caps, with its name without .gz; any other as it is."""
    stream.seek(0)
    packed = stream.read(2) == _GZIP
    size = stream.seek(0, 2)
    stream.seek(0)
    if not packed:
        return stream, name
    most = min(limits.MAX_BYTES, max(_RATIO_COUNTS_FROM, size * limits.MAX_RATIO))
    try:
        with gzip.GzipFile(fileobj=stream) as source:
            data = _bounded(source, most)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise refusal(name, "The file is packed by gzip and damaged, so it cannot be unpacked.") from error
    finally:
        stream.seek(0)
    if len(data) > most:
        raise refusal(
            name, f"The file unpacks to more than {_mib(limits.MAX_BYTES)} or {limits.MAX_RATIO:,} times its size, "
            "the most accepted."
        )  # fmt: skip
    return io.BytesIO(data), name.removesuffix(".gz")


def _bounded(source: IO[bytes] | gzip.GzipFile, size: int) -> bytes:
    found = bytearray()
    while len(found) <= size and (chunk := source.read(min(_CHUNK, size + 1 - len(found)))):
        found += chunk
    return bytes(found)


def _check_directory(stream: BinaryIO, name: str) -> int:
    """Hold the table of contents against the caps before Python's reader builds a list of it."""
    size = stream.seek(0, 2)
    if size > limits.MAX_BYTES:
        raise limits.too_large(name)
    stream.seek(max(0, size - 65_600 - _LOCATOR_BYTES - _END_64_BYTES))
    tail = stream.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        raise refusal(
            name,
            "The ZIP archive is damaged or was cut short: it has no table of contents. "
            "If it is a spreadsheet, save the sheet as CSV.",
        )
    entries, bytes_ = struct.unpack("<HI", tail[at + 10 : at + 16])
    at_64 = tail.rfind(_END_64, 0, at)
    if at_64 >= 0 and len(tail) >= at_64 + _END_64_BYTES:
        entries_64, bytes_64 = struct.unpack("<QQ", tail[at_64 + 32 : at_64 + 48])
        entries, bytes_ = max(entries % 0xFFFF, entries_64), max(bytes_ % 0xFFFFFFFF, bytes_64)
    if entries > limits.MAX_ENTRIES or bytes_ > limits.MAX_ENTRIES * _DIRECTORY_BYTES:
        raise _too_many(name)
    stream.seek(0)
    return size


def _too_many(name: str) -> ImportFileError:
    return refusal(name, f"The ZIP archive holds more than {limits.MAX_ENTRIES:,} files, the most accepted.")


def _too_much(name: str) -> ImportFileError:
    return refusal(name, f"The ZIP archive unpacks to more than {_mib(limits.MAX_UNPACKED_BYTES)}, the most accepted.")


def _mib(size: int) -> str:
    return f"{size / 1024 / 1024:,.0f} MiB" if size >= 1024 * 1024 else f"{size:,} bytes"

"""ZIP archives made by hand, to be what Python's own writer would never write."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

import pyarrow as pa

from projects.importers import read_file
from tests.projects.importers.helpers import Got

ZSTANDARD = 93


def zipped(files: Mapping[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return found.getvalue()


def zstandard_zip(files: Mapping[str, bytes | str], **lies: int) -> bytes:
    """Entries of method 93; `size` and `crc` may lie about what they unpack to."""
    body, directory = bytearray(), bytearray()
    for name, given in files.items():
        data = given.encode() if isinstance(given, str) else given
        packed = pa.Codec("zstd").compress(data, asbytes=True)
        size, crc = lies.get("size", len(data)), lies.get("crc", zlib.crc32(data))
        common = struct.pack("<HHHHHIIIHH", 20, 0, ZSTANDARD, 0, 33, crc, len(packed), size, len(name.encode()), 0)
        directory += b"PK\x01\x02\x14\x00" + common + struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name.encode()
        body += b"PK\x03\x04" + common + name.encode() + packed
    count = len(files)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + end)


def read_zip(files: Mapping[str, bytes | str], name: str = "all.zip", **options: object) -> Got:
    key, found = read_file(io.BytesIO(zipped(files)), name, "auto", dict(options))
    return Got(list(found), key)

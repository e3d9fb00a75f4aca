"""A sound in an MP4 container (M4A), written anew without what it says of its origin. Pure: no Django.

The container is a tree of boxes, and the places of the samples are counted from the start of the file. So nothing is
taken out: what is not needed to play the sound is overwritten with zeros, in a box of type `free`, which players skip.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

HEAD = 8
_FREE = b"free"
_NEEDED: dict[bytes, frozenset[bytes]] = {
    b"": frozenset({b"ftyp", b"moov", b"mdat"}),
    b"moov": frozenset({b"mvhd", b"trak"}),
    b"trak": frozenset({b"tkhd", b"mdia", b"edts"}),
    b"mdia": frozenset({b"mdhd", b"hdlr", b"minf"}),
    b"minf": frozenset({b"smhd", b"dinf", b"stbl"}),
    b"stbl": frozenset({b"stsd", b"stts", b"stsc", b"stsz", b"stz2", b"stco", b"co64", b"stss", b"sgpd", b"sbgp"}),
}
_DATED = frozenset({b"mvhd", b"tkhd", b"mdhd"})
_CODECS = (b"mp4a", b"alac")
_MOST_BOXES = 10_000
_KIND_AT, _NAME_AT = 8, 24  # within `hdlr`: what the track is, and a name for people


class NoM4a(ValueError):
    """Why it is not taken: a full sentence."""


@dataclass(frozen=True, slots=True)
class _Box:
    name: bytes
    at: int  # where its head begins
    body: int
    end: int


def is_mp4(data: bytes) -> bool:
    return data[4:8] == b"ftyp"


def cleaned_m4a(data: bytes) -> bytes:
    """The same sound at the same places."""
    out = bytearray(data)
    kinds, codecs = [], []
    seen: set[bytes] = set()
    for box in _walk(out):
        seen.add(box.name)
        if box.name in _DATED:
            _undate(out, box)
        elif box.name == b"hdlr":
            kinds.append(bytes(out[box.body + _KIND_AT : box.body + _KIND_AT + 4]))
            out[box.body + _NAME_AT : box.end] = bytes(max(0, box.end - box.body - _NAME_AT))
        elif box.name == b"stsd":
            codecs.append(bytes(out[box.body + 12 : box.body + 16]))
    if b"moof" in seen:
        raise NoM4a("The sound is in pieces for streaming. Save it as an ordinary M4A file.")
    if kinds != [b"soun"]:
        raise NoM4a("Accepted are M4A files with one sound and nothing else: no film, no chapters, no second track.")
    if len(codecs) != 1 or codecs[0] not in _CODECS or b"mdat" not in seen:
        raise NoM4a("The sound is damaged, or neither AAC nor Apple Lossless.")
    return bytes(out)


def _walk(out: bytearray) -> Iterator[_Box]:
    """Each box that is needed, and those that are refused by name; everything else is blotted out on the way."""
    waiting = [(b"", 0, len(out))]
    count = 0
    while waiting:
        parent, start, end = waiting.pop()
        for box in _boxes(out, start, end):
            count += 1
            if count > _MOST_BOXES:
                raise NoM4a("The sound is damaged: there are too many parts in it.")
            if box.name in _NEEDED[parent]:
                yield box
                if box.name in _NEEDED:
                    waiting.append((box.name, box.body, box.end))
            else:
                if box.name == b"moof":
                    yield box
                out[box.at + 4 : box.at + HEAD] = _FREE
                out[box.body : box.end] = bytes(box.end - box.body)


def _boxes(out: bytearray, at: int, end: int) -> Iterator[_Box]:
    while at < end:
        if at + HEAD > end:
            raise NoM4a("The sound is damaged: a part of it is cut off.")
        size, name, body = int.from_bytes(out[at : at + 4], "big"), bytes(out[at + 4 : at + HEAD]), at + HEAD
        if size == 1:
            size, body = int.from_bytes(out[at + HEAD : at + 16], "big"), at + 16
        elif size == 0:
            size = end - at
        if size < body - at or at + size > end:
            raise NoM4a("The sound is damaged: a part of it is cut off.")
        yield _Box(name, at, body, at + size)
        at += size


def _undate(out: bytearray, box: _Box) -> None:
    """When it was made and changed: two numbers of 4 bytes, or of 8 in the box's version 1."""
    if box.end - box.body < 20:
        raise NoM4a("The sound is damaged: a part of it is cut off.")
    width = 16 if out[box.body] == 1 else 8
    struct.pack_into(f"{width}x", out, box.body + 4)

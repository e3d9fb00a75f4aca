"""Files that belong together, read as one: a ZIP archive, or a folder.

Each file is read by the importer of its own format, with the files of the same folder beside it. What is of no format
known here is left out and named; a file that is damaged refuses the whole.
"""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol

from projects.importers import limits
from projects.importers.archive import Archive, gunzipped, is_archive
from projects.importers.records import (
    ImportFileError,
    NotReadAlone,
    Problem,
    ReadAs,
    ReadElsewhere,
    Record,
    note,
    problem,
    refusal,
)

TITLE = "ZIP archive or folder of files that belong together"
KEY = "zip"

# Images and sounds that texts may refer to, by the ends of their names (as in projects/rendering/references.py).
MEDIA = frozenset({"png", "jpg", "jpeg", "webp", "gif", "wav", "mp3", "m4a", "flac", "ogg", "oga", "opus"})
_NAMED = 10
_JUNK = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_HEAD = 65536

Reading = Callable[[bytes, BinaryIO, str, dict[str, Any]], "tuple[str, Iterator[Record | Problem]]"]


class Member(Protocol):
    """One file of a bundle. The stream is opened when it is first asked for."""

    @property
    def name(self) -> str: ...

    @property
    def stream(self) -> BinaryIO: ...

    def close(self) -> None: ...


class _Entry:
    def __init__(self, archive: Archive, entry: str) -> None:
        self.archive, self.entry = archive, entry
        self.name = f"{archive.name}/{entry}"
        self._stream: io.BytesIO | None = None

    @property
    def stream(self) -> BinaryIO:
        if self._stream is None:
            self._stream = io.BytesIO(self.archive.read(self.entry))
        return self._stream

    def close(self) -> None:
        self._stream = None


class _File:
    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self._stream: BinaryIO | None = None

    @property
    def stream(self) -> BinaryIO:
        if self._stream is None:
            self._stream = self.path.open("rb")
        return self._stream

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def sniff(head: bytes, name: str) -> float:
    return 0.5 if is_archive(head) else 0.0


def members_of_archive(stream: BinaryIO, name: str) -> list[Member]:
    archive = Archive(stream, name)
    if "[Content_Types].xml" in archive.entries:
        raise refusal(name, "This is a spreadsheet or another document of an office program: save the sheet as CSV.")
    return [_Entry(archive, entry) for entry in archive.entries if not _is_junk(entry)]


def members_of_folder(folder: Path) -> list[Member]:
    """The plain files in a folder and below it; links are not followed."""
    found: list[Member] = []
    size = 0
    for at, folders, files in os.walk(folder, followlinks=False):
        folders.sort()
        for file in sorted(files):
            path = Path(at, file)
            name = str(PurePosixPath(folder.resolve().name, path.relative_to(folder).as_posix()))
            if path.is_symlink() or not path.is_file() or _is_junk(name):
                continue
            size += path.stat().st_size
            found.append(_File(path, name))
            if len(found) > limits.MAX_ENTRIES:
                raise refusal(
                    str(folder), f"The folder holds more than {limits.MAX_ENTRIES:,} files, the most accepted."
                )
            if size > limits.MAX_UNPACKED_BYTES:
                cap = limits.MAX_UNPACKED_BYTES // (1024 * 1024)
                raise refusal(
                    str(folder), f"The folder's files are larger than {cap:,} MiB together, the most accepted."
                )
    return found


def _is_junk(name: str) -> bool:
    return name.startswith("__MACOSX/") or PurePosixPath(name).name in _JUNK


def read(
    members: Sequence[Member], name: str, options: dict[str, Any] | None, reading: Reading
) -> Iterator[Record | Problem]:
    """``reading`` recognises a file by its head and gives (format, records); it knows all the importers."""
    bundle = _Bundle(name, options or {}, reading)
    ordered = sorted(members, key=lambda each: (_folder(each.name), each.name))
    for folder, group in groupby(ordered, key=lambda each: _folder(each.name)):
        around = [each for each in ordered if _folder(each.name) != folder]
        yield from bundle.folder(list(group), around)
    yield from bundle.closing()


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


class _Bundle:
    def __init__(self, name: str, options: dict[str, Any], reading: Reading) -> None:
        self.name, self.options, self.reading = name, options, reading
        self.formats: Counter[str] = Counter()
        self.unknown: list[str] = []
        self.media = 0
        self.refused: list[ImportFileError] = []
        self.shared: dict[str, Any] = {}  # what an importer gathers once for all the files of the bundle

    def folder(self, members: list[Member], around: list[Member]) -> Iterator[Record | Problem]:
        """``around`` are the files of the other folders, for the tools that put what belongs together into several."""
        try:
            for member in members:
                others = [each for each in members if each is not member]
                more = {"beside": others, "around": around, "shared": self.shared}
                yield from self._member(member, {**self.options, **more})
        finally:
            for member in members:
                member.close()

    def _member(self, member: Member, options: dict[str, Any]) -> Iterator[Record | Problem]:
        if member.name.rpartition(".")[2].lower() in MEDIA:  # taken beside what is read
            self.media += 1
            return
        try:
            stream, name = gunzipped(member.stream, member.name)
            head = stream.read(_HEAD)
            stream.seek(0)
            key, records = self.reading(head, stream, name, options) if head.strip() else ("", iter(()))
        except NotReadAlone as error:
            self._left_out(error)
            return
        if not key:
            self.unknown.append(member.name)
            return
        try:
            for record in records:
                if not isinstance(record, ReadElsewhere):
                    yield record
        except NotReadAlone as error:
            self._left_out(error)
            return
        self.formats[key] += 1
        yield ReadAs(key)

    def _left_out(self, error: ImportFileError) -> None:
        self.refused.append(error)

    def closing(self) -> Iterator[Problem]:
        shown = ", ".join(self.unknown[:_NAMED]) + (" …" if len(self.unknown) > _NAMED else "")
        if not self.formats:
            if self.refused:
                raise self.refused[0]
            raise refusal(self.name, f"None of the files in it is of a format known here: {shown or 'it is empty'}.")
        for key, count in self.formats.items():
            yield note(self.name, f"{count:,} file{'s' if count > 1 else ''} read as {key}.")
        if self.media:
            words = "1 image or sound is" if self.media == 1 else f"{self.media:,} images and sounds are"
            yield note(self.name, f"{words} in it, for the texts that refer to them.")
        if self.unknown:
            yield note(self.name, f"Files of no format known here were left out ({len(self.unknown):,}): {shown}.")
        for error in self.refused:
            where, _, why = str(error).partition(": ")
            yield problem(where, why)

"""One backup as one file: an uncompressed tar of the database's copy, the files, and at the end the manifest.

A half-written archive has no manifest, so it can never be taken for a whole one. What is read is believed
only as far as its digests fit; names and kinds of members are looked at before anything is written.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from config.backup import manifest as manifests
from config.backup.manifest import NAME, SEAL, Manifest, Member
from config.stopping import point_of_no_return
from projects.errors import ServiceError

Progress = Callable[[str, int, int | None], None]
CHUNK = 1024 * 1024
PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)


def silent(what: str, done: int, total: int | None) -> None:
    """No progress is shown where there is no terminal."""


class Hashing:
    """A file that is digested while it is read."""

    def __init__(self, source: IO[bytes]) -> None:
        self.source = source
        self.sha = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self.source.read(size)
        self.sha.update(data)
        return data


class Writer:
    def __init__(self, draft: Path) -> None:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._tar = tarfile.open(fileobj=self._file, mode="w")  # noqa: SIM115 - closed by `finish`
        self.members: list[Member] = []

    def add(self, name: str, path: Path) -> None:
        with path.open("rb") as source:
            size = os.fstat(source.fileno()).st_size
            hashing = Hashing(source)
            self._tar.addfile(_info(name, size), hashing)
        self.members.append(Member(name, size, hashing.sha.hexdigest()))

    def finish(self, manifest: Manifest) -> Manifest:
        complete = replace(manifest, members=self.members)
        raw = complete.to_json()
        seal = f"{hashlib.sha256(raw).hexdigest()}  {NAME}\n".encode()
        for name, content in ((NAME, raw), (SEAL, seal)):
            self._tar.addfile(_info(name, len(content)), io.BytesIO(content))
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        return complete

    def close(self) -> None:
        self._file.close()


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info


@contextmanager
def written(path: Path) -> Iterator[Writer]:
    """Write beside `path` and rename at the end: the name appears with the whole archive or not at all."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with closing(Writer(draft)) as writer:
            yield writer
        if path.exists():
            raise ServiceError(f"{path}: there is such a file already. Choose another name.")
        point_of_no_return()
        draft.rename(path)
        sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """A new name survives a power cut only when its folder was written too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Reader:
    """An archive whose list of members fits its manifest. What they hold is checked when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._tar = tarfile.open(path, "r:")  # noqa: SIM115 - closed by `opened`
        except FileNotFoundError as error:
            raise ServiceError(f"{path}: there is no such file.") from error
        except (OSError, tarfile.TarError) as error:
            raise ServiceError(f"{path}: this is not a backup of Adjudge, or it is damaged ({error}).") from error
        try:
            self._found = self._members()
            self.manifest = self._manifest()
            self._compare()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._tar.close()

    def _members(self) -> dict[str, tarfile.TarInfo]:
        found: dict[str, tarfile.TarInfo] = {}
        try:
            for info in self._tar:
                if info.type not in PLAIN or info.issparse():
                    raise ServiceError(f"{self.path}: “{info.name}” is not a plain file, so the archive is refused.")
                if info.name in found:
                    raise ServiceError(f"{self.path}: “{info.name}” is in it twice, so the archive is refused.")
                found[info.name] = info
        except (OSError, tarfile.TarError, ValueError) as error:
            raise self._damaged(f"it ends in the middle or is damaged ({error})") from error
        return found

    def _manifest(self) -> Manifest:
        if NAME not in self._found or SEAL not in self._found:
            raise self._damaged(f"it has no {NAME} at its end: it is cut off, damaged, or no backup of Adjudge")
        if max(self._found[NAME].size, self._found[SEAL].size) > manifests.LONGEST:
            raise self._damaged(f"its {NAME} is larger than {manifests.LONGEST:,} bytes")
        raw, seal = (b"".join(self._chunks(name)) for name in (NAME, SEAL))
        if seal.split(b" ")[0].decode("ascii", "replace") != hashlib.sha256(raw).hexdigest():
            raise self._damaged(f"its {NAME} does not fit {SEAL}")
        return manifests.read(raw, str(self.path))

    def _compare(self) -> None:
        listed = {member.name: member.size for member in self.manifest.members}
        there = {name: info.size for name, info in self._found.items() if name not in {NAME, SEAL}}
        for name in sorted(listed.keys() | there.keys()):
            if name not in there:
                raise self._damaged(f"“{name}” is missing")
            if name not in listed:
                raise self._damaged(f"“{name}” is in it and not in its {NAME}")
            if listed[name] != there[name]:
                raise self._damaged(f"“{name}” has {there[name]:,} bytes and should have {listed[name]:,}")

    def members(self, progress: Progress, what: str) -> Iterator[Member]:
        """Each member in turn, with the progress told in bytes."""
        done = 0
        for member in self.manifest.members:
            progress(what, done, self.manifest.size)
            yield member
            done += member.size

    def check(self, member: Member) -> None:
        self._copy(member, None)

    def extract(self, member: Member, target: Path) -> None:
        """Write one member to a new file, which stays only if its digest fits."""
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            self._copy(member, file)

    def _copy(self, member: Member, target: IO[bytes] | None) -> None:
        sha = hashlib.sha256()
        for chunk in self._chunks(member.name):
            sha.update(chunk)
            if target is not None:
                target.write(chunk)
        if sha.hexdigest() != member.sha256:
            raise self._damaged(f"“{member.name}” is not what was written: its SHA-256 differs")

    def _chunks(self, name: str) -> Iterator[bytes]:
        source: Any = self._tar.extractfile(self._found[name])
        try:
            while chunk := source.read(CHUNK):
                yield chunk
        except (OSError, tarfile.TarError) as error:
            raise self._damaged(f"“{name}” cannot be read to its end ({error})") from error

    def _damaged(self, why: str) -> ServiceError:
        return ServiceError(f"{self.path}: the archive cannot be used: {why}.")


@contextmanager
def opened(path: Path) -> Iterator[Reader]:
    reader = Reader(path)
    try:
        yield reader
    finally:
        reader.close()

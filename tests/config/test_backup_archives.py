"""Archives that must be refused: cut off, altered, made elsewhere, or made to do harm. Nothing is changed by any."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from config.backup import programs
from config.backup.services import backup_check, backup_create, backup_restore
from projects.errors import ServiceError
from tests.config.backup_world import data_dir, engine, present, programs_on_path, study

Members = dict[str, bytes]


def unpacked(path: Path) -> Members:
    with tarfile.open(path) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]  # all plain


def packed(path: Path, members: Members, *odd: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w") as tar:
        for info in odd:
            tar.addfile(info)
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def sealed(members: Members, change: Callable[[dict[str, Any]], Any]) -> Members:
    """The same members with another manifest, whose digest is right: written by somebody who knows how."""
    manifest = json.loads(members["manifest.json"])
    change(manifest)
    raw = json.dumps(manifest).encode()
    seal = f"{hashlib.sha256(raw).hexdigest()}  manifest.json\n".encode()
    return {**members, "manifest.json": raw, "manifest.json.sha256": seal}


def without(members: Members, *names: str) -> Members:
    return {name: content for name, content in members.items() if name not in names}


def with_file(members: Members, name: str) -> Members:
    """One more member, listed as it should be."""
    listed = {"name": name, "size": 4, "sha256": hashlib.sha256(b"evil").hexdigest()}
    return {name: b"evil", **sealed(members, lambda manifest: manifest["members"].append(listed))}


def odd(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def forgeries(folder: Path, good: Path) -> dict[str, tuple[Path, str]]:
    """What is wrong with each archive, the archive, and words of the refusal."""
    members, whole = unpacked(good), good.read_bytes()
    database = engine().MEMBER
    middle = whole.index(members[database]) + len(members[database]) // 2
    in_manifest = whole.rindex(b'"made_at"') + 3  # the database has a column of this name

    def raw(name: str, content: bytes) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    def flipped(at: int) -> bytes:
        return whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]

    def tar(name: str, content: Members, *more: tarfile.TarInfo) -> Path:
        return packed(folder / name, content, *more)

    def other(name: str, **changes: Any) -> Path:
        return tar(name, sealed(members, lambda manifest: manifest.update(changes)))

    more_rows = sealed(members, lambda manifest: manifest["state"]["rows"].update(projects_item=5))
    unknown = sealed(members, lambda manifest: manifest["state"]["migrations"].append("projects.9999_later"))
    no_dump = {**members, database: b"x" * 100}
    listed = {"name": database, "size": 100, "sha256": hashlib.sha256(b"x" * 100).hexdigest()}
    no_dump = sealed(no_dump, lambda manifest: manifest["members"].__setitem__(0, listed))
    kind = "sqlite" if connection.vendor == "postgresql" else "postgresql"
    return {
        "there is none": (folder / "nowhere.tar", "there is no such file"),
        "it is empty": (raw("empty", b""), "not a backup of Adjudge"),
        "it is no tar": (raw("text", b"Dear all,\n" * 1000), "not a backup of Adjudge"),
        "it is cut off in the database": (raw("cut", whole[:middle]), "ends in the middle|has no manifest.json"),
        "it is cut off before its end": (raw("end", whole[: whole.index(b"manifest.json")]), "has no manifest.json"),
        "a byte of the database is another": (raw("flip", flipped(middle)), "its SHA-256 differs"),
        "a byte of the manifest is another": (raw("flip2", flipped(in_manifest)), "does not fit manifest.json.sha256"),
        "a file is missing": (tar("less", without(members, "uploads/aGVsbG8")), "“uploads/aGVsbG8” is missing"),
        "the database is missing": (tar("less2", without(members, database)), "is missing"),
        "a file is not listed": (tar("more", {"media/x": b"x", **members}), "“media/x” is in it and not in"),
        "a member leads out": (tar("out", with_file(members, "media/../../evil")), "not a file under media/"),
        "a member is absolute": (tar("abs", with_file(members, "/etc/evil")), "not a file under media/"),
        "a member is the key": (tar("key", with_file(members, "secret_key")), "not a file under media/"),
        "a member is a link": (tar("link", members, odd("media/l", tarfile.SYMTYPE, "/etc")), "not a plain file"),
        "a member is a hard link": (tar("hard", members, odd("media/h", tarfile.LNKTYPE, "x")), "not a plain file"),
        "a member is a device": (tar("dev", members, odd("media/d", tarfile.CHRTYPE)), "not a plain file"),
        "a member is there twice": (tar("twice", members, odd(database, tarfile.REGTYPE)), "in it twice"),
        "the manifest is no JSON": (tar("json", {**members, **_garbage()}), "damaged or was not written by Adjudge"),
        "a count is no number": (other("count", members=[{"name": database, "size": "5"}]), "damaged or was not"),
        "it is of another format": (other("format", format="adjudge-backup-9"), "has the format 'adjudge-backup-9'"),
        "it is of a newer version": (other("newer", adjudge="99.0"), "was made by Adjudge 99.0"),
        "it has an unknown migration": (tar("unknown", unknown), "projects.9999_later among them"),
        "it is of another kind": (other("kind", kind="oracle"), "of the kind 'oracle'"),
        "it is of the other kind": (other("kind2", kind=kind), f"of the kind '{kind}'"),
        "the database is none": (tar("none", no_dump), "does not open|is no dump"),
        "the rows are others": (tar("rows", more_rows), "projects_item has .* rows and should have 5"),
    }  # fmt: skip


def _garbage() -> Members:
    raw = b"{"
    return {"manifest.json": raw, "manifest.json.sha256": hashlib.sha256(raw).hexdigest().encode() + b"  m\n"}


@pytest.mark.django_db(transaction=True)
def test_a_bad_archive_is_refused_in_words_and_changes_nothing(tmp_path: Path) -> None:
    wrong = []
    with pytest.MonkeyPatch.context() as patch:
        programs_on_path(patch)
        data_dir(patch, tmp_path / "data")
        study()
        (tmp_path / "forged").mkdir()
        cases = forgeries(tmp_path / "forged", backup_create(target=tmp_path).path)
        before = present()
        connection.close()
        for case, (path, words) in cases.items():
            for act in (lambda p: backup_check(path=p), lambda p: backup_restore(path=p, overwrite=True)):
                try:
                    with pytest.raises(ServiceError, match=words):
                        act(path)
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - told with its case
                    wrong.append(f"{case}: {error!r:.300}")
        assert present() == before
    assert not wrong, "\n".join(wrong)
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["media", "secret_key", "uploads"]


@pytest.mark.django_db(transaction=True)
def test_an_archive_of_the_other_database_is_refused_with_the_reason(tmp_path: Path) -> None:
    other = ("sqlite", "database.sqlite3") if connection.vendor == "postgresql" else ("postgresql", "database.pgdump")
    with pytest.MonkeyPatch.context() as patch:
        programs_on_path(patch)
        data_dir(patch, tmp_path / "data")
        members = unpacked(backup_create(target=tmp_path).path)
        members = {name.replace(engine().MEMBER, other[1]): content for name, content in members.items()}

        def change(manifest: dict[str, Any]) -> None:
            manifest["kind"], manifest["database"] = other
            manifest["members"][0]["name"] = other[1]

        path = packed(tmp_path / "other.tar", sealed(members, change))
        with pytest.raises(ServiceError, match="and DATABASE_URL names"):
            backup_restore(path=path)


# --- PostgreSQL's programs -------------------------------------------------------------------------------


def programs_of(folder: Path, version: str) -> Path:
    folder.mkdir()
    for name in programs.NAMES:
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[int, Path]:
    folders = {n: programs_of(tmp_path / str(n), f"{n}.3 (Debian)") for n in (15, 17)}
    (tmp_path / "16").mkdir()
    (tmp_path / "16" / "pg_dump").write_text("")
    monkeypatch.setattr(programs, "DEBIAN", tmp_path / "nowhere")
    monkeypatch.setenv("PATH", ":".join(str(tmp_path / name) for name in ("17", "16", "15", "gone")))
    return folders


def test_the_programs_of_the_servers_own_version_are_taken_else_the_next_newer(machine: dict[int, Path]) -> None:
    assert programs.folder_for(15) == machine[15]
    assert programs.folder_for(16) == machine[17]
    assert programs.folder_for(15, reading=17) == machine[17]


def test_what_to_install_is_said(machine: dict[int, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServiceError, match=r"version 18 or newer are needed, and the newest here is version 17.*-18$"):
        programs.folder_for(18)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ServiceError, match=r"they are not on this machine.*postgresql-client-17$"):
        programs.folder_for(17)

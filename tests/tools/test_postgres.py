"""The throwaway server: never root, gone afterwards, also when the work in it failed."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psycopg
import pytest

from tools import postgres


def fail_in(server: postgres.Server, seen: list[tuple[str, int]]) -> None:
    with psycopg.connect(server.url) as connection:
        shown = connection.execute("SELECT current_setting('data_directory'), current_setting('fsync')")
        data, fsync = shown.fetchone() or ("", "")
    pid = int((Path(data) / "postmaster.pid").read_text().splitlines()[0])
    assert fsync == "off"
    assert Path(f"/proc/{pid}").stat().st_uid != 0
    assert int(server.version.split(".")[0]) >= postgres.OLDEST
    seen.append((data, pid))
    raise ZeroDivisionError


def test_a_cluster_runs_unprivileged_and_goes_away_after_a_failure() -> None:
    seen: list[tuple[str, int]] = []
    with contextlib.suppress(ZeroDivisionError), postgres.cluster() as server:
        fail_in(server, seen)
    ((data, pid),) = seen
    assert not Path(data).exists()
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url, connect_timeout=5)


def test_an_old_server_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(version: str) -> Path:
        folder = tmp_path / version
        folder.mkdir()
        for name in ("initdb", "postgres"):
            (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
            (folder / name).chmod(0o755)
        return folder

    old, good, newest = fake("14.9"), fake("15.4"), fake("17.1")
    monkeypatch.setattr(postgres, "_candidates", lambda: iter([old]))
    assert postgres.find_binaries() is None
    monkeypatch.setattr(postgres, "_candidates", lambda: iter([newest, old, good]))
    assert postgres.find_binaries() == newest

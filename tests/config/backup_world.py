"""A small study to back up, and another machine to restore it on: an empty database, an empty DATA_DIR."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from analytics.models import Report
from analytics.reports import build
from analytics.services import report_build
from annotation.models import Round
from config.backup import files, services
from config.backup.manifest import State
from config.backup.state import state_of
from tests.analytics.helpers import filled_round, scale
from tools import postgres


def study() -> Round:
    rows = [
        {"item": f"q{n}", "system": system, "rater": rater, "criterion": "clear", "value": 1 + (n + len(rater)) % 5}
        for n in range(4)
        for system in ("amber", "basalt")
        for rater in ("ann", "ben")
    ]
    round = filled_round([scale("clear", "ordinal")], rows)
    report_build(round=round)
    for name, content in (("media/media/seen.png", b"an image"), ("uploads/aGVsbG8", b"item,output\n")):
        path = Path(settings.DATA_DIR) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (Path(settings.DATA_DIR) / "secret_key").write_text(settings.SECRET_KEY)
    return round


def digests() -> list[tuple[str, str, str]]:
    """Of each report as it was stored, and of the one that the present data give."""
    return [
        (stored.digest, stored.data_digest, build(stored.round).digest)
        for stored in Report.objects.select_related("round")
    ]


def present() -> tuple[State, dict[str, bytes]]:
    """All that a restore may change."""
    return state_of(connection), {name: path.read_bytes() for name, path in files.listed()}


def programs_on_path(patch: pytest.MonkeyPatch) -> None:
    """pg_dump and its like of the server that the tests run on; never skipped for want of them."""
    if connection.vendor == "postgresql":
        patch.setenv("PATH", f"{postgres.ensure_binaries()}{os.pathsep}{os.environ['PATH']}")


def data_dir(patch: pytest.MonkeyPatch, folder: Path) -> None:
    folder.mkdir()
    patch.setattr(settings, "DATA_DIR", folder)
    patch.setattr(settings, "MEDIA_ROOT", folder / "media")


@contextmanager
def another_machine(folder: Path) -> Iterator[None]:
    """The default database is another, empty one, and DATA_DIR another folder, for the time of the block."""
    name = f"adjudge_elsewhere_{secrets.token_hex(4)}"
    if connection.vendor == "sqlite":
        name = str(folder.parent / f"{name}.sqlite3")
    before = connection.settings_dict["NAME"]
    try:
        _administer(f'CREATE DATABASE "{name}"')
        _point_at(name)
        with pytest.MonkeyPatch.context() as patch:
            data_dir(patch, folder)
            yield
    finally:
        _point_at(before)
        _administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _point_at(name: str) -> None:
    database: Any = connection
    database.close()
    if connection.vendor == "postgresql":
        database.close_pool()
    connection.settings_dict["NAME"] = name


def _administer(sql: str) -> None:
    if connection.vendor != "postgresql":
        return
    place = {name: connection.settings_dict[name.upper()] for name in ("host", "port", "user", "password")}
    given: Any = {name: value for name, value in place.items() if value}
    with psycopg.connect(dbname="postgres", autocommit=True, **given) as admin:
        admin.execute(sql)  # type: ignore[call-overload]


def engine() -> Any:
    return services.engine()

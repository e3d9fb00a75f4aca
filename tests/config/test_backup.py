"""The drill: back up under load, restore on an empty machine, compare. And everything that must be refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from annotation.models import Judgment
from config.backup import sqlite
from config.backup.services import backup_check, backup_create, backup_restore
from projects.errors import ServiceError
from projects.models import AuditEvent, Item, Project
from tests.config.backup_world import another_machine, data_dir, digests, engine, present, programs_on_path, study
from tests.factories import item_factory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def machine(tmp_path: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        programs_on_path(patch)
        data_dir(patch, tmp_path / "data")
        patch.setattr(sqlite, "PAGES", 64)  # a small database, too, is copied in several steps
        yield


def writer(project: Project) -> Callable[[str, int, int | None], None]:
    """Progress that lets another connection write some times, and waits until that is committed."""
    left = iter(range(6))

    def write() -> None:
        item_factory(project)
        connection.close()

    def told(what: str, done: int, total: int | None) -> None:
        if next(left, None) is None:
            return
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()

    return told


def test_a_backup_taken_under_load_restores_on_an_empty_machine(tmp_path: Path) -> None:
    round = study()
    items, reports, judgments = Item.objects.count(), digests(), Judgment.objects.count()
    made = backup_create(target=tmp_path / "study.tar", progress=writer(round.project))
    assert Item.objects.count() > items, "nothing was written meanwhile, so this test would see nothing"
    assert made.manifest.state.rows["projects_item"] == items
    assert judgments == 16
    assert reports[0][0] == reports[0][2]
    kept = (tmp_path / "study.tar").read_bytes()
    assert (tmp_path / "study.tar").stat().st_mode & 0o777 == 0o600
    assert settings.SECRET_KEY.encode() not in kept

    said = StringIO()
    with another_machine(tmp_path / "elsewhere"):
        call_command("restore", tmp_path / "study.tar", "--json", stdout=said)
        state, there = present()
        assert state == made.manifest.state
        assert state.audit[0].broken_at is None
        assert digests() == reports
        assert there == {"media/media/seen.png": b"an image", "uploads/aGVsbG8": b"item,output\n"}
        with pytest.raises(IntegrityError), transaction.atomic():
            AuditEvent.objects.update(verb="other")
        assert item_factory(Project.objects.get()).pk > items  # the counters of keys came along
    assert json.loads(said.getvalue())["rows"]["annotation_judgment"] == judgments
    assert [path.name for path in (tmp_path / "elsewhere").iterdir() if path.name.startswith(".")] == []


def test_a_full_database_and_full_folders_are_overwritten_only_when_told(tmp_path: Path) -> None:
    round = study()
    archive = backup_create(target=tmp_path).path
    item_factory(round.project)
    (tmp_path / "data" / "media" / "later.png").write_bytes(b"later")
    before = present()
    with pytest.raises(CommandError, match="The database is not empty") as refused:
        call_command("restore", archive)
    assert refused.value.returncode == 2
    assert present() == before

    connection.close()  # as after “stop web and worker”
    call_command("restore", archive, "--overwrite", stdout=StringIO())
    assert present()[0] == backup_check(path=archive).manifest.state
    assert "media/later.png" not in present()[1]

    with another_machine(tmp_path / "elsewhere"):
        (tmp_path / "elsewhere" / "media").mkdir()
        (tmp_path / "elsewhere" / "media" / "own.png").write_bytes(b"own")
        with pytest.raises(CommandError, match="There are files already"):
            call_command("restore", archive)


def test_the_outcome_in_words_and_as_json(tmp_path: Path) -> None:
    study()
    said = StringIO()
    call_command("backup", tmp_path / "a.tar", stdout=said)
    assert "a.tar: written." in said.getvalue()
    assert "2 files" in said.getvalue()
    said = StringIO()
    call_command("check_backup", tmp_path / "a.tar", "--json", stdout=said)
    answer = json.loads(said.getvalue())
    assert answer["database"]["kind"] == connection.vendor
    assert (answer["files"], answer["missing_migrations"], answer["rows"]["annotation_judgment"]) == (2, 0, 16)
    assert answer["audit"][0]["broken_at"] is None
    with pytest.raises(CommandError, match="there is such a file already") as refused:
        call_command("backup", tmp_path / "a.tar")
    assert refused.value.returncode == 2


class Stop:
    """Progress that stands for a Ctrl-C at a certain step."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.reached = False

    def __call__(self, what: str, done: int, total: int | None) -> None:
        if what.startswith(self.step):
            self.reached = True
            raise KeyboardInterrupt


@contextmanager
def stopped_at(step: str) -> Iterator[Stop]:
    stop = Stop(step)
    with pytest.raises(KeyboardInterrupt):
        yield stop
    assert stop.reached


def test_a_backup_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    study()
    out = tmp_path / "out"
    out.mkdir()
    for step in ("Dumping" if connection.vendor == "postgresql" else "Copying", "Adding files"):
        with stopped_at(step) as stop:
            backup_create(target=out, progress=stop)
        assert list(out.iterdir()) == []


def test_a_restore_that_is_stopped_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    round = study()
    archive = backup_create(target=tmp_path).path
    item_factory(round.project)
    (tmp_path / "data" / "uploads" / "later").write_bytes(b"later")
    before = present()
    steps = ["Unpacking", "Checking", *(["Restoring"] if connection.vendor == "postgresql" else [])]
    for step in steps:
        connection.close()
        with stopped_at(step) as stop:
            backup_restore(path=archive, overwrite=True, progress=stop)
        assert present() == before

    # At the very last step, when the files are in place already.
    there = engine()
    loaded = there.loaded

    @contextmanager
    def hindered(*arguments: Any) -> Iterator[Callable[[], None]]:
        def commit() -> None:
            assert not (tmp_path / "data" / "uploads" / "later").exists()
            raise KeyboardInterrupt

        with loaded(*arguments):
            yield commit

    monkeypatch.setattr(there, "loaded", hindered)
    connection.close()
    with pytest.raises(KeyboardInterrupt):
        backup_restore(path=archive, overwrite=True)
    assert present() == before
    assert [path.name for path in (tmp_path / "data").iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("since", ["before", "Checking"])
def test_a_database_in_use_is_not_replaced(tmp_path: Path, since: str) -> None:
    """Whoever has the old file open, or holds a table, would lose what it writes; also who came while we unpacked."""
    study()
    archive = backup_create(target=tmp_path).path
    before = present()
    there, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Project.objects.select_for_update().get()
            there.set()
            release.wait(60)
        connection.close()

    thread = threading.Thread(target=hold)

    def come(what: str = "before", done: int = 0, total: int | None = None) -> None:
        if what.startswith(since):
            thread.start()
            there.wait(60)

    come()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("config.backup.postgresql.PATIENCE", "200ms")
            with pytest.raises(ServiceError, match="Stop web and worker"):
                backup_restore(path=archive, overwrite=True, progress=come)
        assert there.is_set()
    finally:
        release.set()
        thread.join()
    assert present() == before

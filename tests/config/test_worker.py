"""Background work: a task whose worker dies is taken up by another, is done once, and is given up in words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from config.background import leases
from config.background import worker as background_worker
from config.background.leases import give_back, renew, take
from config.background.tasks import LeaseLostError, enqueue_once, held, settle
from config.background.worker import Heartbeat, Worker
from config.models import TaskLease
from projects.models import ImportBatch, Item
from projects.services import import_uploads
from tests.config import worker_tasks
from tests.factories import member, project_factory

ROOT = Path(__file__).resolve().parents[2]
SUCCESSFUL, FAILED, READY = TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED, TaskResultStatus.READY


def lapse() -> None:
    """A minute without a sign of life."""
    TaskLease.objects.filter(until__isnull=False).update(until=timezone.now() - timedelta(seconds=1))


def status() -> str:
    return str(DBTaskResult.objects.get().status)


def taken(worker: str = "first") -> tuple[DBTaskResult, Any]:
    found = take(worker)
    assert found is not None
    return found


@pytest.mark.django_db
def test_a_task_is_done_once_and_its_key_takes_no_second() -> None:
    assert enqueue_once(worker_tasks.add, "add tea", "tea")
    assert not enqueue_once(worker_tasks.add, "add tea", "tea")
    worker = Worker("first")
    worker.run(batch=True)
    assert (worker.done, status(), Group.objects.count()) == (1, SUCCESSFUL, 1)
    assert not enqueue_once(worker_tasks.add, "add tea", "tea")
    assert TaskLease.objects.get().until is None


@pytest.mark.django_db
def test_a_lease_keeps_others_away_until_it_lapses() -> None:
    enqueue_once(worker_tasks.add, "add tea", "tea")
    row, mine = taken()
    assert take("second") is None
    assert leases._lease_of(row, timezone.now()) is None  # renewed between a look and the lock
    assert renew(mine, 60)
    assert take("second", now=timezone.now() + timedelta(seconds=59)) is None
    assert take("second", now=timezone.now() + timedelta(seconds=61)) is not None
    assert not renew(mine, 60)


@pytest.mark.django_db
def test_whoever_was_taken_for_dead_writes_nothing() -> None:
    enqueue_once(worker_tasks.add, "add tea", "tea")
    row, mine = taken()
    lapse()
    taken("second")
    token = held.set(mine)
    try:
        with pytest.raises(LeaseLostError):
            worker_tasks.add.call("tea")
    finally:
        held.reset(token)
    assert not Group.objects.exists()
    assert not leases.finish(row, mine, None)
    leases.fail(row, mine, ValueError())
    give_back(row, mine)
    assert status() == TaskResultStatus.RUNNING  # the second worker's


@pytest.mark.django_db
def test_a_task_done_by_a_worker_that_died_is_not_done_again() -> None:
    enqueue_once(worker_tasks.add, "add tea", "tea")
    _, mine = taken()
    token = held.set(mine)
    worker_tasks.add.call("tea")
    held.reset(token)
    lapse()
    assert take("second") is None
    assert (status(), Group.objects.count()) == (SUCCESSFUL, 1)


@pytest.mark.django_db
def test_after_three_silent_workers_it_is_given_up_in_words() -> None:
    enqueue_once(worker_tasks.add, "add tea", "tea")
    for attempt in (1, 2, 3):
        assert taken(f"worker {attempt}")[1].attempt == attempt
        lapse()
    assert take("fourth") is None
    assert status() == FAILED
    assert "stopped 3 times" in TaskLease.objects.get().problem
    assert "stopped 3 times" in Group.objects.get().name
    assert take("fifth") is None


@pytest.mark.django_db
def test_a_task_that_raises_is_tried_again_after_a_pause_and_three_times_at_most() -> None:
    enqueue_once(worker_tasks.fail, "fail", "tea")
    worker = Worker("first")
    for attempt in (1, 2, 3):
        worker.run(batch=True)
        assert worker.failed == attempt
        assert status() == (FAILED if attempt == 3 else READY)
        assert not worker.step()  # not before the pause is over
        DBTaskResult.objects.filter(status=READY).update(run_after=timezone.now())
    assert "failed 3 times" in Group.objects.get().name


@pytest.mark.django_db
def test_people_who_cannot_be_told_do_not_stop_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(*arguments: object) -> None:
        raise OSError

    enqueue_once(worker_tasks.add, "add tea", "tea")
    enqueue_once(worker_tasks.add, "add milk", "milk")
    monkeypatch.setattr(leases, "who_is_told", lambda path: cannot)
    TaskLease.objects.filter(key="add tea").update(attempts=3)
    Worker("first").run(batch=True)
    assert [group.name for group in Group.objects.all()] == ["milk"]
    assert DBTaskResult.objects.filter(status=FAILED).count() == 1


@pytest.mark.django_db
def test_a_worker_told_to_stop_hands_its_task_back_at_once() -> None:
    enqueue_once(worker_tasks.add, "add tea", "tea")
    row, mine = taken()
    give_back(row, mine)
    assert taken("second")[1].attempt == 1


@pytest.mark.django_db
def test_a_task_left_running_by_a_worker_without_leases_is_taken_up() -> None:
    worker_tasks.add.enqueue("tea")
    DBTaskResult.objects.update(status=TaskResultStatus.RUNNING, started_at=timezone.now())
    assert take("first") is None
    DBTaskResult.objects.update(started_at=timezone.now() - timedelta(seconds=61))
    assert take("first") is not None


@pytest.mark.django_db
def test_outside_a_worker_nothing_has_to_be_settled() -> None:
    settle()
    worker_tasks.add.call("tea")
    assert Group.objects.exists()


@pytest.mark.django_db
def test_what_was_over_long_ago_is_forgotten_and_nothing_else() -> None:
    long_ago = timezone.now() - timedelta(days=leases.KEPT_DAYS + 1)
    for key, state, ended in (
        ("over", SUCCESSFUL, long_ago),
        ("failed", FAILED, long_ago),
        ("fresh", SUCCESSFUL, timezone.now()),
        ("waiting", READY, None),
    ):
        enqueue_once(worker_tasks.add, key, key)
        DBTaskResult.objects.filter(lease__key=key).update(status=state, finished_at=ended, enqueued_at=long_ago)
    Worker("first").run(batch=True)
    assert set(TaskLease.objects.values_list("key", flat=True)) == {"fresh", "waiting"}
    assert DBTaskResult.objects.count() == 2
    assert Group.objects.get().name == "waiting"


@pytest.mark.django_db(transaction=True)
def test_a_beating_heart_keeps_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_worker, "BEATS", 3000)  # every 20 ms of a lease that no busy machine outlasts
    enqueue_once(worker_tasks.add, "add tea", "tea")
    _, mine = taken()
    first = TaskLease.objects.get().until
    assert first is not None
    beat = Heartbeat(mine, 60)
    beat.start()
    try:
        for until_ in (first, first + timedelta(seconds=0.1)):
            until(TaskLease.objects.filter(until__gt=until_).exists, tmp_path / "worker.log")
            assert take("second", now=until_) is None
    finally:
        beat.end()
    last = TaskLease.objects.get().until
    assert last is not None
    assert take("second", now=last) is not None


# --- a process that is killed ------------------------------------------------------------------------------------


def environment() -> dict[str, str]:
    """The worker's: it meets the tests in their database."""
    place = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{place['NAME']}"
    else:
        url = f"postgresql://{place['USER']}:{place['PASSWORD']}@{place['HOST']}:{place['PORT']}/{place['NAME']}"
    from django.conf import settings

    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"DATABASE_URL": url, "DATA_DIR": str(settings.DATA_DIR), "PYTHONPATH": str(ROOT)}


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Real worker processes; whatever happens, none is left behind."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(*options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "manage.py", "db_worker", "--interval", "0.1", *options]
        with (tmp_path / "worker.log").open("ab") as log:
            running.append(subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=log, stderr=log))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.wait()


def until(condition: Callable[[], object], log: Path, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, log.read_text() if log.exists() else "no worker"
        time.sleep(0.02)


@pytest.mark.django_db(transaction=True)
def test_a_task_whose_worker_was_killed_is_done_by_another(start: Start, tmp_path: Path) -> None:
    marker = tmp_path / "begun"
    enqueue_once(worker_tasks.add_slowly, "slow tea", "tea", str(marker))
    process = start("--lease", "30")
    until(marker.exists, tmp_path / "worker.log")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not Group.objects.exists()  # nothing half done
    assert take("second") is None  # its lease still stands
    lapse()
    Worker("second").run(batch=True)
    assert (status(), Group.objects.get().name, TaskLease.objects.get().attempts) == (SUCCESSFUL, "tea", 2)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_processes_killed_between_doing_and_saying_do_it_once(start: Start, tmp_path: Path) -> None:
    marker = tmp_path / "done"
    enqueue_once(worker_tasks.stop_after, "tea", "tea", str(marker))
    process = start("--lease", "1")
    until(marker.exists, tmp_path / "worker.log")
    process.kill()
    process.wait()
    second = start("--lease", "1")
    until(lambda: status() == SUCCESSFUL, tmp_path / "worker.log")
    second.terminate()
    assert second.wait(10) == 0
    assert Group.objects.count() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_an_import_whose_workers_are_killed_tells_the_lead_or_is_whole(
    start: Start, tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at a moment that moves on: three times is the end of it, and else all of the file is there, once."""
    monkeypatch.setattr(import_uploads, "IN_REQUEST", 10)
    rows = "".join(f"q{n},Why {n}?,a,Because of **{n}**.\n" for n in range(4000))
    outcomes = set()
    for turn, kills in enumerate((3, 1, 2)):
        project = project_factory()
        lead = member(project, "lead")
        client.force_login(lead)
        file = SimpleUploadedFile("large.csv", f"item,prompt,system,output\n{rows}".encode())
        batch = import_uploads.upload_create(project=project, file=file, format="auto", actor=lead)
        Worker("look").run(batch=True)
        batch.refresh_from_db()
        import_uploads.upload_confirm(batch=batch, actor=lead)
        for kill in range(kills):
            kill_during(batch, start, tmp_path / "worker.log", kill, 0.15 * turn)
        process = start("--lease", "1")
        until(partial(gone, batch), tmp_path / "worker.log")
        process.kill()
        process.wait()
        batch.refresh_from_db()
        outcomes.add(batch.state)
        page = client.get(f"/p/{project.slug}/import/{batch.pk}/").content.decode()
        assert Item.objects.filter(project=project).count() == (4000 if batch.state == "done" else 0)
        assert ("stopped 3 times" in page) == (batch.state == "failed")
    assert outcomes == {"done", "failed"}


def kill_during(batch: ImportBatch, start: Start, log: Path, earlier: int, after: float) -> None:
    """A worker takes the import up and is killed a moment later."""
    process = start("--lease", "1")
    until(lambda: attempts(batch) > earlier or gone(batch), log)
    time.sleep(after)
    process.kill()
    process.wait()


def attempts(batch: ImportBatch) -> int:
    return TaskLease.objects.get(key=f"import upload {batch.pk}").attempts


def gone(batch: ImportBatch) -> bool:
    return ImportBatch.objects.get(pk=batch.pk).state != ImportBatch.State.RUNNING


# --- the import, and the command ------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_import_that_is_given_up_says_so_where_the_lead_waits(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_uploads, "IN_REQUEST", 10)
    project = project_factory()
    lead = member(project, "lead")
    client.force_login(lead)
    file = SimpleUploadedFile("large.csv", b"item,system,output\nq1,a,Yes.\n")
    batch = import_uploads.upload_create(project=project, file=file, format="auto", actor=lead)
    TaskLease.objects.update(attempts=3)
    Worker("fourth").run(batch=True)
    page = client.get(f"/p/{project.slug}/import/{batch.pk}/").content.decode()
    assert "The program that did this stopped 3 times before it was done. Nothing was written." in page
    assert not (import_uploads.folder() / batch.stored_as).exists()


@pytest.mark.django_db
def test_two_who_ask_at_once_to_look_again_make_one_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_uploads, "IN_REQUEST", 10)
    project = project_factory()
    file = SimpleUploadedFile("large.csv", b"item,system,output\nq1,a,Yes.\n")
    batch = import_uploads.upload_create(project=project, file=file, format="auto", actor=member(project, "lead"))
    Worker("first").run(batch=True)
    one, two = (ImportBatch.objects.get(pk=batch.pk) for _ in range(2))
    for each in (one, two):
        import_uploads.upload_map(batch=each, format="csv", chosen={}, defaults={})
    assert DBTaskResult.objects.filter(status=READY).count() == 1
    Worker("first").run(batch=True)
    batch.refresh_from_db()
    import_uploads.upload_confirm(batch=batch, actor=None)
    Worker("first").run(batch=True)
    assert Item.objects.filter(project=project).count() == 1


@pytest.mark.django_db
def test_the_worker_of_django_tasks_is_replaced_by_ours(capsys: pytest.CaptureFixture[str]) -> None:
    enqueue_once(worker_tasks.add, "add tea", "tea")
    call_command("db_worker", batch=True)
    assert capsys.readouterr().out == "1 done.\n"
    assert TaskLease.objects.get().attempts == 1


@pytest.mark.django_db
def test_a_transaction_that_fails_leaves_no_task_behind() -> None:
    with transaction.atomic():
        enqueue_once(worker_tasks.add, "add tea", "tea")
        transaction.set_rollback(True)
    assert not DBTaskResult.objects.exists()

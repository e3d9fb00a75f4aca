"""Taking a task, keeping it, and letting go of it. Each is one short transaction, on both databases.

A lease that has lapsed is a task that can be taken: whoever looks for work is the reaper. The clock only says when
another may try; who may write is said by (worker, attempt), so clocks that differ cost time and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult, get_date_max

from config.background.tasks import MAX_ATTEMPTS, Held, who_is_told
from config.models import TaskLease

LEASE_SECONDS = 60.0
KEPT_DAYS = 30  # of what is over, with its key: by then nobody asks for the same thing again
FORGET_AT_ONCE = 1_000
PAUSE_SECONDS = 10  # before a task that failed is tried again; twice that before the third attempt
SILENT = (
    f"The program that did this stopped {MAX_ATTEMPTS} times before it was done. Nothing was written. Try it again; "
    "if it stops again, ask whoever runs Adjudge to look into the worker's log and at the memory of the machine."
)
FAILED = (
    f"This failed {MAX_ATTEMPTS} times for a reason that is not in your file. Nothing was written. Try it again; if it "
    "fails again, ask whoever runs Adjudge to look into the worker's log."
)
Row = DBTaskResult[Any, Any]
_log = logging.getLogger(__name__)


class WorkerKilledError(Exception):
    """Stands in the queue for what a killed worker could not say."""


def waiting(now: datetime, queues: Sequence[str] = ()) -> QuerySet[Row]:
    """Tasks to be done now, the first first: new ones, and those whose worker is silent."""
    due = Q(status=TaskResultStatus.READY) & (Q(run_after=get_date_max()) | Q(run_after__lte=now))
    # Without a lease: begun by a worker of a version that had none.
    old = Q(lease__isnull=True, started_at__lte=now - timedelta(seconds=LEASE_SECONDS))
    lapsed = Q(status=TaskResultStatus.RUNNING) & (Q(lease__until__lte=now) | old)
    found = DBTaskResult.objects.filter(due | lapsed)
    return found.filter(queue_name__in=queues) if queues else found


def take(
    worker: str, *, seconds: float = LEASE_SECONDS, queues: Sequence[str] = (), now: datetime | None = None
) -> tuple[Row, Held] | None:
    """The next task for this worker. Those met on the way that are done already, or beyond their attempts, are put
    away."""
    moment = now or timezone.now()
    while waiting(moment, queues).exists():  # a look costs no turn at the write lock
        with transaction.atomic():
            row = waiting(moment, queues).select_for_update(of=("self",), skip_locked=True).first()
            lease = _lease_of(row, moment) if row is not None else None
            if row is None or lease is None:
                return None  # others have it in hand
            if lease.done_at is None and lease.attempts < MAX_ATTEMPTS:
                lease.attempts += 1
                lease.worker, lease.until = worker, moment + timedelta(seconds=seconds)
                lease.save(update_fields=["attempts", "worker", "until"])
                row.claim(worker)
                return row, Held(row.pk, worker, lease.attempts)
        if lease.done_at is not None:
            _put_away_done(row, lease)
        else:
            give_up(row, lease, SILENT, WorkerKilledError("no sign of life from its worker"))
    return None


def _lease_of(row: Row, now: datetime) -> TaskLease | None:
    """The lease of a locked task, locked too; None when its worker has just renewed it or is writing."""
    lease, _ = TaskLease.objects.get_or_create(task=row, defaults={"key": f"task {row.pk}"})
    free = TaskLease.objects.select_for_update(skip_locked=True).filter(pk=lease.pk)
    return free.filter(Q(until__isnull=True) | Q(until__lte=now)).first()


def renew(held: Held, seconds: float) -> bool:
    """A sign of life. False: the task is another's by now."""
    return bool(_mine(held).update(until=timezone.now() + timedelta(seconds=seconds)))


def finish(row: Row, held: Held, value: Any) -> bool:
    """The function has returned."""
    now = timezone.now()
    with transaction.atomic():
        lease = _mine(held).select_for_update().first()
        if lease is None:
            return False
        lease.until, lease.done_at = None, lease.done_at or now
        lease.save(update_fields=["until", "done_at"])
        row.set_successful(value)
    return True


def fail(row: Row, held: Held, error: Exception) -> None:
    """The function has raised: again after a pause, or given up."""
    lease = _mine(held).first()
    if lease is None:
        return
    if lease.done_at is not None:
        _put_away_done(row, lease)
    elif held.attempt >= MAX_ATTEMPTS:
        give_up(row, lease, FAILED, error)
    else:
        _put_back(row, held, timezone.now() + timedelta(seconds=PAUSE_SECONDS * held.attempt), attempts=held.attempt)


def give_back(row: Row, held: Held) -> None:
    """The worker is told to stop: the next one may begin at once, and this attempt does not count."""
    _put_back(row, held, timezone.now(), attempts=held.attempt - 1)


def give_up(row: Row, lease: TaskLease, sentence: str, error: Exception) -> None:
    """Failed for good, and people are told in the same transaction."""
    told = who_is_told(row.task_path)
    try:
        with transaction.atomic():
            _put_away_failed(row, lease, sentence, error)
            if told is not None:
                told(sentence, *row.args_kwargs["args"], **row.args_kwargs["kwargs"])
    except Exception:  # noqa: BLE001 - whatever it is, the queue must go on
        _log.exception("background_task_gave_up_untold", extra={"fields": {"task": str(row.pk)}})
        with transaction.atomic():
            _put_away_failed(row, lease, sentence, error)
    _log.error(
        "background_task_given_up",
        extra={"fields": {"task": str(row.pk), "path": row.task_path, "error": type(error).__qualname__}},
    )


def forget_old(now: datetime) -> int:
    """Take what was over long ago out of the queue, some of it at a time: a round that renews its order leaves a row
    every minute. Leases go with their tasks."""
    over = (TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED)
    old = DBTaskResult.objects.filter(status__in=over, finished_at__lt=now - timedelta(days=KEPT_DAYS))
    chosen = list(old.order_by("finished_at").values_list("pk", flat=True)[:FORGET_AT_ONCE])
    if chosen:
        DBTaskResult.objects.filter(pk__in=chosen).delete()
    return len(chosen)


def _mine(held: Held) -> QuerySet[TaskLease]:
    return TaskLease.objects.filter(task_id=held.task, worker=held.worker, attempts=held.attempt, until__isnull=False)


def _put_back(row: Row, held: Held, when: datetime, *, attempts: int) -> None:
    with transaction.atomic():
        if _mine(held).filter(done_at__isnull=True).update(until=None, attempts=attempts):
            DBTaskResult.objects.filter(pk=row.pk).update(status=TaskResultStatus.READY, run_after=when)


def _put_away_done(row: Row, lease: TaskLease) -> None:
    """It was done, and its worker was killed before it could say so."""
    with transaction.atomic():
        TaskLease.objects.filter(pk=lease.pk).update(until=None)
        row.set_successful(None)


def _put_away_failed(row: Row, lease: TaskLease, sentence: str, error: Exception) -> None:
    TaskLease.objects.filter(pk=lease.pk).update(until=None, problem=sentence)
    row.set_failed(error)

"""How the product makes and writes tasks.

    @durable(gave_up=tell_the_lead)
    def import_upload(batch_id): …

    enqueue_once(import_upload, "import 17", 17)

A task may be begun more than once: its worker can be killed at any moment. So it does what it is for in one
transaction, and calls `settle()` in it. From then on it is done and is never begun again; and a worker that was
taken for dead and wakes up finds itself refused there, with nothing written.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django_tasks import task
from django_tasks.base import Task

MAX_ATTEMPTS = 3

# Called with a sentence and the task's arguments when it is given up.
GaveUp = Callable[..., None]
_gave_up: dict[str, GaveUp] = {}


class LeaseLostError(Exception):
    """Another worker is at this task now, or has done it."""


@dataclass(frozen=True, slots=True)
class Held:
    """One attempt of one worker at one task."""

    task: UUID
    worker: str
    attempt: int


held: ContextVar[Held | None] = ContextVar("held_task", default=None)


def durable(*, gave_up: GaveUp) -> Callable[[Callable[..., None]], Task[Any, Any]]:
    """Declare a task. `gave_up(sentence, *arguments)` tells people when three attempts have failed."""

    def declare(function: Callable[..., None]) -> Task[Any, Any]:
        declared: Task[Any, Any] = task()(function)
        _gave_up[declared.module_path] = gave_up
        return declared

    return declare


def who_is_told(path: str) -> GaveUp | None:
    """Whom a task at this path told its name when it was declared: a worker may not have met it yet."""
    with suppress(ImportError):
        import_module(path.rpartition(".")[0])
    return _gave_up.get(path)


@transaction.atomic
def enqueue_once(work: Task[Any, Any], key: str, *arguments: Any) -> bool:
    """Put the task into the queue, unless one with this key was put there before. Says whether it was."""
    from django_tasks_db.models import DBTaskResult

    from config.models import TaskLease

    if TaskLease.objects.filter(key=key).exists():
        return False
    result = work.enqueue(*arguments)
    try:
        with transaction.atomic():
            TaskLease.objects.create(task_id=UUID(str(result.id)), key=key)
    except IntegrityError:  # somebody else did, just now
        DBTaskResult.objects.filter(pk=result.id).delete()
        return False
    return True


def settle() -> None:
    """Say, inside the transaction in which a task does what it is for, that with it the task is done.

    Outside a worker it means nothing: a small import is carried out within its request."""
    from config.models import TaskLease

    mine = held.get()
    if mine is None:
        return
    leases = TaskLease.objects.filter(task_id=mine.task, worker=mine.worker, attempts=mine.attempt, done_at=None)
    if not leases.update(done_at=timezone.now()):
        raise LeaseLostError

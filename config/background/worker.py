"""The loop of a worker: take, keep alive, do, let go."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection
from django.utils import timezone

from config.background import leases
from config.background.tasks import Held, LeaseLostError, held

BEATS = 4  # signs of life within one lease
FORGET_EVERY = 600.0  # seconds between looks for what was over long ago
_log = logging.getLogger(__name__)


class Heartbeat(threading.Thread):
    """Renews the lease while the task runs. A beat that fails is made up for by the next."""

    def __init__(self, task: Held, seconds: float) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._task, self._seconds, self._over = task, seconds, threading.Event()

    def run(self) -> None:
        try:
            while not self._over.wait(self._seconds / BEATS):
                try:
                    if not leases.renew(self._task, self._seconds):
                        return
                except (DatabaseError, InterfaceError):
                    _log.warning("heartbeat_missed", extra={"fields": {"task": str(self._task.task)}})
                    connection.close()
        finally:
            connection.close()

    def end(self) -> None:
        self._over.set()
        self.join()


class Worker:
    """Does tasks one after the other until `running` is made false."""

    def __init__(
        self, name: str, *, interval: float = 1.0, lease: float = leases.LEASE_SECONDS, queues: Sequence[str] = ()
    ) -> None:
        self.name, self._interval, self._lease, self._queues = name, interval, lease, queues
        self.running = True
        self.done = self.failed = 0
        self._forgot = float("-inf")

    def run(self, *, batch: bool = False) -> None:
        """`batch`: until there is nothing left to do."""
        while self.running:
            if not connection.in_atomic_block:  # a caller's own transaction is not ours to close
                close_old_connections()
            try:
                found = self.step()
                self._forget()
            except (OperationalError, InterfaceError) as error:
                # The database is away for a moment: a worker waits for it as the web process does.
                _log.warning("worker_waits_for_database", extra={"fields": {"error": type(error).__qualname__}})
                connection.close()
                found = False
            if not found:
                if batch:
                    return
                self._rest()

    def step(self) -> bool:
        """One task, if there is one."""
        taken = leases.take(self.name, seconds=self._lease, queues=self._queues)
        if taken is None:
            return False
        self._do(*taken)
        return True

    def _forget(self) -> None:
        if time.monotonic() - self._forgot >= FORGET_EVERY:
            self._forgot = time.monotonic()
            leases.forget_old(timezone.now())

    def _rest(self) -> None:
        until = time.monotonic() + self._interval
        while self.running and time.monotonic() < until:
            time.sleep(min(0.2, self._interval))

    def _do(self, row: leases.Row, mine: Held) -> None:
        beat, token = Heartbeat(mine, self._lease), held.set(mine)
        beat.start()
        try:
            value = row.task.call(*row.args_kwargs["args"], **row.args_kwargs["kwargs"])
            beat.end()
            if leases.finish(row, mine, value):
                self.done += 1
        except LeaseLostError:
            _log.warning("lease_lost", extra={"fields": {"task": str(mine.task), "attempt": mine.attempt}})
        except Exception as error:  # noqa: BLE001 - a task may fail in any way, and the next one must have its turn
            _log.exception("background_task_failed", extra={"fields": {"task": str(mine.task), "path": row.task_path}})
            self.failed += 1
            leases.fail(row, mine, error)
        except BaseException:  # told to stop at once
            leases.give_back(row, mine)
            raise
        finally:
            beat.end()
            held.reset(token)

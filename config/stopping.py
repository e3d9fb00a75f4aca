"""Ctrl-C in a command: before the point of no return it undoes everything, after it everything is finished.

A command is stopped by KeyboardInterrupt, which rolls back the transaction and clears away half-written files.
Between the last statement of a transaction and what a person is told of it there is no moment at which that
would still be true, so from there on the signal waits. SIGTERM and SIGHUP, which a service manager or a closed
terminal sends, are answered in the same way.
"""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

from django.db import connection

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AGAIN = 0.02  # seconds


class Stopped(KeyboardInterrupt):
    """One of SIGNALS came while everything could still be undone."""


class Stopping:
    """In force inside `with`. `asked` is the signal that came, or 0; `late` says that it came too late to undo.

    With `last` the program ends after this, and what there is to say about a signal has been said."""

    current: Stopping | None = None

    def __init__(self, *, last: bool = False) -> None:
        self._last = last
        self.asked = 0
        self.late = False
        self._before: dict[int, Any] = {}
        self._outer: Stopping | None = None
        self._unraisable = sys.unraisablehook

    @property
    def exit_code(self) -> int:
        """128 and the number of the signal, as shells have it: 130 for Ctrl-C."""
        return 128 + (self.asked or signal.SIGINT)

    def __enter__(self) -> Stopping:
        self._outer, Stopping.current = Stopping.current, self
        self._unraisable, sys.unraisablehook = sys.unraisablehook, self._on_unraisable
        if threading.current_thread() is threading.main_thread():  # no other thread may set handlers
            for number in SIGNALS:
                before = signal.getsignal(number)
                if before not in (signal.SIG_IGN, None):  # ignored under nohup and by jobs in the background
                    self._before[number] = before
                    signal.signal(number, self._on_signal)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_IGN if self._last else handler)
        sys.unraisablehook = self._unraisable
        Stopping.current = self._outer

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.asked = number
        if not self.late and not _being_undone():
            raise Stopped

    def _on_unraisable(self, unraisable: Any) -> None:
        """It came inside a callback of a library that cannot pass it on. So it comes again, a moment later."""
        if isinstance(unraisable.exc_value, Stopped):
            threading.Timer(AGAIN, signal.pthread_kill, [threading.main_thread().ident, self.asked]).start()
        else:
            self._unraisable(unraisable)

    def pass_point_of_no_return(self) -> None:
        if self.asked and not self.late:  # the exception was swallowed on its way
            raise Stopped
        self.late = True


def _being_undone() -> bool:
    """A second Ctrl-C must not interrupt the clearing away that the first one began."""
    error = sys.exc_info()[1]
    while error is not None:
        if isinstance(error, Stopped):
            return True
        error = error.__context__
    return False


def point_of_no_return() -> None:
    """Say, as the last act inside a transaction or before files are moved into place, that all will now be kept.

    Inside a further transaction it says nothing yet, for that one can still be undone. It does nothing in the web
    process, where nobody presses Ctrl-C."""
    if Stopping.current is not None and not connection.savepoint_ids:
        Stopping.current.pass_point_of_no_return()

"""A fair queue in front of SQLite's one write lock, for the threads of all processes of this machine.

Why. SQLite lets one transaction write at a time. Who finds it taken sleeps and tries again, and whoever
happens to wake first wins: under load some writers starve for seconds. Here every writer takes a number and
is served in the order of arrival, whether it sits in the web process, a worker or a command.

How. Beside the database lies `<database>.turnstile`:

    byte 0         the dispenser's lock, held for microseconds while a number is taken
    bytes 8 to 15  the next number
    byte 16 + n    locked by whoever holds number n, from arrival until leaving

It is your turn when nobody else holds a lock on the bytes 16 to 16 + n - 1. The locks are the kernel's (open
file description locks): a process that dies, by kill -9 too, loses them at once, so a dead writer never
stops the queue, and nothing has to be cleaned up. A process does not see its own locks, so its
threads also stand in a line in memory, ordered by the same numbers; only the first of them looks at the file.

What it is not. Correctness rests on BEGIN IMMEDIATE and on SQLite's own locks and busy timeout, which stay as
they are. If the file is deleted under running processes, or someone writes with the sqlite3 program, fairness
suffers and nothing else. Where the kernel has no such locks (not Linux), only threads are queued.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
import threading
import time
import weakref
from collections import deque
from pathlib import Path

DISPENSER = 0
NEXT_NUMBER = 8
FIRST_TICKET = 16
NUMBER = struct.Struct("<q")
# struct flock of 64-bit Linux: type, whence, start, length, pid (must be 0), padded to 8 bytes.
FLOCK = struct.Struct("hhqqi0q")
ACROSS_PROCESSES = sys.platform == "linux" and hasattr(fcntl, "F_OFD_SETLK")
# A look costs about 5 microseconds; the pause grows so that a long queue does not eat the processor.
SHORTEST_PAUSE = 0.0005
LONGEST_PAUSE = 0.003


class TurnstileTimeoutError(Exception):
    """The turn did not come in time."""


class Ticket:
    """One writer's place in the line."""

    __slots__ = ("first_here", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.first_here = threading.Event()  # set when no thread of this process is in front


class Turnstile:
    """The queue of one database, as seen by this process. Get it by `turnstile_of`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.reset()

    def reset(self) -> None:
        self._mutex = threading.Lock()
        self._line: deque[Ticket] = deque()
        self._numbers_here = 0
        self._file: int | None = None

    def abandon(self) -> None:
        """In a forked child: the line and the locks are the parent's."""
        if self._file is not None:
            os.close(self._file)
        self.reset()

    def enter(self, timeout: float) -> Ticket:
        """Wait for the turn. Every ticket must be given back by `leave`."""
        deadline = time.monotonic() + timeout
        with self._mutex:
            # Number and place in line are taken together: both orders are the same.
            ticket = Ticket(self._take_number(deadline))
            self._line.append(ticket)
            if self._line[0] is ticket:
                ticket.first_here.set()
        try:
            self._wait(ticket, deadline)
        except BaseException:
            self.leave(ticket)
            raise
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Free the turn, or give up the place. Doing it twice is harmless."""
        with self._mutex:
            if ticket not in self._line:
                return
            self._line.remove(ticket)
            if self._file is not None:
                lock(self._file, fcntl.F_UNLCK, FIRST_TICKET + ticket.number)
            if self._line:
                self._line[0].first_here.set()

    def _wait(self, ticket: Ticket, deadline: float) -> None:
        if not ticket.first_here.wait(max(deadline - time.monotonic(), 0)):
            raise TurnstileTimeoutError
        pause = SHORTEST_PAUSE
        while self._file is not None and is_locked(self._file, FIRST_TICKET, ticket.number):
            if time.monotonic() > deadline:
                raise TurnstileTimeoutError
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def _take_number(self, deadline: float) -> int:
        if not ACROSS_PROCESSES:
            self._numbers_here += 1
            return self._numbers_here
        if self._file is None:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        while not lock(self._file, fcntl.F_WRLCK, DISPENSER):
            if time.monotonic() > deadline:  # its holder was stopped (SIGSTOP) just there
                raise TurnstileTimeoutError
            time.sleep(SHORTEST_PAUSE / 5)
        try:
            stored = os.pread(self._file, NUMBER.size, NEXT_NUMBER)
            number = NUMBER.unpack(stored)[0] if len(stored) == NUMBER.size else 0
            # Lock first, count second: killed between the two, the number is simply given again.
            # It is taken only if someone emptied the file under us; then the next free one will do.
            while not lock(self._file, fcntl.F_WRLCK, FIRST_TICKET + number):
                number += 1
            os.pwrite(self._file, NUMBER.pack(number + 1), NEXT_NUMBER)
        finally:
            lock(self._file, fcntl.F_UNLCK, DISPENSER)
        return number


def lock(file: int, kind: int, byte: int) -> bool:
    """Take or drop a lock on one byte; False when another process holds it."""
    request = FLOCK.pack(kind, os.SEEK_SET, byte, 1, 0)
    try:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, request)
    except (BlockingIOError, PermissionError):
        return False
    return True


def is_locked(file: int, start: int, length: int) -> bool:
    """Does another process hold a lock on any of these bytes?"""
    if length == 0:  # to the kernel a length of 0 means "to the end"
        return False
    request = FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
    answer = fcntl.fcntl(file, fcntl.F_OFD_GETLK, request)
    return bool(FLOCK.unpack(answer)[0] != fcntl.F_UNLCK)


class Pass:
    """One connection's way through: held during its write transaction."""

    def __init__(self, turnstile: Turnstile, timeout: float) -> None:
        self.turnstile = turnstile
        self.timeout = timeout
        self.ticket: Ticket | None = None

    @property
    def held(self) -> bool:
        return self.ticket is not None

    def enter(self) -> None:
        if self.ticket is None:
            self.ticket = self.turnstile.enter(self.timeout)

    def leave(self) -> None:
        ticket, self.ticket = self.ticket, None
        if ticket is not None:
            self.turnstile.leave(ticket)


_turnstiles: dict[str, Turnstile] = {}
_registry = threading.Lock()


def turnstile_of(database: str | Path) -> Turnstile:
    """The same object for all connections of this process to one database file."""
    path = f"{os.path.realpath(database)}.turnstile"
    with _registry:
        return _turnstiles.setdefault(path, Turnstile(path))


def pass_for(owner: object, database: str | Path, timeout: float) -> Pass:
    """A pass that is given back even if its owner's thread ends in the middle of a transaction."""
    way_through = Pass(turnstile_of(database), timeout)
    weakref.finalize(owner, way_through.leave).atexit = False
    return way_through


def _start_afresh_after_fork() -> None:
    """A child shares its parent's open file, and so its locks: it must open the file for itself."""
    global _registry
    _registry = threading.Lock()  # a thread of the parent may have held it while forking
    for turnstile in _turnstiles.values():
        turnstile.abandon()


os.register_at_fork(after_in_child=_start_afresh_after_fork)

"""How far a command is, in one line at the foot of a terminal that overwrites itself."""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType
from typing import IO, Any

PATIENCE = 0.5  # seconds: what is done sooner needs no line
EVERY = 0.2
BAR = 24
SOON = 1.0  # seconds of a step after which its end can be guessed
CLEAR = "\r\033[K"


class Progress:
    """Called by services with what is being done, how many are done, and of how many if that is known.

    A thread draws, so that a call costs nothing however often it is made, and the clock goes on where a step
    reports nothing for a while."""

    def __init__(self, stream: IO[str] | Any, *, shown: bool) -> None:
        self._stream, self._shown = stream, shown
        self._step: tuple[str, int, int | None, float] | None = None
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __call__(self, what: str, done: int = 0, total: int | None = None) -> None:
        step = self._step
        since = step[3] if step is not None and step[0] == what else time.monotonic()
        self._step = (what, done, total, since)
        if self._shown and self._thread is None:
            self._thread = threading.Thread(target=self._draw, name="progress", daemon=True)
            self._thread.start()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Take the line away. Whatever is printed next begins at the left edge."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _draw(self) -> None:
        drawn = False
        wait = PATIENCE
        while not self._over.wait(wait):
            if self._step is not None:
                what, done, total, since = self._step
                self._write(CLEAR + line(what, done, total, time.monotonic() - since, self._width()))
                drawn = True
            wait = EVERY
        if drawn:
            self._write(CLEAR)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the terminal is gone: the work goes on
            self._over.set()

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except (OSError, ValueError, AttributeError):
            return 80


def is_terminal(stream: IO[str] | Any) -> bool:
    return bool(stream.isatty()) and os.environ.get("TERM", "") != "dumb"


def line(what: str, done: int, total: int | None, seconds: float, width: int) -> str:
    """The fullest description that fits, one column short of the edge, where some terminals would wrap."""
    for text in _descriptions(what, done, total, seconds):
        if len(text) < width:
            return text
    return what[: max(1, width - 2)] + "…"


def _descriptions(what: str, done: int, total: int | None, seconds: float) -> list[str]:
    gone = clock(seconds)
    if not total:
        count = f" {done:,}" if done else ""
        return [f"{what}{count}, {gone}", f"{what}{count}", what]
    share = min(1.0, done / total)
    per_cent = f"{int(share * 100)} %"
    rest = seconds * (1 - share) / share if share else 0
    left = f", about {clock(rest)} left" if rest >= 1 and seconds >= SOON else ""
    bar = "#" * int(share * BAR)
    return [
        f"{what} [{bar:.<{BAR}}] {per_cent}, {done:,} of {total:,}, {gone}{left}",
        f"{what} {per_cent}, {done:,} of {total:,}, {gone}{left}",
        f"{what} {per_cent}, {gone}{left}",
        f"{what} {per_cent}",
    ]


def clock(seconds: float) -> str:
    """0:07, 12:30, 1:02:05."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

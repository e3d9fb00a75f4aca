"""Lines for the person at the terminal: plain where the output is a file, live where it is not."""

from __future__ import annotations

import shutil
import sys
from typing import NoReturn


class Stop(Exception):
    """The work cannot go on; the message is a full sentence for the person at the terminal."""


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def live(text: str) -> None:
    """Overwrite the current line on a terminal; say nothing in a log, where each would be a new line."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1  # a line that wraps could not be overwritten
        sys.stdout.write("\r\033[K" + text[:width])
        sys.stdout.flush()


def clear_live() -> None:
    if sys.stdout.isatty():
        sys.stdout.write("\r\033[K")
        sys.stdout.flush()


def fail(error: Stop | str, code: int = 1) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.write(f"\n{error}\n")
    sys.stderr.flush()
    raise SystemExit(code)

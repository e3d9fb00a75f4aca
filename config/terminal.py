"""How manage.py ends: in a sentence, whatever it was doing, and quietly where nobody reads on."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable

WRONG_INPUT, TROUBLE, STOPPED = 2, 1, 130  # exit codes


def run(main: Callable[[], None]) -> int:
    """Run the program and return its exit code. Faults of ours keep their traceback."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal that lacks a letter
    try:
        code = _run(main)
        sys.stdout.flush()  # now, while it can be said that it failed: Python does it last, with a traceback
        return code
    except BrokenPipeError:  # the reader has seen enough, as in `| head`
        forget_output()
        return 0
    except KeyboardInterrupt:
        return _say("Stopped.", STOPPED)
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename:
            raise
        forget_output()
        return _say(f"The output could not be written: {error.strerror}.", TROUBLE)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python takes a moment to end, and there is nothing left to stop


def _run(main: Callable[[], None]) -> int:
    from django.core.exceptions import ImproperlyConfigured

    try:
        main()
    except SystemExit as end:
        return _say(end.code, TROUBLE) if isinstance(end.code, str) else end.code or 0
    except ImproperlyConfigured as error:
        return _say(str(error), WRONG_INPUT)
    return 0


def forget_output() -> None:
    """What could not be written is not tried again when Python ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _say(text: str, code: int) -> int:
    sys.stderr.write(f"{text}\n")
    return code

"""manage.py as it behaves at a terminal: real processes, real signals, real exit codes.

Loading Django takes over a second, so one program loads it and forks a child for every command
(`python -m tests.commands.terminal`); it is asked in lines of JSON. `Terminal` is the side that asks.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from tests.prepared_database import ROOT, prepared_sqlite

LONGEST = 60.0  # seconds until a command counts as hanging


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str
    calls: int  # of functions, Python's and C's, each counted when it begins and when it ends

    @property
    def lines(self) -> list[str]:
        return self.err.splitlines()


class Terminal:
    """Commands on a database and in a folder of their own."""

    def __init__(self, program: subprocess.Popen[str], data: Path) -> None:
        self._program, self.data = program, data
        self.files = data.parent  # what commands read and write
        self.database, self._kept = data / "adjudge.sqlite3", data / "adjudge.kept"

    def run(
        self,
        *arguments: Any,
        out: str = "file",
        after: float | None = None,
        at_call: int | None = None,
        committed: bool = False,
    ) -> Done:
        """`out`: `file`, `full` (a full disk) or `closed` (a reader that has gone). Ctrl-C comes `after` seconds, or
        `at_call` of a function (with 0 they are only counted), or at once when the first transaction was
        `committed`."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        moment = {"after": after, "at_call": at_call, "committed": committed}
        case = {"arguments": [str(each) for each in arguments], "out": out, **moment}
        self._program.stdin.write(json.dumps(case) + "\n")
        self._program.stdin.flush()
        return Done(**json.loads(self._program.stdout.readline()))

    def state(self) -> str:
        """A digest of all that is stored. Numbers reserved and not used are no content."""
        found = hashlib.sha256()
        with closing(sqlite3.connect(self.database)) as connection:
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1"):
                if name != "sqlite_sequence":
                    for row in connection.execute(f'SELECT * FROM "{name}" ORDER BY 1'):  # noqa: S608
                        found.update(repr((name, row)).encode())
        return found.hexdigest()

    def counts(self) -> dict[str, int]:
        with closing(sqlite3.connect(self.database)) as connection:
            names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            counted = (connection.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone() for name in names)  # noqa: S608
            return {name: count for name, (count,) in zip(names, counted, strict=True)}

    def keep(self) -> None:
        """Remember this state, to come back to."""
        with closing(sqlite3.connect(self.database)) as here, closing(sqlite3.connect(self._kept)) as there:
            here.backup(there)

    def back(self) -> None:
        for side in ("-wal", "-shm"):
            Path(f"{self.database}{side}").unlink(missing_ok=True)
        shutil.copyfile(self._kept, self.database)


@contextmanager
def terminal(folder: Path) -> Iterator[Terminal]:
    data = folder / "data"
    data.mkdir()
    shutil.copyfile(prepared_sqlite(), data / "adjudge.sqlite3")
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.commands.terminal"],
        cwd=ROOT,
        env=kept | {"DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "config.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Terminal(program, data)
    finally:
        program.communicate()  # its input ends, and so does it


# --- The program ---------------------------------------------------------------------------------------------


def main() -> None:
    import django
    from django.core.management import load_command_class

    django.setup()
    for path in ROOT.glob("*/management/commands/[!_]*.py"):
        load_command_class(path.parts[-4], path.stem)
    import_module("analytics.reports")  # once, rather than in every child that builds a report
    gc.freeze()  # children collect what they made themselves
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_run(**json.loads(line))) + "\n")
        sys.stdout.flush()


def _run(arguments: list[str], out: str, after: float | None, at_call: int | None, committed: bool) -> dict[str, Any]:
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as counted:
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            if committed:
                _press_when_committed()
            calls = None if at_call is None else Calls(at_call)
            _be_manage(arguments, _output(out, said.fileno()), err.fileno(), calls, counted.fileno())
        code = _wait(child, started + after if after is not None else None, started + LONGEST)
        for file in (said, err, counted):
            file.seek(0)
        calls = int(counted.read() or 0)
        return {"code": code, "out": said.read().decode(), "err": err.read().decode(), "calls": calls}


def _wait(child: int, signal_at: float | None, deadline: float) -> int:
    while True:
        gone, status = os.waitpid(child, os.WNOHANG)
        if gone:
            return os.waitstatus_to_exitcode(status)
        now = time.monotonic()
        if signal_at is not None and now >= signal_at:
            os.kill(child, signal.SIGINT)
            signal_at = None
        if now >= deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)


def _output(kind: str, file: int) -> int:
    if kind == "full":
        return os.open("/dev/full", os.O_WRONLY)
    if kind == "closed":
        reading, writing = os.pipe()
        os.close(reading)
        return writing
    return file


def _press_when_committed() -> None:
    from django.db.backends.base.base import BaseDatabaseWrapper

    commit = BaseDatabaseWrapper.commit

    def press(self: BaseDatabaseWrapper) -> None:
        commit(self)
        BaseDatabaseWrapper.commit = commit  # type: ignore[method-assign]
        os.kill(os.getpid(), signal.SIGINT)

    BaseDatabaseWrapper.commit = press  # type: ignore[method-assign]


class Calls:
    """Counts calls of functions, and presses Ctrl-C at one of them: the same moment on every machine."""

    def __init__(self, press_at: int) -> None:
        self.seen, self._press_at = 0, press_at

    def __call__(self, *event: object) -> None:
        self.seen += 1
        if self.seen == self._press_at:
            os.kill(os.getpid(), signal.SIGINT)


def _be_manage(arguments: list[str], out: int, err: int, calls: Calls | None, counted: int) -> NoReturn:
    import manage
    from config import terminal as ending

    def main() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.setprofile(calls)
        manage.main()

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until manage.py begins, a signal is the end, as for any program
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.argv = ["manage.py", *arguments]
    try:
        code = ending.run(main)
        gc.collect()  # what only shows when everything goes
    except BaseException:  # noqa: BLE001 - as Python itself ends
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        code = 70
    sys.setprofile(None)
    if calls is not None:
        os.write(counted, str(calls.seen).encode())
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()

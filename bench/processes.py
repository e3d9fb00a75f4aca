"""Python in a process of its own, and what it cost."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tools.console import Stop, live

KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True)
class Cost:
    seconds: float
    cpu: float
    megabytes: float


def bare_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in KEPT if name in os.environ}


def run(settings: dict[str, str], home: Path, *arguments: str) -> Cost:
    """Run Python and wait; its time, its CPU time and the most memory it held."""
    live(f"  {' '.join(arguments)}")
    Path(settings["DATA_DIR"]).mkdir(exist_ok=True)
    log = home / "log"
    started = time.monotonic()
    opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    actions = [(os.POSIX_SPAWN_DUP2, opened, 1), (os.POSIX_SPAWN_DUP2, opened, 2)]
    command = [sys.executable, *arguments]
    child = os.posix_spawn(sys.executable, command, bare_environment() | settings, file_actions=actions)
    _, status, usage = os.wait4(child, 0)
    os.close(opened)
    live("")
    if code := os.waitstatus_to_exitcode(status):
        raise Stop(f"{' '.join(arguments)[:300]} ended with exit code {code}:\n{tail(log)}")
    # Linux counts ru_maxrss in KiB.
    return Cost(time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def tail(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]

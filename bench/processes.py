"""Python in a process of its own, and what it cost."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.console import Stop, live

LOOK = 0.02  # seconds between two looks at a process
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
    status, usage, most = _wait(child)
    os.close(opened)
    live("")
    if code := os.waitstatus_to_exitcode(status):
        raise Stop(f"{' '.join(arguments)[:300]} ended with exit code {code}:\n{tail(log)}")
    return Cost(time.monotonic() - started, usage.ru_utime + usage.ru_stime, most)


def _wait(child: int) -> tuple[int, Any, float]:
    """Its status, its usage and the most memory it held, in MB. Not ru_maxrss: that is never below what this process
    held when it started the child."""
    most = 0.0
    while True:
        most = max(most, _high_water(child))
        gone, status, usage = os.wait4(child, os.WNOHANG)
        if gone:
            return status, usage, most
        time.sleep(LOOK)


def _high_water(process: int) -> float:
    """The most memory so far, as the kernel keeps it; 0 where the process has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def tail(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]

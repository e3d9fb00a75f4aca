"""What the machine is, and what running processes cost it. Linux only, as is Adjudge."""

from __future__ import annotations

import os
import platform
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PAGE = 1024 * 1024


def describe() -> str:
    """`2 cores (AMD EPYC), 24 GB, Linux 6.1, Python 3.11.2`: what a figure is worth little without."""
    name = next((line for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ":unknown processor")
    total = int(next(line for line in _lines("/proc/meminfo") if line.startswith("MemTotal")).split()[1])
    cores = len(os.sched_getaffinity(0))
    system = f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}"
    processor = name.split(":")[1].strip()
    return f"{cores} cores ({processor}), {total / PAGE:.0f} GB, {system}, Python {platform.python_version()}"


def load_average() -> float:
    """Of the last minute: how quiet the machine was before we began."""
    return os.getloadavg()[0]


def family(roots: Iterable[int]) -> list[int]:
    """The processes and everything they started that still runs."""
    children = defaultdict(list)
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and (stat := _stat(int(folder.name))):
            children[int(stat[1])].append(int(folder.name))
    found: list[int] = []
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children[pid]
    return found


def cpu_seconds(roots: Iterable[int]) -> float:
    """CPU time since each began, to the microsecond, and of those that ended, to the hundredth of a second.

    /proc counts in ticks of 10 ms, which is more than a judgment costs; the clock of a process does not."""
    total = 0.0
    for pid in family(roots):
        stat = _stat(pid)
        if not stat:
            continue
        try:
            total += time.clock_gettime(_clock(pid))
        except OSError:  # it ended just now: its parent has its time
            continue
        total += (int(stat[13]) + int(stat[14])) / TICK
    return total


def memory_mb(roots: Iterable[int]) -> float:
    """Resident memory; what processes share is counted once (the kernel's proportional set size)."""
    sizes = 0
    for pid in family(roots):
        pss = (line for line in _lines(f"/proc/{pid}/smaps_rollup") if line.startswith("Pss:"))
        sizes += int(next(pss, "Pss: 0").split()[1])
    return sizes / 1024


def _clock(pid: int) -> int:
    """The number of another process's CPU clock: the one that clock_getcpuclockid(3) gives."""
    return (~pid << 3) | 2


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the program's name, which may hold spaces; nothing if it has ended."""
    text = "".join(_lines(f"/proc/{pid}/stat"))
    return text.rpartition(")")[2].split()


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []

"""`manage.py import_outputs` as a person runs it, beside the least work any program could do."""

from __future__ import annotations

import csv
import os
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tools.console import Stop, live, say

# The product's promise for 10,000 outputs.
PROMISED_SECONDS = 10.0
PROMISED_MB = 400.0
COLUMNS = ("item", "system", "output", "metric", "value", "latency_ms", "tokens_out", "tag")
TEXT = "the answer cites a source and stays within what was asked although one clause is open to doubt"


@dataclass(frozen=True)
class Cost:
    seconds: float
    cpu: float
    megabytes: float


def measure(database: str, url: str, home: Path, outputs: int) -> None:
    path = home / "outputs.csv"
    if not path.exists():
        write_file(path, outputs)
    settings = {"DATABASE_URL": url, "DATA_DIR": str(home / database.split()[0])}
    _run(settings, home, "manage.py", "migrate", "--verbosity", "0")
    make = "from projects.services.projects import project_create; project_create(name='Bench', slug='bench')"
    _run(settings, home, "manage.py", "shell", "--verbosity", "0", "-c", make)
    bare = _run(settings, home, "-m", "bench.bare_import", str(path))
    first = _run(settings, home, "manage.py", "import_outputs", "bench", str(path), "--json")
    again = _run(settings, home, "manage.py", "import_outputs", "bench", str(path), "--json")
    seconds = PROMISED_SECONDS * outputs / 10_000
    say(f"\n{database}")
    say(f"  first import   {first.seconds:6.1f} s ({first.seconds / seconds:.2f} of the promise)")
    say(f"                 {first.cpu:6.1f} s of CPU, {first.cpu / bare.cpu:.1f} × the bare insert's")
    say(f"                 {first.megabytes:6.0f} MB ({first.megabytes / PROMISED_MB:.2f} of the promise)")
    say(f"  same file again{again.seconds:6.1f} s, {again.megabytes:.0f} MB")
    say(f"  bare insert    {bare.seconds:6.1f} s, {bare.cpu:.1f} s of CPU, {bare.megabytes:.0f} MB")


def write_file(path: Path, outputs: int) -> None:
    """Two systems over the same items, an answer of about 90 words, two scores: one row a score."""
    draw = random.Random(7)
    words = TEXT.split()
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for number in range(outputs):
            text = " ".join(draw.choices(words, k=90))
            row = [f"prompt-{number // 2}", ("baseline", "candidate")[number % 2], text]
            rest = [draw.randrange(200, 4000), draw.randrange(50, 300), f"slice-{number % 7}"]
            writer.writerow([*row, "judge", draw.randint(1, 5), *rest])
            writer.writerow([*row, "similarity", round(draw.random(), 4), *rest])


def _run(settings: dict[str, str], home: Path, *arguments: str) -> Cost:
    """Run Python in a process of its own; its time, its CPU time and the most memory it held."""
    live(f"  {' '.join(arguments)}")
    Path(settings["DATA_DIR"]).mkdir(exist_ok=True)
    log = home / "log"
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    started = time.monotonic()
    opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    actions = [(os.POSIX_SPAWN_DUP2, opened, 1), (os.POSIX_SPAWN_DUP2, opened, 2)]
    command = [sys.executable, *arguments]
    child = os.posix_spawn(sys.executable, command, kept | settings, file_actions=actions)
    _, status, usage = os.wait4(child, 0)
    os.close(opened)
    live("")
    if code := os.waitstatus_to_exitcode(status):
        text = log.read_text(errors="replace")[-3000:]
        raise Stop(f"{' '.join(arguments)} ended with exit code {code}:\n{text}")
    # Linux counts ru_maxrss in KiB.
    return Cost(time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)

"""An environment of its own for a library that we are measured against, made when it is first asked for.

It lies in var/bench and holds exactly what bench/yardsticks/<name>.txt fixes. It is never the product's: such libraries
bring hundreds of megabytes and fix versions that we do not.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.processes import bare_environment
from tools.console import live, say
from tools.environment import ROOT

FOLDER = ROOT / "var" / "bench"
YARDSTICKS = ROOT / "bench" / "yardsticks"


class Unavailable(Exception):
    """A full sentence about why a library could not be measured."""


def python_of(library: str) -> Path:
    """Its interpreter. Raises Unavailable where the environment cannot be made."""
    lock = YARDSTICKS / f"{library}.txt"
    home = FOLDER / library
    python, stamp = home / "bin" / "python", home / ".installed"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == digest:
        return python
    say(f"  making an environment for {library} in {home.relative_to(ROOT)}")
    home.parent.mkdir(parents=True, exist_ok=True)
    _run(library, sys.executable, "-m", "venv", "--clear", str(home))
    options = ("--no-input", "--disable-pip-version-check", "--quiet", "--no-deps")
    _run(library, str(python), "-m", "pip", "install", *options, "--requirement", str(lock))
    stamp.write_text(digest, encoding="utf-8")
    return python


def measured(library: str, program: str, *arguments: str) -> dict[str, Any]:
    """What bench/yardsticks/<program>.py prints, run with that library. Raises Unavailable."""
    python = python_of(library)
    live(f"  {library}: {program}")
    done = _run(library, str(python), str(YARDSTICKS / f"{program}.py"), *arguments)
    live("")
    return dict(json.loads(done.splitlines()[-1]))


def _run(library: str, *command: str) -> str:
    try:
        done = subprocess.run(command, env=bare_environment(), capture_output=True, text=True, check=False, cwd=ROOT)
    except OSError as error:
        raise Unavailable(f"{library} was not measured: {error}.") from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or ["it gave no reason"]
        raise Unavailable(f"{library} was not measured: {command[0]} ended with code {done.returncode}: {last[0]}")
    return done.stdout

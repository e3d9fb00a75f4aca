"""Make `.venv` from a lock file, once: `python3 -m tools.environment base|dev`.

Runs on the machine's own Python, so it uses the standard library only. A stamp inside `.venv`
holds the digest of what was installed: while it matches, there is nothing to do.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tools.console import Stop, clear_live, fail, live, say

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = {"base": ROOT / "requirements" / "base.txt", "dev": ROOT / "requirements" / "dev.txt"}
# `dev` holds every package of `base` at the same version, so its stamp answers for both.
ANSWERED_BY = {"base": ("base", "dev"), "dev": ("dev",)}
OLDEST_PYTHON = (3, 11)


def ensure(kind: str) -> bool:
    """Make the environment fit the lock; True when something had to be installed."""
    if sys.version_info < OLDEST_PYTHON:
        raise Stop(
            f"Adjudge needs Python 3.11 or newer; this is {sys.version.split()[0]} ({sys.executable}). "
            "Name another one: make run PYTHON=python3.11"
        )
    usable = _venv_works()
    if usable and any(_stamp_matches(name) for name in ANSWERED_BY[kind]):
        return False
    if not usable:
        _make_venv()
    _install(LOCKS[kind])
    _stamp(kind).write_text(_digest(kind))
    return True


def pip_install(*arguments: str, count: int = 0) -> None:
    """Run the environment's pip without questions, showing which package it has come to."""
    # Without compiling: Python does that for the modules that are used, which saves half a minute
    # and a fifth of the space.
    command = [str(PYTHON), "-m", "pip", "install", "--no-input", "--no-compile", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", *arguments]
    tail: list[str] = []
    seen = 0
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - PIPE above
        for line in process.stdout:
            tail = [*tail[-14:], line.rstrip()]
            if match := re.match(r"(?:Collecting|Requirement already satisfied:) ([\w.-]+)", line):
                seen += 1
                live(f"      {match[1]} ({seen} of {count})" if count else f"      {match[1]}")
            elif line.startswith("Installing collected"):
                live("      unpacking")
    clear_live()
    if process.returncode:
        raise Stop(
            "Installing the Python packages failed. The last lines of pip were:\n\n  "
            + "\n  ".join(tail)
            + "\n\nCheck the network and pip's own settings, then run the same command again."
        )


def _install(lock: Path) -> None:
    count = sum("==" in line and not line.lstrip().startswith("#") for line in lock.read_text().splitlines())
    say(f"      installing {count} packages from {lock.relative_to(ROOT)} into .venv")
    started = time.monotonic()
    pip_install("--requirement", str(lock), count=count)
    say(f"      installed in {time.monotonic() - started:.0f} s")


def _make_venv() -> None:
    _require_ensurepip()
    if VENV.exists():
        say("      the Python environment in .venv does not start; making it again")
        shutil.rmtree(VENV)
    done = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise Stop(f"Python could not make the environment .venv:\n{done.stdout}{done.stderr}")


def _require_ensurepip() -> None:
    """Debian keeps venv's other half in a package of its own."""
    if _has_ensurepip():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("      installing python3-venv")
        apt_install("python3-venv")
    if not _has_ensurepip():
        raise Stop(
            "Python's venv module is not complete on this machine. On Debian and Ubuntu: "
            "sudo apt-get install python3-venv; then run the same command again."
        )


def _has_ensurepip() -> bool:
    check = [sys.executable, "-c", "import ensurepip, venv"]
    return subprocess.run(check, capture_output=True, check=False).returncode == 0


def apt_install(*packages: str) -> bool:
    """Install Debian packages as root without a question; False when apt could not."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", "--quiet", *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        say("\n".join((done.stdout + done.stderr).splitlines()[-8:]))
    return done.returncode == 0


def _venv_works() -> bool:
    """A folder that was copied or whose Python went away does not count."""
    if not PYTHON.exists():
        return False
    check = [str(PYTHON), "-c", "import sys, pip; print(sys.prefix)"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    return done.returncode == 0 and Path(done.stdout.strip()).resolve() == VENV.resolve()


def _stamp(kind: str) -> Path:
    return VENV / f".installed-{kind}"


def _digest(kind: str) -> str:
    return hashlib.sha256(LOCKS[kind].read_bytes()).hexdigest()


def _stamp_matches(kind: str) -> bool:
    stamp = _stamp(kind)
    return stamp.exists() and stamp.read_text() == _digest(kind)


def main() -> None:
    kind = sys.argv[1] if len(sys.argv) == 2 else ""
    if kind not in LOCKS:
        fail("Say which environment: python3 -m tools.environment base, or dev.", code=2)
    try:
        if ensure(kind):
            say("      the environment .venv is ready")
    except Stop as error:
        fail(error)


if __name__ == "__main__":
    main()

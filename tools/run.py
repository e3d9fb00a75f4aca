"""The first command: `make run`. Environment, database, demonstration study, web and worker.

Runs on the machine's own Python until the environment is there, so it uses the standard library only.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tools import environment
from tools.console import Stop, fail, say
from tools.environment import PYTHON, ROOT

HOST = "127.0.0.1"
STEPS = 5
PATIENCE = 60.0  # seconds until the first page must answer; a busy small machine needs about 10
GRACE = 15.0  # seconds to finish what is under way
OLD_LOG = 5_000_000  # bytes


@dataclass
class Child:
    name: str
    process: subprocess.Popen[bytes]
    log: Path


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        return run()
    except Stop as error:
        fail(error)
    except KeyboardInterrupt:
        say("\nStopped. Your data is kept; make run starts it again.")
        return 0


def run() -> int:
    port = _port()
    step(1, "Environment")
    environment.ensure("base")
    os.umask(0o077)  # what follows writes people's data, keys and logs: for this account only
    _prepare()
    step(4, "Web and worker")
    children: list[Child] = []
    try:
        children.append(_start("worker", _worker()))
        children.append(_start("web", _gunicorn(port)))
        _wait_for_first_page(port, children)
        step(5, "Ready")
        _announce(port)
        return _watch(children)
    finally:
        _stop(children)


def step(number: int, name: str) -> None:
    say(f"{number}/{STEPS} {name}")


def data_dir() -> Path:
    return ROOT / (os.environ.get("DATA_DIR", "").strip() or "var")


def _port() -> int:
    """The port to listen on, refused in words before anything is installed."""
    if os.environ.get("ADJUDGE_ENV", "").strip() == "production":
        raise Stop(
            "make run is for trying Adjudge on one machine: it makes demonstration accounts. "
            "ADJUDGE_ENV is production here; unset it, or start the parts yourself (see the README)."
        )
    text = os.environ.get("PORT", "").strip() or "8000"
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise Stop(f"PORT is {text!r}. Accepted: a whole number from 1 to 65535.")
    port = int(text)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise Stop(
                f"Port {port} on {HOST} cannot be used: {error.strerror}. Stop the program that uses it, "
                f"or choose another port: make run PORT={port + 1 if port < 65535 else 8000}"
            ) from error
    return port


def _prepare() -> None:
    """Steps 2 and 3; they say themselves where they are and what went wrong."""
    command = [str(PYTHON), "-m", "tools.prepare"]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise Stop("Adjudge was not started, because its database could not be prepared (see above).")


def _gunicorn(port: int) -> list[str]:
    # One process: with SQLite, threads queue for the one writer more fairly than processes do.
    options = ["--workers", "1", "--threads", "8", "--bind", f"{HOST}:{port}", "--no-control-socket"]
    return [str(PYTHON), "-m", "gunicorn", *options, "--graceful-timeout", "10", "config.wsgi"]


def _worker() -> list[str]:
    # The web process runs the system checks; once is enough.
    return [str(PYTHON), "manage.py", "db_worker"]


def _start(name: str, command: list[str]) -> Child:
    log = data_dir() / "log" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > OLD_LOG:
        log.replace(log.with_suffix(".log.1"))
    environment_ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with log.open("ab") as output:
        # A session of its own: Ctrl-C comes to this program alone, which then stops both in order.
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment_,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Child(name, process, log)


def _wait_for_first_page(port: int, children: list[Child]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for child in children:
            if child.process.poll() is not None:
                raise Stop(_why(child))
        if _answers(port):
            return
        time.sleep(0.1)
    raise Stop(f"The web process did not answer within {PATIENCE:.0f} s.\n{_tail(children[-1].log)}")


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _announce(port: int) -> None:
    logins = data_dir() / "demo-logins.txt"
    if logins.exists():
        say("\n" + logins.read_text(encoding="utf-8").strip())
    say()
    say(f"Adjudge is at http://{HOST}:{port}/")
    say(f"Logs are in {_short(data_dir() / 'log')}. Ctrl-C stops it; the data stays in {_short(data_dir())}.")


def _watch(children: list[Child]) -> int:
    while True:
        for child in children:
            if child.process.poll() is not None:
                raise Stop(_why(child))
        time.sleep(0.5)


def _stop(children: list[Child]) -> None:
    """Both finish what they are doing; one that does not is ended with all it started."""
    # A second Ctrl-C, or a kill that reaches both make and this, must not leave them running.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for child in children:
        if child.process.poll() is None:
            child.process.terminate()
    deadline = time.monotonic() + GRACE
    for child in children:
        try:
            child.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()


def _why(child: Child) -> str:
    return (
        f"The {child.name} process stopped by itself (exit code {child.process.returncode}). "
        f"The end of its log:\n{_tail(child.log)}"
    )


def _tail(log: Path) -> str:
    return "\n".join("  " + line for line in log.read_text(errors="replace").splitlines()[-20:])


def _short(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

"""A private Adjudge on demonstration data for pictures: its own folder, database, port and processes."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.console import Stop, say
from tools.environment import ROOT
from tools.shots_screens import STUDIES

HOST = "127.0.0.1"
PATIENCE = 60.0  # seconds


@dataclass(frozen=True)
class Server:
    url: str
    logins: dict[str, tuple[str, str]]  # role → e-mail, password; of each role the first


@contextmanager
def private_server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="adjudge-shots-") as folder:
        data = Path(folder)
        port = _free_port()
        env = _environment(data, port)
        say("Demonstration data")
        _manage(env, "migrate", "--verbosity", "0")
        _manage(env, "demo")
        for number, text in enumerate(STUDIES):
            study = data / f"study-{number}.yaml"
            study.write_text(text, encoding="utf-8")
            _manage(env, "apply", str(study))
        web = _start(env, data, port)
        try:
            _wait(port, web, data)
            yield Server(f"http://{HOST}:{port}", _logins(data))
        finally:
            web.terminate()
            web.wait(timeout=20)


def _environment(data: Path, port: int) -> dict[str, str]:
    """Nothing of what this terminal has set for Adjudge: the pictures are the same everywhere."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {"DATA_DIR": str(data), "PORT": str(port), "DJANGO_SETTINGS_MODULE": "config.settings"}


def _manage(env: dict[str, str], *arguments: str) -> None:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Stop(f"manage.py {arguments[0]} failed, so there is nothing to take pictures of.\n{done.stderr.rstrip()}")


def _start(env: dict[str, str], data: Path, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gunicorn", "--workers", "1", "--threads", "4", "--bind", f"{HOST}:{port}"]
    with (data / "web.log").open("wb") as log:
        return subprocess.Popen(
            [*command, "--no-control-socket", "config.wsgi"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _wait(port: int, web: subprocess.Popen[bytes], data: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and web.poll() is None:
        connection = http.client.HTTPConnection(HOST, port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.2)
    log = (data / "web.log").read_text(errors="replace").splitlines()[-20:]
    raise Stop("The web process did not answer. The end of its log:\n" + "\n".join(log))


def _logins(data: Path) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for line in (data / "demo-logins.txt").read_text(encoding="utf-8").splitlines():
        parts = line.split()
        if len(parts) == 3:
            found.setdefault(parts[0], (parts[1], parts[2]))
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])

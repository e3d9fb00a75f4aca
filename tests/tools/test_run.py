"""`make run` refuses in words what it cannot do, before it installs or changes anything."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tools import environment

ROOT = Path(__file__).resolve().parent.parent.parent


def start(**settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.run"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, timeout=60)


def test_a_taken_port_is_named_with_the_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = start(PORT=str(port))
    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 cannot be used" in done.stderr
    assert "make run PORT=" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "80.5"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    done = start(PORT=port)
    assert done.returncode == 1
    assert f"PORT is '{port}'. Accepted: a whole number from 1 to 65535." in done.stderr


def test_production_settings_start_no_demonstration() -> None:
    done = start(ADJUDGE_ENV="production")
    assert done.returncode == 1
    assert "ADJUDGE_ENV is production here" in done.stderr


SLOW_TO_END = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: None); print(flush=True); time.sleep(60)"
IMPATIENT = f"""
import os, signal, subprocess, sys
from pathlib import Path
from tools import run
child = subprocess.Popen([sys.executable, "-c", {SLOW_TO_END!r}], stdout=subprocess.PIPE, start_new_session=True)
child.stdout.readline()
wait = child.wait
def interrupted(timeout=None):
    os.kill(os.getpid(), signal.SIGINT)
    return wait(timeout)
child.wait, run.GRACE = interrupted, 0.2
run._stop([run.Child("web", child, Path("log"))])
print("ended with", child.returncode)
"""


def test_a_second_ctrl_c_leaves_nothing_running() -> None:
    """It came while the first one was still waiting for the web process, which then lived on."""
    done = subprocess.run([sys.executable, "-c", IMPATIENT], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "ended with -9\n", done.stderr


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An environment that would be made in `tmp_path`; gives the locks that were installed."""
    installed: list[str] = []
    locks = {name: tmp_path / f"{name}.txt" for name in ("base", "dev")}
    for name, path in locks.items():
        path.write_text(f"{name}==1\n")
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "LOCKS", locks)
    monkeypatch.setattr(environment, "_venv_works", lambda: True)
    monkeypatch.setattr(environment, "pip_install", lambda *words, count: installed.append(Path(words[-1]).stem))
    return installed


def test_an_environment_is_installed_once_and_again_when_its_lock_changes(elsewhere: list[str], tmp_path: Path) -> None:
    assert environment.ensure("base")
    assert not environment.ensure("base")
    (tmp_path / "base.txt").write_text("base==2\n")
    assert environment.ensure("base")
    assert elsewhere == ["base", "base"]


def test_the_development_environment_answers_for_the_other_one(elsewhere: list[str]) -> None:
    assert environment.ensure("dev")
    assert not environment.ensure("base")
    assert elsewhere == ["dev"]


def test_the_other_one_does_not_answer_for_development(elsewhere: list[str]) -> None:
    assert environment.ensure("base")
    assert environment.ensure("dev")
    assert elsewhere == ["base", "dev"]

"""The settings as a whole, in a process of their own: what starts, what refuses, and with which words."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STRONG = "k3y-with-more-than-fifty-characters-and-enough-different-ones-0123456789"
PRODUCTION = {
    "ADJUDGE_ENV": "production",
    "SECRET_KEY": STRONG,
    "ALLOWED_HOSTS": "adjudge.example.org",
    "BASE_URL": "https://adjudge.example.org",
}


def manage(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**inherited, "DATA_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_production_settings_pass_the_deployment_checks(tmp_path: Path) -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", folder=tmp_path, **PRODUCTION)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout
    assert "WARNING" not in done.stderr


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"DEBUG": "True"}, "DEBUG is True"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too weak"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS is *"),
        ({"BASE_URL": "http://adjudge.example.org"}, "BASE_URL must begin with https://"),
        ({"ADJUDGE_ENV": "staging"}, "ADJUDGE_ENV is 'staging'. Accepted values: local, production."),
        ({"ADJUDGE_ENV": "local", "DEBUG": "True"}, "ALLOWED_HOSTS has a public name"),
    ],
)
def test_production_refuses(tmp_path: Path, change: dict[str, str], sentence: str) -> None:
    done = manage("check", folder=tmp_path, **{**PRODUCTION, **change})
    assert done.returncode != 0
    assert sentence in done.stderr


def test_a_local_start_needs_nothing_and_keeps_its_key(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    done = manage("check", "--fail-level", "WARNING", folder=folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "secret_key").stat().st_mode & 0o777 == 0o600


def test_migrate_alone_makes_the_cache_table(tmp_path: Path) -> None:
    for arguments in (["migrate", "config"], ["migrate", "config", "zero"], ["migrate", "config"]):
        done = manage(*arguments, folder=tmp_path)
        assert done.returncode == 0, done.stderr
    database = sqlite3.connect(tmp_path / "adjudge.sqlite3")
    assert database.execute("SELECT count(*) FROM adjudge_cache").fetchone() == (0,)
    database.close()


def test_every_variable_is_documented_and_every_documented_one_is_read() -> None:
    source = (ROOT / "config" / "settings.py").read_text()
    page = (ROOT / "docs" / "settings.md").read_text()
    read = {name: kind for kind, name in re.findall(r'env_(\w+)\(\s*"([A-Z_]+)"', source)}
    rows = re.findall(r"^\| `([A-Z_]+)`([^|]*)\|", page, re.MULTILINE)
    documented = {name: "file" in rest for name, rest in rows}
    assert set(read) == set(documented)
    assert {name for name, kind in read.items() if kind == "secret"} == {
        name for name, is_file in documented.items() if is_file
    }

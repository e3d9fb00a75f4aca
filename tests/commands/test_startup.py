"""Commands begin at once: what only a report needs is loaded by who builds a report."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.test_manners import COMMANDS
from tests.prepared_database import ROOT, prepared_sqlite

HEAVY = ("numpy", "pandas", "scipy", "pyarrow", "openpyxl", "krippendorff")
MIGRATE = """
import atexit, manage
atexit.register(tell)
sys.argv = ["manage.py", "migrate", "--verbosity", "0"]
manage.main()
"""
EVERY_HELP = f"""
import django
from django.core.management import load_command_class
django.setup()
for name, app in {COMMANDS!r}.items():
    load_command_class(app, name).create_parser("manage.py", name).format_help()
tell()
"""
TELL = f"""
import sys
def tell():
    print("LOADED", sorted(set({HEAVY!r}) & sys.modules.keys()))
"""


@pytest.mark.parametrize("program", [MIGRATE, EVERY_HELP], ids=["migrate", "the help of every command"])
def test_no_statistics_are_loaded_for(program: str, tmp_path: Path) -> None:
    shutil.copyfile(prepared_sqlite(), tmp_path / "adjudge.sqlite3")
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", TELL + program],
        cwd=ROOT,
        env=kept | {"DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "LOADED []\n", done.stderr

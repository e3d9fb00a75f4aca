"""docs/how-to/statistics-in-a-notebook.md runs as it stands, without Django, and prints what it says."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from annotation.exporters.tables import TABLES

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "how-to" / "statistics-in-a-notebook.md"
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# Runs the blocks in one namespace, and hands back what each printed.
DRIVER = """
import contextlib, io, json, sys
sys.path.insert(0, sys.argv[1])
sys.modules["django"] = None
said, space = [], {}
for block in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(block, "page", "exec"), space)
    said.append(out.getvalue())
json.dump(said, sys.stdout)
"""


def blocks() -> list[tuple[str, str]]:
    return BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def run(code: list[str], folder: Path) -> list[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", DRIVER, str(ROOT)],
        input=json.dumps(code),
        cwd=folder,
        env=kept,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notebook")


def test_every_block_prints_what_stands_below_it(folder: Path):
    found = blocks()
    said = run([body for kind, body in found if kind == "python"], folder)
    printed = iter(said)
    expected: list[tuple[str, str]] = []
    for (kind, _), (below, text) in zip(found, [*found[1:], ("", "")], strict=True):
        if kind == "python":
            expected.append((next(printed), text if below == "text" else ""))
    assert [shown for shown, _ in expected] == [text for _, text in expected]
    assert sum(1 for shown, _ in expected if shown) >= 7
    with (folder / "ratings.csv").open(encoding="utf-8", newline="") as stream:
        header = next(csv.reader(stream))
    [ratings] = [table for table in TABLES if table.name == "ratings"]
    assert header == [column.name for column in ratings.columns], "the example has not the columns of an export"

"""`import_outputs` of 100,000 outputs with five scores each from JSON Lines. On demand only: it takes minutes."""

from __future__ import annotations

import json
import random
from pathlib import Path

from bench import figures
from bench.import_outputs import TEXT
from bench.processes import Cost, run
from bench.scratch import Kind
from tools.console import say

OUTPUTS = 100_000
SCORES = 5
PROMISED_SECONDS = 60.0  # on PostgreSQL; SQLite within twice that
PROMISED_MB = 500.0
HEADER = ("database", "what", "s (of the promise)", "CPU s", "most memory MB (of the promise)")


def measure(kinds: list[Kind], home: Path) -> str:
    path = home / "large.jsonl"
    write_file(path)
    rows = [row for kind in kinds for row in _on(kind, path)]
    text = figures.table(HEADER, rows)
    say(text)
    return text


def _on(kind: Kind, path: Path) -> list[list[str]]:
    database = kind.scratch("import-large")
    settings, home = database.settings, database.home
    make = "from projects.services.projects import project_create; project_create(name='Bench', slug='bench')"
    run(settings, home, "manage.py", "shell", "--verbosity", "0", "-c", make)
    times = 2 if kind.title == "SQLite" else 1
    found = []
    for what in ("first import", "same file again"):
        cost = run(settings, home, "manage.py", "import_outputs", "bench", str(path), "--json")
        found.append([kind.title, what, *_row(cost, times)])
    return found


def _row(cost: Cost, times: int) -> list[str]:
    seconds = f"{figures.number(cost.seconds)} ({cost.seconds / (PROMISED_SECONDS * times):.2f})"
    megabytes = f"{cost.megabytes:,.0f} ({cost.megabytes / (PROMISED_MB * times):.2f})"
    return [seconds, figures.number(cost.cpu), megabytes]


def write_file(path: Path) -> None:
    draw = random.Random(7)
    words = TEXT.split()
    with path.open("w", encoding="utf-8", newline="") as stream:
        for number in range(OUTPUTS):
            row = {
                "item": f"prompt-{number // 2}",
                "prompt": f"Question {number // 2}?",
                "system": ("baseline", "candidate")[number % 2],
                "output": " ".join(draw.choices(words, k=60)),
                "latency_ms": draw.randrange(200, 4000),
            }
            scores = {f"score: m{metric}": round(draw.random(), 4) for metric in range(SCORES)}
            stream.write(json.dumps({**row, **scores}) + "\n")

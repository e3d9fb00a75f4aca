"""`import_outputs` of a JSON Lines file of 1 GB and of one of a tenth: the most memory must not grow with the file.

On demand only: it takes many minutes. A row is as tools write them: a prompt, an answer, two scores, and three
kilobytes of what nobody asked for, which is kept with the output.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from bench import figures
from bench.import_outputs import TEXT
from bench.processes import run
from bench.scratch import Kind
from tools.console import say

SIZES = (110_000_000, 1_000_000_000)
HEADER = ("database", "file MB", "outputs", "s", "CPU s", "most memory MB", "× the small one's")


def measure(kinds: list[Kind], home: Path) -> str:
    rows = []
    for kind in kinds:
        smallest = 0.0
        for size in SIZES:
            path = home / "streamed.jsonl"
            try:
                outputs = write_file(path, size)
                cells, most = _on(kind, path, f"import-streamed-{size}")
            finally:
                path.unlink(missing_ok=True)
            smallest = smallest or most
            rows.append([kind.title, f"{size // 1_000_000:,}", f"{outputs:,}", *cells, f"{most / smallest:.2f}"])
            say(" | ".join(rows[-1]))
    return figures.table(HEADER, rows)


def _on(kind: Kind, path: Path, name: str) -> tuple[list[str], float]:
    database = kind.scratch(name)
    settings, home = database.settings, database.home
    make = "from projects.services.projects import project_create; project_create(name='Bench', slug='bench')"
    run(settings, home, "manage.py", "shell", "--verbosity", "0", "-c", make)
    cost = run(settings, home, "manage.py", "import_outputs", "bench", str(path), "--json")
    cells = [figures.number(cost.seconds), figures.number(cost.cpu), f"{cost.megabytes:,.0f}"]
    return cells, cost.megabytes


def write_file(path: Path, size: int) -> int:
    draw = random.Random(7)
    words = TEXT.split()
    written = number = 0
    with path.open("w", encoding="utf-8", newline="") as stream:
        while written < size:
            row = {
                "item": f"prompt-{number // 2}",
                "prompt": f"Question {number // 2}? {' '.join(draw.choices(words, k=20))}",
                "system": ("baseline", "candidate")[number % 2],
                "output": " ".join(draw.choices(words, k=80)),
                "score: m1": round(draw.random(), 4),
                "score: m2": draw.randint(1, 5),
                "logprobs": [round(draw.random(), 12) for _ in range(200)],
            }
            written += stream.write(json.dumps(row) + "\n")
            number += 1
    return number

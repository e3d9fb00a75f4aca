"""`manage.py import_outputs` as a person runs it, beside the least work any program could do."""

from __future__ import annotations

import csv
import random
from pathlib import Path

from bench import figures
from bench.processes import Cost, run
from bench.scratch import Kind
from tools.console import say

# The product's promise for 10,000 outputs.
PROMISED_SECONDS = 10.0
PROMISED_MB = 400.0
HEADER = ("database", "what", "s (of the promise)", "CPU s (× bare)", "most memory MB (of the promise)")
COLUMNS = ("item", "system", "output", "metric", "value", "latency_ms", "tokens_out", "tag")
TEXT = "the answer cites a source and stays within what was asked although one clause is open to doubt"


def measure(kinds: list[Kind], home: Path, outputs: int) -> str:
    path = home / "outputs.csv"
    write_file(path, outputs)
    rows = [row for kind in kinds for row in _on(kind, path, outputs)]
    text = figures.table(HEADER, rows)
    say(text)
    return text


def _on(kind: Kind, path: Path, outputs: int) -> list[list[str]]:
    database = kind.scratch("import")
    settings, home = database.settings, database.home
    make = "from projects.services.projects import project_create; project_create(name='Bench', slug='bench')"
    run(settings, home, "manage.py", "shell", "--verbosity", "0", "-c", make)
    bare = run(settings, home, "-m", "bench.bare_import", str(path))
    first = run(settings, home, "manage.py", "import_outputs", "bench", str(path), "--json")
    again = run(settings, home, "manage.py", "import_outputs", "bench", str(path), "--json")
    promised = PROMISED_SECONDS * outputs / 10_000
    told = (("first import", first), ("same file again", again), ("bare insert", bare))
    return [[kind.title, what, *_row(cost, bare, promised)] for what, cost in told]


def _row(cost: Cost, bare: Cost, promised: float) -> list[str]:
    seconds = f"{figures.number(cost.seconds)} ({cost.seconds / promised:.2f})"
    megabytes = f"{cost.megabytes:,.0f} ({cost.megabytes / PROMISED_MB:.2f})"
    return [seconds, figures.beside(cost.cpu, bare.cpu), megabytes]


def write_file(path: Path, outputs: int) -> None:
    """Two systems over the same items, an answer of about 90 words, two scores: one row a score."""
    draw = random.Random(7)
    words = TEXT.split()
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for number in range(outputs):
            text = " ".join(draw.choices(words, k=90))
            row = [f"prompt-{number // 2}", ("baseline", "candidate")[number % 2], text]
            rest = [draw.randrange(200, 4000), draw.randrange(50, 300), f"slice-{number % 7}"]
            writer.writerow([*row, "judge", draw.randint(1, 5), *rest])
            writer.writerow([*row, "similarity", round(draw.random(), 4), *rest])

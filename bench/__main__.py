"""Measure and print: `python -m bench [--outputs 10000]`. Nothing passes or fails (bench/README.md)."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench import import_outputs, stats_automated
from tools import postgres
from tools.console import Stop, fail, say


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--outputs", type=int, default=10_000, help="outputs in the file, two scores each")
    outputs = parser.parse_args().outputs
    if outputs < 2:
        parser.error("--outputs: a whole number from 2")
    try:
        with tempfile.TemporaryDirectory(prefix="adjudge-bench-") as folder, postgres.cluster() as server:
            home = Path(folder)
            say(f"Import of {outputs:,} outputs with two scores each")
            import_outputs.measure("SQLite", f"sqlite:///{home}/bench.sqlite3", home, outputs)
            import_outputs.measure(f"PostgreSQL {server.version}", server.url, home, outputs)
        stats_automated.measure()
    except Stop as error:
        fail(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure and print: `python -m bench [WHAT …] [--write]`. See bench/README.md.

Nothing passes or fails. Without a name everything is measured but what is slow and named on demand.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from bench import (
    disagreements,
    figures,
    import_large,
    import_outputs,
    import_streamed,
    keystroke,
    lists,
    load,
    machine,
    million,
    results,
    stats_agreement,
    stats_preference,
    weight,
)
from bench.scratch import Kind
from tools import postgres
from tools.console import Stop, fail, say
from tools.environment import ROOT

PAGE = ROOT / "docs" / "performance.md"
DATABASES = ("sqlite", "postgresql")
# Minutes of one core: only where it is named.
ON_DEMAND = {"disagreements", "import-large", "import-streamed", "large", "lists", "million"}
SHORT = {"tasks": [1000], "raters": [1, 8], "think": [0.0], "seconds": 4.0}
FULL = {"tasks": [1000, 100_000], "raters": [1, 8, 32], "think": [0.0, 2.0], "seconds": 6.0}


def main() -> int:
    options = _options()
    quiet = machine.load_average()
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="adjudge-bench-") as folder, ExitStack() as stack:
            home = Path(folder)
            kinds: list[Kind] = []
            if "sqlite" in options.databases:
                kinds.append(Kind("SQLite", home / "sqlite", None))
            if "postgresql" in options.databases:
                server = stack.enter_context(postgres.cluster(durable=True))
                kinds.append(Kind(f"PostgreSQL {server.version}", home / "postgresql", server))
            for name, measure in measurements().items():
                if name in options.what:
                    say(f"\n{name}\n")
                    _keep(name, measure(options, kinds, home), quiet, options.write)
    except Stop as error:
        fail(error)
    say(f"\nMeasured in {(time.monotonic() - started) / 60:.1f} minutes.")
    return 0


def measurements() -> dict[str, Callable[[argparse.Namespace, list[Kind], Path], str]]:
    """In the order they run: the quick ones first."""
    return {
        "weight": lambda _, kinds, home: weight.measure(kinds),
        "keystroke": lambda _, kinds, home: keystroke.measure(kinds),
        "preference": lambda _, __, home: stats_preference.measure(home / "preference"),
        "import": lambda options, kinds, home: import_outputs.measure(kinds, home, options.outputs),
        "import-large": lambda _, kinds, home: import_large.measure(kinds, home),
        "import-streamed": lambda _, kinds, home: import_streamed.measure(kinds, home),
        "disagreements": lambda options, kinds, home: disagreements.measure(kinds, options.items),
        "lists": lambda options, kinds, home: lists.measure(kinds, options.items),
        "export": lambda options, kinds, home: results.measure_export(kinds, options.judged),
        "agreement": lambda *_: stats_agreement.measure(),
        "report": lambda options, kinds, home: results.measure_report(kinds, options.judged),
        "large": lambda options, kinds, _: results.measure_large(kinds, options.large),
        "load": lambda options, kinds, home: load.measure(kinds, _matrix(options)),
        "million": lambda options, kinds, home: million.measure(kinds, options.huge, options.seconds),
    }


def _matrix(options: argparse.Namespace) -> load.Matrix:
    return load.Matrix(options.tasks, options.raters, options.think, options.seconds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    every = list(measurements())
    parser.add_argument(
        "what", nargs="*", metavar="WHAT", help=f"any of {', '.join(every)}; none: all but import-large"
    )
    parser.add_argument("--short", action="store_true", help="a quick look: few raters, 1,000 tasks, no thinking")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.relative_to(ROOT)} as well")
    parser.add_argument("--databases", type=_names(DATABASES), default=list(DATABASES), help="with commas")
    parser.add_argument("--tasks", type=_numbers(int), help="sizes of the rounds, with commas")
    parser.add_argument("--raters", type=_numbers(int), help="how many at once, with commas")
    parser.add_argument("--think", type=_numbers(float), help="seconds before each submit, with commas")
    parser.add_argument("--seconds", type=float, help="how long a load is watched, beside the thinking")
    parser.add_argument("--items", type=int, default=100_000, help="items of the project whose lists are measured")
    parser.add_argument("--outputs", type=int, default=10_000, help="outputs in the file to import, two scores each")
    parser.add_argument("--huge", type=int, default=1_000_000, help="tasks of the huge round (default: a million)")
    parser.add_argument("--judged", type=int, default=10_000, help="judged tasks to export, judgments to report on")
    parser.add_argument("--large", type=int, default=100_000, help="judgments of the large report, ten scores each")
    options = parser.parse_args()
    for name, value in (SHORT if options.short else FULL).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if unknown := sorted(set(options.what) - set(every)):
        parser.error(f"{unknown[0]} is not measured here. Accepted: {', '.join(every)}.")
    if (
        options.outputs < 2
        or options.judged < 20
        or options.seconds < 1
        or options.large < 400
        or options.huge < 10_000
    ):
        accepted = "--outputs from 2, --judged from 20, --seconds from 1, --large from 400, --huge from 10000"
        parser.error(f"Accepted: {accepted}.")
    options.what = options.what or [name for name in every if name not in ON_DEMAND]
    return options


def _numbers(kind: type[int] | type[float]) -> Callable[[str], list[int | float]]:
    """`1,8,32`: numbers above zero, or zero where a fraction is accepted."""

    def read(text: str) -> list[int | float]:
        try:
            found = [kind(part) for part in text.split(",")]
        except ValueError:
            found = []
        if not found or min(found) < (1 if kind is int else 0):
            raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers such as 1,8,32.")
        return found

    return read


def _names(accepted: tuple[str, ...]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        names = text.split(",")
        if set(names) - set(accepted):
            raise argparse.ArgumentTypeError(f"{text!r} is not accepted. Accepted: {', '.join(accepted)}.")
        return names

    return read


def _keep(name: str, text: str, quiet: float, write: bool) -> None:
    """The circumstances stand with each table, because each can be measured again by itself."""
    if not write:
        return
    command = f'make bench ARGS="{" ".join(sys.argv[1:])}"'
    day = f"{datetime.now(UTC):%-d %B %Y}"
    body = f"{text}\n\nMeasured by `{command}` on {day}, commit {_commit()}, on {machine.describe()}"
    body += f"; load of the machine before: {quiet:.1f}."
    PAGE.write_text(figures.replaced(PAGE.read_text(encoding="utf-8"), name, body), encoding="utf-8")


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())

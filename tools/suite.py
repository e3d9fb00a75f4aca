"""Run the tests: `python -m tools.suite test|quick|slow [pytest arguments]`.

`test` and `slow` run on SQLite and then on PostgreSQL: the server that DATABASE_URL names, else a throwaway
one. A missing PostgreSQL or Chromium is a failure, never a skip.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tools import chromium, postgres
from tools.console import Stop, fail, say
from tools.environment import ROOT

MARKS = {
    "test": "not slow",
    "quick": "not slow and not browser and not long",
    "slow": "slow",
}
# What this terminal has set for Adjudge must not change what the tests see: only these pass.
PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "TERM",
    "COLUMNS",
    "CI",
    "TMPDIR",
    "TZ",
    "NO_COLOR",
    "FORCE_COLOR",
)
PASSED_ON_PREFIXES = ("LC_", "CHROMIUM", "PLAYWRIGHT_", "PYTEST_", "HYPOTHESIS_", "PYTHON")


@dataclass(frozen=True)
class Result:
    database: str
    passed: bool
    seconds: float


def run(kind: str, arguments: Sequence[str]) -> bool:
    if kind == "quick":
        return _report([_pytest(kind, "SQLite", None, arguments)])
    # Long tests drive the browser too.
    say(f"Chromium: {chromium.ensure()}")
    if url := _given_server():
        say("PostgreSQL: the server that DATABASE_URL names")
        return _both(kind, postgres.Server(url, ""), arguments)
    with postgres.cluster() as server:
        say(f"PostgreSQL: {server.version}, a throwaway server for this run")
        return _both(kind, server, arguments)


def _both(kind: str, server: postgres.Server, arguments: Sequence[str]) -> bool:
    """The second run follows also when the first failed: one answer tells of both databases."""
    return _report(
        [
            _pytest(kind, "SQLite", None, arguments),
            _pytest(kind, f"PostgreSQL {server.version}".strip(), server.url, arguments),
        ]
    )


def _pytest(kind: str, database: str, url: str | None, arguments: Sequence[str]) -> Result:
    say(f"\n===== {database} =====")
    workers = str(min(os.cpu_count() or 2, 4))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tools.folder_times", "-m", MARKS[kind]]
    command += ["-n", workers, "--dist", "worksteal", "--durations", "8", "--durations-min", "2", *arguments]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="adjudge-test-") as data:
        done = subprocess.run(command, cwd=ROOT, env=_environment(data, url), stdin=subprocess.DEVNULL, check=False)
    # pytest answers 5 when it found no test: nothing was shown, so that is a failure as well.
    return Result(database, done.returncode == 0, time.monotonic() - started)


def _environment(data: str, url: str | None) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
    }
    # Compiled modules are kept, whatever the terminal says: the suite starts Python some hundred times, and without
    # them every start compiles the product, its tests and pytest's rewriting of them anew.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    kept["DATA_DIR"] = data
    if url:
        # Second, after SQLite: tests that reach no database have said what they have to say.
        kept |= {"DATABASE_URL": url, "PYTEST_SECOND_DATABASE": "1"}
    return kept


def _given_server() -> str | None:
    url = os.environ.get("DATABASE_URL", "").strip()
    return url if url.startswith(("postgres://", "postgresql://")) else None


def _report(results: Sequence[Result]) -> bool:
    say()
    for result in results:
        say(f"{result.database}: {'passed' if result.passed else 'FAILED'} in {result.seconds:.0f} s")
    return all(result.passed for result in results)


def main(arguments: Sequence[str]) -> int:
    kind = arguments[0] if arguments else ""
    if kind not in MARKS:
        fail(f"Say which tests: python -m tools.suite {'|'.join(MARKS)} [pytest arguments]", code=2)
    # Without this a polite kill would leave the server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return 0 if run(kind, arguments[1:]) else 1
    except Stop as error:
        fail(error)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

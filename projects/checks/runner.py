"""Checks outputs in a child process that is given so many seconds for each, and is replaced when it does not answer."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from projects.checks.base import MAX_TEXT, Given

SECONDS = 5.0  # for one output and check
_START = 120.0  # loading what overlap is measured with takes seconds on a slow disk
_ROOT = Path(__file__).resolve().parents[2]


class ChecksStopped(RuntimeError):
    """The child cannot be started: a full sentence."""


class Runner:
    """`with Runner([("valid_json", {}), …]) as run: run(0, given)` gives {"value", "why", "passed"} or {"missing"}."""

    def __init__(self, checks: Sequence[tuple[str, dict[str, Any]]], *, seconds: float = SECONDS) -> None:
        self.checks, self.seconds = list(checks), seconds
        self.child: subprocess.Popen[bytes] | None = None
        self.rest = b""

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def __call__(self, number: int, given: Given) -> dict[str, Any]:
        if len(given.text) > MAX_TEXT:
            return {"missing": f"The output has {len(given.text):,} characters; a check reads {MAX_TEXT:,}."}
        child = self.child or self._start()
        try:
            self._write(child, [number, asdict(given)])
            answer = self._read(child, self.seconds)
        except BrokenPipeError:
            answer = b""
        if answer is None:
            self.stop()
            return {"missing": f"The check took longer than {self.seconds:g} seconds over this output and was stopped."}
        if not answer:
            self.stop()
            return {"missing": "The check broke off over this output."}
        return dict(json.loads(answer))

    def _start(self) -> subprocess.Popen[bytes]:
        # No secrets of the house: only what finds Python and its packages.
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV") if name in os.environ}
        self.child = child = subprocess.Popen(
            [sys.executable, "-m", "projects.checks.child"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=_ROOT,
            env={**kept, "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        self.rest = b""
        try:
            self._write(child, self.checks)
            ready = self._read(child, _START)
        except BrokenPipeError:
            ready = b""
        if not ready:
            self.stop()
            raise ChecksStopped("The process that runs the checks did not start. Nothing more was written.")
        return child

    def _write(self, child: subprocess.Popen[bytes], told: Any) -> None:
        assert child.stdin is not None  # noqa: S101 - a pipe was asked for
        child.stdin.write(json.dumps(told).encode() + b"\n")
        child.stdin.flush()

    def _read(self, child: subprocess.Popen[bytes], seconds: float) -> bytes | None:
        """One line; None when the time is over, empty when the child has ended."""
        assert child.stdout is not None  # noqa: S101 - a pipe was asked for
        until = time.monotonic() + seconds
        while b"\n" not in self.rest:
            if not select.select([child.stdout], [], [], max(0.0, until - time.monotonic()))[0]:
                return None
            part = os.read(child.stdout.fileno(), 65536)
            if not part:
                return b""
            self.rest += part
        line, _, self.rest = self.rest.partition(b"\n")
        return line

    def stop(self) -> None:
        child, self.child = self.child, None
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    pipe.close()

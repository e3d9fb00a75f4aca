"""Rendering on all cores: helpers are this module run as a program, without Django, so they start fast.

Not `multiprocessing`: forking copies the threads and connections of a web process, and spawning runs the
caller's main script again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from projects.rendering import render_output, render_prompt

_ROOT = Path(__file__).resolve().parents[2]

Job = tuple[str, str, list[Any], list[str], list[str]]  # kind, text, messages, context, reference


class HelperError(Exception):
    """A helper did not answer; its portion is to be rendered here."""


def render_jobs(jobs: list[Job]) -> list[str]:
    return [
        render_output(text, messages) if kind == "output" else render_prompt(messages, context, reference)
        for kind, text, messages, context, reference in jobs
    ]


def render_with_helpers(portions: Iterable[list[Job]], count: int) -> Iterator[list[str]]:
    """The portions rendered, in order. Each thread takes a free helper, asks it, and gives it back. Few portions are
    taken ahead of what is done."""
    helpers = [_start() for _ in range(count)]
    free: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()
    for helper in helpers:
        free.put(helper)

    def ask(portion: list[Job]) -> list[str]:
        helper = free.get()
        try:
            return _ask(helper, portion)
        finally:
            free.put(helper)

    threads = ThreadPoolExecutor(count)
    try:
        asked: deque[Future[list[str]]] = deque()
        for portion in portions:
            asked.append(threads.submit(ask, portion))
            if len(asked) > 2 * count:
                yield asked.popleft().result()
        while asked:
            yield asked.popleft().result()
    finally:
        for helper in helpers:
            helper.kill()
        threads.shutdown(wait=True, cancel_futures=True)
        for helper in helpers:
            helper.communicate()


def _start() -> subprocess.Popen[str]:
    # A session of its own: Ctrl-C is for us, and we end our helpers. They also end when we die, for then
    # their input ends.
    return subprocess.Popen(
        [sys.executable, "-m", "projects.services.import_render"],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


def _ask(helper: subprocess.Popen[str], portion: list[Job]) -> list[str]:
    if helper.stdin is None or helper.stdout is None:
        raise HelperError
    try:
        # ASCII: one line each way, whatever line separators and half characters the texts hold.
        helper.stdin.write(json.dumps(portion) + "\n")
        helper.stdin.flush()
        answer = helper.stdout.readline()
    except (OSError, ValueError) as error:
        raise HelperError from error
    if not answer.endswith("\n"):
        raise HelperError
    rendered: list[str] = json.loads(answer)
    return rendered


def main() -> None:
    for line in sys.stdin:
        sys.stdout.write(json.dumps(render_jobs(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

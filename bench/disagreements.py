"""The pages of disagreements in a small round and in a large one, and how long putting the large one in order takes."""

from __future__ import annotations

import asyncio
from typing import Any

from bench import figures
from bench.lists import PROMISE_MS, SMALL, pages_asked
from bench.scratch import Kind, Scratch, serving
from tools.console import say

PAGES = {
    "disagreements, the first page": ("lead", "/p/{project}/rounds/{round}/adjudication/"),
    "disagreements, the last page": ("lead", "/p/{project}/rounds/{round}/adjudication/?{last}"),
    "one disagreement, the last": ("lead", "/p/{project}/rounds/{round}/adjudication/{case}/"),
}


def measure(kinds: list[Kind], tasks: int) -> str:
    rows = []
    for kind in kinds:
        (few, _), (many, study) = (_measured(kind.scratch(f"disagreements_{n}"), n) for n in (SMALL, tasks))
        for name in PAGES:
            rows.append([kind.title, name, f"{few[name][0]}", f"{many[name][0]}", figures.number(many[name][1])])
        say(f"{kind.title}: {study['n']:,} disagreements were put in order in {study['seconds']:.1f} s.")
    text = figures.table(
        ["database", "page", f"statements, {SMALL:,} tasks", f"statements, {tasks:,} tasks", "ms, median"], rows
    )
    text += f"\n\nMedians of 15 requests one after another, after two to warm up. The promise is {PROMISE_MS} ms."
    say(text)
    return text


def _measured(database: Scratch, tasks: int) -> tuple[dict[str, tuple[int, float]], dict[str, Any]]:
    study = database.python("bench.study", {"disagreed": tasks})
    with serving(database) as served:
        return asyncio.run(pages_asked(served.port, study, PAGES)), study

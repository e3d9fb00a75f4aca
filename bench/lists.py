"""The pages that list: how long each takes and how many statements it asks, in a small project and in a large one."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

from bench import figures
from bench.client import Browser
from bench.scratch import Kind, Scratch, serving
from bench.server.counting import ANSWER, ASK
from tools.console import Stop, say

PROMISE_MS = 200
SMALL = 200
TIMES = 15
# What is asked, by whom. {project}, {round} and {last} (the last page of the items) are filled in.
PAGES = {
    "items, the first page": ("lead", "/p/{project}/items/"),
    "items, the last page": ("lead", "/p/{project}/items/?{last}"),
    "items with a tag": ("lead", "/p/{project}/items/?tag=tenth"),
    "items by a word in the id": ("lead", "/p/{project}/items/?q=prompt-77"),
    "rounds": ("lead", "/p/{project}/rounds/"),
    "a round: its figures and raters": ("lead", "/p/{project}/rounds/{round}/"),
    "review: comments": ("lead", "/p/{project}/rounds/{round}/review/?kind=comments"),
    "people": ("lead", "/p/{project}/people/"),
    "projects": ("lead", "/"),
    "a rater's rounds": ("rater", "/rate/"),
    "a rater's last judgments": ("rater", "/rate/{public_id}/history/"),
}


def measure(kinds: list[Kind], items: int) -> str:
    rows = []
    for kind in kinds:
        small, large = (_measured(kind.scratch(f"lists_{n}"), n) for n in (SMALL, items))
        for name in PAGES:
            (few, _), (many, median) = small[name], large[name]
            rows.append([kind.title, name, f"{few}", f"{many}", figures.number(median)])
    text = figures.table(
        ["database", "page", f"statements, {SMALL:,} items", f"statements, {items:,} items", "ms, median"], rows
    )
    text += f"\n\nMedians of {TIMES} requests one after another, after two to warm up. The promise is {PROMISE_MS} ms."
    say(text)
    return text


def _measured(database: Scratch, items: int) -> dict[str, tuple[int, float]]:
    """Statements, and the median of milliseconds, by page."""
    study = database.python("bench.study", {"listed": items})
    with serving(database) as served:
        return asyncio.run(pages_asked(served.port, study, PAGES))


async def pages_asked(
    port: int, study: dict[str, Any], pages: dict[str, tuple[str, str]]
) -> dict[str, tuple[int, float]]:
    found = {}
    for name, (who, address) in pages.items():
        browser = Browser(port, study[who])
        path = address.format(**study)
        counted = await browser.send("GET", path, form=None, **{ASK: "1"})
        if counted.status != 200:
            raise Stop(f"{path} answered {counted.status}, so there is nothing to measure.")
        await browser.send("GET", path)
        times = []
        for _ in range(TIMES):
            began = time.perf_counter()
            await browser.send("GET", path)
            times.append((time.perf_counter() - began) * 1000)
        browser.close()
        found[name] = (int(counted.headers[ANSWER.lower()]), statistics.median(times))
    return found

"""What a rater's browser loads: the page with everything it names, and each next task."""

from __future__ import annotations

import asyncio
import gzip
import random
import re
from typing import Any
from urllib.parse import urljoin, urlsplit

from bench import figures
from bench.client import Browser, Reply, read
from bench.scratch import Kind, serving
from tools.console import Stop, say

# The product's promise, compressed.
FIRST_KB, NEXT_KB = 100.0, 15.0
NEXT_TASKS = 20
NAMED = re.compile(r'<(?:link|script|img)\b[^>]*?\b(?:href|src)="([^"]+)"')
IN_STYLES = re.compile(r"""url\(["']?([^"')]+)["']?\)|@import\s+["']([^"']+)["']""")
IN_MODULES = re.compile(r"""\bimport\b[^"'()]*["']([^"']+)["']""")
# What a proxy that compresses pages does by default; static files are compressed once, at their best.
PROXY_LEVEL = 6


def measure(kinds: list[Kind]) -> str:
    database = kinds[0].scratch("weight")  # both serve the same
    study = database.python("bench.study", {"tasks": 200, "rounds": 1, "overlap": 1, "raters": 1})
    with serving(database) as served:
        browser = Browser(served.port, study["sessions"][0])
        first, rest = asyncio.run(_visit(browser, study))
    rows = [[name, f"{plain / 1000:.1f}", f"{sent / 1000:.1f}"] for name, plain, sent in first]
    total = sum(sent for _, _, sent in first) / 1000
    rows.append(["**first load**", f"{sum(plain for _, plain, _ in first) / 1000:.1f}", f"**{total:.1f}**"])
    heaviest = max(sent for _, sent in rest) / 1000
    rows.append([f"**a next task**, the heaviest of {NEXT_TASKS}", f"{max(p for p, _ in rest) / 1000:.1f}",
                 f"**{heaviest:.1f}**"])  # fmt: skip
    text = figures.table(["file", "kB", "kB compressed"], rows)
    text += f"\n\nFirst load: {total / FIRST_KB:.2f} of the promised {FIRST_KB:.0f} kB. "
    text += f"A next task: {heaviest / NEXT_KB:.2f} of the promised {NEXT_KB:.0f} kB."
    say(text)
    return text


async def _visit(browser: Browser, study: dict[str, Any]) -> tuple[list[tuple[str, int, int]], list[tuple[int, int]]]:
    """((name, bytes, bytes compressed) of the first load, (bytes, compressed) of the tasks after it)."""
    address = f"/rate/{study['rounds'][0]}/"
    page = await browser.send("GET", address)
    first = [("the page", len(page.body), _by_proxy(page.body))]
    seen: set[str] = set()
    waiting = [urljoin(address, name) for name in NAMED.findall(page.body.decode())]
    while waiting:
        path = waiting.pop(0)
        if path in seen or urlsplit(path).scheme:
            continue
        seen.add(path)
        plain = await _static(browser, path, "identity")
        sent = await _static(browser, path, "gzip, br")
        first.append((re.sub(r"\.[0-9a-f]{12}(?=\.)", "", path), len(plain.body), len(sent.body)))
        if path.endswith((".css", ".js")):
            waiting += [urljoin(path, name) for name in _named_in(path, plain.body.decode())]
    return first, await _next_tasks(browser, study, address, page)


async def _static(browser: Browser, path: str, accepted: str) -> Reply:
    reply = await browser.send("GET", path, Accept_Encoding=accepted)
    if reply.status != 200:
        raise Stop(f"The rating page names {path}, which answers {reply.status}.")
    return reply


def _named_in(path: str, text: str) -> list[str]:
    if path.endswith(".css"):
        return [one or other for one, other in IN_STYLES.findall(text) if not one.startswith("data:")]
    return IN_MODULES.findall(text)


async def _next_tasks(browser: Browser, study: dict[str, Any], address: str, page: Reply) -> list[tuple[int, int]]:
    draw = random.Random(3)
    found = []
    for _ in range(NEXT_TASKS):
        fields = read(page)
        if fields is None:
            raise Stop(f"The rating page has no task; it answers {page.status}.")
        answers = {name: draw.choice(values) for name, values in study["fields"].items()}
        page = await browser.send("POST", f"{address}submit/", fields | answers, X_Rate="1")
        found.append((len(page.body), _by_proxy(page.body)))
    return found


def _by_proxy(body: bytes) -> int:
    return len(gzip.compress(body, PROXY_LEVEL))

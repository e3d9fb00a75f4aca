"""Raters at their browsers: `python -m bench.client PLAN.json RESULT.json`, in a process of its own.

One thread and plain sockets, so that the client takes little of the processor that it shares with the server. Each
rater loads the page, thinks, submits, and gets the next task in the answer. Every rater starts in the warm-up; what is
measured is what ends between two moments, at which the CPU time of the server's processes is read as well.
"""

from __future__ import annotations

import asyncio
import html
import json
import random
import re
import resource
import secrets
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.machine import cpu_seconds, memory_mb
from bench.server.counting import ANSWER, ASK

HIDDEN = re.compile(r'<input[^>]* name="(csrfmiddlewaretoken|task|key|version)" value="([^"]*)"')
PATIENCE = 60.0


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Browser:
    """One keep-alive connection and the cookies of one person. Speaks as the proxy in front of the server would."""

    port: int
    session: str
    csrf: str = ""
    resent: int = 0
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, method: str, path: str, form: dict[str, str] | None = None, **headers: str) -> Reply:
        """A connection that the server has let go is opened again and the request sent once more, with its key."""
        request = self._request(method, path, form, headers)
        try:
            return await asyncio.wait_for(self._exchange(request), PATIENCE)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.close()
            self.resent += 1
            return await asyncio.wait_for(self._exchange(request), PATIENCE)

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
        self._streams = None

    def _request(self, method: str, path: str, form: dict[str, str] | None, headers: dict[str, str]) -> bytes:
        body = urlencode(form).encode() if form is not None else b""
        cookies = f"adjudge_session={self.session}" + (f"; adjudge_csrf={self.csrf}" if self.csrf else "")
        host = f"127.0.0.1:{self.port}"
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Cookie: {cookies}", f"Content-Length: {len(body)}"]
        lines += ["X-Forwarded-Proto: https", f"Origin: https://{host}"]
        if form is not None:
            lines.append("Content-Type: application/x-www-form-urlencoded")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def _exchange(self, request: bytes) -> Reply:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for line in head[1:]:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
            if name.lower() == "set-cookie" and value.startswith("adjudge_csrf="):
                self.csrf = value.partition("=")[2].partition(";")[0]
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Reply(int(head[0].split()[1]), headers, body)


@dataclass
class Load:
    """One load: everyone, and what they saw."""

    plan: dict[str, Any]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    ended: list[tuple[float, float, int]] = field(default_factory=list)  # (end, seconds, rater)
    acknowledged: list[str] = field(default_factory=list)
    statements: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    resent: int = 0

    async def run(self) -> dict[str, Any]:
        draw = random.Random(self.plan["seed"])
        raters = [
            asyncio.create_task(self._rater(n, session, random.Random(draw.random())))
            for n, session in enumerate(self.plan["sessions"])
        ]
        everyone = asyncio.gather(*raters)
        await asyncio.sleep(self.plan["warm"])
        began, cpu, own = time.perf_counter(), cpu_seconds(self.plan["roots"]), _own_cpu()
        await asyncio.wait([everyone], timeout=self.plan["seconds"])
        stopped, used, own = time.perf_counter(), cpu_seconds(self.plan["roots"]) - cpu, _own_cpu() - own
        megabytes, web = memory_mb(self.plan["roots"]), memory_mb(self.plan["roots"][:1])
        self.stop.set()
        await everyone
        inside = [each for each in self.ended if began <= each[0] <= stopped]
        served = [sum(rater == n for _, _, rater in inside) for n in range(len(raters))]
        return {
            "seconds": stopped - began,
            "cpu": used,
            "client_cpu": own,
            "memory": megabytes,
            "web": web,
            "waits": [round(seconds * 1000, 2) for _, seconds, _ in inside],
            "served": served,
            "acknowledged": self.acknowledged,
            "statements": self.statements,
            "resent": self.resent,
            "problems": self.problems,
        }

    async def _rater(self, n: int, session: str, draw: random.Random) -> None:
        browser = Browser(self.plan["port"], session)
        headers = {"X_Rate": "1"} | ({ASK.replace("-", "_"): "1"} if self.plan["count"] else {})
        try:
            page = await browser.send("GET", self.plan["page"])
            fields = read(page)
            while fields is not None and not self.stop.is_set() and await self._think(browser, draw):
                form = self._form(fields, draw)
                began = time.perf_counter()
                reply = await browser.send("POST", self.plan["submit"], form, **headers)
                self._note(reply, began, n, form)
                fields = fields if self.plan["bare"] else read(reply)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            self.problems.append(f"{type(error).__name__}: {error}")
        finally:
            self.resent += browser.resent
            browser.close()

    async def _think(self, browser: Browser, draw: random.Random) -> bool:
        """Half to one and a half times the thinking time, so that raters do not move in step."""
        think = self.plan["think"]
        if not think:
            return True
        browser.close()  # idle longer than the server keeps a connection
        try:
            await asyncio.wait_for(self.stop.wait(), think * draw.uniform(0.5, 1.5))
        except TimeoutError:
            return True
        return False

    def _form(self, fields: dict[str, str], draw: random.Random) -> dict[str, str]:
        answers = {name: draw.choice(values) for name, values in self.plan["fields"].items()}
        key = fields.get("key") or secrets.token_hex(8)
        return fields | answers | {"key": key}

    def _note(self, reply: Reply, began: float, n: int, form: dict[str, str]) -> None:
        if reply.status != 200:
            self.problems.append(f"{reply.status}: {reply.body[:200].decode(errors='replace')}")
            return
        moment = time.perf_counter()
        self.ended.append((moment, moment - began, n))
        self.acknowledged.append(form["key"])
        if counted := reply.headers.get(ANSWER.lower()):
            self.statements.append(int(counted))


def read(reply: Reply) -> dict[str, str] | None:
    """The hidden fields of the task's form; None where there is no task."""
    if reply.status != 200:
        return None
    text = reply.body.decode()
    begin = text.find('id="answers"')
    found: dict[str, str] = {}
    for name, value in HIDDEN.findall(text, max(begin, 0)):
        found.setdefault(name, html.unescape(value))
    return found if "csrfmiddlewaretoken" in found else None


def _own_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main(plan: Path, result: Path) -> None:
    load = Load(json.loads(plan.read_text(encoding="utf-8")))
    result.write_text(json.dumps(asyncio.run(load.run())), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

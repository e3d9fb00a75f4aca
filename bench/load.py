"""Raters against gunicorn, and the yardstick in the same server before and after them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any

from bench import figures
from bench.figures import beside, number, percentile
from bench.scratch import Kind, Scratch, Served, serving
from tools.console import live, say

BARE = "/bench/bare"
OVERLAP = 3
WARM_SECONDS = 3.0
COUNTED_SECONDS = 2.0
# From this size on the rounds' loads share one round: each takes a small part of it.
SHARED_FROM = 20_000
WAYS = ("database", "tasks", "raters", "thinking")
MEASURED = ("judgments/s", "p50 ms", "p95 ms", "p99 ms", "CPU ms", "fairness", "web MB", "all MB")
PROMISES = (
    "database",
    "tasks",
    "opening s",
    "statements",
    "acknowledged",
    "lost",
    "surplus",
    "twice",
    "sent again",
    "problems",
)


@dataclass(frozen=True)
class Matrix:
    tasks: list[int]
    raters: list[int]
    think: list[float]
    seconds: float

    def loads(self) -> list[tuple[int, float]]:
        return list(product(self.raters, self.think))

    def window(self, think: float) -> float:
        """Thinking raters submit seldom, so they are watched for longer."""
        return self.seconds + 2 * think


@dataclass
class Sum:
    """What several phases of one kind came to."""

    seconds: float = 0.0
    cpu: float = 0.0
    waits: list[float] = field(default_factory=list)
    served: list[int] = field(default_factory=list)
    memory: float = 0.0
    web: float = 0.0

    def add(self, result: dict[str, Any]) -> Sum:
        self.seconds += result["seconds"]
        self.cpu += result["cpu"]
        self.waits += result["waits"]
        self.served = result["served"]
        self.memory, self.web = result["memory"], result["web"]
        return self

    @property
    def per_second(self) -> float:
        return len(self.waits) / self.seconds if self.seconds else 0.0

    @property
    def cpu_ms(self) -> float:
        return self.cpu * 1000 / len(self.waits) if self.waits else float("nan")


@dataclass
class Kept:
    """What the promises are checked against in the end."""

    acknowledged: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    resent: int = 0


def measure(kinds: list[Kind], matrix: Matrix) -> str:
    speeds: list[list[str]] = []
    promises: list[list[str]] = []
    for kind, tasks in product(kinds, matrix.tasks):
        live(f"  {kind.title}: {tasks:,} tasks")
        rows, promise = _database(kind.scratch(f"load-{tasks}"), tasks, matrix)
        speeds += rows
        promises.append(promise)
    text = f"{figures.table([*WAYS, *MEASURED], speeds)}\n\n{figures.table(PROMISES, promises)}"
    say(text)
    return text


def _database(database: Scratch, tasks: int, matrix: Matrix) -> tuple[list[list[str]], list[str]]:
    loads = matrix.loads()
    shared = tasks >= SHARED_FROM
    wanted = {"tasks": tasks, "rounds": 1 if shared else len(loads) + 1, "overlap": OVERLAP}
    study = database.python("bench.study", wanted | {"raters": max(matrix.raters)})
    rounds = study["rounds"] * (len(loads) + 1 if shared else 1)
    kept = Kept()
    with serving(database) as served:
        client = _Client(database, served, study, kept)
        client.run(rounds[-1], max(matrix.raters), 0.0, WARM_SECONDS)
        rows = [_load(client, tasks, *load, matrix, address) for load, address in zip(loads, rounds, strict=False)]
        counted = [_middle(client.statements(address)) for address in (rounds[-1], "")]
    found = database.python("bench.checks", kept.acknowledged)
    for problem in dict.fromkeys(kept.problems):
        say(f"  {database.name}, {tasks:,} tasks: {problem}")
    promise = [database.name, f"{tasks:,}", number(study["opening"]), beside(*counted)]
    promise += [f"{found[name]:,}" for name in ("acknowledged", "lost", "surplus", "twice")]
    return rows, [*promise, str(kept.resent), str(len(kept.problems))]


def _load(client: _Client, tasks: int, raters: int, think: float, matrix: Matrix, address: str) -> list[str]:
    live(f"  {client.database.name}: {tasks:,} tasks, {raters} raters, {think:g} s thinking")
    bare, ours = Sum(), Sum()
    window = matrix.window(think)
    bare.add(client.run("", raters, think, window / 2))
    ours.add(client.run(address, raters, think, window))
    bare.add(client.run("", raters, think, window / 2))
    row = [client.database.name, f"{tasks:,}", str(raters), f"{think:g} s", beside(ours.per_second, bare.per_second)]
    row += [beside(percentile(ours.waits, share), percentile(bare.waits, share)) for share in (0.50, 0.95, 0.99)]
    row += [beside(ours.cpu_ms, bare.cpu_ms), number(figures.fairness(ours.served))]
    row += [f"{ours.web:,.0f}", f"{ours.memory:,.0f}"]
    return row


@dataclass
class _Client:
    """Runs raters in a process of their own. Without a round they use the yardstick."""

    database: Scratch
    served: Served
    study: dict[str, Any]
    kept: Kept

    def run(self, address: str, raters: int, think: float, seconds: float, *, count: bool = False) -> dict[str, Any]:
        plan = {
            "port": self.served.port,
            "roots": [pid for pid in (self.served.pid, self.database.server) if pid],
            "sessions": self.study["sessions"][:raters],
            "bare": not address,
            "page": f"/rate/{address}/" if address else BARE,
            "submit": f"/rate/{address}/submit/" if address else BARE,
            "fields": self.study["fields"] if address else {"value": ["1", "2", "3"]},
            "warm": min(1.0 + 1.5 * think, seconds / 2),
            "seconds": seconds,
            "think": think,
            "count": count,
            "seed": 17,
        }
        result: dict[str, Any] = self.database.python("bench.client", plan)
        self.kept.problems += result["problems"]
        self.kept.resent += result["resent"]
        if address:
            self.kept.acknowledged += result["acknowledged"]
        return result

    def statements(self, address: str) -> list[int]:
        counted: list[int] = self.run(address, 1, 0.0, COUNTED_SECONDS, count=True)["statements"]
        return counted


def _middle(counted: list[int]) -> float:
    return percentile(counted, 0.5)

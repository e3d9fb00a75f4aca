"""A round of a thousand tasks and one of a million, in one database and one server; and beside the others a rater who
has judged all but 200 of the million."""

from __future__ import annotations

from typing import Any

from bench import figures
from bench.figures import beside, number, percentile
from bench.million_study import BASE
from bench.scratch import Kind, Scratch, serving
from tools.console import live, say

RATERS = 8
WARM_SECONDS = 3.0
HEADER = (
    "database", "tasks", "beside", "judgments/s", "p50 ms", "p95 ms (of the small round’s)", "p99 ms",
    "steps of the other", "p50 ms", "p95 ms", "tasks found",
)  # fmt: skip


def measure(kinds: list[Kind], tasks: int, seconds: float) -> str:
    rows = [row for kind in kinds for row in _on(kind, tasks, seconds)]
    text = figures.table(HEADER, rows)
    say(text)
    return text


def _on(kind: Kind, tasks: int, seconds: float) -> list[list[str]]:
    live(f"  {kind.title}: making {tasks:,} tasks")
    database = kind.scratch(f"million-{tasks}")
    study = database.python("bench.million_study", {"tasks": tasks, "raters": RATERS})
    small, large = study["rounds"]
    found = []
    with serving(database) as served:
        for address in (small, large):
            _run(database, served, study, address, WARM_SECONDS)
        before = _run(database, served, study, small, seconds)
        alone = _run(database, served, study, large, seconds)
        with_other = _run(database, served, study, large, seconds, other=True)
        after = _run(database, served, study, small, seconds)
    both = {"waits": before["waits"] + after["waits"], "seconds": before["seconds"] + after["seconds"], "looks": []}
    usual = percentile(both["waits"], 0.95)
    for n, beside_whom, result in ((BASE, "", both), (tasks, "", alone), (tasks, "who judged all but 200", with_other)):
        found.append([kind.title, f"{n:,}", beside_whom or "–", *_figures(result, usual)])
    return found


def _figures(result: dict[str, Any], usual: float) -> list[str]:
    waits, looks = result["waits"], [step["ms"] for step in result["looks"]]
    row = [number(len(waits) / result["seconds"]), number(percentile(waits, 0.5))]
    row += [beside(percentile(waits, 0.95), usual), number(percentile(waits, 0.99))]
    if not looks:
        return [*row, "–", "–", "–", "–"]
    tasks = sum(step["task"] for step in result["looks"])
    return [*row, str(len(looks)), number(percentile(looks, 0.5)), number(percentile(looks, 0.95)), str(tasks)]


def _run(
    database: Scratch, served: Any, study: dict[str, Any], address: str, seconds: float, *, other: bool = False
) -> dict[str, Any]:
    plan = {
        "port": served.port,
        "roots": [pid for pid in (served.pid, database.server) if pid],
        "sessions": study["sessions"][:RATERS],
        "other": study["sessions"][-1] if other else "",
        "bare": False,
        "page": f"/rate/{address}/",
        "submit": f"/rate/{address}/submit/",
        "fields": study["fields"],
        "warm": 1.0,
        "seconds": seconds,
        "think": 0.0,
        "count": False,
        "seed": 17,
    }
    result: dict[str, Any] = database.python("bench.client", plan)
    for problem in dict.fromkeys(result["problems"]):
        say(f"  {database.name}: {problem}")
    return result

"""promptfoo's CSV export, as rows of its JSON: one group of columns for each provider and prompt.

    Description, <variable>…, [provider] prompt, Status, Score, Named Scores, Metric: …, Grader Reason, Comment, …

The names repeat from group to group, so columns go by position. The file rounds scores to two decimals and holds
neither the tests' own ids nor time, tokens and cost: the JSON export has them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, BinaryIO

from projects.importers import limits, tables
from projects.importers.records import Problem, problem, refusal
from projects.importers.shapes import as_dict

NOTE = (
    "This is promptfoo's CSV export: its scores are rounded to two decimals, and it holds no ids of the tests and no "
    "time, tokens and cost. Where there is a JSON export of the same evaluation, import that one instead of this."
)
_COLUMN = re.compile(r"\[(?P<provider>.+?)\] (?P<prompt>.*)", re.DOTALL)
_STATES = {"PASS": 0, "FAIL": 1, "ERROR": 2}  # promptfoo's failureReason
_NO_OUTPUT = "The call failed; the CSV export does not say why."


@dataclass(frozen=True)
class _Group:
    """The columns of one provider and prompt."""

    provider: str
    prompt: str
    start: int
    columns: dict[str, int]  # Score, Named Scores, …, without those of single metrics
    metrics: dict[str, int]


class Layout:
    def __init__(self, header: Sequence[str], name: str, row: int) -> None:
        starts = [at for at, (_, after) in enumerate(pairwise(header)) if after == "Status"]
        if not starts:
            raise refusal(name, "The header has no column Status behind an output, as promptfoo's CSV export has.", row)
        self.described = header[0] == "Description" and starts[0] > 0
        self.variables = {header[at]: at for at in range(1 if self.described else 0, starts[0])}
        self.groups = [_group(header, start, end, name, row) for start, end in pairwise([*starts, len(header)])]

    def rows(
        self, number: int, test: int, cells: list[str], found: list[Problem], name: str
    ) -> Iterator[dict[str, Any]]:
        """The results of one test, as the JSON export has them."""
        for index, group in enumerate(self.groups):
            state = cells[group.columns["Status"]].strip().upper()
            if not state:
                continue  # this provider was not asked
            if state not in _STATES:
                accepted = ", ".join(_STATES)
                why = f"The status “{state[:40]}” of [{group.provider}] {group.prompt} is none of {accepted}."
                found.append(problem(name, why, number, "Status"))
                continue
            yield {
                "vars": {variable: cells[at] for variable, at in self.variables.items()},
                "testCase": {"description": cells[0] if self.described else ""},
                "testIdx": test,
                "promptIdx": index,
                "provider": group.provider,
                "prompt": {"label": group.prompt},
                **_result(group, cells, state, number, found, name),
            }


def is_csv(first_line: str) -> bool:
    return bool(re.search(r"Status,Score,Named Scores|\[[^\]]*\][^,]*,Status,Score", first_line))


def read(stream: BinaryIO, name: str, found: list[Problem]) -> Iterator[tuple[int, dict[str, Any]]]:
    lines = tables.read_cells(stream, name, found.append)
    row, header = next(lines, (1, [""]))
    layout = Layout([cell.strip() for cell in header], name, row)
    for test, (number, cells) in enumerate(lines):
        for result in layout.rows(number, test, cells, found, name):
            yield number, result


def _group(header: Sequence[str], start: int, end: int, name: str, row: int) -> _Group:
    told = _COLUMN.fullmatch(header[start])
    if told is None:
        why = f"The column “{header[start][:60]}” before Status must read [provider] prompt, as promptfoo writes it."
        raise refusal(name, why, row)
    columns = {header[at]: at for at in range(start + 1, end)}
    metrics = {key.removeprefix("Metric: "): at for key, at in columns.items() if key.startswith("Metric: ")}
    kept = {key: at for key, at in columns.items() if not key.startswith("Metric: ")}
    return _Group(told["provider"], told["prompt"], start, kept, metrics)


def _result(
    group: _Group, cells: list[str], state: str, number: int, found: list[Problem], name: str
) -> dict[str, Any]:
    def cell(column: str) -> str:
        at = group.columns.get(column)
        return "" if at is None else cells[at]

    if state == "ERROR":  # its score of 0 is no score
        reason = cell("Grader Reason") or cells[group.start] or _NO_OUTPUT
        return {"failureReason": _STATES[state], "response": {"error": reason}, "success": False}
    return {
        "failureReason": _STATES[state],
        "success": state == "PASS",
        "score": cell("Score"),
        "namedScores": _named(group, cells, cell("Named Scores"), number, found, name),
        "gradingResult": {"pass": state == "PASS", "reason": cell("Grader Reason"), "comment": cell("Comment")},
        "response": {"output": cells[group.start]},
    }


def _named(group: _Group, cells: list[str], told: str, number: int, found: list[Problem], name: str) -> dict[str, Any]:
    """The JSON of the column Named Scores, else the columns of the single metrics. An empty cell is no score."""
    if told.strip():
        if len(told) <= limits.MAX_CELL_CHARS:
            try:
                return as_dict(json.loads(told))
            except (ValueError, RecursionError):
                pass
        found.append(problem(name, "The cell is not a JSON object of scores; it is left out.", number, "Named Scores"))
    return {metric: cells[at] for metric, at in group.metrics.items() if cells[at].strip()}

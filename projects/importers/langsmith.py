"""LangSmith: experiments as tables or rows, runs, feedback, pairs, data sets.

Checked against version 0.15.0 of the SDK; what the hosted service exports is read from its documentation.

- A table has the union of all rows' columns, ``inputs.…``, ``outputs.…``, ``reference.…``, ``feedback.…``: many cells
  are empty, and nested ones are written as Python shows them.
- A run that failed holds a traceback, and evaluators scored it all the same: those are no scores of the system.
- ``feedback_source.type`` says who: ``app`` is a person, ``model`` and ``auto_eval`` a judge, ``api`` a program.
- A preference is one feedback for each of two runs, of one ``feedback_group_id`` and key: 1 for the better, equal for a
  tie.
- The item is the example of the data set; feedback names runs, so it is read together with them, and without them goes
  by the run's id.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from projects.importers import beside, sniffing
from projects.importers.langsmith_feedback import FeedbackReader
from projects.importers.langsmith_runs import RunReader, TableReader, as_example, is_feedback, is_run, is_table
from projects.importers.records import Problem, Record, RunRecord, Skip, refusal
from projects.importers.rows import each_row, first_rows
from projects.importers.tables import Row

TITLE = "LangSmith experiments, runs, feedback and data sets (CSV, JSON, JSON Lines)"


def sniff(head: bytes, name: str) -> float:
    for found in (sniffing.keys(head), frozenset(sniffing.header(head))):
        if found >= {"run", "example"} or is_table(found):
            return 0.95
        if is_feedback(found) or is_run(found):
            return 0.9
        if found >= {"inputs", "outputs"} and not found & {"ground_truth", "targets", "id"}:
            return 0.6 if found <= {"inputs", "outputs", "metadata", "split", "created_at", "source_run_id"} else 0.0
    return 0.0


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    first = first_rows(stream, name)
    yield RunRecord("LangSmith", run_id=_session(first))
    if any(is_feedback(row.keys()) for row in first):
        reader = FeedbackReader(name, _runs_beside(options), beside.asked_system(options))
        yield from each_row(stream, name, reader.row)
        yield from reader.pairs()
        yield from reader.notes()
        return
    rows = _Rows(name, first, beside.asked_system(options))
    yield from each_row(stream, name, rows.row)
    if not rows.known:
        raise refusal(name, "No row is an experiment's row, a run, a feedback or an example of LangSmith.")


class _Rows:
    def __init__(self, name: str, first: list[Row], system: str) -> None:
        self.runs, self.tables = RunReader(name, system), TableReader(name, system, first)
        self.known = 0

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        if is_table(row.keys()):
            found = self.tables.row(line, row)
        elif isinstance(row.get("run"), dict):
            found = self.runs.row(line, row)
        elif is_run(row.keys()):
            found = self.runs.row(line, {"run": row})
        elif "inputs" in row:
            found = as_example(row)
        else:
            raise Skip("The row is no experiment's row, run, feedback or example.")
        self.known += 1
        yield from found


def _session(first: list[Row]) -> str:
    run: Row = next((row["run"] for row in first if isinstance(row.get("run"), dict)), {})
    found = run.get("session_name") or run.get("session_id")
    return found[:200] if isinstance(found, str) else ""


def _runs_beside(options: dict[str, Any] | None) -> Iterator[tuple[str, Row]]:
    """Runs in the other files of the import: (name of the file, row with run and example)."""
    for other, head in beside.heads(options):
        found = sniffing.keys(head)
        if not (found >= {"run", "example"} or is_run(found)) or is_feedback(found):
            continue
        for row in beside.rows_of(other):
            run = row if is_run(row.keys()) else row.get("run")
            if isinstance(run, dict):
                yield other.name, {"run": run, "example": row.get("example")}

"""Feedback records of LangSmith: scores, people's ratings, and pairs of runs compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from projects.importers import limits, payloads, values
from projects.importers.langsmith_runs import Known, RunReader
from projects.importers.literals import parsed
from projects.importers.records import (
    HumanRatingRecord,
    ImportFileError,
    ItemRecord,
    OutputRecord,
    Problem,
    Record,
    ScoreRecord,
    Skip,
    Source,
    note,
    problem,
    refusal,
)
from projects.importers.scoring import metric_name, rating, score
from projects.importers.shapes import as_dict, as_text
from projects.importers.tables import Row

_SOURCES: dict[str, Source] = {"app": "human", "model": "llm", "auto_eval": "llm", "api": "code"}


class FeedbackReader:
    def __init__(self, name: str, runs: Iterable[tuple[str, Row]], system: str) -> None:
        self.name, self.system = name, system
        self.runs = _known_runs(runs, system)
        self.groups: dict[tuple[str, str], list[tuple[int, Row]]] = {}
        self.told: set[str] = set()
        self.unknown = 0

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        key, run = metric_name(row.get("key")), payloads.fitting_id(row.get("run_id"))
        if not run:
            raise Skip("The feedback names no run: feedback about a whole session is not read.", "run_id")
        group = payloads.fitting_id(row.get("feedback_group_id"))
        if group:
            self.groups.setdefault((group, key), []).append((line, row))
            return
        output = self._output(run)
        yield from self._run_known_by_id(run, output)
        yield self._record(key, row, output)

    def _output(self, run: str) -> OutputRecord:
        if run in self.runs:
            return self.runs[run].output
        if not self.system:
            raise refusal(
                self.name, "Feedback names runs and not what answered. Import it together with the runs (a file of "
                "runs or of an experiment's rows), or name the system."
            )  # fmt: skip
        self.unknown += 1
        return OutputRecord(run, (self.system, ""), raw={"run_id": run})

    def _run_known_by_id(self, run: str, output: OutputRecord) -> Iterator[Record]:
        if run not in self.told:
            self.told.add(run)
            if run not in self.runs:
                yield ItemRecord(run)
                yield output

    def _record(self, key: str, row: Row, output: OutputRecord) -> Record:
        value, kind = _value(row)
        comment, source = as_text(row.get("comment")), _source(row)
        if source == "human":
            return rating(key, value, output, rater=_rater(row), comment=comment)
        return score(key, value, output, kind=kind, source=source, explanation=comment, details=_details(row))

    # Pairs

    def pairs(self) -> Iterator[Record | Problem]:
        for (group, key), members in self.groups.items():
            try:
                yield self._pair(key, [row for _, row in members])
            except Skip as skip:
                yield problem(self.name, f"Feedback group {group[:60]}: {skip.why}", members[0][0], skip.column)

    def _pair(self, key: str, rows: list[Row]) -> Record:
        by_run = {payloads.fitting_id(row.get("run_id")): row for row in rows}
        if len(by_run) != 2:
            raise Skip(f"A preference is about two runs; the group names {len(by_run)}.", "run_id")
        if not all(run in self.runs for run in by_run):
            raise Skip("The runs are not in this import, so it is not known which systems were compared.", "run_id")
        first, second = (self.runs[run].output for run in by_run)
        if first.item != second.item or first.system == second.system:
            raise Skip("The two runs are not answers of two systems to one example.", "run_id")
        numbers = [values.finite(_value(row)[0]) for row in by_run.values()]
        if numbers[0] is None or numbers[1] is None:
            raise Skip("The group gives no score for one of the two runs.", "score")
        label = "tie" if numbers[0] == numbers[1] else "a" if numbers[0] > numbers[1] else "b"
        row = rows[0]
        comment = "\n".join(dict.fromkeys(word for each in rows if (word := as_text(each.get("comment")))))
        if (source := _source(row)) == "human":
            return HumanRatingRecord(key, first.item, first.system, _rater(row), label=label, comment=comment,
                                     repeat=first.repeat, system_b=second.system)  # fmt: skip
        return ScoreRecord(key, first.item, first.system, second.system, first.repeat, kind="preference", label=label,
                           source=source, explanation=comment, details=_details(row))  # fmt: skip

    def notes(self) -> Iterator[Problem]:
        if self.unknown:
            why = f"Feedback about runs that are not in this import goes by the run's id as the item: {self.unknown:,}."
            yield note(self.name, why)


def _known_runs(runs: Iterable[tuple[str, Row]], system: str) -> dict[str, Known]:
    """As the runs' own file is read, so that both name the same outputs."""
    found: dict[str, Known] = {}
    readers: dict[str, RunReader] = {}
    for file, row in runs:
        reader = readers.setdefault(file, RunReader(file, system))
        try:
            known = reader.known(as_dict(row["run"]), as_dict(row.get("example")))
        except (Skip, ImportFileError):
            continue  # its own file's import says what is wrong with it
        found[payloads.fitting_id(row["run"].get("id"))] = known
    return found


def _value(row: Row) -> tuple[Any, str]:
    """(value, kind): the score where there is one, else the label."""
    number, label = parsed(row.get("score")), parsed(row.get("value"))
    if not values.is_missing(number):
        return number, ""
    return (label, "label") if isinstance(label, str) else (label, "")


def _source(row: Row) -> Source:
    told = as_dict(parsed(row.get("feedback_source"))).get("type") or row.get("feedback_source_type")
    kind = as_text(told or row.get("feedback_source.type"))
    return _SOURCES.get(kind, "code")


def _rater(row: Row) -> str:
    source = as_dict(parsed(row.get("feedback_source")))
    found = (source.get("user_id"), row.get("feedback_source.user_id"), source.get("ls_user_id"))
    return next((word for word in map(payloads.fitting_id, found) if word), "")[: limits.MAX_NAME_CHARS]


def _details(row: Row) -> dict[str, Any] | None:
    kept = {"correction": parsed(row.get("correction")), "value": parsed(row.get("value"))}
    if values.is_missing(row.get("score")):
        kept.pop("value")
    return {key: values.plain(cell) for key, cell in kept.items() if not values.is_missing(cell)} or None

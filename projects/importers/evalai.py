"""EvalAI: what a challenge's ``evaluate()`` returns, one object of metrics for each split.

Made from the documentation. Scores are of whole submissions; the file does not say whose.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from projects.importers import beside, limits, sniffing, values
from projects.importers.jsonscan import loads
from projects.importers.records import ImportFileError, Problem, Record, RunRecord, SystemRecord, refusal
from projects.importers.scoring import of_run, tried
from projects.importers.shapes import as_dict, as_list, as_text

TITLE = "EvalAI results of a submission (JSON)"

_TEAM = ("participant_team_name", "team_name", "participant_team", "method_name", "submission")


def sniff(head: bytes, name: str) -> float:
    found = sniffing.keys(head)
    if "result" not in found:
        return 0.0
    known = found <= {"result", "submission_metadata", "submission_result", "submission_status"}
    return 0.9 if {"submission_result", "submission_metadata"} & found else 0.6 if known else 0.0


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    try:
        found = loads(limits.read_utf8(stream, name).decode("utf-8")).value
    except ImportFileError:
        raise
    except ValueError as error:
        raise refusal(name, str(error)) from None
    splits = as_list(found) or as_list(as_dict(found).get("result"))
    if not splits or not all(isinstance(each, dict) and each for each in splits):
        raise refusal(name, "The file holds no list result of objects, each with a split and its metrics.")
    told = as_dict(as_dict(found).get("submission_metadata"))
    team = next((word for key in _TEAM if (word := as_text(told.get(key)).strip())), "") or beside.asked_system(options)
    if not team:
        raise beside.unknown_system(name)
    system = team[: limits.MAX_NAME_CHARS], ""
    yield RunRecord("EvalAI", aggregates={"submission_metadata": values.plain(told)} if told else {})
    yield SystemRecord(*system)
    for number, each in enumerate(splits, start=1):
        for split, metrics in each.items():
            for metric, value in as_dict(metrics).items():
                yield from tried(name, number, iter_score(f"{split} {metric}", value, system))


def iter_score(metric: str, value: Any, system: tuple[str, str]) -> Iterator[Record]:
    yield of_run(metric, value, system)

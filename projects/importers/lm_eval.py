"""lm-evaluation-harness: ``results_<time>.json``, and ``samples_<task>_<time>.jsonl`` of ``--log_samples``.

Checked against version 0.4.13.

- The samples name neither the task, which stands in the file's name, nor the model, which stands in the results
  of the same time.
- There is one line for each document and filter: a metric's name carries the filter.
- Log-likelihoods are written as text. Of a multiple choice the answer is the choice with the highest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, BinaryIO, NamedTuple

from projects.importers import beside, limits, sniffing, values
from projects.importers.identity import user_message
from projects.importers.records import (
    Direction,
    ItemRecord,
    Message,
    OutputRecord,
    Problem,
    Record,
    RunRecord,
    ScoreRecord,
    Skip,
    SystemKey,
    SystemRecord,
    note,
    refusal,
)
from projects.importers.rows import each_row, name_in
from projects.importers.shapes import as_dict, as_list, as_text
from projects.importers.tables import Row

TITLE = "lm-evaluation-harness results and samples (JSON, JSON Lines)"

_SAMPLES = re.compile(r"samples_(?P<task>.+?)(?:_(?P<time>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d+))?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d+")
_FIXED = frozenset({"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash",
                    "prompt_hash", "target_hash"})  # fmt: skip
_NO_METRIC = frozenset({"alias", "name", "sample_len", "samples"})


class Answer(NamedTuple):
    text: str | None
    choices: tuple[str, ...]
    raw: dict[str, Any]


def sniff(head: bytes, name: str) -> float:
    found = sniffing.keys(head)
    if sniffing.has(found, "doc_id") and {"resps", "filtered_resps"} & found:
        return 0.95
    if "results" in found and ({"n-shot", "group_subtasks"} & found or re.search(rb'_stderr,[^"]*"\s*:', head)):
        return 0.95
    return 0.0


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    head = stream.read(beside.HEAD_BYTES)
    stream.seek(0)
    if "results" in sniffing.keys(head):
        yield from _results(stream, name, options)
        return
    found = _SAMPLES.fullmatch(PurePath(name).stem)
    task, time = (found["task"], found["time"]) if found else (PurePath(name).stem, None)
    results = _results_of(options, time)
    system = _model(results) or beside.asked_system(options)
    if not system:
        raise beside.unknown_system(
            name, " Or import it together with the results of the same run, results_….json, which name the model."
        )  # fmt: skip
    yield from _run(results)
    yield SystemRecord(system, config=_config(results))
    reader = _SampleReader(name, task[: limits.MAX_NAME_CHARS], (system, ""), _directions(results, task))
    yield from each_row(stream, name, reader.row)
    if not reader.known:
        raise refusal(name, "No line is a sample: each has a doc_id and resps.")
    if reader.left_out:
        why = f"Values that are no single number, such as those of perplexities, were left out: {reader.left_out:,}."
        yield note(name, why)
    if not results:
        yield note(name, "The results of the run, results_….json, are not beside this file: they name the model, which "
                   "way is better, and the scores of the whole run. Import the run's folder to have them.")  # fmt: skip


# The results of a run


def _results_of(options: dict[str, Any] | None, time: str | None) -> dict[str, Any]:
    """Of the files beside this one the results of the same time, else the only results there are."""
    found = [each for each, head in beside.heads(options) if "results" in sniffing.keys(head) and sniff(head, "")]
    same = [each for each in found if time and time in each.name]
    chosen = same or (found if len(found) == 1 else [])
    return beside.document_of(chosen[0]) if chosen else {}


def _model(results: dict[str, Any]) -> str:
    config = as_dict(results.get("config"))
    arguments = as_dict(config.get("model_args"))
    named = (results.get("model_name"), arguments.get("pretrained"), arguments.get("model"), config.get("model"))
    return next((word.strip() for word in named if isinstance(word, str) and word.strip()), "")[: limits.MAX_NAME_CHARS]


def _config(results: dict[str, Any]) -> dict[str, Any]:
    config = as_dict(results.get("config"))
    kept = {key: config.get(key) for key in ("model", "model_args", "gen_kwargs", "limit")}
    kept |= {key: results.get(key) for key in ("model_source", "system_instruction", "chat_template_sha")}
    return {key: values.plain(value) for key, value in kept.items() if value not in (None, "", {})}


def _run(results: dict[str, Any]) -> Iterator[RunRecord]:
    if results:
        tasks = values.plain({key: results.get(key) for key in ("versions", "n-shot", "n-samples")})
        yield RunRecord(
            "lm-evaluation-harness", as_text(results.get("lm_eval_version")), created=_moment(results.get("date")),
            aggregates={**tasks, "results": values.plain(as_dict(results.get("results")))},
        )  # fmt: skip


def _moment(cell: Any) -> str:
    """Seconds since 1970 as a date."""
    try:
        return datetime.fromtimestamp(values.finite(cell) or 0, UTC).isoformat() if values.finite(cell) else ""
    except (OverflowError, ValueError, OSError):
        return ""


def _directions(results: dict[str, Any], task: str) -> dict[str, Direction]:
    told = as_dict(as_dict(results.get("higher_is_better")).get(task))
    return {key: "higher" if value else "lower" for key, value in told.items() if isinstance(value, bool)}


def _results(stream: BinaryIO, name: str, options: dict[str, Any] | None) -> Iterator[Record | Problem]:
    results = beside.document(stream, name)
    tasks = as_dict(results.get("results"))
    if not tasks:
        raise refusal(name, "The file holds no results of lm-evaluation-harness: an object with a key for each task.")
    system = _model(results) or beside.asked_system(options)
    if not system:
        raise beside.unknown_system(name)
    if "shared" not in (options or {}) and not any(_is_samples(head) for _, head in beside.heads(options)):
        yield note(name, "These are the scores of whole runs. What was asked and answered stands in the "
                   "samples_….jsonl of the run's folder: import the folder to have it.")  # fmt: skip
    yield from _run(results)
    yield SystemRecord(system, config=_config(results))
    for task, found in tasks.items():
        yield from _task_scores(task, as_dict(found), (system, ""), _directions(results, task))


def _is_samples(head: bytes) -> bool:
    return sniffing.has(sniffing.keys(head), "doc_id", "resps")


def _task_scores(
    task: str, found: dict[str, Any], system: SystemKey, directions: dict[str, Direction]
) -> Iterator[Record]:
    """Keys are "metric,filter"; the standard error stands beside, under "metric_stderr,filter"."""
    for key, value in found.items():
        metric, _, filtered = key.partition(",")
        if metric in _NO_METRIC or metric.endswith("_stderr"):
            continue
        number = values.finite(value)
        error = values.finite(found.get(f"{metric}_stderr,{filtered}"))
        yield ScoreRecord(
            f"{_metric(task, metric, filtered)[: limits.MAX_METRIC_CHARS - 6]} (run)",
            system=system,
            number=number,
            direction=directions.get(metric, "unknown"),
            missing_reason="" if number is not None else "The results hold no number.",
            details=None if error is None else {"stderr": error},
        )


def _metric(task: str, metric: str, filtered: Any) -> str:
    named = as_text(filtered).strip()
    return f"{task} {metric}" + (f" ({named})" if named and named != "none" else "")


# Samples


class _SampleReader:
    def __init__(self, name: str, task: str, system: SystemKey, directions: dict[str, Direction]) -> None:
        self.name, self.task, self.system, self.directions = name, task, system, directions
        self.known = self.left_out = 0

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        if not {"resps", "filtered_resps"} & row.keys():
            raise Skip("The line is no sample: it has no resps.")
        ident = f"{self.task}/{name_in(row, 'doc_id', 'document')}"[: limits.MAX_ID_CHARS]
        self.known += 1
        answer, prompt = _answer(row), _prompt(row)
        yield ItemRecord(
            ident,
            messages=prompt,
            reference=_reference(row, answer.choices),
            choices=answer.choices,
            metadata={key: values.plain(row[key]) for key in ("doc", "doc_hash") if row.get(key)},
            tags=(f"task:{self.task}"[: limits.MAX_METRIC_CHARS],),
        )
        yield OutputRecord(ident, self.system, text=answer.text, raw=answer.raw)
        for metric in _metrics(row):
            if isinstance(row.get(metric), list | dict):
                self.left_out += 1
                continue
            filtered = None if answer.choices else _first(row.get("filtered_resps"))
            yield self._score(ident, metric, row, filtered)

    def _score(self, ident: str, metric: str, row: Row, filtered: Any) -> ScoreRecord:
        found = values.score(row.get(metric))
        return ScoreRecord(
            _metric(self.task, metric, row.get("filter"))[: limits.MAX_METRIC_CHARS],
            item=ident,
            system=self.system,
            kind=found.kind or "number",  # type: ignore[arg-type]
            number=found.number,
            label=found.label,
            direction=self.directions.get(metric, "unknown"),
            missing_reason=found.missing or found.wrong,
            details={"filtered": filtered} if isinstance(filtered, str) else None,
        )


def _metrics(row: Row) -> list[str]:
    """Named by the row; older versions do not name them."""
    named = [each for each in as_list(row.get("metrics")) if isinstance(each, str) and each in row]
    return named or [key for key in row if key not in _FIXED]


def _requests(row: Row) -> list[list[Any]]:
    """What was sent, as lists of arguments: an object of objects, in older versions a list of lists."""
    found = row.get("arguments")
    if isinstance(found, dict):
        return [list(as_dict(each).values()) for each in found.values()]
    return [each for each in as_list(found) if isinstance(each, list)]


def _prompt(row: Row) -> tuple[Message, ...]:
    sent = next((each[0] for each in _requests(row) if each and isinstance(each[0], str)), "")
    if sent.lstrip().startswith("["):  # a chat, written as text
        try:
            return values.conversation(sent)
        except ValueError:
            pass
    return user_message(sent) if sent.strip() else ()


def _reference(row: Row, choices: tuple[str, ...]) -> tuple[str, ...]:
    """The target; of a multiple choice it is the place of the right one."""
    place = values.count(row.get("target"))
    if choices and place is not None and place < len(choices):
        return (choices[place],)
    return values.texts(row.get("target"))


def _answer(row: Row) -> Answer:
    choices = _choices([each for each in _requests(row) if len(each) > 1])
    if len(choices) > 1:
        return _choice(choices, as_list(row.get("filtered_resps") or row.get("resps")))
    given = _first(row.get("resps"))
    if not isinstance(given, str):  # a log-likelihood alone is no answer
        return Answer(None, (), {"resps": values.plain(row.get("resps"))})
    several = as_list(as_list(row.get("resps"))[0]) if as_list(row.get("resps")) else []
    return Answer(given, (), {"resps": values.plain(row["resps"])} if len(several) > 1 else {})


def _choices(requests: list[list[Any]]) -> list[str]:
    """What the likelihoods are of. Requests without a context only measure how likely a choice is by itself; where
    the choice stands within the context, the continuations are the same and the whole text tells them apart."""
    if not all(isinstance(part, str) for each in requests for part in each[:2]):
        return []
    asked = [each for each in requests if each[0].strip()] or requests
    told = [each[1].strip() for each in asked]
    return told if len(set(told)) == len(told) else [(each[0] + each[1]).strip() for each in asked]


def _choice(choices: list[str], responses: list[Any]) -> Answer:
    likelihoods = [values.finite(_first(each)) for each in responses]
    known = [(number, place) for place, number in enumerate(likelihoods[: len(choices)]) if number is not None]
    text = choices[max(known, key=lambda pair: (pair[0], -pair[1]))[1]] if len(known) == len(choices) else None
    return Answer(text, tuple(choices), {"loglikelihoods": likelihoods})


def _first(cell: Any) -> Any:
    """The first value of a list, however deep it lies."""
    for _ in range(4):
        if not isinstance(cell, list):
            return cell
        cell = cell[0] if cell else None
    return None

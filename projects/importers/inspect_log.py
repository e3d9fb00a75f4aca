"""Inspect AI: evaluation logs as ``.json`` and as ``.eval``, a ZIP archive with one file for each sample.

Checked against version 0.3.285 (log version 2).

- A value is "C", "I", "P" or "N", a number, yes or no, or an object with one value for each of several metrics.
- A sample with an error has no score, though the log's own status may be success.
- Scores can be edited. An edit by a person is that person's judgment; the score the scorer gave stands first in the
  history, and stays the automated one.
- ``model_usage`` counts the judge's tokens too, so only those of the model that was evaluated are taken.
- A log that was cut off has no ``header.json``: what it began with stands in ``_journal/start.json``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from projects.importers import limits, sniffing, values
from projects.importers.archive import Archive, is_archive
from projects.importers.inspect_samples import SampleReader
from projects.importers.jsonscan import Document, loads
from projects.importers.records import Problem, Record, RunRecord, ScoreRecord, SystemRecord, note, problem, refusal
from projects.importers.scoring import of_run
from projects.importers.shapes import as_dict, as_list, as_text

TITLE = "Inspect logs (.json, .eval)"

_SAMPLES = ("samples",)
_SAMPLE_FILE = re.compile(r"samples/[^/]+\.json")
_NEWEST = 2
_HEADERS = ("header.json", "_journal/start.json")


def sniff(head: bytes, name: str) -> float:
    if is_archive(head):
        inside = b"_journal/start.json" in head or re.search(rb"samples/[^/]{1,300}_epoch_\d+\.json", head)
        return 0.95 if inside or name.lower().endswith(".eval") else 0.0
    found = sniffing.keys(head)
    return 0.95 if sniffing.has(found, "eval", "plan") or sniffing.has(found, "version", "status", "eval") else 0.0


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    stream.seek(0)
    head = stream.read(4)
    stream.seek(0)
    yield from _archive(stream, name) if is_archive(head) else _json(stream, name)


def _json(stream: BinaryIO, name: str) -> Iterator[Record | Problem]:
    document = Document(limits.read_utf8(stream, name), name, [_SAMPLES])
    head = as_dict(document.head)
    yield from (note(name, each) for each in document.notes)
    reader = _reader(head, name)
    yield from _header(head, name, document.count(_SAMPLES))
    for number, sample, notes in document.rows(_SAMPLES):
        yield from (note(name, each, number) for each in notes)
        yield from reader.sample(f"{name}, sample {number}", sample)
    yield from reader.notes()


def _archive(stream: BinaryIO, name: str) -> Iterator[Record | Problem]:
    archive = Archive(stream, name)
    found = next((each for each in _HEADERS if each in archive.entries), "")
    if not found:
        raise refusal(name, "The archive holds neither header.json nor _journal/start.json, so it is no Inspect log.")
    head = as_dict(_loaded(archive, found))
    samples = [each for each in archive.entries if _SAMPLE_FILE.fullmatch(each)]
    reader = _reader(head, name)
    if found != _HEADERS[0]:
        yield note(name, "The log has no header.json, as after a crash: the samples that were finished were read.")
    yield from _header(head, name, len(samples))
    for each in samples:
        sample = _loaded(archive, each)
        if isinstance(sample, dict):
            yield from reader.sample(f"{name}, {each}", sample)
        else:
            yield problem(f"{name}, {each}", "The file is not a JSON object with a sample.")
    yield from reader.notes()


def _loaded(archive: Archive, entry: str) -> Any:
    try:
        return loads(archive.read(entry).decode("utf-8")).value
    except UnicodeDecodeError:
        raise refusal(f"{archive.name}, {entry}", "The file is not UTF-8.") from None
    except ValueError as error:
        if str(error).startswith(archive.name):
            raise
        raise refusal(f"{archive.name}, {entry}", str(error)) from None


def _reader(head: dict[str, Any], name: str) -> SampleReader:
    told = as_dict(head.get("eval"))
    if not as_text(told.get("model")).strip():
        raise refusal(name, "The log names no model (eval.model), so it is no Inspect log that can be read.")
    return SampleReader(name, told)


def _header(head: dict[str, Any], name: str, samples: int) -> Iterator[Record | Problem]:
    told, plan, version = as_dict(head.get("eval")), as_dict(head.get("plan")), head.get("version")
    if isinstance(version, int) and version > _NEWEST:
        yield note(name, f"The log is of version {version}; versions up to {_NEWEST} are known here.")
    status = as_text(head.get("status"))
    if status and status != "success":
        why = as_text(as_dict(head.get("error")).get("message"))
        yield note(name, f"The run did not end well (status {status}).{f' {why}' if why else ''}")
    if not samples:
        yield note(name, "The log holds no samples, so only the results of the run were read.")
    results = as_dict(head.get("results"))
    yield RunRecord(
        "Inspect",
        as_text(as_dict(told.get("packages")).get("inspect_ai")),
        as_text(told.get("run_id"))[: limits.MAX_NAME_CHARS],
        as_text(told.get("created")),
        {"task": told.get("task"), "results": values.plain(results)},
    )
    system = told["model"].strip()[: limits.MAX_NAME_CHARS], ""
    yield SystemRecord(*system, config=_config(told, plan))
    yield from _results(results, as_text(told.get("task")), system)


def _config(told: dict[str, Any], plan: dict[str, Any]) -> dict[str, Any]:
    solvers = [as_text(as_dict(step).get("solver")) for step in as_list(plan.get("steps"))]
    kept = {
        "task": told.get("task"),
        "task_version": told.get("task_version"),
        "generate_config": told.get("model_generate_config"),
        "solvers": [each for each in solvers if each],
    }
    return {key: values.plain(value) for key, value in kept.items() if value not in (None, "", {}, [])}


def _results(results: dict[str, Any], task: str, system: tuple[str, str]) -> Iterator[ScoreRecord]:
    """What the log says of the whole run; the standard error stands beside its metric."""
    for score in map(as_dict, as_list(results.get("scores"))):
        metrics = as_dict(score.get("metrics"))
        error = values.finite(as_dict(metrics.get("stderr")).get("value"))
        for key, metric in metrics.items():
            number = as_dict(metric).get("value")
            if key == "stderr" or isinstance(number, dict | list):
                continue
            parts = [part for part in (task, _scored(score), key) if part]
            details = {"stderr": error} if error is not None and key in {"accuracy", "mean"} else None
            yield of_run(" ".join(parts), values.finite(number), system, details=details)


def _scored(score: dict[str, Any]) -> str:
    """'rubric/fluency' for one of several metrics of a scorer, as the samples' scores are called."""
    name, scorer = as_text(score.get("name")), as_text(score.get("scorer"))
    return name if scorer in {"", name} else f"{scorer}/{name}"

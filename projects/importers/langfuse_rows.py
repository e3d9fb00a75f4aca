"""What a row of Langfuse says: which kind of row it is, its scores' values, and what an answer took."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from projects.importers import beside, limits, payloads, sniffing, values
from projects.importers.literals import parsed
from projects.importers.moments import between_ms
from projects.importers.records import OutputRecord, SystemKey
from projects.importers.roles import normal
from projects.importers.shapes import as_dict, as_list, as_text
from projects.importers.tables import Row

# Lists in a table of the interface that are no scores.
_LISTS = frozenset({"tags", "trace_tags", "comments", "observations", "scores", "input", "output", "metadata"})


def normalised(row: Row) -> Row:
    """Names in snake_case: the API writes camelCase, the export to a bucket snake_case."""
    return {normal(key): cell for key, cell in row.items()}


def is_score(names: Collection[str]) -> bool:
    return {"name", "source", "data_type"} <= set(names) and bool({"value", "string_value"} & set(names))


def is_observation(names: Collection[str]) -> bool:
    return {"trace_id", "type", "input", "output"} <= set(names) and bool(
        {"parent_observation_id", "start_time", "model", "provided_model_name"} & set(names)
    )


def is_trace(names: Collection[str]) -> bool:
    found = set(names)
    return (
        {"id", "input", "output"} <= found
        and bool({"environment", "release", "bookmarked"} & found)
        and bool({"session_id", "user_id", "timestamp"} & found)
    )


def within(trace: str, observation: str) -> str:
    found = f"{trace}/{observation}"
    return found if len(found) <= limits.MAX_ID_CHARS else observation


def model_of(row: Row) -> str:
    metadata = as_dict(parsed(row.get("metadata")))
    found = (row.get("provided_model_name"), row.get("model"), metadata.get("model"))
    return next((word.strip() for word in found if isinstance(word, str) and not values.is_missing(word)), "")


def value_of(row: Row) -> tuple[Any, str]:
    """(cell, kind) of a score. The number of a text or of a label means nothing."""
    kind = as_text(row.get("data_type")).upper()
    number, label = row.get("value"), row.get("string_value")
    if kind == "BOOLEAN":
        told = values.truth(label)
        return (number if told is None else told), "bool"
    if kind == "CATEGORICAL":
        return (number if values.is_missing(label) else label), "label"
    return number, "number"


def rater_of(row: Row) -> str:
    """Who annotated: by id in the API and the export to a bucket, by name in a table of the interface."""
    found = payloads.fitting_id(row.get("author_user_id")) or payloads.fitting_id(row.get("author_user_name"))
    return found[: limits.MAX_NAME_CHARS]


def score_columns(row: Row) -> list[str]:
    """Names of the scores that the interface's tables of traces and observations hold, a list of values each."""
    if not {"comments", "observation_count", "trace_timestamp"} & row.keys():
        return []
    lists = ((name, as_list(parsed(cell))) for name, cell in row.items() if name not in _LISTS)
    return [name for name, cell in lists if cell and all(isinstance(each, int | float | str) for each in cell)]


def output_of(row: Row, item: str, system: SystemKey) -> OutputRecord:
    answer = payloads.answered(row.get("output"))
    failed = as_text(row.get("level")).upper() == "ERROR"
    error = (as_text(row.get("status_message")) or "The observation ended with an error.") if failed else ""
    start = row.get("start_time")
    latency = between_ms(start, row.get("end_time"))
    if latency is None and "start_time" not in row:  # a trace has one moment, and tells its seconds
        latency = values.milliseconds(values.amount(row.get("latency")))
    cost = values.amount(next((row[key] for key in ("total_cost", "calculated_total_cost") if row.get(key)), None))
    tokens_in, tokens_out = _tokens(row)
    return OutputRecord(
        item,
        system,
        **answer.output(error, "The row holds no output."),
        latency_ms=latency,
        ttft_ms=between_ms(start, row.get("completion_start_time")),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cost=cost,
        currency="" if cost is None else "USD",
    )


def _tokens(row: Row) -> tuple[int | None, int | None]:
    usages = [normalised(as_dict(parsed(row.get(key)))) for key in ("usage_details", "usage")]
    told = []
    for name, old in (("input", "prompt"), ("output", "completion")):
        cells = [usage[key] for usage in usages for key in (name, f"{old}_tokens") if key in usage]
        cells += [row[key] for key in (f"{name}_usage", f"{name}_tokens", f"{old}_tokens") if key in row]
        told.append(next((found for cell in cells if (found := values.count(cell)) is not None), None))
    # The tables of the interface write 0 for both where nothing was counted.
    return (None, None) if not any(told) else (told[0], told[1])


@dataclass
class Neighbours:
    """What the other files of the import say."""

    models: dict[str, str] = field(default_factory=dict)  # trace or observation → what answered; '' for several
    scored: set[str] = field(default_factory=set)  # traces that scores name without an observation
    traces: bool = False  # traces come as rows of their own

    def learn(self, row: Row) -> None:
        trace = payloads.fitting_id(row.get("trace_id"))
        if is_score(row):
            if trace and not payloads.fitting_id(row.get("observation_id")):
                self.scored.add(trace)
        elif is_observation(row):
            model = model_of(row)
            if trace and model:
                self.models[payloads.fitting_id(row.get("id"))] = model
                self.models[trace] = model if self.models.get(trace, model) == model else ""
        elif is_trace(row):
            self.traces = True


def neighbours(options: dict[str, Any] | None, own: beside.Beside) -> Neighbours:
    """The export to a bucket has a folder for each kind of row, with many files: they are gone through once, and the
    file itself (``own``) with them, since a step may tell the model of the one above it."""
    shared: dict[str, Any] = (options or {}).get("shared", {})
    if isinstance(known := shared.get("langfuse"), Neighbours):
        return known
    found = Neighbours()
    others = (options or {}).get("beside") or (options or {}).get("around")
    for other, head in beside.heads_around(options, [own] if others else []):
        columns = (sniffing.keys(head), frozenset(sniffing.header(head)))
        named = [{normal(key) for key in each} for each in columns]
        if any(is_observation(each) or is_score(each) or is_trace(each) for each in named):
            for row in beside.rows_of(other):
                found.learn(normalised(row))
    shared["langfuse"] = found
    return found


def parts_of(row: Row) -> Iterator[Row]:
    """The rows within one: a trace as the API gives it, or as it is downloaded, holds its observations and scores."""
    trace = as_dict(row.get("trace"))
    lists = [as_list(each.get(key)) for key in ("observations", "scores") for each in (row, trace)]
    if not trace and not any(isinstance(each, dict) for found in lists for each in found):
        yield normalised(row)
        return
    within_it = [normalised(each) for found in lists for each in found if isinstance(each, dict)]
    yield from (each for each in within_it if not is_score(each))
    yield {**normalised(trace or row), "observations": None, "scores": None}
    yield from (each for each in within_it if is_score(each))

"""Runs of LangSmith with their examples and evaluation results, and the flat table of an experiment."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from projects.importers import beside, limits, payloads, values
from projects.importers.literals import parsed
from projects.importers.moments import between_ms
from projects.importers.records import (
    ItemRecord,
    OutputRecord,
    Problem,
    Record,
    ScoreRecord,
    Skip,
    SystemKey,
    SystemRecord,
)
from projects.importers.scoring import Kinds, Trials, metric_name, score, tried
from projects.importers.shapes import as_dict, as_list, as_text
from projects.importers.tables import Row

_MODEL = ("model", "ls_model_name", "model_name", "models")


class Known(NamedTuple):
    item: ItemRecord
    output: OutputRecord


def is_table(columns: Collection[str]) -> bool:
    starts = {column.partition(".")[0] for column in columns if "." in column}
    return "feedback" in starts and bool(starts & {"inputs", "outputs"}) or starts >= {"inputs", "outputs"}


def is_feedback(columns: Collection[str]) -> bool:
    return {"run_id", "key"} <= set(columns) and bool({"feedback_source", "score", "value"} & set(columns))


def is_run(columns: Collection[str]) -> bool:
    return {"id", "inputs", "outputs"} <= set(columns) and bool(
        {"run_type", "trace_id", "session_id", "dotted_order"} & set(columns)
    )


class RunReader:
    """Rows with a run, its example and the results of evaluators."""

    def __init__(self, name: str, system: str) -> None:
        self.name, self.asked = name, system
        self.systems: set[SystemKey] = set()
        self.trials = Trials()

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        run = as_dict(row.get("run"))
        known = self.known(run, as_dict(row.get("example")))
        output = known.output
        if output.system not in self.systems:
            self.systems.add(output.system)
            yield SystemRecord(*output.system, config=values.plain(as_dict(as_dict(run.get("extra")).get("metadata"))))
        yield known.item
        yield output
        results = row.get("evaluation_results")
        for result in map(as_dict, as_list(as_dict(results).get("results")) or as_list(results)):
            if result:
                yield from tried(self.name, line, _result(result, output))

    def known(self, run: dict[str, Any], example: dict[str, Any]) -> Known:
        if as_text(run.get("parent_run_id")):
            raise Skip("The run is a step within another run, not an answer of its own.", "parent_run_id")
        item = item_of(
            as_dict(example.get("inputs")) or run.get("inputs"),
            example.get("outputs"),
            as_dict(example.get("metadata")),
            example.get("id") or run.get("reference_example_id") or (not example and run.get("id")),
        )
        system = self._system(run)
        error, answer = as_text(run.get("error")), payloads.answered(run.get("outputs"))
        cost = values.amount(run.get("total_cost"))
        kept = {"run_id": run.get("id"), "trace_id": run.get("trace_id"), "tags": run.get("tags")}
        output = OutputRecord(
            item.external_id,
            system,
            **answer.output(error, "The run holds no output."),
            repeat=self.trials.next(item.external_id, system),
            latency_ms=between_ms(run.get("start_time"), run.get("end_time")),
            tokens_in=values.count(run.get("prompt_tokens")),
            tokens_out=values.count(run.get("completion_tokens")),
            cost=cost,
            currency="" if cost is None else "USD",
            raw={key: values.plain(cell) for key, cell in kept.items() if cell},
        )
        return Known(item, output)

    def _system(self, run: dict[str, Any]) -> SystemKey:
        """The model with the experiment as its version: an experiment is one setting of a system."""
        metadata = as_dict(as_dict(run.get("extra")).get("metadata"))
        model = next((word for key in _MODEL if (word := as_text(metadata.get(key)).strip())), "")
        session = as_text(run.get("session_name")).strip()
        if not model and self.asked:
            return self.asked, ""
        if not model and not session:
            raise beside.unknown_system(self.name)
        fits = model and len(session) <= limits.MAX_VERSION_CHARS
        return (model or session)[: limits.MAX_NAME_CHARS], session if fits else ""


class TableReader:
    """``to_pandas()``: one row for each run, all in columns."""

    def __init__(self, name: str, system: str, first: list[Row]) -> None:
        self.name, self.system = name, system
        self.kinds, self.trials = Kinds(first), Trials()
        self.told = False

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        if not self.system:
            raise beside.unknown_system(self.name)
        system = self.system, ""
        if not self.told:
            self.told = True
            yield SystemRecord(*system)
        item = item_of(_part(row, "inputs"), _part(row, "reference"), {}, row.get("example_id"))
        yield item
        output = self._output(row, item.external_id, system)
        yield output
        for column, cell in row.items():
            if column.startswith("feedback.") and not (values.is_missing(cell) and not output.error):
                yield from tried(self.name, line, self._score(column, cell, output))

    def _output(self, row: Row, item: str, system: SystemKey) -> OutputRecord:
        error = "" if values.is_missing(row.get("error")) else values.text(row["error"])
        answer = payloads.answered(_part(row, "outputs"))
        return OutputRecord(
            item,
            system,
            **answer.output(error, "The row holds no output."),
            repeat=self.trials.next(item, system),
            latency_ms=values.milliseconds(values.amount(row.get("execution_time"))),
            raw={"run_id": values.plain(row["id"])} if not values.is_missing(row.get("id")) else {},
        )

    def _score(self, column: str, cell: Any, output: OutputRecord) -> Iterator[ScoreRecord]:
        metric = metric_name(column.removeprefix("feedback."))
        yield score(metric, parsed(cell), output, kind=self.kinds.of(column), source="code")


def _part(row: Row, start: str) -> dict[str, Any]:
    """{'question': …} of the columns inputs.question …; cells that only other rows fill are empty."""
    return {column.partition(".")[2]: parsed(cell) for column, cell in row.items() if column.startswith(f"{start}.")}


def item_of(inputs: Any, reference: Any, metadata: dict[str, Any], ident: Any) -> ItemRecord:
    asked = payloads.asked(inputs)
    if not asked.messages:
        raise Skip("The row has no inputs, so nothing was asked.", "inputs")
    told, expected = parsed(inputs), payloads.answered(reference)
    texts = (expected.text,) if expected.text else values.texts(list(expected.messages))
    return ItemRecord(
        payloads.identity(asked.messages, payloads.named_id(metadata, told), payloads.fitting_id(ident or None)),
        messages=asked.messages,
        context=asked.context,
        reference=tuple(each for each in texts if each),
        metadata=values.plain(metadata),
        tags=tuple(f"split:{each}" for each in as_list(metadata.get("dataset_split")) if isinstance(each, str)),
    )


def as_example(row: Row) -> Iterator[ItemRecord]:
    """A data set's example: its outputs are the reference."""
    metadata = as_dict(parsed(row.get("metadata")))
    yield item_of(parsed(row.get("inputs")), parsed(row.get("outputs")), metadata, row.get("id"))


def _result(result: dict[str, Any], output: OutputRecord) -> Iterator[ScoreRecord]:
    number, label = result.get("score"), result.get("value")
    details = {"value": label} if number is not None and isinstance(label, str) else {}
    if result.get("correction"):
        details["correction"] = values.plain(result["correction"])
    yield score(
        metric_name(result.get("key")),
        label if values.is_missing(number) else number,
        output,
        kind="label" if values.is_missing(number) and isinstance(label, str) else "",
        source="code",
        explanation=as_text(result.get("comment")),
        details=details,
    )

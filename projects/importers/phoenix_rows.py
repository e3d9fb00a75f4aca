"""Rows of Phoenix: evaluated data frames, annotations, spans."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from projects.importers import beside, limits, payloads, values
from projects.importers.literals import parsed
from projects.importers.moments import between_ms
from projects.importers.records import (
    Direction,
    ImportFileError,
    ItemRecord,
    OutputRecord,
    Problem,
    Record,
    Skip,
    Source,
    SystemKey,
    SystemRecord,
)
from projects.importers.scoring import Noted, Trials, metric_name, rating, score, tried
from projects.importers.shapes import as_dict, as_list, as_text
from projects.importers.tables import Row

_DETAILS, _SCORE = "_execution_details", "_score"
_SOURCES: dict[str, Source] = {"human": "human", "llm": "llm", "code": "code"}
_DIRECTIONS: dict[str, Direction] = {"maximize": "higher", "minimize": "lower"}
_SPAN_ID = ("context.span_id", "span_id")
_INPUTS = ("input", "question", "query", "attributes.input.value")
_OUTPUTS = ("output", "response", "answer", "attributes.output.value")
_REFERENCES = ("expected", "reference", "ground_truth", "expected_output")
_CONTEXTS = ("context", "contexts", "documents", "reference_text")


def is_frame(columns: Collection[str]) -> bool:
    return any(column.endswith(_DETAILS) for column in columns)


def is_annotation(columns: Collection[str]) -> bool:
    return "annotator_kind" in columns and bool({*_SPAN_ID, "annotation_name", "name"} & set(columns))


def is_plain(columns: Collection[str]) -> bool:
    """Evaluations of older versions: a span, its label and score."""
    return {"context.span_id"} <= set(columns) and bool({"score", "label"} & set(columns))


def is_span(columns: Collection[str]) -> bool:
    found = set(columns)
    flat = "context.span_id" in found and any(column.startswith("attributes.") for column in found)
    return flat or {"context", "attributes"} <= found and bool({"span_kind", "name", "start_time"} & found)


class FrameReader:
    """``evaluate_dataframe()``: the user's own columns, and two for each evaluator."""

    def __init__(self, name: str, system: str, first: list[Row]) -> None:
        self.name, self.system = name, (system, "")
        self.trials = Trials()
        self.told = False

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        if not self.system[0]:
            raise beside.unknown_system(self.name)
        asked = payloads.asked(_first(row, _INPUTS))
        if not asked.messages:
            raise Skip("The row has no input.", "input")
        if not self.told:
            self.told = True
            yield SystemRecord(*self.system)
        ident = payloads.identity(asked.messages, payloads.named_id(row), _id(row.get("id")))
        reference = values.texts(parsed(_first(row, _REFERENCES)))
        yield ItemRecord(ident, messages=asked.messages, reference=tuple(each for each in reference if each),
                         context=asked.context or values.texts(parsed(_first(row, _CONTEXTS))))  # fmt: skip
        answer = payloads.answered(_first(row, _OUTPUTS))
        output = OutputRecord(ident, self.system, **answer.output("", "The row holds no output."),
                              repeat=self.trials.next(ident, self.system), raw=_told_span(row))  # fmt: skip
        yield output
        for column in row:
            if column.endswith(_DETAILS):
                yield from tried(self.name, line, self._scores(column.removesuffix(_DETAILS), row, output))

    def _scores(self, evaluator: str, row: Row, output: OutputRecord) -> Iterator[Record]:
        details = as_dict(parsed(row.get(evaluator + _DETAILS)))
        status = as_text(details.get("status"))
        failed = "; ".join(each if isinstance(each, str) else values.dump(each)
                           for each in as_list(details.get("exceptions")))  # fmt: skip
        found = [(column, parsed(row[column])) for column in row if column == evaluator + _SCORE]
        for column, cell in found or [(evaluator + _SCORE, None)]:
            told = as_dict(cell) if isinstance(cell, dict) else {"score": cell}
            missing = "" if status in {"", "COMPLETED"} else f"The evaluator did not complete: {failed or status}"
            name = as_text(told.get("name")) or column.removesuffix(_SCORE)
            yield _score(name, told, output, as_text(told.get("kind")), missing)


class AnnotationReader:
    def __init__(self, name: str, system: str, spans: Iterable[tuple[str, Row]], metric: str) -> None:
        self.name, self.system, self.metric = name, system, metric
        self.spans = _known_spans(spans, system)
        self.noted = Noted(name)
        self.told: set[str] = set()

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        span = next((ident for key in _SPAN_ID if (ident := _id(row.get(key)))), "")
        if not span:
            raise Skip("The annotation names no span.", _SPAN_ID[0])
        named = _first(row, ("annotation_name", "name"))
        metric = metric_name(named if named is not None else self.metric)
        output = self._output(span)
        if span not in self.told:
            self.told.add(span)
            if span not in self.spans:
                yield ItemRecord(span)
                yield output
        kind = as_text(row.get("annotator_kind")).lower()
        told = {**as_dict(parsed(row.get("result"))), **{key: cell for key, cell in row.items() if key != "result"}}
        if kind == "human":
            who = _first(row, ("annotator", "user_id", "identifier", "username"))
            metadata = as_dict(parsed(row.get("metadata")))
            rater = values.text(who) if who is not None and not isinstance(who, dict | list) else ""
            rater = rater or as_text(metadata.get("annotator")) or as_text(metadata.get("user"))
            value, comment = _value(told), as_text(row.get("explanation"))
            yield rating(metric, value, output, rater=rater, comment=comment)
            return
        yield _score(metric, told, output, kind)

    def _output(self, span: str) -> OutputRecord:
        if span in self.spans:
            return self.spans[span]
        if not self.system:
            raise beside.unknown_system(
                self.name, " Or import the annotations together with the spans, if those name the model."
            )  # fmt: skip
        self.noted.add("An annotation's span is not in this import, so the span's id is the item.")
        return OutputRecord(span, (self.system, ""), raw={"span_id": span})

    def notes(self) -> Iterator[Problem]:
        return self.noted.notes()


class SpanReader:
    """Spans that hold an input and an output; the item is the span."""

    def __init__(self, name: str, system: str) -> None:
        self.name, self.asked = name, system
        self.systems: set[SystemKey] = set()

    def row(self, row: Row) -> Iterator[Record | Problem]:
        for span in told_spans(row):
            item, output = self.known(span)
            if output.system not in self.systems:
                self.systems.add(output.system)
                yield SystemRecord(*output.system)
            yield item
            yield output

    def known(self, span: Row) -> tuple[ItemRecord, OutputRecord]:
        ident = _id(span.get("context.span_id"))
        asked = payloads.asked(span.get("attributes.input.value"))
        if not ident or not asked.messages:
            raise Skip("The span has no id or no input (attributes.input.value).", "attributes.input.value")
        model = as_text(span.get("attributes.llm.model_name")).strip() or self.asked
        if not model:
            raise beside.unknown_system(self.name)
        answer = payloads.answered(span.get("attributes.output.value"))
        failed = as_text(span.get("status_code")).upper() == "ERROR"
        error = (as_text(span.get("status_message")) or "The span ended with an error.") if failed else ""
        output = OutputRecord(
            ident,
            (model[: limits.MAX_NAME_CHARS], ""),
            **answer.output(error, "The span holds no output."),
            latency_ms=between_ms(span.get("start_time"), span.get("end_time")),
            tokens_in=values.count(span.get("attributes.llm.token_count.prompt")),
            tokens_out=values.count(span.get("attributes.llm.token_count.completion")),
            raw={"span_id": ident},
        )
        return ItemRecord(ident, messages=asked.messages, context=asked.context), output


def told_spans(row: Row) -> Iterator[Row]:
    """A span with flat names, whichever way it is nested."""
    if "attributes" not in row:
        yield row
        return
    flat = {key: cell for key, cell in row.items() if key not in {"context", "attributes"}}
    for start in ("context", "attributes"):
        flat |= _flat(start, as_dict(parsed(row.get(start))), 0)
    yield flat


def _flat(start: str, found: dict[str, Any], depth: int) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, cell in found.items():
        if isinstance(cell, dict) and depth < 4:
            flat |= _flat(f"{start}.{key}", cell, depth + 1)
        else:
            flat[f"{start}.{key}"] = cell
    return flat


def _known_spans(spans: Iterable[tuple[str, Row]], system: str) -> dict[str, OutputRecord]:
    found: dict[str, OutputRecord] = {}
    for file, span in spans:
        try:
            item, output = SpanReader(file, system).known(span)
        except (Skip, ImportFileError):
            continue  # its own file's import says what is wrong with it
        found[item.external_id] = output
    return found


def _value(told: dict[str, Any]) -> Any:
    """The score, else the label. A yes or no is written as both, 1.0 and True, and stays one."""
    number, label = told.get("score"), told.get("label")
    if values.is_missing(number):
        return label
    yes = values.truth(label) if values.text(label).lower() in {"true", "false"} else None
    return yes if yes is not None and values.finite(number) == float(yes) else number


def _score(metric: str, told: dict[str, Any], output: OutputRecord, kind: str, missing: str = "") -> Record:
    metadata = as_dict(parsed(told.get("metadata")))
    source = _SOURCES.get(kind.lower(), "code")
    value, label = _value(told), told.get("label")
    if source == "human":
        return rating(metric, value, output, rater="", comment=as_text(told.get("explanation")))
    only_label = values.is_missing(told.get("score")) and isinstance(label, str)
    return score(
        metric_name(metric),
        value,
        output,
        kind="label" if only_label else "",
        missing=missing,
        source=source,
        direction=_DIRECTIONS.get(as_text(told.get("direction") or metadata.get("direction")).lower(), "unknown"),
        judge=as_text(metadata.get("model"))[: limits.MAX_NAME_CHARS] if source == "llm" else "",
        explanation=as_text(told.get("explanation")),
        details={"label": label} if isinstance(label, str) and label and not isinstance(value, bool | str) else None,
    )


def _first(row: Row, columns: tuple[str, ...]) -> Any:
    return next((row[column] for column in columns if not values.is_missing(row.get(column))), None)


def _told_span(row: Row) -> dict[str, Any]:
    """The span, by which people's judgments find their way back."""
    span = next((ident for key in _SPAN_ID if (ident := _id(row.get(key)))), "")
    return {"span_id": span} if span else {}


def _id(cell: Any) -> str:
    return payloads.fitting_id(cell)

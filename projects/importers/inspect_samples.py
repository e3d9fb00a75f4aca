"""One sample of an Inspect log: item, output, scores, and what people changed in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from projects.importers import limits, payloads, values
from projects.importers.records import ItemRecord, Message, OutputRecord, Problem, Record, ScoreRecord, Skip, problem
from projects.importers.scoring import Noted, rating, score, tried
from projects.importers.shapes import as_dict, as_list, as_text

_ATTACHMENT = re.compile(r"attachment://([0-9a-fA-F]{8,64})")
_VERDICTS = {"C": True, "I": False, "N": False}  # P, partly right, is neither
_MOST_ATTACHED = 20_000_000  # characters put in for references, in one sample


class SampleReader:
    def __init__(self, name: str, told: dict[str, Any]) -> None:
        self.told = told
        self.model = told["model"].strip()
        self.system = self.model[: limits.MAX_NAME_CHARS], ""
        self.task = as_text(told.get("task"))
        self.judges = _judges(told)
        ids = as_list(as_dict(told.get("dataset")).get("sample_ids"))
        # Inspect numbers samples that have no id 1, 2, 3 …, in every data set anew.
        self.numbered = all(isinstance(each, int) for each in ids)
        self.noted = Noted(name)

    def notes(self) -> Iterator[Problem]:
        return self.noted.notes()

    def sample(self, where: str, row: dict[str, Any]) -> Iterator[Record | Problem]:
        try:
            sample = _with_attachments(row)
            item = self._item(sample)
            output = self._output(sample, item.external_id)
        except Skip as skip:
            yield problem(where, skip.why, column=skip.column)
            return
        yield item
        yield output
        for scorer, found in as_dict(sample.get("scores")).items():
            yield from tried(where, None, self._scores(scorer, as_dict(found), output))

    # Item and output

    def _item(self, sample: dict[str, Any]) -> ItemRecord:
        metadata, asked = as_dict(sample.get("metadata")), payloads.asked(sample.get("input")).messages
        messages = tuple(_bare(message) for message in asked)
        choices = values.texts(sample.get("choices"))
        return ItemRecord(
            payloads.identity(messages, payloads.named_id(metadata), self._id(sample.get("id"))),
            messages=messages,
            reference=_targets(sample.get("target"), choices),
            choices=choices,
            metadata=values.plain(metadata),
            tags=(f"task:{self.task}"[: limits.MAX_METRIC_CHARS],) if self.task else (),
        )

    def _id(self, cell: Any) -> str:
        word = payloads.fitting_id(cell)
        if not word or not (isinstance(cell, int) and self.numbered and self.task):
            return word
        return f"{self.task}/{word}" if len(self.task) + len(word) < limits.MAX_ID_CHARS else ""

    def _output(self, sample: dict[str, Any], item: str) -> OutputRecord:
        said = as_dict(sample.get("output"))
        error = _error(sample, said)
        turns = _answered(sample)
        answer = payloads.Answered() if error else self._answer(said, turns)
        if not error and answer.is_empty:
            error = "The log holds no answer of the model."
        usage = as_dict(as_dict(sample.get("model_usage")).get(self.model)) or as_dict(said.get("usage"))
        seconds = values.amount(sample.get("total_time"))
        kept = {key: sample.get(key) for key in ("uuid", "working_time", "limit", "error_retries") if sample.get(key)}
        epoch = values.count(sample.get("epoch"))
        return OutputRecord(
            item,
            self.system,
            text=answer.text,
            messages=answer.messages,
            repeat=epoch - 1 if epoch else 0,
            error=error,
            latency_ms=values.milliseconds(seconds),
            tokens_in=values.count(usage.get("input_tokens")),
            tokens_out=values.count(usage.get("output_tokens")),
            raw=values.plain(kept),
        )

    def _answer(self, said: dict[str, Any], turns: tuple[Message, ...]) -> payloads.Answered:
        if len(turns) > 1:
            return payloads.Answered(None, turns)
        choice = as_dict(next(iter(as_list(said.get("choices"))), None))
        completion = as_text(said.get("completion")) or payloads.part_text(
            as_dict(choice.get("message")).get("content")
        )
        return payloads.Answered(completion if completion or choice else None)

    # Scores

    def _scores(self, scorer: str, found: dict[str, Any], output: OutputRecord) -> Iterator[Record | Problem]:
        if not found:
            return
        edits = [as_dict(each) for each in as_list(found.get("history"))]
        by_people = {_author(each): each for each in edits if _author(each)}  # the last edit of each stands
        given = found
        if by_people:
            given = edits[0] if not _author(edits[0]) else {}
        if given:
            yield from self._automated(scorer, {**found, **given}, output)
        else:
            self.noted.add("A score was entered by a person and has no value of the scorer's; it was read as theirs.")
        for author, edit in by_people.items():
            yield from self._edited(scorer, edit, author, output)

    def _automated(self, scorer: str, found: dict[str, Any], output: OutputRecord) -> Iterator[ScoreRecord]:
        judge = self.judges.get(scorer) or _grader(found)
        for metric, value in _parts(scorer, found.get("value")):
            yield score(
                metric[: limits.MAX_METRIC_CHARS],
                value,
                output,
                passed=_VERDICTS.get(value) if isinstance(value, str) else None,
                source="llm" if judge else "code",
                judge=judge[: limits.MAX_NAME_CHARS],
                explanation=as_text(found.get("explanation")),
                details=_details(found),
            )

    def _edited(self, scorer: str, edit: dict[str, Any], author: str, output: OutputRecord) -> Iterator[Record]:
        value = edit.get("value")
        if value == "UNCHANGED":
            self.noted.add("A person changed the explanation of a score and not its value; that is no judgment.")
            return
        reason = as_text(as_dict(edit.get("provenance")).get("reason"))
        for metric, part in _parts(scorer, value):
            comment = reason or as_text(edit.get("explanation"))
            yield rating(metric[: limits.MAX_METRIC_CHARS], part, output, rater=author, comment=comment)


def _parts(scorer: str, value: Any) -> Iterator[tuple[str, Any]]:
    """An object holds one value for each of several metrics."""
    if not isinstance(value, dict):
        yield scorer, value
        return
    for key, part in value.items():
        yield f"{scorer}/{key}", part


def _author(edit: dict[str, Any]) -> str:
    return as_text(as_dict(edit.get("provenance")).get("author")).strip()


def _details(found: dict[str, Any]) -> dict[str, Any] | None:
    metadata = {key: value for key, value in as_dict(found.get("metadata")).items() if key != "grading"}
    kept = {"answer": found.get("answer"), **metadata}
    return {key: values.plain(value) for key, value in kept.items() if value not in (None, "", {}, [])} or None


def _judges(told: dict[str, Any]) -> dict[str, str]:
    """Scorers that are given a model, and the model."""
    grader = as_dict(as_dict(told.get("model_roles")).get("grader")).get("model")
    found: dict[str, str] = {}
    for scorer in map(as_dict, as_list(told.get("scorers"))):
        name, options = as_text(scorer.get("name")), as_dict(scorer.get("options"))
        model = options.get("model")
        judge = as_text(model) or as_text(as_dict(model).get("model"))
        if not judge and name.startswith("model_graded"):
            judge = as_text(grader) or as_text(told.get("model"))  # Inspect's own default
        if name and judge:
            found[name] = judge
    return found


def _grader(found: dict[str, Any]) -> str:
    """The model in a score's own record of the grading."""
    for message in map(as_dict, as_list(as_dict(found.get("metadata")).get("grading"))):
        if message.get("role") == "assistant" and (model := as_text(message.get("model"))):
            return model
    return ""


def _error(sample: dict[str, Any], said: dict[str, Any]) -> str:
    error = sample.get("error")
    told = as_text(as_dict(error).get("message")) or as_text(error) or as_text(said.get("error"))
    return told or ("The sample failed; the log does not say why." if error else "")


def _answered(sample: dict[str, Any]) -> tuple[Message, ...]:
    """What was said from the model's first answer on; messages of the input are none."""
    turns = [as_dict(each) for each in as_list(sample.get("messages"))]
    first = next(
        (n for n, turn in enumerate(turns) if turn.get("role") == "assistant" and turn.get("source") != "input"), None
    )
    return tuple(_bare(each) for each in payloads.conversation_or_none(turns[first:])) if first is not None else ()


def _bare(message: Message) -> Message:
    """A message without what differs from run to run."""
    kept = {key: message.get(key) for key in ("tool_calls", "function", "error") if message.get(key)}
    calls = [
        {"name": as_text(as_dict(call).get("function")), "arguments": as_dict(call).get("arguments")}
        for call in as_list(kept.pop("tool_calls", None))
    ]
    return {"role": message["role"], "content": message["content"], **kept, **({"tool_calls": calls} if calls else {})}


def _targets(target: Any, choices: tuple[str, ...]) -> tuple[str, ...]:
    """The right answers; a letter of a multiple choice with the choice it stands for."""
    found = values.texts(target)
    if not choices:
        return tuple(each for each in found if each)
    places = {chr(ord("A") + place): choice for place, choice in enumerate(choices[:26])}
    return tuple(f"{each}) {places[each]}" if each in places else each for each in found if each)


def _with_attachments(sample: dict[str, Any]) -> dict[str, Any]:
    """Long texts are kept apart and referred to by their hash."""
    attached = as_dict(sample.get("attachments"))
    kept = {key: value for key, value in sample.items() if key not in {"events", "events_data", "attachments", "store"}}
    if not attached:
        return kept
    left = _MOST_ATTACHED

    def resolved(value: Any) -> Any:
        nonlocal left
        if isinstance(value, str):
            found = _ATTACHMENT.fullmatch(value)
            text = attached.get(found[1]) if found else None
            if not isinstance(text, str):
                return value
            left -= len(text)
            if left < 0:
                raise Skip("The sample's attachments are put in so often that it grows beyond what is accepted.")
            return text
        if isinstance(value, list):
            return [resolved(each) for each in value]
        return {key: resolved(each) for key, each in value.items()} if isinstance(value, dict) else value

    return {key: resolved(value) for key, value in kept.items()}

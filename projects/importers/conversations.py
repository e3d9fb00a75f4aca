"""Data sets of conversations and preferences, as on Hugging Face.

- ``messages`` with role and content, and ShareGPT's ``conversations`` with from and value.
- ``prompt, chosen, rejected`` as texts or messages; HH-RLHF's transcripts, which hold the prompt too.
- UltraFeedback's ``instruction`` with ``completions``, each by a model and with ``annotations``.

What the user said before the first answer is the item, the rest is the output. A preference pair does not say who
chose, nor which answer was shown first; neither is made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from projects.importers import beside, limits, payloads, sniffing, values
from projects.importers.literals import parsed
from projects.importers.records import (
    HumanRatingRecord,
    ItemRecord,
    Message,
    OutputRecord,
    Problem,
    Record,
    RunRecord,
    ScoreRecord,
    Skip,
    Source,
    SystemKey,
    SystemRecord,
    refusal,
)
from projects.importers.rows import each_row, first_rows, rest_of
from projects.importers.scoring import Trials, metric_name, score, tried
from projects.importers.shapes import as_dict, as_list, as_text
from projects.importers.tables import Row

TITLE = "Conversations and preference pairs (messages, ShareGPT, chosen and rejected, UltraFeedback)"

_IDS = ("id", "prompt_id", "conversation_id", "conversation_hash", "uuid")
_MODELS = ("model", "model_name", "generator", "source_model")
_TURN = re.compile(r"(?:\A|\n\n)(Human|Assistant):")
_PREFERENCE = "chosen answer"
_OTHER_SCORES = frozenset({"output", "response", "answer", "completion", "generation", "metric", "value"})
_TALKS = ("conversations", "messages", "conversation")


def sniff(head: bytes, name: str) -> float:
    for found in (sniffing.keys(head), frozenset(sniffing.header(head))):
        if found >= {"chosen", "rejected"}:
            return 0.85
        if found >= {"instruction", "completions"}:
            return 0.85
        if "conversations" in found and not _OTHER_SCORES & found:
            return 0.8
        if "messages" in found and not (_OTHER_SCORES | {"system", "inputs", "run"}) & found:
            return 0.55 if b'"assistant"' in head or b"'assistant'" in head else 0.0
    return 0.0


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    first = first_rows(stream, name)
    wanted = ({"chosen", "rejected"}, {"instruction", "completions"}, *({key} for key in _TALKS))
    if not any(row.keys() >= keys for row in first for keys in wanted):
        raise refusal(
            name, "No row holds a conversation (messages or conversations), a pair (chosen and rejected), or an "
            "instruction with completions."
        )  # fmt: skip
    reader = _Reader(name, beside.asked_system(options), as_text((options or {}).get("source")))
    yield RunRecord("Conversations")
    yield from each_row(stream, name, reader.row)


class _Reader:
    def __init__(self, name: str, system: str, source: str) -> None:
        self.name, self.asked, self.source = name, system, source
        self.systems: set[SystemKey] = set()
        self.trials = Trials()

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        if row.keys() >= {"chosen", "rejected"}:
            yield from self._pair(line, row)
        elif row.keys() >= {"instruction", "completions"}:
            yield from self._completions(line, row)
        else:
            yield from self._talk(row)

    def _system(self, name: Any) -> Iterator[SystemRecord]:
        key = _key(name)
        if key not in self.systems:
            self.systems.add(key)
            yield SystemRecord(*key)

    # One conversation

    def _talk(self, row: Row) -> Iterator[Record | Problem]:
        column = next((each for each in _TALKS if row.get(each)), "")
        turns = payloads.conversation_or_none(parsed(row.get(column)))
        if not turns:
            raise Skip("The row holds no conversation: a list of messages, each with role and content.", column)
        asked, answered = payloads.split(turns)
        if not asked:
            raise Skip("The conversation begins with the system's answer, so nothing was asked.", column)
        known = {*_IDS, *_TALKS, *_MODELS}
        item = ItemRecord(_ident(row, asked), messages=asked, metadata=rest_of(row, known))
        if not answered:
            yield item
            return
        name = _told(row, _MODELS) or self.asked
        if not name:
            raise beside.unknown_system(self.name)
        yield item
        yield from self._system(name)
        answer = payloads.said(answered)
        repeat = self.trials.next(item.external_id, _key(name))
        yield OutputRecord(item.external_id, _key(name), answer.text, answer.messages, repeat)

    # Two answers

    def _pair(self, line: int, row: Row) -> Iterator[Record | Problem]:
        sides = [_turns(row, column) for column in ("chosen", "rejected")]
        asked, answers = _common(row, sides)
        if not all(answers):
            raise Skip("The row lacks the chosen or the rejected answer.", "rejected" if answers[0] else "chosen")
        if not asked:
            raise Skip("The row does not say what was asked: it has no prompt, and the answers share no beginning.")
        known = {*_IDS, "prompt", "chosen", "rejected", "score_chosen", "score_rejected", "messages", "question"}
        named = [
            _told(row, (f"{side}_model", f"model_{side}", f"{side}-model")) or side for side in ("chosen", "rejected")
        ]
        if named[0] == named[1]:
            named = ["chosen", "rejected"]
        item = ItemRecord(_ident(row, asked), messages=asked, metadata=rest_of(row, known))
        yield item
        outputs = []
        repeat = max(self.trials.next(item.external_id, _key(name)) for name in named)
        for name, turns in zip(named, answers, strict=True):
            answer = payloads.said(turns)
            yield from self._system(name)
            outputs.append(OutputRecord(item.external_id, _key(name), answer.text, answer.messages, repeat))
            yield outputs[-1]
        yield self._preference(
            outputs, is_transcript=isinstance(row["chosen"], str) and bool(_TURN.match(row["chosen"]))
        )
        for output, column in zip(outputs, ("score_chosen", "score_rejected"), strict=True):
            if not values.is_missing(row.get(column)):
                yield from tried(self.name, line, iter_score("preference score", row[column], output))

    def _preference(self, outputs: list[OutputRecord], *, is_transcript: bool) -> Record:
        first, second = outputs
        if self.source == "human" or (is_transcript and not self.source):  # HH-RLHF: people chose
            return HumanRatingRecord(_PREFERENCE, first.item, first.system, label="a", system_b=second.system,
                                     repeat=first.repeat)  # fmt: skip
        source: Source = "llm" if self.source == "llm" else "code"
        return ScoreRecord(_PREFERENCE, first.item, first.system, second.system, first.repeat, kind="preference",
                           label="a", source=source)  # fmt: skip

    # Several answers, each judged

    def _completions(self, line: int, row: Row) -> Iterator[Record | Problem]:
        asked = payloads.asked(row["instruction"]).messages
        if not asked:
            raise Skip("The row has no instruction.", "instruction")
        references = [each for key in ("correct_answers",) for each in values.texts(parsed(row.get(key)))]
        rest = rest_of(row, {*_IDS, "instruction", "completions", "models", "correct_answers"})
        item = ItemRecord(_ident(row, asked), messages=asked, reference=tuple(references), metadata=rest)
        yield item
        for completion in map(as_dict, as_list(parsed(row["completions"]))):
            name, text = as_text(completion.get("model")), values.body(completion.get("response"))
            if not name or text is None:
                raise Skip("A completion names no model or holds no response.", "completions")
            yield from self._system(name)
            output = OutputRecord(
                item.external_id, _key(name), text, repeat=self.trials.next(item.external_id, _key(name))
            )
            yield output
            yield from self._annotations(line, completion, output)

    def _annotations(self, line: int, completion: dict[str, Any], output: OutputRecord) -> Iterator[Record | Problem]:
        for aspect, given in as_dict(completion.get("annotations")).items():
            told = as_dict(next(iter(given), None) if isinstance(given, list) and given else given)
            rating = told.get("Rating", told.get("rating"))
            reason = as_text(told.get("Rationale")) or as_text(told.get("rationale"))
            if "Rating" in told or "rating" in told:
                yield from tried(self.name, line, iter_score(aspect, rating, output, source="llm", explanation=reason))
        for key in ("overall_score", "fine-grained_score"):
            if not values.is_missing(completion.get(key)):
                reason = as_text(completion.get("critique"))
                found = iter_score(key, completion[key], output, source="llm", explanation=reason)
                yield from tried(self.name, line, found)


def iter_score(metric: str, cell: Any, output: OutputRecord, **more: Any) -> Iterator[Record]:
    yield score(metric_name(metric), cell, output, **more)


def _key(name: Any) -> SystemKey:
    return as_text(name).strip()[: limits.MAX_NAME_CHARS], ""


def _told(row: Row, columns: tuple[str, ...]) -> str:
    return next((word for column in columns if (word := as_text(row.get(column)).strip())), "")


def _ident(row: Row, asked: tuple[Message, ...]) -> str:
    named = payloads.named_id(row, parsed(row.get("metadata")))
    return payloads.identity(asked, named, *(payloads.fitting_id(row.get(key)) for key in _IDS))


def _turns(row: Row, column: str) -> tuple[Message, ...]:
    """A list of messages, a transcript, or one answer."""
    cell = parsed(row.get(column))
    if isinstance(cell, list):
        turns = payloads.conversation_or_none(cell)
        if not turns:
            raise Skip("The cell is no list of messages, each with role and content.", column)
        return turns
    text = values.body(cell) or ""
    marks = list(_TURN.finditer(text))
    if not marks or marks[0].start():
        return ({"role": "assistant", "content": text},) if text.strip() else ()
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return tuple(
        {"role": "user" if mark[1] == "Human" else "assistant", "content": text[mark.end() : end].strip()}
        for mark, end in zip(marks, ends, strict=True)
    )


def _common(row: Row, sides: list[tuple[Message, ...]]) -> tuple[tuple[Message, ...], list[tuple[Message, ...]]]:
    """What both sides begin with is what was asked; a prompt of its own comes before it."""
    prompt = parsed(row.get("prompt", row.get("question")))
    asked = payloads.asked(prompt).messages if prompt else ()
    transcript = _turns({"prompt": prompt}, "prompt") if isinstance(prompt, str) and _TURN.match(prompt) else ()
    if transcript:
        asked = tuple(turn for turn in transcript if turn["content"])
    shared = 0
    while shared < min(map(len, sides)) - 1 and sides[0][shared] == sides[1][shared]:
        shared += 1
    rest = [side[shared:] for side in sides]
    return sides[0][:shared] if shared else asked, rest

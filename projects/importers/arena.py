"""Arena-style votes: two models, a winner, a judge who may be a person; and MT-Bench's human judgments.

A person's vote becomes a human answer, a model's an automated preference. The item holds what the user said,
each output what its model answered. In the arena A stands on the left; elsewhere the side is not told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from projects.importers import limits, sniffing, values
from projects.importers.identity import digest_id
from projects.importers.records import (
    HumanRatingRecord,
    ItemRecord,
    Message,
    OutputRecord,
    Position,
    Problem,
    Record,
    RunRecord,
    ScoreRecord,
    Skip,
    SystemKey,
    SystemRecord,
    refusal,
)
from projects.importers.rows import each_row, item_in, metric_of, rest_of, system_in, turn_in, versioned
from projects.importers.scoring import metric_name
from projects.importers.shapes import as_text
from projects.importers.tables import Row

TITLE = "Arena-style votes between two models (JSON Lines, JSON, CSV, Parquet)"

_VOTE = ("model_a", "model_b", "winner")
_WINNERS = {"model_a": "a", "model_b": "b", "tie": "tie", "tie (bothbad)": "both_bad", "both_bad": "both_bad",
            "both_good": "both_good"}  # fmt: skip
_PEOPLE = re.compile(r"(?:arena_user|author|expert|human|people|person|crowd|worker|annotator|rater|user)(?![a-z])")
_KEPT_APART = ("question_id", *_VOTE, "judge", "conversation_a", "conversation_b", "turn", "language", "tstamp")
# What our export of votes says beyond the Arena's columns.
_OURS = ("criterion", "position", "strength", "both_good", "comment", "final")


class _Judge(NamedTuple):
    name: str  # of the model, or of the person, who then goes by a pseudonym
    prompt: str
    is_person: bool


def sniff(head: bytes, name: str) -> float:
    return 0.9 if any(sniffing.has(found, *_VOTE) for found in (sniffing.keys(head), sniffing.header(head))) else 0.0


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    reader = _Reader()
    yield RunRecord("Arena")
    yield from each_row(stream, name, reader.row)
    if not reader.known:
        raise refusal(name, "No row is a vote: each names model_a, model_b and a winner.")


class _Reader:
    def __init__(self) -> None:
        self.known = 0
        self.items: set[str] = set()
        self.systems: set[SystemKey] = set()

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        if not row.keys() >= set(_VOTE):
            raise Skip("The row is no vote: it must name model_a, model_b and a winner.")
        self.known += 1
        sides = system_in(row, "model_a"), system_in(row, "model_b")
        if sides[0] == sides[1]:
            raise Skip("The two models of the pair are the same.", "model_b")
        talks = [_conversation(row, column) for column in ("conversation_a", "conversation_b")]
        item = _item(row, talks)
        vote = _vote(row, item.external_id, sides)
        if item.external_id not in self.items:
            self.items.add(item.external_id)
            yield item
        for system, talk in zip(sides, talks, strict=True):
            if system not in self.systems:
                self.systems.add(system)
                yield SystemRecord(*system)
            if answered := [message for message in talk if not _is_asked(message)]:
                yield _output(item.external_id, system, answered)
        yield vote


def _conversation(row: Row, column: str) -> tuple[Message, ...]:
    cell = row.get(column)
    if values.is_missing(cell):
        return ()
    try:
        return values.conversation(cell)
    except ValueError as error:
        raise Skip(str(error), column) from None


def _is_asked(message: Message) -> bool:
    return message["role"] in {"user", "system"}


def _item(row: Row, talks: list[tuple[Message, ...]]) -> ItemRecord:
    asked = [tuple(message for message in talk if _is_asked(message)) for talk in talks]
    if all(asked) and asked[0] != asked[1]:
        raise Skip("The two conversations ask different things, so they are not about one item.", "conversation_b")
    messages = asked[0] or asked[1]
    unnamed = values.is_missing(row.get("question_id")) and messages
    ident = digest_id(list(messages)) if unnamed else item_in(row)
    language = as_text(row.get("language"))[:35]
    return ItemRecord(ident, messages=messages, language=language, metadata=rest_of(row, (*_KEPT_APART, *_OURS)))


def _output(item: str, system: SystemKey, answered: list[Message]) -> OutputRecord:
    only = answered[0]
    if len(answered) == 1 and only["role"] == "assistant" and isinstance(only["content"], str):
        return OutputRecord(item, system, text=only["content"])
    return OutputRecord(item, system, messages=tuple(answered))


def _vote(row: Row, item: str, sides: tuple[SystemKey, SystemKey]) -> Record:
    winner = values.text(row["winner"]) if not isinstance(row["winner"], dict | list) else ""
    if row.get("both_good") is True and winner == "tie":
        winner = "both_good"
    label = _WINNERS.get(winner.lower()) or {sides[0][0]: "a", sides[1][0]: "b"}.get(winner, "")
    missing = winner == "error" or values.is_missing(row["winner"])
    if not label and not missing:
        raise Skip("The winner must be model_a, model_b, tie or tie (bothbad).", "winner")
    judge, turn = _judge(row.get("judge")), turn_in(row)
    if judge.is_person:
        stood = judge.name.startswith("arena_user") or as_text(row.get("position")) == "a_first"
        position: Position = "a_first" if stood else ""
        return HumanRatingRecord(
            metric_name(row.get("criterion") or "Arena preference"),
            item,
            sides[0],
            judge.name,
            number=_strength(row, label),
            label=label if _strength(row, label) is None else "",
            comment=as_text(row.get("comment")),
            system_b=sides[1],
            position=position,
            turn=turn,
        )
    tstamp = values.finite(row.get("tstamp"))
    return ScoreRecord(
        metric=metric_of("Arena preference", judge.name),
        item=item,
        system=sides[0],
        system_b=sides[1],
        kind="preference",
        label=label,
        source="llm",
        judge=versioned(judge.name, judge.prompt),
        missing_reason="The judge named no winner." if missing else "",
        turn=turn,
        details=None if tstamp is None else {"tstamp": tstamp},
    )


def _strength(row: Row, label: str) -> float | None:
    """How strong the preference is, signed towards B, where the row says so."""
    strength = values.finite(row.get("strength"))
    return strength * {"a": -1, "b": 1}[label] if strength and label in {"a", "b"} else None


def _judge(cell: Any) -> _Judge:
    """["human", "author_2"], "expert_7" and "arena_user_973" are people; ["gpt-4", "pair-v2"] is a model.

    A vote without a judge is taken for a person's: nobody writes a model's judgment down without its name."""
    parts = [values.text(part) for part in (cell if isinstance(cell, list) else [cell]) if isinstance(part, str | int)]
    named = [part[: limits.MAX_NAME_CHARS] for part in parts if part]
    people = [part for part in named if _PEOPLE.match(part.lower())]
    if people or not named:
        # The name that tells most: "author_2" rather than "human".
        others = [part for part in named if part.lower() not in {"human", "person", "people"}]
        return _Judge(others[-1] if others else "", "", True)
    return _Judge(named[0], named[1] if len(named) > 1 else "", False)

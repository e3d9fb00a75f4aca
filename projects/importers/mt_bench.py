"""MT-Bench (FastChat's llm_judge): questions, model answers, judgments of one answer and of two.

Checked against the files of FastChat's own judging functions. Which of the four a row is, is told by its keys,
so the files may come in any order, together or alone: everything is joined by question id and model name.

- A question is a script of turns. The item holds the user's turns, the output the model's, each complete in its
  own file; turn 1 of a judgment is about the first of them.
- A score of -1, or a winner 'error', means that the judge's answer could not be read: no value.
- The judge sees a pair twice, in game 2 with the sides swapped; both winners are model names already. They are
  two scores that differ in position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from projects.importers import beside, sniffing, values
from projects.importers.identity import user_message
from projects.importers.records import (
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
    note,
    refusal,
)
from projects.importers.rows import (
    each_row,
    item_in,
    metric_of,
    rest_of,
    system_in,
    turn_in,
    turn_text,
    versioned,
)
from projects.importers.shapes import as_dict, as_list, as_text
from projects.importers.tables import Row

TITLE = "MT-Bench questions, answers and judgments (JSON Lines)"

_QUESTION, _ANSWER = ("question_id", "turns"), ("question_id", "model_id", "choices")
_SINGLE, _PAIR = ("question_id", "judgment", "score"), ("question_id", "g1_winner")
_FAILED = "$ERROR$"  # FastChat writes this where the call of a model failed
_LOWEST, _HIGHEST = 1.0, 10.0
_WINNERS = {"model_1": "a", "model_2": "b", "tie": "tie"}


def sniff(head: bytes, name: str) -> float:
    found = sniffing.keys(head)
    if any(sniffing.has(found, *wanted) for wanted in (_PAIR, _SINGLE, _ANSWER)):
        return 0.95
    return 0.9 if sniffing.has(found, *_QUESTION) else 0.0


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    reader = _Reader(name)
    yield RunRecord("MT-Bench")
    yield from each_row(stream, name, reader.row)
    if not reader.known:
        raise refusal(
            name, "No row is an MT-Bench question, answer or judgment: each of these names a question_id, and "
            "turns, choices, score or g1_winner."
        )  # fmt: skip
    alone = "shared" not in (options or {}) and not any(sniff(head, "") for _, head in beside.heads(options))
    if alone and reader.kinds <= {_PAIR, _SINGLE, _ANSWER}:
        missing = "questions" if _ANSWER in reader.kinds else "questions and answers"
        yield note(name, f"The {missing} are not in this file, so what they would tell has no text, unless it was "
                   "imported before: question.jsonl and model_answer have them. Import the run's folder.")  # fmt: skip


class _Reader:
    def __init__(self, name: str) -> None:
        self.name = name
        self.known = 0
        self.kinds: set[tuple[str, ...]] = set()

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        kinds: list[tuple[tuple[str, ...], Callable[[int, Row], Iterator[Record | Problem]]]] = [
            (_PAIR, self._pair), (_SINGLE, self._single), (_ANSWER, self._answer), (_QUESTION, self._question),
        ]  # fmt: skip
        for wanted, reading in kinds:
            if row.keys() >= set(wanted):
                self.known += 1
                self.kinds.add(wanted)
                yield from reading(line, row)
                return
        raise Skip("The row is no MT-Bench question, answer or judgment.")

    def _question(self, line: int, row: Row) -> Iterator[Record | Problem]:
        turns = [turn_text(turn) for turn in as_list(row["turns"])]
        if not turns or None in turns:
            raise Skip("The turns must be a list of at least one text.", "turns")
        groups = {key: values.text(row[key]) for key in ("category", "cluster") if isinstance(row.get(key), str)}
        yield ItemRecord(
            item_in(row),
            messages=tuple(message for turn in turns for message in user_message(turn or "")),
            reference=values.texts(row.get("reference")),
            metadata=rest_of(row, ("question_id", "turns", "reference")),
            tags=tuple(f"{key}:{word}"[:150] for key, word in groups.items() if word),
        )

    def _answer(self, line: int, row: Row) -> Iterator[Record | Problem]:
        item, system = item_in(row), system_in(row, "model_id")
        choices = as_list(row["choices"])
        if not choices:
            raise Skip("The answer has no choices.", "choices")
        yield SystemRecord(*system)
        kept = rest_of(row, ("question_id", "model_id", "choices"))
        for position, choice in enumerate(choices):
            index = values.count(as_dict(choice).get("index"))
            repeat = position if index is None else index
            turns = [turn_text(turn) for turn in as_list(as_dict(choice).get("turns"))]
            if not turns or None in turns:
                raise Skip(f"Choice {position + 1} has no list of turns, each a text.", "choices")
            yield _output(item, system, repeat, [turn or "" for turn in turns], kept)

    def _single(self, line: int, row: Row) -> Iterator[Record | Problem]:
        item, system, turn = item_in(row), system_in(row, "model"), turn_in(row)
        judge = _judge(row)
        number, why = values.finite(row["score"]), ""
        if number == -1:
            number, why = None, "The judge's answer held no score that could be read (-1 in the file)."
        elif number is None:
            why = "The file gives no score."
        elif not _LOWEST <= number <= _HIGHEST:
            yield note(self.name, f"The score {number:g} is not on the scale of 1 to 10.", line, "score")
        if as_text(row["judgment"]).strip() == _FAILED:
            number, why = None, "The call of the judge failed."
        yield ScoreRecord(
            metric=metric_of("MT-Bench score", judge[0]),
            item=item,
            system=system,
            number=number,
            source="llm",
            minimum=_LOWEST,
            maximum=_HIGHEST,
            direction="higher",
            judge=versioned(*judge),
            explanation=as_text(row["judgment"]),
            missing_reason=why,
            turn=turn,
            details=_details(row, judge),
        )

    def _pair(self, line: int, row: Row) -> Iterator[Record | Problem]:
        sides = system_in(row, "model_1"), system_in(row, "model_2")
        if sides[0] == sides[1]:
            raise Skip("The two models of the pair are the same.", "model_2")
        games: list[tuple[str, Position]] = [("g1", "a_first"), ("g2", "b_first")]
        for game, position in games:
            if game == "g1" or not values.is_missing(row.get("g2_winner")):
                yield self._game(row, sides, game, position)

    def _game(self, row: Row, sides: tuple[SystemKey, SystemKey], game: str, position: Position) -> ScoreRecord:
        judge, column = _judge(row), f"{game}_winner"
        winner = as_text(row[column]).strip()
        label, why = _WINNERS.get(winner, ""), ""
        if winner == "error" or as_text(row.get(f"{game}_judgment")).strip() == _FAILED:
            label, why = "", "The judge's answer named no winner that could be read (error in the file)."
        elif not label:
            raise Skip("The winner must be model_1, model_2, tie or error.", column)
        return ScoreRecord(
            metric=metric_of("MT-Bench preference", judge[0]),
            item=item_in(row),
            system=sides[0],
            system_b=sides[1],
            kind="preference",
            label=label,
            source="llm",
            judge=versioned(*judge),
            explanation=as_text(row.get(f"{game}_judgment")),
            missing_reason=why,
            position=position,
            turn=turn_in(row),
            details={"game": game, **_details(row, judge)},
        )


def _output(item: str, system: SystemKey, repeat: int, turns: list[str], kept: dict[str, Any]) -> OutputRecord:
    """One turn is a text, several are messages. A turn that failed makes it no answer, however the others are."""
    if any(turn.strip() == _FAILED for turn in turns):
        said = f"The call of the model failed: FastChat wrote {_FAILED}."
        return OutputRecord(item, system, repeat=repeat, error=said, raw={**kept, "turns": turns})
    if len(turns) == 1:
        return OutputRecord(item, system, text=turns[0], repeat=repeat, raw=kept)
    messages: tuple[Message, ...] = tuple({"role": "assistant", "content": turn} for turn in turns)
    return OutputRecord(item, system, messages=messages, repeat=repeat, raw=kept)


def _judge(row: Row) -> tuple[str, str]:
    """The judge and the version of its prompt: ["gpt-4", "pair-v2"], or the name alone."""
    cell = row.get("judge")
    parts = [as_text(part).strip() for part in (cell if isinstance(cell, list) else [cell])]
    name, version, *_ = *[part for part in parts if part], "", ""
    return name, version


def _details(row: Row, judge: tuple[str, str]) -> dict[str, Any]:
    kept = {"prompt": judge[1] or None, "tstamp": values.finite(row.get("tstamp"))}
    return {key: value for key, value in kept.items() if value is not None}

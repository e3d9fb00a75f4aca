"""AlpacaEval: annotations (judged pairs), model outputs, leaderboards.

Checked against the tool's published results and its source.

- ``preference`` runs from 1 (output_1 better) to 2 (output_2 better), 1.5 is a tie; weighted annotators give any
  number between. The probability that output_2 wins is preference − 1, which loses no digit. Older files write
  0 for a tie.
- Rows name no item: the instruction with its dataset is the item. The 805 instructions repeat a few, so other
  outputs for the same instruction are further trials.
- The judge may see the sides swapped; letters tell which. The tool's prompts show model m first, then M.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, BinaryIO

from projects.importers import sniffing, values
from projects.importers.identity import canonical, digest_id, user_message
from projects.importers.jsonscan import loads
from projects.importers.records import (
    HumanRatingRecord,
    ItemRecord,
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
from projects.importers.rows import each_row, metric_of, name_in, rest_of, system_in
from projects.importers.shapes import as_dict, as_list, as_text
from projects.importers.tables import Row

TITLE = "AlpacaEval annotations, model outputs and leaderboards (JSON, CSV)"

_PAIR = ("instruction", "generator_1", "preference")
_OUTPUT = ("instruction", "output", "generator")
_BOARD = ("win_rate", "n_wins", "n_draws")
_FIRST, _SECOND = "m", "M"  # the letters of the tool's prompts, in the order in which they stand there
_TIE = 1.5
_LABELS = {0.0: "a", 0.5: "tie", 1.0: "b"}
_RATES = {"win_rate": "win rate (%)", "length_controlled_winrate": "length-controlled win rate (%)",
          "discrete_win_rate": "discrete win rate (%)"}  # fmt: skip
_HUMAN = re.compile(r"humans?\b", re.IGNORECASE)


def sniff(head: bytes, name: str) -> float:
    found = sniffing.keys(head)
    if sniffing.has(found, *_PAIR):
        return 0.95
    if sniffing.has(found, *_OUTPUT) or sniffing.has(sniffing.header(head), *_BOARD):
        return 0.9
    return 0.0


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    reader = _Reader(name)
    yield RunRecord("AlpacaEval")
    yield from each_row(stream, name, reader.row)
    if not reader.known:
        raise refusal(
            name, "No row is an AlpacaEval annotation (instruction, generator_1, generator_2, preference), a model's "
            "output (instruction, output, generator) or a line of a leaderboard (win_rate, n_wins, n_draws)."
        )  # fmt: skip
    if reader.with_itself:
        yield note(name, f"Comparisons of a model with itself were left out: {reader.with_itself:,}.")


class _Reader:
    def __init__(self, name: str) -> None:
        self.name = name
        self.known = 0
        self.items: set[str] = set()
        self.systems: set[SystemKey] = set()
        self.trials: dict[tuple[str, tuple[SystemKey, ...]], dict[int, int]] = {}  # digest of the texts → trial
        self.board_judge = _judge_of(name)
        self.with_itself = 0

    def row(self, line: int, row: Row) -> Iterator[Record | Problem]:
        if row.keys() >= set(_PAIR):
            reading = self._pair(row)
        elif row.keys() >= set(_OUTPUT):
            reading = self._single(row)
        elif row.keys() >= set(_BOARD):
            reading = self._board(line, row)
        else:
            raise Skip("The row is no AlpacaEval annotation, model output or line of a leaderboard.")
        self.known += 1
        yield from reading

    # Items, systems, outputs

    def _item(self, row: Row) -> ItemRecord:
        instruction = row.get("instruction")
        if not isinstance(instruction, str) or not instruction.strip():
            raise Skip("The row has no instruction.", "instruction")
        dataset = values.text(row.get("dataset")) if isinstance(row.get("dataset"), str) else ""
        messages = user_message(instruction)
        return ItemRecord(
            digest_id([list(messages), dataset]) if dataset else digest_id(messages),
            messages=messages,
            metadata={"dataset": dataset} if dataset else {},
            tags=(f"dataset:{dataset}"[:150],) if dataset else (),
        )

    def _known(self, item: ItemRecord, *systems: SystemKey) -> Iterator[Record]:
        if item.external_id not in self.items:
            self.items.add(item.external_id)
            yield item
        for system in systems:
            if system not in self.systems:
                self.systems.add(system)
                yield SystemRecord(*system)

    def _trial(self, item: str, systems: tuple[SystemKey, ...], texts: list[Any]) -> int:
        """0 for the first outputs of an instruction; the same outputs once more are the same trial."""
        seen = self.trials.setdefault((item, systems), {})
        return seen.setdefault(hash(canonical(texts)), len(seen))

    def _single(self, row: Row) -> Iterator[Record | Problem]:
        item, system = self._item(row), system_in(row, "generator")
        yield from self._known(item, system)
        text = values.body(row["output"])
        cost = values.amount(row.get("price_per_example"))
        yield OutputRecord(
            item.external_id,
            system,
            text=text,
            repeat=self._trial(item.external_id, (system,), [text]),
            error="" if text is not None else "The file holds no output.",
            cost=cost,
            currency="" if cost is None else "USD",
            raw=rest_of(row, (*_OUTPUT, "dataset", "price_per_example")),
        )

    # A judged pair

    def _pair(self, row: Row) -> Iterator[Record | Problem]:
        item = self._item(row)
        sides = system_in(row, "generator_1"), system_in(row, "generator_2")
        texts = [values.body(row.get(column)) for column in ("output_1", "output_2")]
        probability, why = _probability(row["preference"])
        yield from self._known(item, *sides)
        trial = self._trial(item.external_id, sides, texts)
        for system, text in zip(sides, texts, strict=True):
            if text is not None:
                yield OutputRecord(item.external_id, system, text=text, repeat=trial)
        if sides[0] == sides[1]:
            self.with_itself += 1
            return
        yield self._score(row, item.external_id, sides, trial, probability, why)

    def _score(
        self, row: Row, item: str, sides: tuple[SystemKey, SystemKey], trial: int, number: float | None, why: str
    ) -> Record:
        judge = name_in(row, "annotator", "annotator") if not values.is_missing(row.get("annotator")) else ""
        completion = _completion(row.get("raw_completion"))
        if _HUMAN.match(judge) and number in _LABELS:
            return HumanRatingRecord(
                "AlpacaEval preference", item, sides[0], label=_LABELS[number], repeat=trial, system_b=sides[1]
            )
        return ScoreRecord(
            metric=metric_of("AlpacaEval preference", judge),
            item=item,
            system=sides[0],
            system_b=sides[1],
            repeat=trial,
            kind="preference",
            number=number,
            source="llm",
            minimum=0.0,
            maximum=1.0,
            judge=judge,
            explanation=_explanation(row, completion),
            missing_reason=why,
            position=_position(row, completion),
            details=_details(row),
        )

    # A leaderboard

    def _board(self, line: int, row: Row) -> Iterator[Record | Problem]:
        """The first column, which has no name, is the model."""
        column = next(iter(row))
        system = system_in(row, column)
        yield SystemRecord(*system)
        counts = {key: number for key in row if (number := values.finite(row[key])) is not None and key not in _RATES}
        for key, words in _RATES.items():
            if key not in row:
                continue
            number = values.finite(row[key])
            wrong = number is not None and not 0 <= number <= 100
            if wrong:
                yield note(self.name, f"The rate {number:g} is no percentage and was left out.", line, key)
            yield ScoreRecord(
                metric=metric_of(f"AlpacaEval {words}", self.board_judge),
                system=system,
                number=None if wrong else number,
                source="llm",
                minimum=0.0,
                maximum=100.0,
                direction="higher",
                judge=self.board_judge,
                missing_reason="" if number is not None and not wrong else "The leaderboard gives no percentage.",
                details={**counts, **({"mode": row["mode"]} if isinstance(row.get("mode"), str) else {})},
            )


def _probability(cell: Any) -> tuple[float | None, str]:
    """(the probability that output_2 wins, why there is none)"""
    if values.is_missing(cell):
        return None, "The judge's answer held no preference that could be read."
    number = values.finite(cell)
    if number == 0:  # older files
        return _TIE - 1, ""
    if number is None or not 1 <= number <= 2:
        raise Skip("The preference must be a number from 1 (output_1) to 2 (output_2), or 0 for a tie.", "preference")
    return number - 1, ""  # exact: no digit is lost between 1 and 2


def _completion(cell: Any) -> Any:
    """What the judge answered; newer files hold it parsed, older ones as JSON in a text."""
    if isinstance(cell, str) and cell.lstrip()[:1] in {"{", "["}:
        try:
            return loads(cell).value
        except ValueError:
            return cell
    return cell


def _explanation(row: Row, completion: Any) -> str:
    found = as_text(row.get("concise_explanation")) or as_text(as_dict(completion).get("concise_explanation"))
    if found or not isinstance(completion, dict):
        return found or as_text(completion)
    return ""


def _position(row: Row, completion: Any) -> Position:
    """Which output the judge read first: the one called m. '' where the file does not tell."""
    named = as_dict(row.get("referenced_models"))
    first = as_text(named.get(_FIRST)) or {"output_1": "output_2", "output_2": "output_1"}.get(
        as_text(named.get(_SECOND)), ""
    )
    if first:
        return "a_first" if first == "output_1" else "b_first" if first == "output_2" else ""
    return _position_by_weight(values.finite(row["preference"]), as_dict(completion))


def _position_by_weight(preference: float | None, completion: dict[str, Any]) -> Position:
    """A weighted preference is the share of one letter's probability: the letter it is the share of is output_2."""
    tokens = as_list(as_dict(completion.get("logprobs")).get("content"))
    found: dict[str, float] = {}
    for each in as_list(as_dict(tokens[0] if tokens else None).get("top_logprobs")):
        weight = values.finite(as_dict(each).get("logprob"))
        if weight is not None and weight <= 0:
            found.setdefault(as_text(as_dict(each).get("token")), math.exp(weight))
    if preference is None or not 1 <= preference <= 2 or not {_FIRST, _SECOND} & found.keys():
        return ""
    total = found.get(_FIRST, 0.0) + found.get(_SECOND, 0.0)
    share, wanted = found.get(_FIRST, 0.0) / total if total else 0.5, preference - 1
    if abs(share - (1 - share)) < 1e-3:  # too even to say which it is
        return ""
    by_first, by_second = abs(share - wanted), abs(1 - share - wanted)
    if min(by_first, by_second) > 1e-4:
        return ""
    return "b_first" if by_first < by_second else "a_first"


def _details(row: Row) -> dict[str, Any]:
    completion = as_dict(row.get("raw_completion"))
    kept = {
        "price_usd": values.amount(row.get("price_per_example")),
        "seconds": values.amount(row.get("time_per_example")),
        "ordered_models": values.plain(completion.get("ordered_models")),
        "referenced_models": values.plain(row.get("referenced_models")),
    }
    return {key: value for key, value in kept.items() if value is not None}


def _judge_of(name: str) -> str:
    """The tool names a leaderboard after its judge: weighted_alpaca_eval_gpt4_turbo_leaderboard.csv."""
    stem = PurePath(name).stem
    return stem.removesuffix("_leaderboard") if stem.endswith("_leaderboard") else ""

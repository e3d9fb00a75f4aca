"""What an LLM judge answered to an exported judge prompt, back as values of the same criteria. Pure.

Three shapes: our own (a line of JSON an answer, in the exported schema), promptfoo's results of the exported
assertions, and Inspect's logs of the exported scorers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from projects.importers.records import Problem, Record, ScoreRecord
from rubrics.criteria import CRITERIA
from rubrics.judge_prompts import asked, compares
from rubrics.specs import AnswerError, CriterionSpec, RubricSpec

PLACE = ("item", "system", "system_version", "system_b", "repeat", "variant", "position")
SIDES = "abcdef"  # how an answer about one of several outputs is named
_FENCE = re.compile(r"^\s*```(?:json)?\s*\n(.*)\n\s*```\s*$", re.S)
_BRACKET = re.compile(r"^\s*\[([^\]\n]{1,200})\]")
_SCORER = re.compile(r"^model_graded_qa(\d*)$")


@dataclass
class Read:
    """Rows of scores as the generic importer reads them, and what could not be used."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    criteria: set[str] = field(default_factory=set)  # those that got a row


def metric_key(rubric: str, version: int, criterion: str) -> str:
    return f"{criterion}, judge of {rubric} v{version}"[:150]


# --- Our own shape ------------------------------------------------------------------------------------------


def answers_in(spec: RubricSpec, lines: Iterable[str], name: str, key: dict[str, str]) -> Read:
    """Every line: `item`, `system` (in a comparison `system_b` as well; of more the list `systems`, in the order of the
    letters), and `answer`. `key`: the metric of each."""
    read = Read()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            answer = _answer_of(row)
        except (ValueError, RecursionError) as error:
            read.problems.append(Problem(f"{name}, line {number}", str(error)))
            continue
        place = {field: row[field] for field in (*PLACE, "judge") if row.get(field) not in (None, "")}
        systems = row.get("systems", [])
        for criterion, side, given in _given(spec, answer, len(systems)):
            where = f"{name}, line {number}, {criterion.key}{'.' + side if side else ''}"
            about = _beside(place, criterion, side)
            if systems and side:
                about = {**place, "system": systems[SIDES.index(side)]}
            if CRITERIA[criterion.type].modes == ("rank",):
                _add_order(read, criterion, given, {**place, "systems": systems}, where, key)
            elif criterion.scope == "turn":
                _add_turns(read, criterion, given, about, where, key)
            else:
                _add(read, criterion, given, about, where, key)
        known = [*(f"{c.key}.{side}" for c in asked(spec) for side in SIDES), *(c.key for c in asked(spec))]
        unknown = set(answer) - set(known)
        if unknown:
            why = f"The rubric does not ask “{sorted(unknown)[0]}”. It asks: {', '.join(c.key for c in asked(spec))}."
            read.problems.append(Problem(f"{name}, line {number}", why))
    return read


def _answer_of(row: Any) -> dict[str, Any]:
    if not isinstance(row, dict) or not row.get("item") or not (row.get("system") or row.get("systems")):
        raise ValueError('Each line needs item, system and answer, such as {"item": …, "system": …, "answer": {…}}.')
    systems = row.get("systems")
    if systems is not None and not _are_systems(systems):
        raise ValueError("“systems” must be a list of 2 to 6 different names, in the order of the letters A, B, C …")
    answer = row.get("answer")
    if isinstance(answer, str):  # as the judge wrote it, perhaps fenced
        fenced = _FENCE.match(answer)
        try:
            answer = json.loads(fenced.group(1) if fenced else answer)
        except ValueError:
            raise ValueError(
                "The answer is no JSON object, so it is not counted. Nothing is guessed from it."
            ) from None
    if not isinstance(answer, dict):
        raise ValueError("The answer must be a JSON object, in the shape of the exported schema.")
    return answer


def _are_systems(systems: Any) -> bool:
    named = isinstance(systems, list) and all(isinstance(each, str) and each for each in systems)
    return named and 2 <= len(systems) <= len(SIDES) and len(set(systems)) == len(systems)  # noqa: PLR2004


def _given(spec: RubricSpec, answer: dict[str, Any], n: int) -> Iterator[tuple[CriterionSpec, str, Any]]:
    """`n`: how many outputs the line names, where it names them in a list."""
    several = compares(spec)
    for criterion in asked(spec):
        for side in SIDES[: n or 2] if several and criterion.scope != "task" else ("",):
            name = f"{criterion.key}.{side}" if side else criterion.key
            if name in answer:
                yield criterion, side, answer[name]


def _beside(place: dict[str, Any], criterion: CriterionSpec, side: str) -> dict[str, Any]:
    """About one output of a pair: that one alone."""
    if CRITERIA[criterion.type].answers == "pairs":
        return place
    alone = {k: v for k, v in place.items() if k not in ("system_b", "position")}
    return {**alone, "system": place.get("system_b", "")} if side == "b" else alone


def _add(
    read: Read, criterion: CriterionSpec, given: Any, place: dict[str, Any], where: str, key: dict[str, str]
) -> None:
    value, reason = (given.get("value"), given.get("reason", "")) if isinstance(given, dict) else (given, "")
    if value is None:
        return  # it was not asked there
    problem, stored = stored_value(criterion, value)
    if problem:
        read.problems.append(Problem(where, problem))
        return
    row = {
        **place,
        "metric": key[criterion.key],
        "source": "llm",
        "kind": CRITERIA[criterion.type].score_kind(criterion),
        "value": stored,
    }
    row |= {"explanation": str(reason)[:5000]} if reason else {}
    read.rows.append(row | scale_of(criterion))
    read.criteria.add(criterion.key)


def _add_order(
    read: Read, criterion: CriterionSpec, given: Any, place: dict[str, Any], where: str, key: dict[str, str]
) -> None:
    """An order of several outputs, as what it says of each two: that is what its figures are made of."""
    reasoned = isinstance(given, dict) and "value" in given
    value, reason = (given["value"], given.get("reason", "")) if reasoned else (given, "")
    if value in (None, "cannot_judge"):
        return  # it was not asked there, or could not be judged: nothing is said of any two
    kind, systems = CRITERIA[criterion.type], place["systems"]
    problem, data = "Name the systems of the answers A, B, C … in a list “systems”.", None
    if systems:
        problem, data = stored_value(replace(criterion, outputs=len(systems)), value)
    if problem:
        read.problems.append(Problem(where, problem))
        return
    row = {**place, "metric": key[criterion.key], "source": "llm", "kind": "preference", "position": "a_first"}
    row |= {"explanation": str(reason)[:5000]} if reason else {}
    del row["systems"]
    for ahead, behind, tied in kind.comparisons(data, len(systems)):
        first, second = sorted((ahead, behind))
        said = "tie" if tied else "a" if ahead == first else "b"
        read.rows.append({**row, "system": systems[first], "system_b": systems[second], "value": said})
    read.criteria.add(criterion.key)


def _add_turns(
    read: Read, criterion: CriterionSpec, given: Any, place: dict[str, Any], where: str, key: dict[str, str]
) -> None:
    """A list, of each turn in order one answer. What is no list is about no turn that could be told."""
    if not isinstance(given, list):
        why = f"“{criterion.key}” is asked about each turn. Accepted: a list with one answer for each turn, in order."
        read.problems.append(Problem(where, why))
        return
    for n, one in enumerate(given, start=1):
        _add(read, criterion, one, {**place, "turn": n}, f"{where}, turn {n}", key)


# --- Values -------------------------------------------------------------------------------------------------


def scale_of(criterion: CriterionSpec) -> dict[str, Any]:
    """Scale and direction, which the criterion knows and nobody need say. A preference leans to b above 0."""
    kind = CRITERIA[criterion.type]
    low, high = kind.score_bounds(criterion)
    found: dict[str, Any] = {"direction": direction} if (direction := kind.score_direction(criterion)) else {}
    found |= {"minimum": low} if low is not None else {}
    return found | ({"maximum": high} if high is not None else {})


def stored_value(criterion: CriterionSpec, value: Any) -> tuple[str, Any]:
    """A sentence where the criterion has no such answer, else what is stored. “Cannot judge” is missing, never 0."""
    if value == "cannot_judge":
        said = "" if criterion.allow_cannot_judge else f"“{criterion.key}” does not offer “cannot judge”."
        return said, "n/a"
    try:
        return "", CRITERIA[criterion.type].judged(criterion, value)
    except AnswerError as error:
        return str(error), None


# --- promptfoo and Inspect ----------------------------------------------------------------------------------


def answers_of_records(spec: RubricSpec, records: Iterable[Record | Problem], name: str, key: dict[str, str]) -> Read:
    """Scores whose metric is a criterion's key (promptfoo), or that exported Inspect scorers gave, in their order."""
    read = Read()
    keys = {c.key: c for c in asked(spec)}
    order = list(keys.values())
    for record in records:
        if not isinstance(record, ScoreRecord):
            continue
        scorer = _SCORER.match(record.metric)
        place = int(scorer.group(1) or 0) if scorer else -1
        criterion = keys.get(record.metric) or (order[place] if 0 <= place < len(order) else None)
        if criterion is None or record.item is None or record.system is None:
            continue
        beside: dict[str, Any] = {
            "item": record.item,
            "system": record.system[0],
            "system_version": record.system[1],
            "judge": record.judge,
            "repeat": record.repeat or "",
            "variant": record.variant,
        }
        beside = {k: v for k, v in beside.items() if v != ""}
        where = f"{name}, item {record.item}, {criterion.key}"
        given = _chosen(criterion, record)
        if given is None:
            why = record.missing_reason or "The score does not say which answer was chosen."
            read.problems.append(Problem(where, why))
        else:
            _add(read, criterion, {"value": given, "reason": record.explanation}, beside, where, key)
    return read


def _chosen(criterion: CriterionSpec, record: ScoreRecord) -> Any:
    """The answer in brackets at the head of the reason, as the exported assertion asks for it; else by its score."""
    kind = CRITERIA[criterion.type]
    unable = {"cannot_judge"} if criterion.allow_cannot_judge else set()
    bracket = _BRACKET.match(record.explanation)
    said = bracket.group(1).strip() if bracket else ""
    if said in unable:
        return said
    if said and (given := kind.from_bracket(criterion, said)) is not None:
        return given
    if record.label in {level.code for level in criterion.levels} | unable:
        return record.label
    if record.number is None:
        return None
    if _SCORER.match(record.metric):
        return next((x.code for x in criterion.levels if x.number == record.number), None)
    for code, score in kind.shares(criterion):
        if abs(score - record.number) < 1e-3:
            return code
    low, high = kind.bounds(criterion)
    if low is not None and high is not None and 0 <= record.number <= 1:
        return round(low + record.number * (high - low), 6)
    return None

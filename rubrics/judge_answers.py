"""What an LLM judge answered to an exported judge prompt, back as values of the same criteria. Pure.

Three shapes: our own (a line of JSON an answer, in the exported schema), promptfoo's results of the exported
assertions, and Inspect's logs of the exported scorers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from projects.importers.records import Problem, Record, ScoreRecord
from rubrics.criteria import CRITERIA
from rubrics.judge_prompts import asked, bounds_of, compares, score_table
from rubrics.specs import CriterionSpec, RubricSpec

PLACE = ("item", "system", "system_version", "system_b", "repeat", "variant", "position")
_FENCE = re.compile(r"^\s*```(?:json)?\s*\n(.*)\n\s*```\s*$", re.S)
_BRACKET = re.compile(r"^\s*\[([^\]\n]{1,60})\]")
_SCORER = re.compile(r"^model_graded_qa(\d*)$")
TIES = ("tie", "both_good", "both_bad")


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
    """Every line: `item`, `system` (in a comparison `system_b` as well), and `answer`. `key`: the metric of each."""
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
        for criterion, side, given in _given(spec, answer):
            where = f"{name}, line {number}, {criterion.key}{'.' + side if side else ''}"
            about = _beside(place, criterion, side)
            if criterion.scope == "turn":
                _add_turns(read, criterion, given, about, where, key)
            else:
                _add(read, criterion, given, about, where, key)
        unknown = set(answer) - {n for c in asked(spec) for n in (c.key, f"{c.key}.a", f"{c.key}.b")}
        if unknown:
            why = f"The rubric does not ask “{sorted(unknown)[0]}”. It asks: {', '.join(c.key for c in asked(spec))}."
            read.problems.append(Problem(f"{name}, line {number}", why))
    return read


def _answer_of(row: Any) -> dict[str, Any]:
    if not isinstance(row, dict) or not row.get("item") or not row.get("system"):
        raise ValueError('Each line needs item, system and answer, such as {"item": …, "system": …, "answer": {…}}.')
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


def _given(spec: RubricSpec, answer: dict[str, Any]) -> Iterator[tuple[CriterionSpec, str, Any]]:
    several = compares(spec)
    for criterion in asked(spec):
        for side in ("a", "b") if several and criterion.scope != "task" else ("",):
            name = f"{criterion.key}.{side}" if side else criterion.key
            if name in answer:
                yield criterion, side, answer[name]


def _beside(place: dict[str, Any], criterion: CriterionSpec, side: str) -> dict[str, Any]:
    """About one output of a pair: that one alone."""
    if criterion.type == "preference":
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
    row = {**place, "metric": key[criterion.key], "source": "llm", "kind": kind_of(criterion), "value": stored}
    row |= {"explanation": str(reason)[:5000]} if reason else {}
    read.rows.append(row | scale_of(criterion))
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


def kind_of(criterion: CriterionSpec) -> str:
    if criterion.type == "preference":
        return "preference"
    if criterion.type == "yes_no":
        return "bool"
    return "number" if _is_number(criterion) else "label"


def _is_number(criterion: CriterionSpec) -> bool:
    numbers = [level.number for level in criterion.levels]
    return criterion.type in ("number", "slider") or (
        criterion.type == "scale" and criterion.level_of_measurement != "nominal" and None not in numbers
    )


def scale_of(criterion: CriterionSpec) -> dict[str, Any]:
    """Scale and direction, which the criterion knows and nobody need say. A preference leans to b above 0."""
    if criterion.type == "preference":
        return {}
    low, high = bounds_of(criterion)
    if criterion.type == "scale" and _is_number(criterion):
        numbers = [level.number for level in criterion.levels if level.number is not None]
        low, high = min(numbers), max(numbers)
    found: dict[str, Any] = {"direction": "higher"} if _is_number(criterion) or criterion.type == "yes_no" else {}
    found |= {"minimum": low} if low is not None else {}
    return found | ({"maximum": high} if high is not None else {})


def stored_value(criterion: CriterionSpec, value: Any) -> tuple[str, Any]:
    """A sentence where the criterion has no such answer, else what is stored. “Cannot judge” is missing, never 0."""
    if value == "cannot_judge":
        said = "" if criterion.allow_cannot_judge else f"“{criterion.key}” does not offer “cannot judge”."
        return said, "n/a"
    if criterion.type == "preference":
        return _preferred(criterion, value)
    if criterion.type == "several_of":
        codes = [level.code for level in criterion.levels]
        good = isinstance(value, list) and all(v in codes for v in value)
        if not good:
            return f"Accepted: a list of {', '.join(codes)}.", None
        return "", "|".join(sorted(value, key=codes.index)) or "none"
    if criterion.type in ("number", "slider"):
        low, high = bounds_of(criterion)
        good = isinstance(value, int | float) and not isinstance(value, bool)
        good = good and (low is None or value >= low) and (high is None or value <= high)
        return ("", value) if good else (f"“{value}” is not a number that “{criterion.key}” accepts.", None)
    level = next(
        (x for x in criterion.levels if str(value) == x.code or (x.number is not None and value == x.number)), None
    )
    codes = [str(v) for v in CRITERIA[criterion.type].domain(criterion) or []]
    if isinstance(value, bool) or (level is None and str(value) not in codes):
        known = [x.code for x in criterion.levels] or codes
        return f"“{value}” is no answer of “{criterion.key}”. Its answers are: {', '.join(known)}.", None
    if level is not None and _is_number(criterion):
        return "", level.number
    return "", level.code if level is not None else str(value)


def _preferred(criterion: CriterionSpec, value: Any) -> tuple[str, Any]:
    most = int(criterion.config["points"]) // 2
    if value in criterion.config["ties"]:
        return "", value
    if isinstance(value, int) and not isinstance(value, bool) and value and -most <= value <= most:
        return "", value
    ties = "".join(f", {tie}" for tie in criterion.config["ties"])
    return f"“{value}” is no answer of “{criterion.key}”. Its answers are: -{most} to {most} without 0{ties}.", None


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
    codes: dict[str, Any] = {level.code: level.code for level in criterion.levels}
    if criterion.allow_cannot_judge:
        codes["cannot_judge"] = "cannot_judge"
    bracket = _BRACKET.match(record.explanation)
    if bracket and bracket.group(1).strip() in codes:
        return codes[bracket.group(1).strip()]
    if record.label in codes:
        return record.label
    if record.number is None:
        return None
    if _SCORER.match(record.metric):
        return next((x.code for x in criterion.levels if x.number == record.number), None)
    for code, score in score_table(criterion):
        if abs(score - record.number) < 1e-3:
            return code
    low, high = bounds_of(criterion)
    if criterion.type in ("number", "slider") and low is not None and high is not None and 0 <= record.number <= 1:
        return round(low + record.number * (high - low), 6)
    return None

"""Tasks with a known answer, taken into a round from a file. The same file again changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from django.db import transaction
from django.utils.translation import gettext

from annotation.models import Round, Task
from annotation.services import known_answers
from annotation.services.imported_rows import RatingRow, check_rows
from annotation.services.known_answers import EXPLANATION_MAX, GoldSet, Known
from config.stopping import point_of_no_return
from projects.errors import ServiceError
from projects.importers import tables, values
from projects.importers.records import ImportFileError, place
from projects.models import Output
from rubrics.criteria import CRITERIA
from rubrics.selectors import spec_of

REQUIRED = ("item", "system", "criterion", "value")
COLUMNS = (*REQUIRED, "system_b", "target", "tolerance", "explanation")
PROBLEMS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class _Extra:
    tolerance: float = 0.0
    explanation: str = ""


@dataclass(slots=True)
class _File:
    name: str
    extras: dict[int, _Extra] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def without_extras(self, rows: Iterable[tuple[int, dict[str, Any]]]) -> Iterator[tuple[int, dict[str, Any]]]:
        """The columns that judgments have too; what only gold has is kept aside by row."""
        for number, cells in rows:
            unknown = [column for column in cells if column not in COLUMNS]
            if unknown:
                raise ServiceError(
                    gettext("%(name)s: The column '%(unknown)s' is not known. Accepted: %(join)s.")
                    % {"name": self.name, "unknown": unknown[0], "join": ", ".join(COLUMNS)}
                )
            self.extras[number] = _Extra(self._tolerance(number, cells), self._explanation(number, cells))
            yield number, {k: v for k, v in cells.items() if k not in ("tolerance", "explanation")}

    def _tolerance(self, number: int, cells: dict[str, Any]) -> float:
        cell = cells.get("tolerance")
        if values.text(cell) == "":
            return 0.0
        amount = values.amount(cell)
        if amount is None:
            where = place(self.name, number, "tolerance")
            self.problems.append(f"{where}: “{values.text(cell)}” is not accepted: a number, 0 or more.")
        return amount or 0.0

    def _explanation(self, number: int, cells: dict[str, Any]) -> str:
        text = values.text(cells.get("explanation"))
        if len(text) > EXPLANATION_MAX:
            where = place(self.name, number, "explanation")
            self.problems.append(f"{where}: The text is longer than {EXPLANATION_MAX:,} characters.")
        return text


def gold_import(*, round: Round, stream: BinaryIO, name: str, actor: Any = None, kind: str = Task.Kind.GOLD) -> GoldSet:
    """Read the file, check every row, and write all of it or nothing. `target` o0 is `system`, o1 is `system_b`.
    `kind`: gold tasks, which raters meet unseen, or training tasks, which come first and with feedback."""
    file = _File(name)
    try:
        rows = file.without_extras(tables.read_rows(stream, name))
        checked = check_rows(rows, name=name, rubric=spec_of(round.rubric_version), mode=round.mode)
    except ImportFileError as error:
        raise ServiceError(str(error)) from error
    problems = [*checked.problems, *file.problems]
    problems += [f"{where}: A {kind} task needs an answer." for where, _ in checked.skipped]
    if problems:
        more = len(problems) - PROBLEMS_SHOWN
        raise ServiceError("\n".join(problems[:PROBLEMS_SHOWN] + ([f"and {more:,} more."] if more > 0 else [])))
    with transaction.atomic():
        done = _write(round, kind, checked.rows, file, actor)
        point_of_no_return()
    return done


def _write(round: Round, kind: str, rows: list[RatingRow], file: _File, actor: Any) -> GoldSet:
    row = known_answers.locked(round)
    done = GoldSet(rows=len(rows))
    outputs = _outputs(row, rows)
    for each in rows:
        chosen = [_output_of(each, name, outputs, file.name) for name in each.systems if name]
        where = f"{file.name}: Row {each.row}"
        task = known_answers.task_of(row, kind, chosen, where=where, done=done)
        known_answers.answer_set(task, _known(row, kind, each, chosen, file.extras[each.row], where), done)
    known_answers.finish(row, kind, done, actor)
    return done


def _outputs(round: Round, rows: list[RatingRow]) -> dict[tuple[str, str], Output]:
    """By item and the system's name or label: the plain outputs with a text."""
    items = {each.item for each in rows}
    found: dict[tuple[str, str], Output] = {}
    query = Output.objects.filter(item__project_id=round.project_id, repeat=0, variant="", has_text=True, error="")
    for output in query.filter(item__external_id__in=items).select_related("item", "system").order_by("id"):
        found[output.item.external_id, output.system.label] = output
        found.setdefault((output.item.external_id, output.system.name), output)
    return found


def _output_of(each: RatingRow, name: str, outputs: dict[tuple[str, str], Output], file: str) -> Output:
    found = outputs.get((each.item, name))
    if found is None:
        where = place(file, each.row, "system")
        raise ServiceError(
            gettext("%(where)s: The item “%(item)s” has no answer of “%(name)s” with a text to judge.")
            % {"where": where, "item": each.item, "name": name}
        )
    return found


def _known(row: Round, kind: str, each: RatingRow, chosen: list[Output], extra: _Extra, where: str) -> Known:
    """By canonical position, so that it is the same whichever side is shown first."""
    if each.criterion.id is None:
        raise ValueError("The criterion of a published version has a row.")
    swapped = len(chosen) == 2 and chosen[0].pk > chosen[1].pk
    target = each.target
    ordered = sorted(output.pk for output in chosen)
    to = [ordered.index(output.pk) for output in chosen]
    answer = CRITERIA[each.criterion.type].moved(each.answer, to)
    if len(chosen) > 2 and target:
        target = f"o{to[int(target[1])]}{target[2:]}"
    if swapped and target.startswith("o"):
        target = f"o{1 - int(target[1])}{target[2:]}"
    if kind == Task.Kind.TRAINING:
        known_answers.check_explanation(row, extra.explanation, where)
    return Known(each.criterion.id, target, answer, extra.tolerance, extra.explanation)

"""Tasks with a known answer, taken into a round from a file. The same file again changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, BinaryIO

from django.db import transaction
from django.db.models import Max

from annotation.models import Assignment, GoldAnswer, Round, RoundSystem, Slot, Task, TaskOutput
from annotation.services.imported_rows import RatingRow, check_rows, turned
from annotation.task_keys import pair_key, task_key
from config.stopping import point_of_no_return
from projects import audit
from projects.errors import ServiceError
from projects.importers import tables, values
from projects.importers.records import ImportFileError, place
from projects.models import Output, System
from rubrics.criteria import CRITERIA
from rubrics.selectors import spec_of

REQUIRED = ("item", "system", "criterion", "value")
COLUMNS = (*REQUIRED, "system_b", "target", "tolerance", "explanation")
PROBLEMS_SHOWN = 20
EXPLANATION_MAX = 2_000


@dataclass(slots=True)
class GoldSet:
    """What a file of known answers did."""

    rows: int = 0
    tasks: int = 0  # gold tasks that were not there before
    answers: int = 0
    changed: int = 0
    unchanged: int = 0


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
                    f"{self.name}: The column '{unknown[0]}' is not known. Accepted: {', '.join(COLUMNS)}."
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


def gold_import(*, round: Round, stream: BinaryIO, name: str, actor: Any = None) -> GoldSet:
    """Read the file, check every row, and write all of it or nothing. `target` o0 is `system`, o1 is `system_b`."""
    file = _File(name)
    try:
        rows = file.without_extras(tables.read_rows(stream, name))
        checked = check_rows(rows, name=name, rubric=spec_of(round.rubric_version), mode=round.mode)
    except ImportFileError as error:
        raise ServiceError(str(error)) from error
    problems = [*checked.problems, *file.problems]
    problems += [f"{where}: A gold task needs an answer." for where, _ in checked.skipped]
    if problems:
        more = len(problems) - PROBLEMS_SHOWN
        raise ServiceError("\n".join(problems[:PROBLEMS_SHOWN] + ([f"and {more:,} more."] if more > 0 else [])))
    with transaction.atomic():
        done = _write(round, checked.rows, file, actor)
        point_of_no_return()
    return done


def _write(round: Round, rows: list[RatingRow], file: _File, actor: Any) -> GoldSet:
    row = Round.objects.select_for_update(of=("self",)).select_related("project").get(pk=round.pk)
    if row.state == Round.State.CLOSED:
        raise ServiceError("This round is closed: its gold tasks are settled.")
    done = GoldSet(rows=len(rows))
    outputs = _outputs(row, rows)
    for each in rows:
        chosen = [_output_of(each, name, outputs, file.name) for name in each.systems if name]
        task = _gold_task(row, each, chosen, done)
        _answer(task, each, chosen, file.extras[each.row], done)
    if done.answers or done.changed:
        audit.record(project=row.project, actor=actor, verb="gold.set", target=f"round:{row.pk}", payload=asdict(done))
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
        raise ServiceError(f"{where}: The item “{each.item}” has no answer of “{name}” with a text to judge.")
    return found


def _gold_task(row: Round, each: RatingRow, chosen: list[Output], done: GoldSet) -> Task:
    key = task_key([output.pk for output in chosen])
    task = row.tasks.filter(key=key).first()
    if task is None:
        last = row.tasks.aggregate(last=Max("ordinal"))["last"] or 0
        pair = pair_key(output.system_id for output in chosen) if len(chosen) > 1 else ""
        task = Task.objects.create(
            round=row, item=chosen[0].item, key=key, pair=pair, kind=Task.Kind.GOLD, ordinal=last + 1
        )
        ordered = sorted(chosen, key=lambda output: output.pk)
        TaskOutput.objects.bulk_create(TaskOutput(task=task, position=n, output=o) for n, o in enumerate(ordered))
        systems = System.objects.filter(pk__in=[output.system_id for output in chosen])
        if row.state != Round.State.DRAFT or row.round_systems.exists():
            RoundSystem.objects.bulk_create([RoundSystem(round=row, system=s) for s in systems], ignore_conflicts=True)
        done.tasks += 1
    elif task.kind == Task.Kind.NORMAL:
        _turn_to_gold(row, task, each)
        done.tasks += 1
    return task


def _turn_to_gold(row: Round, task: Task, each: RatingRow) -> None:
    """A task that nobody has met may become gold: its wanted judgments go."""
    if Assignment.objects.filter(task=task).exists():
        raise ServiceError(
            f"Row {each.row}: raters have met this task of “{each.item}” already, so it can test nobody. "
            "Choose another, or set gold before the round opens."
        )
    Slot.objects.filter(task=task).delete()
    Task.objects.filter(pk=task.pk).update(kind=Task.Kind.GOLD)


def _answer(task: Task, each: RatingRow, chosen: list[Output], extra: _Extra, done: GoldSet) -> None:
    """By canonical position, so that it is the same whichever side is shown first."""
    swapped = len(chosen) == 2 and chosen[0].pk > chosen[1].pk
    answer = turned(each.answer) if swapped and each.criterion.type == "preference" else each.answer
    target = each.target
    ordered = sorted(output.pk for output in chosen)
    to = [ordered.index(output.pk) for output in chosen]
    if answer.data is not None:
        answer = replace(answer, data=CRITERIA[each.criterion.type].moved(answer.data, to))
    if len(chosen) > 2 and target:
        target = f"o{to[int(target[1])]}{target[2:]}"
    if swapped and target.startswith("o"):
        target = f"o{1 - int(target[1])}{target[2:]}"
    wanted = {
        "number": answer.number,
        "label": answer.label,
        "data": answer.data,
        "tolerance": extra.tolerance,
        "explanation": extra.explanation,
    }
    if each.criterion.id is None:
        raise ValueError("The criterion of a published version has a row.")
    known = GoldAnswer.objects.filter(task=task, criterion_id=each.criterion.id, target=target).first()
    if known is None:
        GoldAnswer.objects.create(task=task, criterion_id=each.criterion.id, target=target, **wanted)
        done.answers += 1
    elif any(getattr(known, name) != value for name, value in wanted.items()):
        GoldAnswer.objects.filter(pk=known.pk).update(**wanted)
        done.changed += 1
    else:
        done.unchanged += 1

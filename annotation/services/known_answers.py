"""Tasks whose answers are known: gold, which raters meet unseen, and training, which comes first and with feedback.

They come from a file (`gold_sets`), from the form, or from final answers of an earlier round; all of them end here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext

from annotation.models import Assignment, GoldAnswer, Round, RoundSystem, Slot, Task, TaskOutput
from annotation.services.round_tasks import make_slots, make_tasks
from annotation.services.training import MAX_TASKS, seats_settle_training
from annotation.task_keys import pair_key, task_key
from projects import audit
from projects.errors import ServiceError
from projects.models import Output, System
from rubrics.specs import Answer

EXPLANATION_MAX = 2_000
KINDS = (Task.Kind.GOLD, Task.Kind.TRAINING)


@dataclass(slots=True)
class GoldSet:
    """What a file or a form of known answers did."""

    rows: int = 0
    tasks: int = 0  # that were not of this kind before
    answers: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """One known answer, by canonical position of the outputs."""

    criterion: int
    target: str
    answer: Answer
    tolerance: float = 0.0
    explanation: str = ""


def locked(round: Round) -> Round:
    """The round for writing; claims hold it shared, so none is under way."""
    row = Round.objects.select_for_update(of=("self",)).select_related("project").get(pk=round.pk)
    if row.state == Round.State.CLOSED:
        raise ServiceError(gettext("This round is closed: its known answers are settled."))
    return row


def task_of(row: Round, kind: str, chosen: Sequence[Output], *, where: str, done: GoldSet) -> Task:
    """The task over these outputs, made or turned into one of this kind. `where` begins a refusal."""
    key = task_key([output.pk for output in chosen])
    task = row.tasks.filter(key=key).first()
    if task is None:
        done.tasks += 1
        return _made(row, kind, key, chosen)
    if task.kind != kind:
        _turn(task, kind, where)
        done.tasks += 1
    return task


def _made(row: Round, kind: str, key: str, chosen: Sequence[Output]) -> Task:
    last = row.tasks.aggregate(last=Max("ordinal"))["last"] or 0
    task = Task.objects.create(
        round=row, item=chosen[0].item, key=key, pair=_pair(kind, chosen), kind=kind, ordinal=last + 1
    )
    ordered = sorted(chosen, key=lambda output: output.pk)
    TaskOutput.objects.bulk_create(TaskOutput(task=task, position=n, output=o) for n, o in enumerate(ordered))
    systems = System.objects.filter(pk__in=[output.system_id for output in chosen])
    if row.state != Round.State.DRAFT or row.round_systems.exists():
        RoundSystem.objects.bulk_create([RoundSystem(round=row, system=s) for s in systems], ignore_conflicts=True)
    return task


def _pair(kind: str, chosen: Sequence[Output]) -> str:
    """Sides are balanced over what is judged; training has sides by the coin, outside the tally."""
    if kind == Task.Kind.TRAINING or len(chosen) < 2:
        return ""
    return pair_key(output.system_id for output in chosen)


def _turn(task: Task, kind: str, where: str) -> None:
    """A task that nobody has met may become one with a known answer: its wanted judgments go."""
    if Assignment.objects.filter(task=task).exists():
        raise ServiceError(
            gettext(
                "%(where)s: raters have met this task of “%(external_id)s” already, so it can test "
                "nobody. Choose another, or set known answers before the round opens."
            )
            % {"where": where, "external_id": task.item.external_id}
        )
    Slot.objects.filter(task=task).delete()
    outputs = [each.output for each in task.task_outputs.select_related("output")]
    task.kind, task.pair = kind, _pair(kind, outputs)
    task.save(update_fields=["kind", "pair"])


def answer_set(task: Task, known: Known, done: GoldSet) -> None:
    wanted = {
        "number": known.answer.number,
        "label": known.answer.label,
        "data": known.answer.data,
        "tolerance": known.tolerance,
        "explanation": known.explanation,
    }
    there = GoldAnswer.objects.filter(task=task, criterion_id=known.criterion, target=known.target).first()
    if there is None:
        GoldAnswer.objects.create(task=task, criterion_id=known.criterion, target=known.target, **wanted)
        done.answers += 1
    elif any(getattr(there, name) != value for name, value in wanted.items()):
        GoldAnswer.objects.filter(pk=there.pk).update(**wanted)
        done.changed += 1
    else:
        done.unchanged += 1


def check_explanation(row: Round, text: str, where: str = "") -> None:
    """Raters read why an answer is right, so it must name no system."""
    for system in System.objects.filter(project_id=row.project_id):
        for word in (system.name, system.label):
            if len(word) > 1 and word.casefold() in text.casefold():
                said = f"The explanation names the system “{word}”, and raters read it. Write it without the name."
                raise ServiceError(f"{where}: {said}" if where else said, field="explanation")


def finish(row: Round, kind: str, done: GoldSet, actor: Any) -> None:
    """What follows for the round's raters, and the record."""
    if kind == Task.Kind.TRAINING:
        if row.tasks.filter(kind=kind).count() > MAX_TASKS:
            raise ServiceError(
                gettext("A training has at most %(most)s tasks: nobody would go through more.") % {"most": MAX_TASKS}
            )
        seats_settle_training(row)
    if done.answers or done.changed or done.tasks:
        audit.record(
            project=row.project, actor=actor, verb=f"{kind}.set" if kind == "gold" else "training.tasks",
            target=f"round:{row.pk}", payload=asdict(done),
        )  # fmt: skip


@transaction.atomic
def known_set(*, round: Round, kind: str, outputs: Sequence[Output], known: Sequence[Known], actor: Any) -> GoldSet:
    """The known answers of one task, as the form gives them: those that are not among `known` go."""
    row = locked(round)
    if not known:
        raise ServiceError(gettext("Give the right answer to at least one question."))
    for each in known:
        if len(each.explanation) > EXPLANATION_MAX:
            raise ServiceError(
                gettext("An explanation has at most %(explanation_max)s characters.")
                % {"explanation_max": f"{EXPLANATION_MAX:,}"},
                field="explanation",
            )
        if kind == Task.Kind.TRAINING:
            check_explanation(row, each.explanation)
    done = GoldSet(rows=len(known))
    task = task_of(row, kind, outputs, where="Nothing was saved", done=done)
    places = {(each.criterion, each.target) for each in known}
    for there in task.gold_answers.all():
        if (there.criterion_id, there.target) not in places:
            there.delete()
            done.changed += 1
    for each in known:
        answer_set(task, each, done)
    finish(row, kind, done, actor)
    return done


@transaction.atomic
def known_remove(*, task: Task, actor: Any) -> None:
    """Take a task with a known answer out again, while nobody has met it. Where it belongs to the round's own work, it
    is judged as any other."""
    row = locked(task.round)
    if Assignment.objects.filter(task=task).exists():
        raise ServiceError(gettext("Raters have met this task, so it stays: what they answered hangs on it."))
    kind = task.kind
    task.delete()
    if row.state != Round.State.DRAFT:
        make_tasks(row)
        make_slots(row)
    if kind == Task.Kind.TRAINING:
        seats_settle_training(row)
    audit.record(project=row.project, actor=actor, verb="known.remove", target=f"round:{row.pk}")

"""Final answers of an earlier round as known answers of this one: what reviewers have settled tests others."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from annotation.models import Adjudication, Assignment, Round, Task
from annotation.services import known_answers
from annotation.services.known_answers import EXPLANATION_MAX, GoldSet, Known
from projects.errors import ServiceError
from rubrics.selectors import spec_of
from rubrics.specs import Answer, CriterionSpec


@dataclass(frozen=True, slots=True)
class FromFinals:
    """`met`: tasks that raters of this round have met already. `other`: answers to questions that this round does not
    ask in the same way. `silent`: explanations that were left out, because they name a system."""

    done: GoldSet
    met: int
    other: int
    silent: int


def sources_for(round: Round) -> list[Round]:
    """Rounds of the project in which something has been settled, the newest first."""
    settled = Adjudication.objects.filter(current=True, unsettled=False, withdrawn=False)
    rows = Round.objects.filter(project=round.project_id, mode=round.mode).exclude(pk=round.pk)
    return list(rows.filter(tasks__in=settled.values("task_id")).distinct().order_by("-id"))


@transaction.atomic
def known_from_finals(*, round: Round, source: Round, kind: str, actor: Any) -> FromFinals:
    row = known_answers.locked(round)
    if source.project_id != row.project_id or source.mode != row.mode or source.pk == row.pk:
        raise ServiceError(gettext("Choose another round of this project with the same mode."), field="source")
    criteria = _shared(source, row)
    settled: dict[int, list[Adjudication]] = defaultdict(list)
    other = 0
    finals = Adjudication.objects.filter(task__round=source, current=True, unsettled=False, withdrawn=False)
    for final in finals.order_by("task__ordinal", "pk"):
        if final.criterion_id in criteria:
            settled[final.task_id].append(final)
        else:
            other += 1
    done, met, silent = GoldSet(rows=sum(map(len, settled.values()))), 0, 0
    for task in Task.objects.filter(pk__in=settled).order_by("ordinal", "pk"):
        outputs = [each.output for each in task.task_outputs.select_related("output__item")]
        if Assignment.objects.filter(task__round=row, task__key=task.key).exclude(task__kind=kind).exists():
            met += 1
            continue
        made = known_answers.task_of(row, kind, outputs, where="Nothing was taken over", done=done)
        for final in settled[task.pk]:
            why = _explanation(row, kind, final.reason)
            silent += bool(final.reason) and not why
            answer = Answer(final.number, final.label, final.data)
            known_answers.answer_set(made, Known(criteria[final.criterion_id], final.target, answer, 0.0, why), done)
    if not settled:
        raise ServiceError(
            gettext("That round has no final answer to a question that this round asks too."), field="source"
        )
    known_answers.finish(row, kind, done, actor)
    return FromFinals(done, met, other, silent)


def _shared(source: Round, row: Round) -> dict[int, int]:
    """Criteria that both rounds ask in the same way: of the earlier round → of this one."""
    wanted = {
        c.key: c for c in spec_of(row.rubric_version).criteria if not row.only_criteria or c.key in row.only_criteria
    }
    found = {}
    for criterion in spec_of(source.rubric_version).criteria:
        same = wanted.get(criterion.key)
        if same is not None and _answered_alike(criterion, same) and criterion.id and same.id:
            found[criterion.id] = same.id
    return found


def _answered_alike(one: CriterionSpec, other: CriterionSpec) -> bool:
    levels = [[(level.code, level.number) for level in each.levels] for each in (one, other)]
    return (one.type, one.scope, one.config) == (other.type, other.scope, other.config) and levels[0] == levels[1]


def _explanation(row: Round, kind: str, reason: str) -> str:
    reason = reason[:EXPLANATION_MAX]
    if kind != Task.Kind.TRAINING:
        return reason
    try:
        known_answers.check_explanation(row, reason)
    except ServiceError:
        return ""
    return reason

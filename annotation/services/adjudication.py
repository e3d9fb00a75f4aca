"""Final answers: what a reviewer decides where raters disagree. They stand apart from raters' own answers, are never
counted in agreement, and every change of mind stays in their history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from annotation.adjudication_cases import Place, asked_of, canonical, criteria_of, said_of
from annotation.models import Adjudication, Round, Task
from annotation.services.disagreement_order import order_lock, order_settled
from annotation.services.reasons import reason_given
from projects import audit
from projects.errors import Conflict, ServiceError
from rubrics.criteria import CRITERIA
from rubrics.specs import Answer, AnswerError, CriterionSpec

UNSETTLED = "unsettled"
MAX_REASON = 5_000
CHANGED = "Somebody else has decided this in the meantime. Look at what stands now, and decide again if you must."


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a reviewer sends. `value` is as the form of the criterion sends it, or `unsettled`; `order` is the order in
    which the reviewer saw the outputs; `revision` is the one the reviewer looked at (0: none)."""

    value: str
    reason: str
    revision: int
    order: str = ""


def adjudicate(*, round: Round, place: Place, ruling: Ruling, actor: Any) -> Adjudication:
    """Give the final answer. Sending the same again changes nothing."""
    reason = _reason(ruling.reason)
    answer = _answer(asked_of(_criterion(round, place), place), ruling)
    unsettled = ruling.value.strip() == UNSETTLED
    return _write(round, place, ruling.revision, answer, reason, actor, unsettled=unsettled)


def adjudication_withdraw(*, round: Round, place: Place, reason: str, revision: int, actor: Any) -> Adjudication:
    """Take the final answer back: the disagreement is open again, and the history keeps both."""
    _criterion(round, place)
    return _write(round, place, revision, Answer(), _reason(reason), actor, withdrawn=True)


def place_named(round: Round, task: str, criterion: str, target: str) -> Place:
    """The place that a program names by the words of an export."""
    found = Task.objects.filter(round=round, key=task).first()
    if found is None:
        raise ServiceError(gettext("This round has no task “%(task)s”.") % {"task": task}, field="task")
    known = {spec.key: pk for pk, spec in criteria_of(round).items()}
    if criterion not in known:
        raise ServiceError(
            gettext("“%(criterion)s” is not a criterion. Accepted: %(join)s.")
            % {"criterion": criterion, "join": ", ".join(known)},
            field="criterion",
        )
    return Place(found.pk, known[criterion], target)


def _criterion(round: Round, place: Place) -> CriterionSpec:
    criterion = criteria_of(round).get(place.criterion)
    if criterion is None:
        raise ServiceError(gettext("This round has no such question to settle."))
    return criterion


def _reason(text: str) -> str:
    missing = gettext("Say why: whoever reads the final answer must be able to follow it.")
    return reason_given(text, MAX_REASON, missing)


def _answer(criterion: CriterionSpec, ruling: Ruling) -> Answer:
    if ruling.value.strip() == UNSETTLED:
        return Answer()
    try:
        answer = CRITERIA[criterion.type].read(criterion, ruling.value)
    except AnswerError as error:
        raise ServiceError(str(error), field="value") from error
    if answer.is_empty or answer.cannot_judge:
        raise ServiceError(
            gettext("“%(question)s” has no final answer yet. Choose one.") % {"question": criterion.question},
            field="value",
        )
    return canonical(criterion, answer, ruling.order) if ruling.order else answer


def _write(
    round: Round,
    place: Place,
    expected: int,
    answer: Answer,
    reason: str,
    actor: Any,
    *,
    unsettled: bool = False,
    withdrawn: bool = False,
) -> Adjudication:
    fields = {
        "number": answer.number,
        "label": answer.label,
        "data": answer.data,
        "unsettled": unsettled,
        "withdrawn": withdrawn,
        "reason": reason,
        "reviewer": actor,
    }
    try:
        with transaction.atomic():
            return _write_locked(round, place, expected, fields)
    except IntegrityError as error:  # two who decided at the same moment
        raise Conflict(CHANGED) from error


def _write_locked(round: Round, place: Place, expected: int, fields: dict[str, Any]) -> Adjudication:
    # The task, not the round: nobody's claim waits for a reviewer.
    Task.objects.select_for_update(no_key=True).filter(pk=place.task, round=round).first()
    row = Round.objects.select_related("project").get(pk=round.pk)
    if row.state == Round.State.DRAFT:
        raise ServiceError(gettext("This round was never opened, so there is nothing to settle."))
    if not said_of(row, place, criteria_of(row)[place.criterion]):
        raise ServiceError(gettext("Nobody has judged this yet, so there is nothing to settle."))
    history = Adjudication.objects.filter(task_id=place.task, criterion_id=place.criterion, target=place.target)
    last = history.order_by("-revision").first()
    if last is not None and last.revision == expected + 1 and all(getattr(last, k) == v for k, v in fields.items()):
        return last  # the browser repeats what it sent
    if (last.revision if last else 0) != expected:
        raise Conflict(CHANGED)
    if fields["withdrawn"] and (last is None or not last.current):
        raise ServiceError(gettext("There is no final answer to take back."))
    order_lock(row)
    history.filter(current=True).update(current=False)
    made = Adjudication.objects.create(
        task_id=place.task,
        criterion_id=place.criterion,
        target=place.target,
        revision=expected + 1,
        current=not fields["withdrawn"],
        **fields,
    )
    order_settled(place, row, settled=made.current)
    audit.record(
        project=row.project,
        actor=fields["reviewer"],
        verb="adjudication.withdraw" if fields["withdrawn"] else "adjudication.make",
        target=f"task:{place.task}",
        payload={"adjudication": made.pk, "revision": made.revision, "number": made.number, "label": made.label},
    )
    return made

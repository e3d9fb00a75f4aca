"""What a reviewer does about single judgments: send one back to its rater, take that back, be done with one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from annotation.models import Assignment, Judgment, Reviewed, RevisionRequest, Round, Seat
from annotation.services.messages import reply
from annotation.services.upkeep import flag_resolve
from projects import audit
from projects.errors import Conflict, ServiceError


def why_not_back(assignment: Assignment) -> str:
    """Why a judgment cannot be sent back to its rater; empty where it can."""
    if assignment.state != Assignment.State.JUDGED or assignment.purpose == Assignment.Purpose.IMPORTED:
        return gettext("Only a judgment that its rater made here can be sent back.")
    if assignment.seat.round.state == Round.State.CLOSED:
        return gettext("The round is closed, so its judgments do not change any more. Reopen it first.")
    if assignment.seat.state == Seat.State.CLOSED or assignment.seat.rater.user_id is None:
        return gettext("This rater is no longer a member, so nobody would read the note.")
    return ""


@transaction.atomic
def judgments_send_back(*, assignments: Sequence[Assignment], note: str, actor: Any) -> int:
    """Several at once with one note, or none of them."""
    if not assignments:
        raise ServiceError(gettext("Choose whose answer is sent back."))
    for each in assignments:
        judgment_send_back(assignment=each, note=note, actor=actor)
    return len(assignments)


@transaction.atomic
def judgment_send_back(*, assignment: Assignment, note: str, actor: Any) -> RevisionRequest:
    """Ask the rater to look at a judgment again. The note reaches the rater as a message, so it may name no system."""
    if why := why_not_back(assignment):
        raise ServiceError(why)
    if not note.strip():
        raise ServiceError(gettext("Say what the rater should look at again."), field="note")
    current = Judgment.objects.get(assignment=assignment, current=True)
    comment = reply(assignment=assignment, text=note, actor=actor)
    try:
        with transaction.atomic():
            row = RevisionRequest.objects.create(
                assignment=assignment, note=comment.text, revision=current.revision, sent_by=actor
            )
    except IntegrityError as error:
        raise Conflict(gettext("This judgment was sent back already and waits for its rater.")) from error
    _record(assignment, actor, "judgment.send_back")
    return row


@transaction.atomic
def send_back_withdraw(*, assignment: Assignment, actor: Any) -> int:
    """The judgment may stay as it is after all. Doing it again changes nothing."""
    open_ones = RevisionRequest.objects.filter(assignment=assignment, withdrawn_at=None)
    count = open_ones.update(withdrawn_at=timezone.now())
    if count:
        _record(assignment, actor, "judgment.send_back_withdraw")
    return count


@transaction.atomic
def review_done(*, assignment: Assignment, actor: Any) -> Reviewed:
    """Nothing more is to be done here: flags are resolved, and it leaves the queue until more is said."""
    for flag in assignment.flags.filter(resolved_at=None):
        flag_resolve(flag=flag, actor=actor)
    values = {"reviewed_at": timezone.now(), "reviewed_by": actor}
    row, _ = Reviewed.objects.update_or_create(assignment=assignment, defaults=values)
    _record(assignment, actor, "review.done")
    return row


def _record(assignment: Assignment, actor: Any, verb: str) -> None:
    project = assignment.seat.round.project
    audit.record(project=project, actor=actor, verb=verb, target=f"assignment:{assignment.pk}")

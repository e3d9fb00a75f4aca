"""Going through the training of a round: tries, their tasks, what they come to, and what the lead may decide.

It holds no slot and never meets the claim: a seat in training gets no task of the round, so whoever claims for it
learns only that. Each act locks the seat, as a claim does."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from annotation.gold import marked
from annotation.models import (
    Assignment,
    FreeText,
    GoldAnswer,
    Judgment,
    Rating,
    Round,
    Seat,
    TaskOutput,
    TrainingStep,
    TrainingTry,
)
from annotation.presentation import read_presentation
from annotation.selection import side_coin
from annotation.services.eligibility import member_qualify
from annotation.services.judging import checked_submission
from annotation.training import Rule, rule_of, training_tasks, tries_left
from projects import audit
from projects.errors import ServiceError
from projects.models import Membership

MAX_TRIES = 20
MAX_TASKS = 200
OVER = gettext_noop("This practice is over. Load the page again to go on.")


@dataclass(frozen=True, slots=True)
class Standing:
    """What comes next for a rater in training: an assignment, or to begin a try. `last` is the latest try."""

    assignment: int | None
    done: int
    total: int
    left: int
    last: TrainingTry | None


def standing(seat: Seat) -> Standing:
    """Read only."""
    tries = list(seat.training_tries.order_by("n"))
    last = tries[-1] if tries else None
    running = last if last is not None and last.state == TrainingTry.State.RUNNING else None
    live = Assignment.objects.filter(seat=seat, purpose=Assignment.Purpose.TRAINING, state=Assignment.State.LIVE)
    return Standing(
        assignment=live.values_list("pk", flat=True).first(),
        done=running.steps.filter(right__isnull=False).count() if running else 0,
        total=len(training_tasks(seat.round)),
        left=tries_left(seat.round, tries),
        last=last,
    )


@transaction.atomic
def try_begin(*, seat: Seat) -> None:
    """The first task of a new try; where one is under way already, nothing changes."""
    row = _locked(seat)
    if row.round.state != Round.State.OPEN:
        raise ServiceError(gettext("The round is not open just now. Your practice begins when it is."))
    tries = list(row.training_tries.order_by("n"))
    if any(each.state == TrainingTry.State.RUNNING for each in tries):
        _next_step(row, tries[-1])
        return
    if row.state != Seat.State.TRAINING or not tries_left(row.round, tries):
        raise ServiceError(gettext(OVER))
    made = TrainingTry.objects.create(seat=row, n=len(tries) + 1, started_at=timezone.now())
    _next_step(row, made)


@transaction.atomic
def step_submit(*, seat: Seat, data: Mapping[str, str], public_id: str, key: str) -> Assignment:
    """Record the answers to a training task and say how many were right; after the last one, settle the try. The same
    key again changes nothing."""
    row = _locked(seat)
    assignment = Assignment.objects.filter(seat=row, public_id=public_id, purpose="training").first()
    if assignment is None:
        raise ServiceError(gettext(OVER))
    if Judgment.objects.filter(seat=row, key=key, assignment=assignment).exists():
        return assignment
    if assignment.state != Assignment.State.LIVE or row.state != Seat.State.TRAINING:
        raise ServiceError(gettext(OVER))
    if row.round.state == Round.State.CLOSED:
        raise ServiceError(gettext("The round was closed before you submitted, so this was not counted."))
    _judge(row, assignment, data, key)
    _score(assignment)
    step = assignment.training_step
    if not _next_step(row, step.attempt):
        _settle(row, step.attempt)
    return assignment


@transaction.atomic
def seat_retry(*, seat: Seat, actor: Any) -> None:
    """The lead lets a rater who did not pass try again."""
    row = _locked(seat)
    if row.state != Seat.State.FAILED:
        raise ServiceError(gettext("This rater has tries left or has passed, so nothing was changed."))
    last = row.training_tries.filter(state=TrainingTry.State.FAILED).order_by("-n").first()
    if last is not None:
        last.forgiven, last.decided_by = True, actor
        last.save(update_fields=["forgiven", "decided_by"])
    _set_state(row, Seat.State.TRAINING)
    audit.record(project=row.round.project, actor=actor, verb="training.retry", target=f"seat:{row.pk}")


@transaction.atomic
def seat_wave_through(*, seat: Seat, actor: Any) -> None:
    """The lead lets a rater go on who has not passed. It is recorded as that, and gives no qualification."""
    row = _locked(seat)
    if row.state not in (Seat.State.FAILED, Seat.State.TRAINING):
        raise ServiceError(gettext("This rater is not held up by the training, so nothing was changed."))
    now = timezone.now()
    _drop_live(row)
    running = row.training_tries.filter(state=TrainingTry.State.RUNNING).first()
    if running is None:
        n = row.training_tries.count() + 1
        TrainingTry.objects.create(
            seat=row, n=n, state=TrainingTry.State.WAVED, decided_by=actor, started_at=now, finished_at=now
        )
    else:
        running.state, running.decided_by, running.finished_at = TrainingTry.State.WAVED, actor, now
        running.save(update_fields=["state", "decided_by", "finished_at"])
    _set_state(row, Seat.State.ACTIVE)
    audit.record(project=row.round.project, actor=actor, verb="training.wave", target=f"seat:{row.pk}")


@transaction.atomic
def training_set(*, round: Round, rule: Rule, actor: Any) -> Round:
    """What passing asks. It counts from the next try that ends."""
    row = Round.objects.select_for_update(of=("self",)).select_related("project").get(pk=round.pk)
    if row.state == Round.State.CLOSED:
        raise ServiceError(gettext("This round is closed: its training is over."))
    if not 0 < rule.pass_mark <= 1:
        raise ServiceError(gettext("The pass mark is a share of the answers: from 1 to 100 %."), field="pass_mark")
    if not 1 <= rule.tries <= MAX_TRIES:
        raise ServiceError(
            gettext("The number of tries is a whole number from 1 to %(most)s.") % {"most": MAX_TRIES}, field="tries"
        )
    if len(rule.grants) > 30 or "," in rule.grants:
        raise ServiceError(
            gettext("A qualification is one word or a few, at most 30 characters, without commas."), field="grants"
        )
    kept = {"pass_mark": rule.pass_mark, "tries": rule.tries, "grants": rule.grants.strip()}
    row.options = {**row.options, "training": kept}
    seats_settle_training(row)
    audit.record(project=row.project, actor=actor, verb="training.set", target=f"round:{row.pk}", payload=kept)
    return row


def seats_settle_training(row: Round) -> None:
    """After training came into a round or left it. Whoever has had a task goes on; the round's row must be locked."""
    tasks = row.tasks.filter(kind="training").count()
    row.options = {**row.options, "training": {**row.options.get("training", {}), "tasks": tasks}}
    row.save(update_fields=["options"])
    if not tasks:
        held = row.seats.filter(state__in=[Seat.State.TRAINING, Seat.State.FAILED])
        for seat in held.select_for_update(of=("self",)).order_by("pk"):
            _drop_live(seat)
            _set_state(seat, Seat.State.ACTIVE)
        return
    fresh = row.seats.filter(state=Seat.State.ACTIVE, n_assigned=0, training_tries__isnull=True)
    fresh.update(state=Seat.State.TRAINING)


def _locked(seat: Seat) -> Seat:
    """With the rater's other seats, in one order: passing may change what all of them may take."""
    list(Seat.objects.select_for_update().filter(rater_id=seat.rater_id).order_by("pk").values_list("pk"))
    rows = Seat.objects.select_for_update(of=("self",)).select_related(
        "round__project", "round__rubric_version__rubric"
    )
    return rows.get(pk=seat.pk)


def _set_state(seat: Seat, state: Seat.State) -> None:
    Seat.objects.filter(pk=seat.pk).update(state=state)
    seat.state = state


def _drop_live(seat: Seat) -> None:
    live = Assignment.objects.filter(seat=seat, purpose=Assignment.Purpose.TRAINING, state=Assignment.State.LIVE)
    live.update(state=Assignment.State.LOST, closed_at=timezone.now(), lease_until=None)


def _next_step(seat: Seat, attempt: TrainingTry) -> bool:
    """Hand out the next training task of the try. False: it has been through all."""
    if Assignment.objects.filter(seat=seat, state=Assignment.State.LIVE).exists():
        return True
    met = set(attempt.steps.values_list("assignment__task_id", flat=True))
    task = next((task for task in training_tasks(seat.round) if task.pk not in met), None)
    if task is None:
        return False
    now = timezone.now()
    item_key = task.item_id if seat.round.one_task_per_item else task.pk
    before = Assignment.objects.filter(seat=seat, item_key=item_key).order_by("-occasion").first()
    width = TaskOutput.objects.filter(task=task).count()
    turned = width == 2 and side_coin(seat.round.seed, seat.pk, task.pk * 100 + attempt.n)
    assignment = Assignment.objects.create(
        public_id=secrets.token_urlsafe(12),
        seat=seat,
        task=task,
        item_key=item_key,
        occasion=before.occasion + 1 if before else 0,
        purpose=Assignment.Purpose.TRAINING,
        lease_until=now + timedelta(seconds=seat.round.lease_seconds),
        shown_order="10" if turned else "".join(map(str, range(width))),
        created_at=now,
    )
    assignment.presentation_digest = read_presentation(assignment.pk).digest
    assignment.save(update_fields=["presentation_digest"])
    TrainingStep.objects.create(attempt=attempt, assignment=assignment)
    return True


def _judge(seat: Seat, assignment: Assignment, data: Mapping[str, str], key: str) -> None:
    sent = checked_submission(round=seat.round, assignment=assignment, data=data, key=key)
    now = timezone.now()
    judgment = Judgment.objects.create(
        assignment=assignment,
        seat=seat,
        key=sent.key,
        digest=sent.digest,
        submitted_at=now,
        seconds=sent.seconds,
        active_seconds=sent.active_seconds,
        events=sent.events,
    )
    Rating.objects.bulk_create(
        Rating(
            judgment=judgment,
            criterion_id=r.criterion,
            target=r.target,
            number=r.number,
            label=r.label,
            data=r.data,
            cannot_judge=r.cannot_judge,
        )
        for r in sent.ratings
    )
    FreeText.objects.bulk_create(
        FreeText(judgment=judgment, criterion_id=t.criterion, target=t.target, kind=t.kind, text=t.text)
        for t in sent.texts
    )
    assignment.state, assignment.closed_at, assignment.lease_until = Assignment.State.JUDGED, now, None
    assignment.draft, assignment.version = None, assignment.version + 1
    assignment.save(update_fields=["state", "closed_at", "lease_until", "draft", "version"])


def marks_of(assignment: Assignment) -> list[tuple[GoldAnswer, Rating | None, bool]]:
    """The known answers of the task beside what the rater gave."""
    known = list(GoldAnswer.objects.filter(task=assignment.task_id).select_related("criterion").order_by("pk"))
    given = Rating.objects.filter(judgment__assignment=assignment, judgment__current=True)
    return marked(known, {(r.criterion_id, r.target): r for r in given}, assignment.shown_order)


def _score(assignment: Assignment) -> None:
    marks = marks_of(assignment)
    right = sum(is_right for _, _, is_right in marks)
    TrainingStep.objects.filter(assignment=assignment).update(right=right, asked=len(marks))


def _settle(seat: Seat, attempt: TrainingTry) -> None:
    """The try is over: passed, or not; with what follows from it."""
    steps = list(attempt.steps.filter(right__isnull=False))
    attempt.right, attempt.asked = sum(s.right or 0 for s in steps), sum(s.asked for s in steps)
    rule = rule_of(seat.round) or Rule()
    passed = attempt.right >= rule.needed(attempt.asked)
    attempt.state = TrainingTry.State.PASSED if passed else TrainingTry.State.FAILED
    attempt.finished_at = timezone.now()
    attempt.save(update_fields=["right", "asked", "state", "finished_at"])
    if passed:
        _set_state(seat, Seat.State.ACTIVE)
        if rule.grants:
            _grant(seat, rule.grants)
    elif not tries_left(seat.round, list(seat.training_tries.all())):
        _set_state(seat, Seat.State.FAILED)


def _grant(seat: Seat, qualification: str) -> None:
    """What passing shows is noted with the person, for the rounds that ask for it."""
    member = Membership.objects.filter(project=seat.round.project, user=seat.rater.user_id).first()
    if seat.rater.user_id is None or member is None or qualification in member.qualifications:
        return
    member_qualify(
        membership=member,
        qualifications=[*member.qualifications, qualification],
        languages=member.languages,
        actor=None,
    )

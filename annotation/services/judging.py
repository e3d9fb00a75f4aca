"""What raters do with a task: answer, keep a draft, skip, flag, comment, look back and revise."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext

from annotation import claims, conduct
from annotation.claims import NewRating, NewText, Outcome, Submission
from annotation.models import Assignment, Comment, Flag, FreeText, Judgment, Rating, Round, Seat, Slot
from annotation.presentation import ShownOutput, read_presentation
from projects.errors import ServiceError
from rubrics.criteria import CRITERIA
from rubrics.criteria.base import LETTERS, CriterionType
from rubrics.selectors import spec_of
from rubrics.specs import Answer, AnswerError, CriterionSpec, RubricSpec

MAX_COMMENT = 5_000
MAX_DRAFT = 200_000
SKIP_REASONS = {
    "unsure": gettext_noop("I cannot decide"),
    "expertise": gettext_noop("It needs knowledge I do not have"),
    "language": gettext_noop("I do not read this language"),
    "broken": gettext_noop("The text is broken"),
    "other": gettext_noop("Something else"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """One criterion about one target, as the form asks it. `name` is the field's name."""

    name: str
    criterion: CriterionSpec
    target: str
    letter: str
    kind: CriterionType


class AnswersRefused(ServiceError):
    """Some answers are missing or not accepted. `fields` maps field names to sentences."""

    def __init__(self, fields: dict[str, str]) -> None:
        missing = len(fields)
        super().__init__(
            ngettext("%(n)s question needs an answer first.", "%(n)s questions need an answer first.", missing)
            % {"n": missing}
        )
        self.fields = fields


def questions(
    rubric: RubricSpec, n_outputs: int, only: list[str] | None = None, shown: Sequence[ShownOutput] = ()
) -> Iterator[Question]:
    """Every question of a task in the order asked: what is asked of each output first, then the task. `shown`: the
    outputs, where an answer points into their text."""
    chosen = [c for c in rubric.criteria if not only or c.key in only]
    if n_outputs == 1:
        for c in chosen:
            yield Question(f"c-{c.key}", _of(c, 0, shown), "" if c.scope == "task" else "o0", "", CRITERIA[c.type])
        return
    for n in range(n_outputs):
        for c in chosen:
            if c.scope != "task":
                yield Question(f"c-{c.key}-o{n}", _of(c, n, shown), f"o{n}", LETTERS[n], CRITERIA[c.type])
    for c in chosen:
        if c.scope == "task":
            yield Question(f"c-{c.key}", replace(c, outputs=n_outputs), "", "", CRITERIA[c.type])


def _of(criterion: CriterionSpec, n: int, shown: Sequence[ShownOutput]) -> CriterionSpec:
    if not shown or not CRITERIA[criterion.type].reads_text:
        return criterion
    return replace(criterion, text=shown[n].text, revision=shown[n].digest)


def reads_text(rubric: RubricSpec) -> bool:
    return any(CRITERIA[c.type].reads_text for c in rubric.criteria)


def rubric_of(round: Round) -> RubricSpec:
    return spec_of(round.rubric_version)


def read_answers(asked: list[Question], data: Mapping[str, str]) -> dict[str, Answer]:
    """Answers by field name. Refuses with a sentence for every field that is missing or wrong."""
    answers: dict[str, Answer] = {}
    wrong: dict[str, str] = {}
    for q in asked:
        try:
            answers[q.name] = q.kind.read(q.criterion, data.get(q.name, ""))
        except AnswerError as error:
            wrong[q.name] = str(error)
            answers[q.name] = Answer()
    for q in asked:
        if not _is_shown(q, asked, answers):
            answers[q.name] = Answer()
        elif q.criterion.required and answers[q.name].is_empty and q.name not in wrong:
            wrong[q.name] = gettext("“%(question)s” has no answer yet.") % {"question": q.criterion.question}
    if wrong:
        raise AnswersRefused(wrong)
    return answers


def _is_shown(q: Question, asked: list[Question], answers: dict[str, Answer]) -> bool:
    """A criterion with `shown_if` is asked only where the other one was answered so."""
    rule = q.criterion.shown_if
    if not rule:
        return True
    other = next((o for o in asked if o.criterion.key == rule["criterion"] and o.target in (q.target, "")), None)
    if other is None:
        return True
    accepted = rule["is"] if isinstance(rule["is"], list) else [rule["is"]]
    given = other.kind.chosen(other.kind.form_value(other.criterion, answers[other.name]))
    return bool(given & {str(a) for a in accepted})


def submission(
    asked: list[Question],
    answers: dict[str, Answer],
    *,
    public_id: str,
    key: str,
    comment: str = "",
    seconds: float | None = None,
    active_seconds: float | None = None,
    events: dict[str, Any] | None = None,
) -> Submission:
    """The rows of a judgment. The digest covers what counts, so that the same key with another body is seen."""
    if not 8 <= len(key) <= 64:
        raise ServiceError(gettext("The form has no usable key. Load the page again; your draft is kept."))
    ratings = []
    texts = []
    for q in asked:
        answer = answers[q.name]
        criterion = q.criterion.id
        if criterion is None or answer.is_empty:
            continue
        if answer.text:
            texts.append(NewText(criterion, q.target, FreeText.Kind.ANSWER, answer.text))
            continue
        ratings.append(NewRating(criterion, q.target, answer.number, answer.label, answer.data, answer.cannot_judge))
    comment = comment.strip()[:MAX_COMMENT]
    if comment:
        texts.append(NewText(None, "", FreeText.Kind.COMMENT, comment))
    return Submission(
        public_id=public_id,
        key=key,
        digest=_digest(public_id, ratings),
        ratings=ratings,
        texts=texts,
        seconds=seconds,
        active_seconds=active_seconds,
        events=events or {},
    )


def _digest(public_id: str, ratings: list[NewRating]) -> str:
    rows = [[r.criterion, r.target, r.number, r.label, r.data, r.cannot_judge] for r in ratings]
    return hashlib.sha256(json.dumps([public_id, rows], sort_keys=True).encode()).hexdigest()


def judgment_submit(
    *,
    seat: Seat,
    round: Round,
    data: Mapping[str, str],
    public_id: str,
    key: str,
    assignment: Assignment | None = None,
) -> Outcome:
    """Check the answers and record them; brings the next task in the same transaction. `assignment` is that of
    `public_id`, from whoever has read it already."""
    if assignment is None:
        mine = Assignment.objects.filter(public_id=public_id, seat=seat)
        assignment = mine.only("id", "public_id", "purpose", "shown_order", "created_at").first()
    if assignment is None:
        raise ServiceError(gettext("This task is not yours. Load the page again to get your next one."))
    if assignment.purpose == Assignment.Purpose.TRAINING:
        raise ServiceError(gettext("Your practice is over, so this was not counted. Here is your next task."))
    return claims.submit(seat.pk, checked_submission(round=round, assignment=assignment, data=data, key=key))


def checked_submission(*, round: Round, assignment: Assignment, data: Mapping[str, str], key: str) -> Submission:
    """What was sent for this task, if every question that needs an answer has one that is accepted."""
    rubric = rubric_of(round)
    shown = read_presentation(assignment.pk).outputs if reads_text(rubric) else ()
    asked = list(questions(rubric, len(assignment.shown_order), round.only_criteria, shown))
    answers = _read_all(round, asked, data)
    elapsed = max(0.0, (timezone.now() - assignment.created_at).total_seconds())
    return submission(
        asked,
        answers,
        public_id=assignment.public_id,
        key=key,
        comment=data.get("comment", ""),
        seconds=elapsed,
        active_seconds=_bounded(data.get("active_seconds"), elapsed),
        events=conduct.events_of(round, data),
    )


def _read_all(round: Round, asked: list[Question], data: Mapping[str, str]) -> dict[str, Answer]:
    """The answers, and how sure the rater is where the round asks for it: what is missing is said in one go."""
    wrong: dict[str, str] = {}
    answers: dict[str, Answer] = {}
    try:
        answers = read_answers(asked, data)
    except AnswersRefused as refusal:
        wrong = refusal.fields
    if conduct.asks_confidence(round) and conduct.confidence_of(data) is None:
        wrong["confidence"] = f"“{conduct.CONFIDENCE_QUESTION}” has no answer yet."
    if wrong:
        raise AnswersRefused(wrong)
    return answers


def _bounded(raw: str | None, most: float) -> float | None:
    """A time measured in the page, if it is believable."""
    try:
        seconds = float(raw or "")
    except ValueError:
        return None
    return min(seconds, most) if seconds >= 0 and seconds == seconds else None


@transaction.atomic
def draft_save(*, seat: Seat, public_id: str, data: dict[str, str], version: int) -> int:
    """Keep what is answered so far, and renew the lease while the page is open. Returns the new version.

    One UPDATE: the version in its WHERE is the lock, so two tabs cannot overwrite each other in silence."""
    if sum(len(k) + len(v) for k, v in data.items()) > MAX_DRAFT:
        raise ServiceError(gettext("This draft is too long to keep. Shorten the texts."))
    row = Assignment.objects.filter(public_id=public_id, seat=seat).only("id", "state", "slot_id", "version").first()
    if row is None:
        raise ServiceError(gettext("This task is not yours any more."))
    if row.state != Assignment.State.LIVE:
        raise ServiceError(gettext("This task is not open any more, so its draft was not saved."), field="state")
    until = timezone.now() + timedelta(seconds=seat.round.lease_seconds)
    changed = Assignment.objects.filter(pk=row.pk, state=Assignment.State.LIVE, version=version).update(
        draft=data, version=F("version") + 1, lease_until=until
    )
    if not changed:
        raise ServiceError(
            gettext(
                "This task is open in another window, which saved after this one. Load the page to go on from there."
            ),
            field="version",
        )
    if row.slot_id:
        Slot.objects.filter(pk=row.slot_id, state=Slot.State.LEASED, holder=row.pk).update(lease_until=until)
    return version + 1


@transaction.atomic
def flag_raise(*, seat: Seat, public_id: str, reason: str, note: str) -> Flag:
    """Tell the lead that something is wrong with the task itself."""
    if reason not in Flag.Reason.values:
        raise ServiceError(gettext("Choose what is wrong with this task."), field="reason")
    assignment = _own(seat, public_id)
    flag, _ = Flag.objects.update_or_create(
        assignment=assignment, resolved_at=None, defaults={"reason": reason, "note": note.strip()[:MAX_COMMENT]}
    )
    return flag


@transaction.atomic
def comment_add(*, seat: Seat, public_id: str, text: str) -> Comment:
    text = text.strip()
    if not text:
        raise ServiceError(gettext("Write something first."), field="text")
    return Comment.objects.create(assignment=_own(seat, public_id), text=text[:MAX_COMMENT])


def skip(*, seat: Seat, public_id: str, reason: str) -> Outcome:
    if reason not in SKIP_REASONS:
        raise ServiceError(gettext("Say why you skip this task."), field="reason")
    if _own(seat, public_id).purpose == Assignment.Purpose.TRAINING:
        raise ServiceError(gettext("A practice task cannot be skipped: answer it as well as you can."))
    return claims.skip(seat.pk, public_id, reason)


def _own(seat: Seat, public_id: str) -> Assignment:
    assignment = Assignment.objects.filter(public_id=public_id, seat=seat).first()
    if assignment is None:
        raise ServiceError(gettext("This task is not yours. Load the page again to get your next one."))
    return assignment


def last_judged(seat: Seat, n: int = 10) -> list[Assignment]:
    """The rater's own last judgments, newest first: what can be looked at again and revised."""
    return list(
        Assignment.objects.filter(seat=seat, state=Assignment.State.JUDGED)
        .exclude(purpose__in=Assignment.APART)
        .select_related("task__item")
        .order_by("-closed_at", "-id")[:n]
    )


def saved_values(assignment: Assignment, asked: list[Question]) -> dict[str, str]:
    """What the form shows as chosen: the draft of a live assignment, or the current judgment."""
    if assignment.state == Assignment.State.LIVE:
        return {k: str(v) for k, v in (assignment.draft or {}).items()}
    judgment = Judgment.objects.filter(assignment=assignment, current=True).prefetch_related("ratings", "texts").first()
    if judgment is None:
        return {k: str(v) for k, v in (assignment.draft or {}).items()}
    return values_of(judgment, asked)


def values_of(judgment: Judgment, asked: list[Question]) -> dict[str, str]:
    """What a judgment answered, as the form's fields hold it."""
    ratings: dict[tuple[int | None, str], Rating] = {(r.criterion_id, r.target): r for r in judgment.ratings.all()}
    texts = {(t.criterion_id, t.target): t.text for t in judgment.texts.all()}
    values = {"comment": texts.get((None, ""), "")}
    if "confidence" in judgment.events:
        values["confidence"] = str(judgment.events["confidence"])
    for q in asked:
        rating = ratings.get((q.criterion.id, q.target))
        text = texts.get((q.criterion.id, q.target), "")
        if rating is not None:
            answer = Answer(rating.number, rating.label, rating.data, rating.cannot_judge)
            values[q.name] = q.kind.form_value(q.criterion, answer)
        elif text:
            values[q.name] = text
    return values

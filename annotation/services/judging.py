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
from annotation.turns import about_words, turn_of
from projects.errors import ServiceError
from rubrics.criteria import CRITERIA
from rubrics.criteria.base import LETTERS, CriterionType
from rubrics.selectors import spec_of
from rubrics.specs import Answer, AnswerError, CriterionSpec, RubricSpec

MAX_COMMENT = 5_000
MAX_DRAFT = 200_000
WHY_UNABLE = "unable-"  # before a question's name: the field that says why it cannot be judged
MAX_WHY_UNABLE = 500
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
    turn: int = 0  # of the output, from 1; 0: it is about no turn, or about the only one
    conditions: tuple[str, ...] = ()  # the fields of which one must say what `shown_if` wants

    @property
    def about(self) -> str:
        """“A”, “Turn 2”, “A, turn 2”, or nothing where there is one answer only."""
        return about_words(self.letter, self.turn)


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
    rubric: RubricSpec,
    n_outputs: int,
    only: list[str] | None = None,
    shown: Sequence[ShownOutput] = (),
    turns: Sequence[int] = (),
) -> Iterator[Question]:
    """Every question of a task in the order asked: of each output first what is asked of each of its turns, then what
    is asked of it, and the task last. `shown`: the outputs, where an answer points into their text or is about a turn
    of it. `turns`: how many turns each has, where that is known without them; else each has one."""
    chosen = [c for c in rubric.criteria if not only or c.key in only]
    by_turn = [c for c in chosen if c.scope == "turn"]
    if by_turn and shown:
        turns = [output.turns for output in shown]
    asked: list[Question] = []
    for n in range(n_outputs):
        asked += _of_turns(by_turn, n, n_outputs, turns[n] if n < len(turns) else 1)
        if n_outputs > 1:
            asked += _of_output([c for c in chosen if c.scope == "output"], n, shown)
    for c in chosen:
        if n_outputs == 1 and c.scope != "turn":
            about = "" if c.scope == "task" else "o0"
            asked.append(Question(f"c-{c.key}", _of(c, 0, shown), about, "", CRITERIA[c.type]))
        elif c.scope == "task":
            asked.append(Question(f"c-{c.key}", replace(c, outputs=n_outputs), "", "", CRITERIA[c.type]))
    return (replace(q, conditions=_conditions(q, asked)) if q.criterion.shown_if else q for q in asked)


def _of_turns(criteria: list[CriterionSpec], n: int, n_outputs: int, turns: int) -> Iterator[Question]:
    letter = LETTERS[n] if n_outputs > 1 else ""
    for t in range(turns):
        for c in criteria:
            target = f"o{n}t{t}"
            yield Question(f"c-{c.key}-{target}", c, target, letter, CRITERIA[c.type], t + 1 if turns > 1 else 0)


def _of_output(criteria: list[CriterionSpec], n: int, shown: Sequence[ShownOutput]) -> Iterator[Question]:
    for c in criteria:
        yield Question(f"c-{c.key}-o{n}", _of(c, n, shown), f"o{n}", LETTERS[n], CRITERIA[c.type])


def _conditions(q: Question, asked: Sequence[Question]) -> tuple[str, ...]:
    """The questions about the criterion that `shown_if` names, of the same thing: of its turn or its output, of the
    task around it, or of any part of it."""
    wanted = (q.criterion.shown_if or {}).get("criterion")
    return tuple(o.name for o in asked if o.criterion.key == wanted and _within(o.target, q.target))


def _within(one: str, other: str) -> bool:
    whole, part = sorted((one, other), key=len)
    return whole in ("", part, part.partition("t")[0])


def _of(criterion: CriterionSpec, n: int, shown: Sequence[ShownOutput]) -> CriterionSpec:
    if not shown or not CRITERIA[criterion.type].reads_text:
        return criterion
    return replace(criterion, text=shown[n].text, revision=shown[n].digest)


def reads_outputs(rubric: RubricSpec) -> bool:
    """Whether the outputs decide what is asked, or which answers are accepted."""
    return any(CRITERIA[c.type].reads_text or c.scope == "turn" for c in rubric.criteria)


def asks_turns(rubric: RubricSpec) -> bool:
    return any(c.scope == "turn" for c in rubric.criteria)


def turns_judged(judgment: Judgment, n_outputs: int) -> list[int]:
    """How many turns of each output shown a judgment speaks of, for whoever reads it without its texts."""
    targets = [rating.target for rating in judgment.ratings.all()] + [text.target for text in judgment.texts.all()]
    about = [(target.partition("t")[0], turn_of(target)) for target in targets]
    return [max((turn for output, turn in about if output == f"o{n}"), default=1) or 1 for n in range(n_outputs)]


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
    if not rule or not q.conditions:
        return True
    accepted = rule["is"] if isinstance(rule["is"], list) else [rule["is"]]
    given: set[str] = set()
    for other in asked:
        if other.name in q.conditions:
            given |= other.kind.chosen(other.kind.form_value(other.criterion, answers[other.name]))
    return bool(given & {str(a) for a in accepted})


def submission(
    asked: list[Question],
    answers: dict[str, Answer],
    *,
    public_id: str,
    key: str,
    comment: str = "",
    whys: Mapping[str, str] | None = None,
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
        why = (whys or {}).get(f"{WHY_UNABLE}{q.name}", "").strip()[:MAX_WHY_UNABLE] if answer.cannot_judge else ""
        if why:
            texts.append(NewText(criterion, q.target, FreeText.Kind.REASON, why))
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
    shown = read_presentation(assignment.pk).outputs if reads_outputs(rubric) else ()
    asked = list(questions(rubric, len(assignment.shown_order), round.only_criteria, shown))
    answers = _read_all(round, asked, data)
    elapsed = max(0.0, (timezone.now() - assignment.created_at).total_seconds())
    return submission(
        asked,
        answers,
        public_id=assignment.public_id,
        key=key,
        comment=data.get("comment", ""),
        whys=data,
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
            if rating.cannot_judge and text:
                values[f"{WHY_UNABLE}{q.name}"] = text
        elif text:
            values[q.name] = text
    return values

"""What a rater sees of a training task: the task itself, and afterwards the own answers beside the right ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.utils.safestring import SafeString
from django.utils.translation import gettext

from annotation.adjudication_cases import as_shown, criteria_of
from annotation.adjudication_page import words_of
from annotation.claims import Outcome
from annotation.gold import shown_target
from annotation.models import Assignment, GoldAnswer, Rating, Round, Seat, TrainingTry
from annotation.presentation import LETTERS, read_presentation
from annotation.rating_page import DrawnOutput, Page, drawn_output, page_of, shown_html, shown_to_rater
from annotation.services.judging import asks_turns, rubric_of
from annotation.services.training import Standing, marks_of
from annotation.training import rule_of
from annotation.turns import about_what, turn_of
from rubrics.criteria.base import plain
from rubrics.specs import Answer, CriterionSpec


@dataclass(frozen=True, slots=True)
class Marked:
    """One known answer, beside what the rater gave. `about`: which answer or turn."""

    question: str
    about: str
    own: str
    wanted: str
    right: bool
    why: str


@dataclass(frozen=True, slots=True)
class Feedback:
    prompt: SafeString
    language: str
    outputs: tuple[DrawnOutput, ...]
    marks: tuple[Marked, ...]
    n: int
    total: int
    attempt: TrainingTry
    last: bool  # of its try: the result stands below
    left: int
    needed: int

    @property
    def compare(self) -> bool:
        return len(self.outputs) > 1

    @property
    def all_right(self) -> bool:
        return all(mark.right for mark in self.marks)


def practice_page(round: Round, seat: Seat, standing: Standing, **sent: object) -> Page:
    """The task as any other, but numbered within the practice."""
    page = page_of(round, seat, Outcome(status="task", assignment=standing.assignment), **sent)  # type: ignore[arg-type]
    return replace(page, n=standing.done + 1, total=standing.total, saved=None, saved_id="", practice=True)


def feedback_of(round: Round, assignment: Assignment, standing: Standing) -> Feedback:
    step = assignment.training_step
    attempt = step.attempt
    answered = list(attempt.steps.filter(right__isnull=False).order_by("pk").values_list("pk", flat=True))
    shown = shown_to_rater(round, read_presentation(assignment.pk))
    criteria, order = criteria_of(round), assignment.shown_order
    rule = rule_of(round)
    return Feedback(
        prompt=shown_html(shown.prompt_html),
        language=shown.language,
        outputs=tuple(drawn_output(o, turns=asks_turns(rubric_of(round))) for o in shown.outputs),
        marks=tuple(_marked(criteria[a.criterion_id], a, given, ok, order) for a, given, ok in marks_of(assignment)),
        n=answered.index(step.pk) + 1 if step.pk in answered else len(answered),
        total=standing.total,
        attempt=attempt,
        last=attempt.state != TrainingTry.State.RUNNING and answered[-1:] == [step.pk],
        left=standing.left,
        needed=rule.needed(attempt.asked) if rule else 0,
    )


def _marked(criterion: CriterionSpec, known: GoldAnswer, given: Rating | None, right: bool, order: str) -> Marked:
    target = shown_target(known.target, order)
    letter = LETTERS[int(target[1])] if target.startswith("o") and len(order) > 1 else ""
    return Marked(
        question=criterion.question,
        about=about_what(letter, turn_of(target)),
        own=_own(criterion, given),
        wanted=_wanted(criterion, known, order),
        right=right,
        why=known.explanation,
    )


def _own(criterion: CriterionSpec, given: Rating | None) -> str:
    if given is None:
        return gettext("no answer")
    return words_of(criterion, Answer(given.number, given.label, given.data, given.cannot_judge))


def _wanted(criterion: CriterionSpec, known: GoldAnswer, order: str) -> str:
    answer = Answer(known.number, known.label, known.data)
    words = words_of(criterion, as_shown(criterion, answer, order))
    return (
        gettext("%(answer)s, give or take %(n)s") % {"answer": words, "n": plain(known.tolerance)}
        if known.tolerance
        else words
    )

"""What the adjudication page draws: the task as blind as a rater sees it, what each rater said, and the decision."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db.models import F
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from annotation.adjudication_cases import (
    Case,
    Place,
    Said,
    as_shown,
    asked_of,
    canonical_target,
    criteria_of,
    history_of,
    page_order,
    said_of,
)
from annotation.gold import shown_target
from annotation.models import Adjudication, RevisionRequest, Round, Task
from annotation.presentation import read_task
from annotation.rating_page import DrawnOutput, DrawnQuestion, draw, drawn_output, shown_html
from annotation.services.judging import Question
from annotation.services.reviewing import why_not_back
from annotation.shown_files import with_files, with_reference
from annotation.turns import about_what, turn_of
from projects.views.media import media_address
from rubrics.criteria import CRITERIA
from rubrics.criteria.base import LETTERS
from rubrics.specs import Answer, CriterionSpec


@dataclass(frozen=True, slots=True)
class Verdict:
    name: str
    words: str
    text: str
    assignment: int
    may_go_back: bool  # to its rater, for another look
    waits: bool  # sent back, and not revised since


@dataclass(frozen=True, slots=True)
class Past:
    """One entry of the history."""

    row: Adjudication
    words: str


@dataclass(frozen=True, slots=True)
class CasePage:
    criterion: CriterionSpec
    about: str  # which output or turn; empty for the whole task
    turn: str  # the address of the turn it is about, within the page
    item: str
    language: str
    prompt: SafeString
    outputs: tuple[DrawnOutput, ...]
    verdicts: tuple[Verdict, ...]
    question: DrawnQuestion
    history: tuple[Past, ...]
    order: str
    own: bool  # the reviewer judged this task as a rater

    @property
    def may_send_back(self) -> bool:
        return any(verdict.may_go_back for verdict in self.verdicts)

    @property
    def marks(self) -> bool:
        return bool(self.question.severities)

    @property
    def revision(self) -> int:
        return self.history[0].row.revision if self.history else 0

    @property
    def final(self) -> Past | None:
        return self.history[0] if self.history and self.history[0].row.current else None


def place_of(round: Round, task: int, address: str) -> Place | None:
    """The place that an address names: `correct`, `correct.o1`. None: there is no such question."""
    key, _, target = address.partition(".")
    criterion = next((c for c in criteria_of(round).values() if c.key == key), None)
    if criterion is None or criterion.id is None or not Task.objects.filter(pk=task, round=round).exists():
        return None
    place = Place(task, criterion.id, target)
    return place if said_of(round, place, criterion) else None


def case_page(round: Round, place: Place, user: object, sent: str | None = None, error: str = "") -> CasePage:
    """`sent` and `error`: what was sent and refused."""
    criterion = asked_of(criteria_of(round)[place.criterion], place)
    task = Task.objects.select_related("item").get(pk=place.task)
    order = page_order(round, task.pk, task.task_outputs.count())
    shown = read_task(task.pk, order)
    if round.show_reference:
        shown = with_reference(shown)
    shown = with_files(shown, round.project_id, lambda media, _: media_address(round.project, media))
    said = said_of(round, place, criterion)
    history = tuple(Past(row, _ruled(criterion, row, order)) for row in history_of(place))
    seats = {each.seat for each in said}
    waiting = _sent_back(said)
    return CasePage(
        criterion=criterion,
        about=_about(place.target, order),
        turn=shown_target(place.target, order) if turn_of(place.target) else "",
        item=task.item.external_id,
        language=shown.language,
        prompt=shown_html(shown.prompt_html),
        outputs=tuple(drawn_output(o, turns=bool(turn_of(place.target))) for o in shown.outputs),
        verdicts=tuple(_verdict(criterion, each, order, waiting) for each in said),
        question=_question(
            criterion,
            shown_target(place.target, order),
            _current(criterion, history, order) if sent is None else sent,
            error,
        ),
        history=history,
        order=order,
        own=round.seats.filter(pk__in=seats, rater__user=user).exists(),  # type: ignore[misc]
    )


def summary(case: Case, criterion: CriterionSpec, order: str) -> str:
    """The answers of a case in words, for the list: “1 Wrong, 3 Correct”."""
    answers = [CRITERIA[criterion.type].of_figure(value) for value in case.values]
    said = (words_of(criterion, as_shown(criterion, answer, order)) for answer in answers)
    return (" · " if CRITERIA[criterion.type].structured else ", ").join(said)


def final_words(case: Case, criterion: CriterionSpec, order: str) -> str:
    return "" if case.final is None else _ruled(criterion, case.final, order)


def about(case: Case, order: str) -> str:
    """Which output or turn a case is about, by its letter on the page."""
    return _about(case.place.target, order)


def words_of(criterion: CriterionSpec, answer: Answer) -> str:
    return CRITERIA[criterion.type].words(criterion, answer)


def _about(target: str, order: str) -> str:
    if not target or len(order) < 2:
        return about_what("", turn_of(target))
    letter = next(LETTERS[n] for n in range(len(order)) if canonical_target(f"o{n}", order)[:2] == target[:2])
    return about_what(letter, turn_of(target))


def _sent_back(said: list[Said]) -> set[int]:
    """Assignments whose current revision was sent back and waits for its rater."""
    rows = RevisionRequest.objects.filter(assignment__in=[each.assignment for each in said], withdrawn_at=None)
    rows = rows.filter(assignment__judgments__current=True, assignment__judgments__revision=F("revision"))
    return set(rows.values_list("assignment_id", flat=True))


def _verdict(criterion: CriterionSpec, said: Said, order: str, waiting: set[int]) -> Verdict:
    waits = said.assignment.pk in waiting
    return Verdict(
        said.rater,
        words_of(criterion, as_shown(criterion, said.answer, order)),
        said.text,
        said.assignment.pk,
        not waits and not why_not_back(said.assignment),
        waits,
    )


def _ruled(criterion: CriterionSpec, row: Adjudication, order: str) -> str:
    if row.withdrawn:
        return gettext("Taken back")
    if row.unsettled:
        return gettext("Cannot be settled")
    return words_of(criterion, as_shown(criterion, Answer(row.number, row.label, row.data), order))


def _current(criterion: CriterionSpec, history: tuple[Past, ...], order: str) -> str:
    if not history or not history[0].row.current or history[0].row.unsettled:
        return ""
    row = history[0].row
    return CRITERIA[criterion.type].form_value(
        criterion, as_shown(criterion, Answer(row.number, row.label, row.data), order)
    )


def _question(criterion: CriterionSpec, target: str, value: str, error: str) -> DrawnQuestion:
    """The criterion as raters answer it, without its condition: whoever settles it has to answer."""
    words = gettext("Your decision")
    asked = replace(criterion, question=words, required=True, allow_cannot_judge=False, shown_if=None)
    return draw(Question("value", asked, target, "", CRITERIA[criterion.type]), value, error)

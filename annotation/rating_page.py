"""What the rating page draws: the questions with their values, keys and errors, ready for templates."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from threading import Lock
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from annotation import conduct
from annotation.claims import Outcome
from annotation.models import Assignment, Flag, RevisionRequest, Round, Seat
from annotation.presentation import Presentation, ShownOutput, read_presentation
from annotation.review_queue import unanswered
from annotation.selection import capped, with_checks
from annotation.services.judging import (
    SKIP_REASONS,
    WHY_UNABLE,
    Question,
    asks_turns,
    questions,
    rubric_of,
    saved_values,
)
from annotation.shown_files import with_files, with_reference
from annotation.turns import with_turns
from projects.models import Media
from projects.shown_words import in_readers_words
from rubrics.criteria import Choice
from rubrics.criteria.base import Row
from rubrics.specs import LevelSpec, RubricSpec


@dataclass(frozen=True, slots=True)
class DrawnChoice:
    value: str
    label: str
    key: str
    anchor: str
    css: str
    checked: bool


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """One of the rows of choices that together are one answer; `name` is that of its own fields."""

    name: str
    label: str
    choices: tuple[DrawnChoice, ...]


@dataclass(frozen=True, slots=True)
class DrawnQuestion:
    """One question as its template needs it."""

    name: str
    legend: str
    guidance: str
    examples: tuple[dict[str, Any], ...]
    type: str
    required: bool
    choices: tuple[DrawnChoice, ...]
    both: tuple[DrawnChoice, ...]
    in_row: bool
    value: str
    error: str
    config: dict[str, Any]
    shown_field: str
    shown_is: str
    points: int
    marks: tuple[LevelSpec, ...] = ()
    unable: DrawnChoice | None = None
    unable_why: str = ""
    rows: tuple[DrawnRow, ...] = ()
    columns: tuple[str, ...] = ()
    apart: bool = False
    target: str = ""
    turn: int = 0  # that it is about, to link to
    passages: tuple[dict[str, Any], ...] = ()
    quotes: tuple[dict[str, Any], ...] = ()  # rows to quote in, with what was sent and refused
    severities: tuple[tuple[str, float], ...] = ()
    docked: bool = False
    html: SafeString = field(default_factory=SafeString, compare=False)


@dataclass(frozen=True, slots=True)
class DrawnOutput:
    letter: str
    rendered: SafeString
    text: str

    @property
    def raw(self) -> SafeString:
        """The text such that a page holds it character by character: a browser drops the first line end of `pre` and
        turns every return, and marks count characters."""
        return mark_safe("\n" + escape(self.text).replace("\r", "&#13;"))  # noqa: S308 - escaped on this line


def sanitised(html: str) -> SafeString:
    """HTML that `projects.rendering` made when the text came in, or that a template of ours made just now. Nothing else
    may come through here."""
    return mark_safe(html)  # noqa: S308


def shown_html(html: str) -> SafeString:
    """The same, of a text to judge: with our words in it as the reader speaks."""
    return sanitised(in_readers_words(html))


def drawn_output(output: ShownOutput, *, turns: bool) -> DrawnOutput:
    """`turns`: something is asked about each, so each has its number and its address."""
    html = shown_html(output.html)
    return DrawnOutput(output.letter, sanitised(with_turns(html, output.target)) if turns else html, output.text)


@dataclass(frozen=True, slots=True)
class Page:
    """Everything of one task that the templates show. It holds no name of a system."""

    round: Round
    seat: Seat
    task: Presentation
    key: str
    docked: DrawnQuestion | None
    panel: tuple[DrawnQuestion, ...]
    n: int
    total: int
    values: Mapping[str, str]
    problem: str = ""
    said: str = ""
    saved: int | None = None
    saved_id: str = ""
    revising: bool = False
    note: str = ""  # why a judgment that is looked at again was sent back
    turns: bool = False  # something is asked about each turn
    practice: bool = False  # a training task: feedback follows, and it counts for nothing else
    flag_reasons: tuple[tuple[str, str], ...] = field(default_factory=lambda: tuple(Flag.Reason.choices))
    skip_reasons: tuple[tuple[str, str], ...] = tuple(SKIP_REASONS.items())

    @property
    def compare(self) -> bool:
        return len(self.task.outputs) > 1

    @property
    def pair(self) -> bool:
        return len(self.task.outputs) == 2

    @property
    def marks(self) -> bool:
        return any(question.severities for question in self.panel)

    @property
    def ranks(self) -> bool:
        return any(question.rows for question in self.panel)

    @property
    def prompt(self) -> SafeString:
        return shown_html(self.task.prompt_html)

    @property
    def outputs(self) -> list[DrawnOutput]:
        return [drawn_output(o, turns=self.turns) for o in self.task.outputs]

    @property
    def lease_minutes(self) -> int:
        return self.round.lease_seconds // 60

    @property
    def comment(self) -> str:
        return self.values.get("comment", "")

    @property
    def active_seconds(self) -> str:
        """Of a draft that is gone on with. A judgment that is looked at again has a time of its own."""
        return "" if self.revising else self.values.get("active_seconds", "")

    @property
    def used_diff(self) -> str:
        return self.values.get("used_diff", "")

    @property
    def warned(self) -> str:
        return self.values.get("warned", "")

    @property
    def warns(self) -> bool:
        return conduct.warns(self.round)

    @property
    def break_minutes(self) -> int:
        return conduct.break_minutes(self.round)


_TOTAL_SECONDS = 60.0
# By public id: it is never used again, not even by another database in the same process, as in tests.
_totals: dict[tuple[str, bool], tuple[float, int]] = {}


def _total(round: Round, seat: Seat) -> int:
    """How many tasks this rater may meet. The count of a large round is remembered for a minute."""
    key = (round.public_id, round.one_task_per_item)
    known = _totals.get(key)
    if known is None or time.monotonic() - known[0] > _TOTAL_SECONDS:
        rows = round.round_items if round.one_task_per_item else round.tasks.filter(kind="normal")
        gold = round.tasks.filter(kind="gold").count() if round.gold_rate else 0
        known = (time.monotonic(), with_checks(rows.count(), gold, round.gold_rate, round.repeat_rate))
        _totals[key] = known
    return capped(known[1], seat.cap or round.cap_per_rater)


def page_of(
    round: Round,
    seat: Seat,
    outcome: Outcome,
    *,
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    problem: str = "",
    said: str = "",
) -> Page:
    """The page of the outcome's task, with the draft or with what was just sent and refused."""
    if outcome.assignment is None:
        raise ValueError("An outcome without a task has no page.")
    task = shown_to_rater(round, outcome.presentation or read_presentation(outcome.assignment))
    rubric = rubric_of(round)
    asked = list(questions(rubric, len(task.outputs), round.only_criteria, task.outputs))
    saved, revising = _saved(task, asked)
    shown = saved if values is None else values
    wrong = errors or {}
    whys = {q.name: shown.get(f"{WHY_UNABLE}{q.name}", "") for q in asked}
    drawn = [_drawn_of(round, q, shown.get(q.name, ""), wrong.get(q.name, ""), whys[q.name]) for q in asked]
    docked = next((d for d in drawn if d.docked), None)
    if conduct.asks_confidence(round):
        sure = _confidence(shown.get("confidence", ""), (errors or {}).get("confidence", ""), get_language())
        drawn.append(sure)
    return Page(
        round=round,
        seat=seat,
        task=task,
        key=secrets.token_urlsafe(16),
        docked=docked,
        panel=tuple(d for d in drawn if d is not docked),
        n=seat.n_judged + (0 if revising else 1),
        total=max(_total(round, seat), seat.n_judged + (0 if revising else 1)),
        values=shown,
        problem=problem,
        said=said,
        saved=seat.n_judged if outcome.saved_id else None,
        saved_id=outcome.saved_id,
        revising=revising,
        note=_note_on(outcome.assignment) if revising else "",
        turns=asks_turns(rubric),
    )


def _note_on(assignment: int) -> str:
    asked = unanswered(RevisionRequest.objects.filter(assignment=assignment)).order_by("-pk")
    return asked.values_list("note", flat=True).first() or ""


def shown_to_rater(round: Round, task: Presentation) -> Presentation:
    """With the reference answers, where the round shows them, and with its images and sounds."""
    if round.show_reference:
        task = with_reference(task)

    def address(_: Media, n: int) -> str:
        return reverse("annotation:shown_file", args=[round.public_id, task.public_id, n])

    return with_files(task, round.project_id, address)


def _saved(task: Presentation, asked: list[Question]) -> tuple[dict[str, str], bool]:
    """What the form shows as chosen, and whether it is a judgment that was submitted before."""
    if task.live:
        return {k: str(v) for k, v in (task.draft or {}).items()}, False
    assignment = Assignment.objects.only("id", "state", "draft", "task_id").get(pk=task.assignment)
    return saved_values(assignment, asked), assignment.state == Assignment.State.JUDGED


PREVIEW_TURNS = 2  # of the answers that a preview makes up
_KEPT = 2_000
_blank: OrderedDict[tuple[str, str, str | None], DrawnQuestion] = OrderedDict()
_lock = Lock()


def _drawn_of(round: Round, q: Question, value: str, error: str, why: str = "") -> DrawnQuestion:
    """A question without an answer looks alike for everybody, and nearly every task begins with such: drawn once for
    each rubric version. By digest, so that another database in the same process cannot be mistaken for this one."""
    if value or error or why or not round.rubric_version.is_frozen:
        return draw(q, value, error, why=why)
    version = f"{round.rubric_version_id}:{round.rubric_version.digest}"
    key = (version, f"{q.name}:{q.letter}:{q.turn}:{q.criterion.outputs}:{q.conditions}", get_language())
    with _lock:
        if key in _blank:
            _blank.move_to_end(key)
            return _blank[key]
    drawn = draw(q, "", "")
    with _lock:
        _blank[key] = drawn
        while len(_blank) > _KEPT:
            _blank.popitem(last=False)
    return drawn


def preview_questions(rubric: RubricSpec, n_outputs: int) -> list[DrawnQuestion]:
    """The questions as raters see them, without a task: for the rubric's preview."""
    asked = questions(rubric, n_outputs, turns=[PREVIEW_TURNS] * n_outputs)
    return [draw(q, "", "", linked=False) for q in asked]


def draw(q: Question, value: str, error: str, *, why: str = "", linked: bool = True) -> DrawnQuestion:
    """`why`: it cannot be judged. `linked`: the turn it is about stands on the same page."""
    drawn = replace(_draw(q, value, error), unable_why=why)
    if not linked:
        drawn = replace(drawn, turn=0)
    return replace(drawn, html=sanitised(render_to_string(q.kind.template, {"q": drawn})))


def _draw(q: Question, value: str, error: str) -> DrawnQuestion:
    spec = q.criterion
    choices = list(q.kind.choices(spec))
    both = q.kind.both_choices(spec)
    unable = q.kind.cannot_judge_choice(spec)
    if unable is not None:
        (both if q.kind.docked else choices).append(unable)
    rule = spec.shown_if or {}
    accepted = rule.get("is", [])
    return DrawnQuestion(
        name=q.name,
        legend=f"{q.about}: {spec.question}" if q.about else spec.question,
        guidance=spec.guidance,
        examples=spec.examples,
        type=spec.type,
        required=spec.required,
        choices=tuple(_drawn(c, q.kind.chosen(value)) for c in choices),
        both=tuple(_drawn(c, {value}) for c in both),
        in_row=len(choices) <= 3 and not any(c.anchor for c in choices),
        value=value,
        error=error,
        config=spec.config,
        shown_field=" ".join(q.conditions),
        shown_is="|".join(map(str, accepted if isinstance(accepted, list) else [accepted])),
        points=len(choices),
        marks=spec.levels,
        unable=_drawn(unable, q.kind.chosen(value)) if unable is not None else None,
        rows=tuple(_drawn_row(q.name, row, q.kind.chosen(value)) for row in q.kind.rows(spec)),
        columns=tuple(q.kind.columns(spec)),
        apart=q.kind.apart(spec),
        target=q.target,
        turn=q.turn,
        passages=tuple(q.kind.marks(spec, value)),
        docked=q.kind.docked,
        quotes=tuple(q.kind.quotes(value)),
        severities=tuple(q.kind.severities(spec)),
    )


def _drawn_row(name: str, row: Row, chosen: set[str]) -> DrawnRow:
    return DrawnRow(f"{name}~{row.name}", row.label, tuple(_drawn(c, chosen) for c in row.choices))


@lru_cache(maxsize=64)
def _confidence(value: str, error: str, language: str | None) -> DrawnQuestion:
    """Asked after the rubric's own questions, and answered like them. The language is part of what is remembered."""
    levels = conduct.CONFIDENCE.items()
    drawn = DrawnQuestion(
        name="confidence",
        legend=gettext(conduct.CONFIDENCE_QUESTION),
        guidance="",
        examples=(),
        type="confidence",
        required=True,
        choices=tuple(DrawnChoice(str(n), gettext(words), str(n), "", "", str(n) == value) for n, words in levels),
        both=(),
        in_row=False,
        value=value,
        error=error,
        config={},
        shown_field="",
        shown_is="",
        points=len(levels),
    )
    return replace(drawn, html=sanitised(render_to_string("rubrics/criteria/levels.html", {"q": drawn})))


def _drawn(choice: Choice, chosen: set[str]) -> DrawnChoice:
    return DrawnChoice(choice.value, choice.label, choice.key, choice.anchor, choice.css, choice.value in chosen)

"""The lead's page of tasks with known answers, and the form on which the answers are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice
from typing import Any

from django.db.models import Count, Prefetch
from django.utils.translation import gettext

from annotation.adjudication_cases import criteria_of
from annotation.adjudication_page import words_of
from annotation.models import Assignment, GoldAnswer, Round, Seat, Task, TaskOutput, TrainingTry
from annotation.presentation import LETTERS, ShownOutput
from annotation.ranked_sets import MOST
from annotation.rating_page import DrawnOutput, DrawnQuestion, draw, drawn_output, shown_html
from annotation.services.judging import Question, asks_turns, questions, rubric_of
from annotation.services.known_answers import Known
from annotation.services.round_tasks import sets_of, systems_of
from annotation.shown_files import placed
from annotation.task_keys import task_key
from annotation.training import tries_left
from annotation.turns import about_words, turn_of
from projects.errors import ServiceError
from projects.importers.values import amount
from projects.models import Item, ItemRevision, Output, OutputRevision
from projects.views.media import media_address
from rubrics.criteria.base import plain
from rubrics.specs import Answer, AnswerError

FOUND = 20  # items that a search shows
PAIRS = 30  # of one item


# --- What there is ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KnownTask:
    task: Task
    item: Item
    about: str  # the systems, for the lead
    address: str  # its outputs
    answers: tuple[str, ...]
    met: int  # raters


def known_tasks(round: Round, kind: str) -> list[KnownTask]:
    """In the order raters meet training tasks. A fixed number of queries."""
    outputs = TaskOutput.objects.select_related("output__system")
    answers = GoldAnswer.objects.order_by("target", "pk")
    rows = (
        round.tasks.filter(kind=kind)
        .select_related("item")
        .prefetch_related(Prefetch("task_outputs", outputs), Prefetch("gold_answers", answers))
        .annotate(met=Count("assignments__seat", distinct=True))
        .order_by("ordinal", "id")
    )
    criteria = criteria_of(round)
    found = []
    for task in rows:
        shown = list(task.task_outputs.all())
        known = [(criteria[a.criterion_id], a) for a in task.gold_answers.all() if a.criterion_id in criteria]
        words = tuple(f"{c.question}{_letter(a.target, len(shown))} {_in_words(c, a)}" for c, a in known)
        about = f" {gettext('and')} ".join(each.output.system.label for each in shown)
        address = task_key(each.output_id for each in shown)
        found.append(KnownTask(task, task.item, about, address, words, task.met))
    return found


def _letter(target: str, outputs: int) -> str:
    letter = LETTERS[int(target[1])] if target.startswith("o") and outputs > 1 else ""
    about = about_words(letter, turn_of(target))
    return f" ({about})" if about else ""


def _in_words(criterion: Any, known: GoldAnswer) -> str:
    words = words_of(criterion, Answer(known.number, known.label, known.data))
    return f"{words} ± {plain(known.tolerance)}" if known.tolerance else words


@dataclass(frozen=True, slots=True)
class Candidate:
    """Outputs of an item that could become a task with known answers. `kind`: what they are already."""

    address: str
    about: str
    kind: str
    met: bool


@dataclass(frozen=True, slots=True)
class Found:
    item: Item
    candidates: tuple[Candidate, ...]


def search_items(round: Round, q: str) -> list[Found]:
    """Items by a part of their id, with what of them can be judged in the round."""
    items = list(Item.objects.filter(project=round.project_id, external_id__icontains=q).order_by("id")[:FOUND])
    rows = Output.objects.filter(item__in=items, system__in=systems_of(round), has_text=True, error="")
    outputs: dict[int, list[Output]] = {}
    for output in rows.filter(repeat=0, variant="").select_related("system").order_by("id"):
        outputs.setdefault(output.item_id, []).append(output)
    kinds = dict(round.tasks.filter(item__in=items).values_list("key", "kind"))
    met = set(Assignment.objects.filter(task__round=round, task__item__in=items).values_list("task__key", flat=True))
    found = []
    for item in items:
        chosen = _together(round, outputs.get(item.pk, []))
        each = [
            (task_key(o.pk for o in group), f" {gettext('and')} ".join(o.system.label for o in group))
            for group in chosen
        ]
        found.append(Found(item, tuple(Candidate(k, about, kinds.get(k, ""), k in met) for k, about in each)))
    return found


def _together(round: Round, outputs: list[Output]) -> list[tuple[Output, ...]]:
    """What of one item makes a task: each output, each two, or each set that is ranked together."""
    if round.mode != Round.Mode.RANK:
        return [*islice(combinations(outputs, 2 if round.mode == Round.Mode.COMPARE else 1), PAIRS)]
    size = min(sets_of(round).size or MOST, len({output.system_id for output in outputs}))
    apart = (s for s in combinations(outputs, size) if size > 1 and len({o.system_id for o in s}) == size)
    return [*islice(apart, PAIRS)]


# --- The form ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AskedKnown:
    """A question with the right answer to it, how far off is right too, and why."""

    name: str
    question: DrawnQuestion
    measured: bool
    unit: str  # of the tolerance
    tolerance: str
    why: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class KnownForm:
    item: Item
    prompt: Any
    outputs: tuple[tuple[str, DrawnOutput], ...]  # system, text
    asked: tuple[AskedKnown, ...]

    @property
    def marks(self) -> bool:
        """Something is answered by marks, which count characters of the text as it came in."""
        return any(one.question.severities for one in self.asked)


def outputs_at(round: Round, address: str) -> list[Output]:
    """The outputs that an address names, in canonical order, if they make a task of the round."""
    parts = address.split("-")
    widths = {Round.Mode.COMPARE: range(2, 3), Round.Mode.RANK: range(2, MOST + 1)}
    width, numbers = len(parts), all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts)
    if width not in widths.get(Round.Mode(round.mode), range(1, 2)) or not numbers:
        return []
    rows = Output.objects.filter(pk__in=map(int, parts), item__project=round.project_id, has_text=True, error="")
    found = list(rows.select_related("item", "system").order_by("id"))
    same = len({output.item_id for output in found}) == 1 and len({output.system_id for output in found}) == width
    return found if len(found) == width and same else []


def known_questions(round: Round, shown: Sequence[ShownOutput]) -> list[Question]:
    """What can have a known answer here: every question but those answered in words."""
    asked = questions(rubric_of(round), len(shown), round.only_criteria, shown)
    return [
        replace(q, criterion=replace(q.criterion, required=False, allow_cannot_judge=False, shown_if=None))
        for q in asked
        if q.kind.settles
    ]


def known_form(
    round: Round, outputs: list[Output], sent: Mapping[str, str] | None, wrong: Mapping[str, str]
) -> KnownForm:
    """Filled with what is known already, or with what was sent and refused."""
    task = round.tasks.filter(key=task_key(output.pk for output in outputs)).first()
    there = {(a.criterion_id, a.target): a for a in task.gold_answers.all()} if task else {}
    asked = []
    texts = _texts(outputs)
    for q in known_questions(round, texts):
        known = there.get((q.criterion.id or 0, q.target))
        values = sent if sent is not None else _stored(q, known)
        drawn = draw(q, values.get(q.name, ""), wrong.get(q.name, ""))
        measured = q.criterion.level_of_measurement in ("ordinal", "interval", "ratio")
        tolerance, why = values.get(f"tolerance-{q.name}", ""), values.get(f"why-{q.name}", "")
        asked.append(
            AskedKnown(
                q.name,
                drawn,
                measured,
                gettext(q.kind.tolerance) if q.kind.tolerance else "",
                tolerance,
                why,
                wrong.get(f"tolerance-{q.name}", ""),
            )
        )
    item = outputs[0].item
    html = ItemRevision.objects.filter(item=item, current=True).values_list("html", flat=True).first()
    prompt, texts, _ = placed(html or "", texts, round.project_id, lambda media, _: media_address(round.project, media))
    turns = asks_turns(rubric_of(round))
    shown = tuple(
        (output.system.label, drawn_output(each, turns=turns)) for output, each in zip(outputs, texts, strict=True)
    )
    return KnownForm(item, shown_html(prompt), shown, tuple(asked))


def _texts(outputs: list[Output]) -> tuple[ShownOutput, ...]:
    """The outputs as they stand now, in canonical order."""
    rows = OutputRevision.objects.filter(output__in=outputs, current=True)
    now = {pk: rest for pk, *rest in rows.values_list("output_id", "html", "text", "digest")}
    letters = LETTERS if len(outputs) > 1 else [""]
    return tuple(ShownOutput(letters[n], f"o{n}", *now.get(o.pk, ("", "", ""))) for n, o in enumerate(outputs))


def _stored(q: Question, known: GoldAnswer | None) -> dict[str, str]:
    if known is None:
        return {}
    answer = Answer(known.number, known.label, known.data)
    return {
        q.name: q.kind.form_value(q.criterion, answer),
        f"tolerance-{q.name}": plain(known.tolerance) if known.tolerance else "",
        f"why-{q.name}": known.explanation,
    }


class KnownRefused(ServiceError):
    """Some fields of the form are not accepted."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("Nothing was saved: see below.")
        self.fields = fields


def read_known(round: Round, outputs: list[Output], data: Mapping[str, str]) -> list[Known]:
    """The answers that were given; a question left open has none."""
    known, wrong = [], {}
    for q in known_questions(round, _texts(outputs)):
        raw = data.get(f"tolerance-{q.name}", "").strip()
        tolerance = amount(raw) if raw else 0.0
        if tolerance is None:
            wrong[f"tolerance-{q.name}"] = f"“{raw[:40]}” is not accepted: a number, 0 or more."
        try:
            answer = q.kind.read(q.criterion, data.get(q.name, ""))
        except AnswerError as error:
            wrong[q.name] = str(error)
            continue
        if not answer.is_empty and q.criterion.id is not None:
            why = data.get(f"why-{q.name}", "").strip()
            known.append(Known(q.criterion.id, q.target, answer, tolerance or 0.0, why))
    if wrong:
        raise KnownRefused(wrong)
    return known


# --- Who passed -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trained:
    seat: Seat
    tries: tuple[TrainingTry, ...]
    left: int

    @property
    def last(self) -> TrainingTry | None:
        return self.tries[-1] if self.tries else None


def trained(round: Round) -> list[Trained]:
    """Every rater whom the training concerns. Two queries."""
    rows = round.seats.select_related("rater__user").prefetch_related("training_tries").order_by("rater__pseudonym")
    found = []
    for seat in rows:
        tries = tuple(seat.training_tries.all())
        if tries or seat.state in (Seat.State.TRAINING, Seat.State.FAILED):
            found.append(Trained(seat, tries, tries_left(round, list(tries))))
    return found

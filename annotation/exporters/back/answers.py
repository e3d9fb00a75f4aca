"""What people answered in a round, a task at a time and by canonical position: what every tool's file is made of.

Only what counts is here: the last occasion of each rater, of normal and imported work, of raters who are not excluded,
in the current revision. "Cannot judge" is no answer. A rater is a pseudonym, or nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from annotation.exporters.base import parts
from annotation.models import (
    Adjudication,
    Assignment,
    FreeText,
    Judgment,
    RaterExclusion,
    Rating,
    Round,
    Task,
    TaskOutput,
)
from projects.models import ItemRevision, OutputRevision
from projects.services.people import pseudonym_for
from rubrics.criteria.preference import TIES
from rubrics.selectors import spec_of
from rubrics.specs import CriterionSpec

COUNTED = (Assignment.Purpose.NORMAL, Assignment.Purpose.IMPORTED)
TASKS = 500  # read at a time
_Placed = tuple[tuple[str, int | None, int | None], "Told | None"]  # criterion, output, turn; the answer
_OTHER = {"a": "b", "b": "a"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the person who exports chose."""

    final_answers: bool = False  # a reviewer's final answer in place of the raters' own
    texts: bool = False  # what raters wrote, too


@dataclass(frozen=True, slots=True)
class Shown:
    """An output of a task, with what the tool it came from called it."""

    pk: int
    system: str
    version: str
    config: dict[str, Any]
    text: str
    messages: list[dict[str, Any]]
    raw: dict[str, Any]
    repeat: int
    variant: str
    measures: dict[str, Any]

    @property
    def label(self) -> str:
        return f"{self.system}@{self.version}" if self.version else self.system

    def turns(self) -> list[dict[str, Any]]:
        return self.messages or [{"role": "assistant", "content": self.text}]


@dataclass(frozen=True, slots=True)
class Told:
    """One answer to one criterion. `of` is the output it is about, in canonical order; None: the pair.

    A preference is signed towards the second output in canonical order."""

    criterion: CriterionSpec
    of: int | None
    turn: int | None
    number: float | None
    label: str
    data: Any
    rater: str
    at: datetime
    first: int | None = None  # the canonical position of the output shown first; None: one output, or not known
    comment: str = ""
    text: str = ""
    final: bool = False

    @property
    def value(self) -> Any:
        """As its kind has it: a yes is a boolean, a level with a number is that number."""
        if self.criterion.type == "yes_no":
            return self.label == "yes"
        if self.criterion.type == "text":
            return self.text
        if self.data is not None:
            return self.data
        if self.criterion.type == "preference" or self.number is None:
            return self.label
        if self.criterion.level_of_measurement == "nominal":
            return self.label or self.number
        return self.number


@dataclass(slots=True)
class Judged:
    """A task with all its answers."""

    key: str
    item: str
    language: str
    metadata: dict[str, Any]
    messages: list[dict[str, Any]] = field(default_factory=list)
    context: list[Any] = field(default_factory=list)
    reference: list[str] = field(default_factory=list)
    outputs: list[Shown] = field(default_factory=list)
    answers: list[Told] = field(default_factory=list)

    @property
    def asked(self) -> str:
        """The last thing a person said: the prompt, where a tool takes one text."""
        said = [each.get("content") for each in self.messages if each.get("role") == "user"]
        return said[-1] if said and isinstance(said[-1], str) else ""


def judged(round: Round, choice: Choice) -> Iterator[Judged]:
    """Every task that has an answer, in the order of the round."""
    reader = _Reader(round, choice)
    tasks = Task.objects.filter(round=round).exclude(kind=Task.Kind.TRAINING).order_by("ordinal", "id")
    for part in parts(tasks.values_list("id", flat=True).iterator(chunk_size=TASKS), TASKS):
        yield from (task for task in reader.read(part) if task.answers)


class _Reader:
    def __init__(self, round: Round, choice: Choice) -> None:
        self.round, self.choice = round, choice
        self.criteria = {c.id: c for c in spec_of(round.rubric_version).criteria}
        standing = RaterExclusion.objects.filter(seat__round=round, lifted_at__isnull=True)
        self.excluded = set(standing.values_list("seat_id", flat=True))

    def read(self, ids: list[int]) -> list[Judged]:
        tasks = {
            pk: Judged(key, item, language, metadata)
            for pk, key, item, language, metadata in Task.objects.filter(pk__in=ids)
            .order_by("ordinal", "id")
            .values_list("id", "key", "item__external_id", "item__language", "item__metadata")
        }
        self._answers(tasks)
        if self.choice.final_answers:
            self._finals(tasks)
        wanted = {pk: task for pk, task in tasks.items() if task.answers}
        _contents(wanted)
        return list(tasks.values())

    def _answers(self, tasks: dict[int, Judged]) -> None:
        judgments = Judgment.objects.filter(
            assignment__task_id__in=tasks, current=True, assignment__purpose__in=COUNTED
        ).exclude(seat_id__in=self.excluded)
        rows = {
            pk: rest
            for pk, *rest in judgments.order_by("assignment__occasion", "id").values_list(
                "id", "assignment__task_id", "assignment__shown_order", "assignment__order_known", "seat_id",
                "seat__rater__pseudonym", "seat__rater__identity_known", "submitted_at",
            )
        }  # fmt: skip
        words = _words(rows) if self.choice.texts else {}
        given = self._given(rows, words)
        last: dict[tuple[Any, ...], Told | None] = {}
        for pk, (task, _, _, seat, *_) in rows.items():  # by occasion, so that the last one stays
            for place, told in given.get(pk, ()):
                last[task, seat, *place] = told
        for (task, *_), told in last.items():
            if told is not None:
                tasks[task].answers.append(told)

    def _given(self, rows: dict[int, list[Any]], words: dict[tuple[int, str], Any]) -> dict[int, list[_Placed]]:
        """By judgment; None stands where the rater could not judge, and says more than an earlier answer."""
        found: dict[int, list[_Placed]] = {}
        ratings = Rating.objects.filter(judgment_id__in=rows).order_by("judgment_id", "id")
        for pk, criterion, target, number, label, data, cannot_judge in ratings.values_list(
            "judgment_id", "criterion_id", "target", "number", "label", "data", "cannot_judge"
        ):
            spec = self.criteria[criterion]
            told = self._told(rows[pk], spec, target, number, label, data, words, pk)
            found.setdefault(pk, []).append(((spec.key, told.of, told.turn), None if cannot_judge else told))
        for (pk, kind), written in words.items():
            if kind == FreeText.Kind.ANSWER:
                for criterion, target, text in written:
                    asked = self.criteria.get(criterion) if criterion else None
                    if asked is not None and asked.type == "text":
                        told = self._told(rows[pk], asked, target, None, "", None, {}, pk, text)
                        found.setdefault(pk, []).append(((asked.key, told.of, told.turn), told))
        return found

    def _told(
        self, row: list[Any], criterion: CriterionSpec, target: str, number: float | None, label: str, data: Any,
        words: dict[tuple[int, str], Any], judgment: int, text: str = "",
    ) -> Told:  # fmt: skip
        _, order, known, _, pseudonym, identity, at = row
        if criterion.type == "preference" and order[0] == "1":  # the second in canonical order was shown first
            number, label = -number if number else number, _OTHER.get(label, label)
        of, turn = _about(order, target)
        reasons = [
            text
            for each, where, text in words.get((judgment, FreeText.Kind.REASON), ())
            if each is None or (each, where) == (criterion.id, target)
        ]
        return Told(
            criterion, of, turn, number, label, data, pseudonym if identity else "", at,
            first=int(order[0]) if known and len(order) > 1 else None, comment="\n".join(reasons), text=text,
        )  # fmt: skip

    def _finals(self, tasks: dict[int, Judged]) -> None:
        """In place of what raters said of the same thing; one that cannot be settled leaves nothing there."""
        rows = Adjudication.objects.filter(task_id__in=tasks, current=True).order_by("id")
        for final in rows.select_related("task"):
            task, criterion = tasks[final.task_id], self.criteria[final.criterion_id]
            of, turn = _about("0123456789", final.target)
            task.answers = [
                each for each in task.answers
                if (each.criterion.key, each.of, each.turn) != (criterion.key, of, turn)
            ]  # fmt: skip
            if final.unsettled:
                continue
            who = pseudonym_for(self.round.project, f"user:{final.reviewer_id}") if final.reviewer_id else ""
            task.answers.append(
                Told(criterion, of, turn, final.number, final.label, final.data, who, final.created_at,
                     comment=final.reason if self.choice.texts else "", final=True)
            )  # fmt: skip


def _about(order: str, target: str) -> tuple[int | None, int | None]:
    """(canonical position, turn) of a target by shown position."""
    if not target:
        return (0 if len(order) == 1 else None), None
    shown, _, turn = target[1:].partition("t")
    return int(order[int(shown)]), int(turn) if turn else None


def _words(judgments: dict[int, Any]) -> dict[tuple[int, str], list[tuple[int | None, str, str]]]:
    found: dict[tuple[int, str], list[tuple[int | None, str, str]]] = {}
    texts = FreeText.objects.filter(judgment_id__in=judgments, erased_at__isnull=True).order_by("id")
    for pk, kind, criterion, target, text in texts.values_list("judgment_id", "kind", "criterion_id", "target", "text"):
        found.setdefault((pk, kind), []).append((criterion, target, text))
    return found


def _contents(tasks: dict[int, Judged]) -> None:
    """What was asked and answered, as it stands now: what was redacted stays out."""
    items: dict[int, list[Judged]] = {}
    for pk, item in Task.objects.filter(pk__in=tasks).values_list("id", "item_id"):
        items.setdefault(item, []).append(tasks[pk])
    for item, messages, context, reference in ItemRevision.objects.filter(item_id__in=items, current=True).values_list(
        "item_id", "messages", "context", "reference"
    ):
        for task in items[item]:
            task.messages, task.context, task.reference = messages, context, reference
    rows = list(
        TaskOutput.objects.filter(task_id__in=tasks).order_by("task_id", "position").select_related("output__system")
    )
    revisions = OutputRevision.objects.filter(output_id__in={row.output_id for row in rows}, current=True)
    texts = {pk: (text, messages) for pk, text, messages in revisions.values_list("output_id", "text", "messages")}
    for row in rows:
        tasks[row.task_id].outputs.append(_shown(row, *texts.get(row.output_id, ("", []))))


def _shown(row: TaskOutput, text: str, messages: list[dict[str, Any]]) -> Shown:
    output, system = row.output, row.output.system
    measures = {
        name: getattr(output, name) for name in ("latency_ms", "tokens_in", "tokens_out", "cost", "currency", "error")
    }
    return Shown(
        output.pk, system.name, system.version, system.config, text, messages, output.raw,
        output.repeat, output.variant, measures,
    )  # fmt: skip


# What the formats share


def about_outputs(task: Judged, left: Counter[str]) -> Iterator[tuple[Shown, Told]]:
    """Answers about one whole output; what is about a pair or a turn is counted as left out."""
    for told in task.answers:
        if told.of is None:
            left["Answers about two outputs together have no place in this format"] += 1
        elif told.turn is not None:
            left["Answers about single turns have no place in this format"] += 1
        else:
            yield task.outputs[told.of], told


def preferences(task: Judged, left: Counter[str]) -> Iterator[Told]:
    """Answers to which of two outputs is better; others are counted as left out."""
    for told in task.answers:
        if told.criterion.type != "preference" or len(task.outputs) != 2:
            left["Answers to other questions than which of two is better have no place in this format"] += 1
        else:
            yield told


def winner(told: Told) -> int | None:
    """The canonical position of the preferred output; None: neither."""
    if told.label in TIES or not told.number:
        return None
    return 1 if told.number > 0 else 0

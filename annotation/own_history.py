"""A rater's last judgments, with enough of each to tell them apart: what was asked, and what the rater answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from annotation.models import Judgment, Round, Seat
from annotation.services import judging
from annotation.services.judging import Question, questions, rubric_of, turns_judged, values_of
from projects.models import ItemRevision
from projects.selectors import excerpt

_LONGEST = 80  # characters of an answer in words


@dataclass(frozen=True, slots=True)
class OwnJudgment:
    public_id: str
    closed_at: datetime | None
    asked: str
    answered: tuple[str, ...]


def own_history(round: Round, seat: Seat) -> list[OwnJudgment]:
    """The newest first. The same number of queries for one judgment as for ten."""
    mine = judging.last_judged(seat)
    revisions = ItemRevision.objects.filter(item__in=[a.task.item_id for a in mine], current=True)
    asked = {item: excerpt(said) for item, said in revisions.values_list("item_id", "messages")}
    judgments = Judgment.objects.filter(assignment__in=mine, current=True).prefetch_related("ratings", "texts")
    current = {j.assignment_id: j for j in judgments}
    rubric = rubric_of(round)
    found = []
    for a in mine:
        words: tuple[str, ...] = ()
        if (judgment := current.get(a.pk)) is not None:
            n = len(a.shown_order)
            own = list(questions(rubric, n, round.only_criteria, turns=turns_judged(judgment, n)))
            words = tuple(answers_in_words(judgment, own))
        found.append(OwnJudgment(a.public_id, a.closed_at, asked.get(a.task.item_id, ""), words))
    return found


def answers_in_words(judgment: Judgment, asked: list[Question]) -> Iterator[str]:
    values = values_of(judgment, asked)
    for q in asked:
        if value := values.get(q.name, ""):
            yield f"{q.about}: {_answer(q, value)}" if q.about else _answer(q, value)


def _answer(q: Question, value: str) -> str:
    """The labels chosen, as the rater read them; of what was written, its beginning."""
    chosen = q.kind.chosen(value)
    unable = q.kind.cannot_judge_choice(q.criterion)
    both = q.kind.both_choices(q.criterion)
    offered = [*q.kind.choices(q.criterion), *both, *([unable] if unable else [])]
    words = ", ".join(c.label for c in offered if c.value in chosen) or " ".join(value.split())
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1].rstrip() + "…"

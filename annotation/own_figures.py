"""What raters may learn of their own work once a round is closed: how often they answered as others did.

Over everything they judged, never for one task, and without a word on systems: answers are compared about the same
output, whichever side it was shown on, and nothing else is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from annotation.models import Assignment, RaterExclusion, Rating, Round, Seat
from rubrics.selectors import spec_of

AT_LEAST = 10  # comparisons; fewer say nothing, and might tell one answer of one other person


@dataclass(frozen=True, slots=True)
class OwnAgreement:
    """`same` of `compared`: each answer of this rater with each answer of another rater to the same question."""

    question: str
    same: int
    compared: int

    @property
    def percent(self) -> int:
        return round(100 * self.same / self.compared)


def may_see(round: Round) -> bool:
    return round.raters_see_own_figures and round.state == Round.State.CLOSED


def own_agreement(round: Round, seat: Seat) -> list[OwnAgreement]:
    """By criterion in the rubric's order; without those that are compared too seldom. Two queries."""
    answers = _answers(round, seat)
    found = []
    for criterion in spec_of(round.rubric_version).criteria:
        same = compared = 0
        for by_seat in answers[criterion.id].values():
            if seat.pk in by_seat:
                others = [value for other, value in by_seat.items() if other != seat.pk]
                compared += len(others)
                same += others.count(by_seat[seat.pk])
        if compared >= AT_LEAST:
            found.append(OwnAgreement(criterion.question, same, compared))
    return found


_Answers = dict[int | None, dict[tuple[int, str], dict[int, Any]]]


def _answers(round: Round, seat: Seat) -> _Answers:
    """criterion → (task, output) → seat → answer, of the tasks that this rater judged as normal work."""
    normal = Assignment.objects.filter(state=Assignment.State.JUDGED, purpose=Assignment.Purpose.NORMAL)
    excluded = set(
        RaterExclusion.objects.filter(seat__round=round, lifted_at__isnull=True).values_list("seat_id", flat=True)
    ) - {seat.pk}
    rows = Rating.objects.filter(
        judgment__current=True,
        judgment__assignment__in=normal.filter(seat__round=round),
        judgment__assignment__task__in=normal.filter(seat=seat).values("task_id"),
        cannot_judge=False,
        data__isnull=True,
    ).values_list(
        "criterion_id",
        "judgment__assignment__task_id",
        "judgment__assignment__shown_order",
        "target",
        "judgment__seat_id",
        "number",
        "label",
        "criterion__type",
    )
    return _sorted(row for row in rows.iterator() if row[4] not in excluded)


def _sorted(rows: Iterable[tuple[Any, ...]]) -> _Answers:
    answers: _Answers = defaultdict(lambda: defaultdict(dict))
    for criterion, task, order, target, seat, number, label, kind in rows:
        answers[criterion][(task, about(order, target))][seat] = value_of(order, number, label, kind)
    return answers


def about(order: str, target: str) -> str:
    """The output by its place in the task, not by the place where it was shown."""
    return f"{order[int(target[1])]}{target[2:]}" if target[:1] == "o" and target[1:2].isdigit() else target


def value_of(order: str, number: float | None, label: str, kind: str) -> Any:
    """A preference counts from the task's first output; its words follow the sides, so the number stands for it."""
    if kind != "preference":
        return (number, label)
    return (number, label) if not number else (-number if order == "10" else number)

"""Known answers against what a rater gave: by task, and when the share is too low to go on.

A gold answer names outputs by canonical position; a rating names them by the position shown. A preference is
signed towards the second output, so it turns with the sides.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from annotation.models import Assignment, GoldAnswer, Rating, Seat
from rubrics.criteria import CRITERIA
from rubrics.specs import Answer

DEFAULT_AT_LEAST = 5


@dataclass(frozen=True, slots=True)
class GoldResult:
    """One gold task as one rater judged it: how many of its known answers were given."""

    assignment: int
    task: int
    right: int
    asked: int

    @property
    def passed(self) -> bool:
        return self.right == self.asked


def gold_results(seats: list[int], *, after: int = 0) -> dict[int, list[GoldResult]]:
    """By seat, in the order judged; assignments up to `after` are left out. Three queries."""
    rows = Assignment.objects.filter(
        seat__in=seats, purpose=Assignment.Purpose.GOLD, state=Assignment.State.JUDGED, pk__gt=after
    ).order_by("closed_at", "pk")
    judged = list(rows.values_list("pk", "seat_id", "task_id", "shown_order"))
    known: dict[int, list[GoldAnswer]] = defaultdict(list)
    for answer in GoldAnswer.objects.filter(task__in={t for _, _, t, _ in judged}).select_related("criterion"):
        known[answer.task_id].append(answer)
    given: dict[int, dict[tuple[int, str], Rating]] = defaultdict(dict)
    ratings = Rating.objects.filter(judgment__assignment__in=[pk for pk, *_ in judged], judgment__current=True)
    for rating in ratings.select_related("judgment"):
        given[rating.judgment.assignment_id][rating.criterion_id, rating.target] = rating
    found: dict[int, list[GoldResult]] = defaultdict(list)
    for pk, seat, task, order in judged:
        answers = known[task]
        right = sum(is_right for _, _, is_right in marked(answers, given[pk], order))
        if answers:
            found[seat].append(GoldResult(pk, task, right, len(answers)))
    return found


def shown_target(target: str, order: str) -> str:
    """The target as the rater saw it: `o1` of the canonical order is `o0` where the sides were shown swapped."""
    if not target.startswith("o") or len(order) < 2:
        return target
    return f"o{order.index(target[1])}{target[2:]}"


def _is_right(answer: GoldAnswer, rating: Rating | None, order: str) -> bool:
    if rating is None or rating.cannot_judge:
        return False
    # A rating names outputs by the position shown, the known answer by the canonical one.
    kind = CRITERIA[answer.criterion.type]
    given = kind.moved(Answer(rating.number, rating.label, rating.data), [int(position) for position in order])
    return kind.off(Answer(answer.number, answer.label, answer.data), given) <= answer.tolerance + 1e-9


def marked(
    answers: list[GoldAnswer], given: dict[tuple[int, str], Rating], order: str
) -> list[tuple[GoldAnswer, Rating | None, bool]]:
    """Each known answer of a task, what the rater gave (by criterion and target as shown), and whether it is right."""
    found = []
    for answer in answers:
        rating = given.get((answer.criterion_id, shown_target(answer.target, order)))
        found.append((answer, rating, _is_right(answer, rating, order)))
    return found


def pause_reason(seat_id: int) -> str:
    """A sentence for the lead when a rater has fallen below the mark of the round; else nothing."""
    seat = Seat.objects.select_related("round").get(pk=seat_id)
    rule: dict[str, Any] = seat.round.options.get("gold", {})
    mark = rule.get("pause_below")
    if mark is None:
        return ""
    results = gold_results([seat_id], after=seat.checked_until).get(seat_id, [])
    right = sum(each.passed for each in results)
    if len(results) < rule.get("at_least", DEFAULT_AT_LEAST) or right >= mark * len(results):
        return ""
    return f"{right} of {len(results)} gold tasks were right, below the mark of {mark:.0%}."

"""The disagreements of a round, the one that matters most first, and one of them with all that was said. Reads only.

Answers are turned to the canonical order of a task's outputs, as final answers are stored. The page shows the outputs
in an order of its own for each task, so that a place tells as little of a system here as it does to raters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from django.db.models import Q
from django.utils.translation import gettext

from annotation.disagreement import distance, importance, mean_apart, share
from annotation.models import Adjudication, Assignment, FreeText, RaterExclusion, Rating, Round, Slot, Task, TaskOutput
from annotation.presentation import read_task
from annotation.selection import order_shown, side_coin
from rubrics.criteria import CRITERIA
from rubrics.selectors import spec_of
from rubrics.specs import Answer, CriterionSpec

COUNTED = (Assignment.Purpose.NORMAL, Assignment.Purpose.IMPORTED)


class Place(NamedTuple):
    """What one final answer is about: a criterion of a task, and of which output (canonical; empty: the task)."""

    task: int
    criterion: int
    target: str


@dataclass(frozen=True, slots=True)
class Case:
    place: Place
    key: str  # of the criterion
    question: str
    item: str
    values: tuple[Any, ...]  # numbers, labels, orders or lists of marks
    distance: float
    weight: float
    share: float
    outputs: int  # of the task
    final: Adjudication | None = None

    @property
    def importance(self) -> float:
        return importance(self.distance, self.weight, self.share)

    @property
    def address(self) -> str:
        return question_address(self.key, self.place.target)


@dataclass(frozen=True, slots=True)
class Said:
    """One rater's answer to a case, canonical, with the words beside it."""

    seat: int
    rater: str
    answer: Answer
    text: str
    assignment: Assignment


def question_address(key: str, target: str) -> str:
    """How an address names a criterion about a target: `correct`, `correct.o1`."""
    return f"{key}.{target}" if target else key


def canonical_target(target: str, order: str) -> str:
    """`o0` as shown → which output that is in canonical order; a turn stays a turn."""
    if not target:
        return ""
    shown, turn, number = target[1:].partition("t")
    return f"o{order[int(shown)]}{turn}{number}"


def canonical(criterion: CriterionSpec, answer: Answer, order: str) -> Answer:
    """An answer about the outputs as shown in that order, as said about them in canonical order."""
    return CRITERIA[criterion.type].moved(answer, [int(position) for position in order])


def as_shown(criterion: CriterionSpec, answer: Answer, order: str) -> Answer:
    """The inverse of `canonical`."""
    return CRITERIA[criterion.type].moved(answer, [order.index(str(n)) for n in range(len(order))])


def page_order(round: Round, task: int, n_outputs: int) -> str:
    """The order in which a reviewer sees the outputs: of this round and task, the same for everybody."""
    if n_outputs == 2:
        return "10" if side_coin(round.seed, 0, task) else "01"
    return "".join(map(str, order_shown(round.seed, 0, task, n_outputs) if n_outputs > 2 else range(n_outputs)))


def asked_of(criterion: CriterionSpec, place: Place) -> CriterionSpec:
    """The criterion as it is asked there: about so many outputs, or about that text."""
    n = TaskOutput.objects.filter(task=place.task).count()
    found = replace(criterion, outputs=n if criterion.scope == "task" else 0)
    if not CRITERIA[criterion.type].reads_text:
        return found
    about = read_task(place.task, "".join(map(str, range(n)))).outputs[int(place.target[1:2] or 0)]
    return replace(found, text=about.text, revision=about.digest)


def domain_of(criterion: CriterionSpec, seen: Iterable[Any]) -> list[Any]:
    """The declared values in order; for a number the bounds of its scale, or else what was given."""
    kind = CRITERIA[criterion.type]
    if criterion.level_of_measurement == "nominal" or kind.structured:
        return []
    declared = kind.domain(criterion)
    if declared:
        return declared
    given = sorted({float(value) for value in seen})
    low, high = kind.bounds(criterion)
    if criterion.level_of_measurement == "ordinal" or not given:
        return list(given)
    return [low if low is not None else given[0], high if high is not None else given[-1]]


def criteria_of(round: Round) -> dict[int, CriterionSpec]:
    """What can be settled: every criterion of the round but words."""
    return {
        c.id: c
        for c in spec_of(round.rubric_version).criteria
        if c.id is not None and CRITERIA[c.type].settles and (not round.only_criteria or c.key in round.only_criteria)
    }


def cases(round: Round) -> list[Case]:
    """Every disagreement, what matters most first. While the round is open, only of tasks that have all their
    judgments: a reviewer's answer waits for the raters'."""
    criteria, tasks = criteria_of(round), _tasks(round)
    answers = _answers(round, criteria)
    seen: dict[int, list[Any]] = defaultdict(list)
    for place, said in answers.items():
        seen[place.criterion] += said.values()
    domains = {pk: domain_of(criterion, seen[pk]) for pk, criterion in criteria.items()}
    shares = _shares(answers, tasks)
    finals = final_answers(round)
    unfinished = _unfinished(round)
    found = []
    for place, said in answers.items():
        criterion = criteria[place.criterion]
        values = tuple(said.values())
        apart = _apart(criterion, values, domains[place.criterion])
        if apart and place.task not in unfinished:
            found.append(
                Case(
                    place=place,
                    key=criterion.key,
                    question=criterion.question,
                    item=tasks[place.task].item,
                    values=values,
                    distance=apart,
                    weight=criterion.weight,
                    share=shares[place],
                    outputs=len(tasks[place.task].systems),
                    final=finals.get(place),
                )
            )
    return sorted(found, key=lambda case: (-case.importance, tasks[case.place.task].ordinal, case.place))


def _apart(criterion: CriterionSpec, values: Sequence[Any], domain: list[Any]) -> float:
    kind = CRITERIA[criterion.type]
    if kind.structured:
        return mean_apart(values, kind.distance)
    return distance(values, criterion.level_of_measurement, domain)


@dataclass(frozen=True, slots=True)
class _Task:
    item: str
    cluster: str
    ordinal: int
    systems: tuple[int, ...]


def _tasks(round: Round) -> dict[int, _Task]:
    systems: dict[int, list[int]] = defaultdict(list)
    rows = TaskOutput.objects.filter(task__round=round).order_by("task_id", "position")
    for task, system in rows.values_list("task_id", "output__system_id"):
        systems[task].append(system)
    known = Task.objects.filter(round=round).values_list("pk", "item__external_id", "item__cluster", "ordinal")
    return {pk: _Task(item, cluster, ordinal, tuple(systems[pk])) for pk, item, cluster, ordinal in known}


def counted_ratings(round: Round) -> Any:
    """Raters' own answers that figures are made of."""
    excluded = RaterExclusion.objects.filter(seat__round=round, lifted_at__isnull=True).values("seat")
    return Rating.objects.filter(
        judgment__seat__round=round,
        judgment__current=True,
        judgment__assignment__state=Assignment.State.JUDGED,
        judgment__assignment__purpose__in=COUNTED,
    ).exclude(judgment__seat__in=excluded)


def _answers(round: Round, criteria: dict[int, CriterionSpec]) -> dict[Place, dict[int, Any]]:
    """Of each place: the last answer of each seat."""
    rows = counted_ratings(round).filter(cannot_judge=False, criterion__in=criteria)
    found: dict[Place, dict[int, Any]] = defaultdict(dict)
    for task, criterion, target, number, label, data, order, seat in rows.order_by(
        "judgment__assignment__occasion", "judgment_id"
    ).values_list(
        "judgment__assignment__task_id", "criterion_id", "target", "number", "label", "data",
        "judgment__assignment__shown_order", "judgment__seat_id",
    ):  # fmt: skip
        spec = criteria[criterion]
        value = CRITERIA[spec.type].figure(spec, canonical(spec, Answer(number, label, data), order))
        if value is not None:
            found[Place(task, criterion, canonical_target(target, order))][seat] = value
    return found


def _shares(answers: dict[Place, Any], tasks: dict[int, _Task]) -> dict[Place, float]:
    """How much of its system's figure (of its pair's, for a comparison) rests on each place."""
    units: dict[tuple[int, Any], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    about = {place: (place.criterion, _subject(place, tasks[place.task])) for place in answers}
    for place, subject in about.items():
        units[subject][tasks[place.task].cluster] += 1
    return {
        place: share(units[subject][tasks[place.task].cluster], len(units[subject])) for place, subject in about.items()
    }


def _subject(place: Place, task: _Task) -> Any:
    if place.target:
        return task.systems[int(place.target[1])]
    return tuple(sorted(task.systems))


def _unfinished(round: Round) -> set[int]:
    wanted = round.slots.filter(state__in=[Slot.State.OPEN, Slot.State.LEASED])
    return set(wanted.values_list("task_id", flat=True))


def final_answers(round: Round) -> dict[Place, Adjudication]:
    rows = Adjudication.objects.filter(task__round=round, current=True).select_related("reviewer")
    return {Place(row.task_id, row.criterion_id, row.target): row for row in rows}


def said_of(round: Round, place: Place, criterion: CriterionSpec) -> list[Said]:
    """What each rater answered, with the words they left: reasons and comments."""
    rows = (
        counted_ratings(round)
        .filter(judgment__assignment__task_id=place.task, criterion_id=place.criterion)
        .select_related(
            "judgment__assignment__seat__round", "judgment__assignment__seat__rater", "judgment__seat__rater"
        )
        .order_by("judgment__assignment__occasion", "judgment_id")
    )
    latest: dict[int, Rating] = {}
    for row in rows:
        if canonical_target(row.target, row.judgment.assignment.shown_order) == place.target:
            latest[row.judgment.seat_id] = row
    words = _words({row.judgment_id for row in latest.values()}, place)
    return [_said(row, criterion, words.get(row.judgment_id, "")) for _, row in sorted(latest.items())]


def _said(row: Rating, criterion: CriterionSpec, text: str) -> Said:
    given = Answer(row.number, row.label, row.data, row.cannot_judge)
    answer = canonical(criterion, given, row.judgment.assignment.shown_order)
    rater = row.judgment.seat.rater
    name = rater.pseudonym if rater.identity_known else gettext("identity unknown")
    return Said(row.judgment.seat_id, name, answer, text, row.judgment.assignment)


def _words(judgments: set[int], place: Place) -> dict[int, str]:
    about = Q(criterion__isnull=True) | Q(criterion_id=place.criterion)
    about |= Q(criterion__level_of_measurement="text")
    rows = FreeText.objects.filter(about, judgment__in=judgments, erased_at__isnull=True).order_by("pk")
    found: dict[int, list[str]] = defaultdict(list)
    for judgment, text in rows.values_list("judgment_id", "text"):
        found[judgment].append(text)
    return {judgment: "\n".join(texts) for judgment, texts in found.items()}


def history_of(place: Place) -> list[Adjudication]:
    rows = Adjudication.objects.filter(task_id=place.task, criterion_id=place.criterion, target=place.target)
    return list(rows.select_related("reviewer").order_by("-revision"))

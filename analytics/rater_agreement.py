"""How often each rater of a round answers as most of the others do: the column of the round's page.

While a round runs the page is looked at again and again, so what it reads is bounded: of a large round the judgments of
some tasks, drawn by the number of the task and so the same ones at every look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import BigIntegerField, F, Value
from django.db.models.functions import Mod

from annotation.kept_figures import kept
from annotation.models import Assignment, RaterExclusion, Rating, Round, Task
from annotation.own_figures import about, value_of
from rubrics.selectors import spec_of

JUDGMENTS_READ = 2_000
# Numbers of tasks are scattered modulo a prime: every tenth task could always be of the same systems.
SCATTER, PRIME = 7_919, 10_007
# Answers that are the same or not; numbers and places on a line hardly ever are.
COMPARED = ("scale", "one_of", "yes_no", "preference")


@dataclass(frozen=True, slots=True)
class WithOthers:
    """Shares of 100; without `low` and `high` there is too little to say."""

    n: int
    percent: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def known(self) -> bool:
        return self.low is not None


@dataclass(frozen=True, slots=True)
class Agreement:
    by_seat: dict[int, WithOthers] = field(default_factory=dict)
    # Of so many tasks in a hundred; None where all were read.
    read_percent: float | None = None


def agreement_of(round: Round, judged: int) -> Agreement | None:
    """`judged`: how many judgments count in the round. None where no two raters answer the same question."""
    compared = [each.id for each in spec_of(round.rubric_version).criteria if each.type in COMPARED]
    if round.overlap < 2 or not compared or not judged:
        return None
    share = min(1.0, JUDGMENTS_READ / judged)
    figures = kept("agreement", round, judged, lambda: _figures(_answers(round, compared, share)))
    return Agreement(figures, None if share == 1 else 100 * share)


def _answers(round: Round, criteria: list[int | None], share: float) -> Iterable[tuple[Any, ...]]:
    tasks = Task.objects.filter(round=round)
    if share < 1:
        scattered = Mod(F("pk") * Value(SCATTER, output_field=BigIntegerField()), Value(PRIME))
        tasks = tasks.annotate(place=scattered).filter(place__lt=share * PRIME)
    left_out = RaterExclusion.objects.filter(seat__round=round, lifted_at__isnull=True)
    return (
        Rating.objects.filter(
            judgment__current=True,
            judgment__assignment__purpose=Assignment.Purpose.NORMAL,
            judgment__assignment__state=Assignment.State.JUDGED,
            judgment__assignment__task__in=tasks.values("pk"),
            criterion__in=criteria,
            cannot_judge=False,
            data__isnull=True,
        )
        .exclude(judgment__seat__in=left_out.values("seat"))
        .values_list(
            "criterion_id",
            "judgment__assignment__task_id",
            "judgment__assignment__task__item__cluster",
            "judgment__assignment__shown_order",
            "target",
            "judgment__seat_id",
            "number",
            "label",
            "criterion__type",
        )
        .iterator()
    )


def _figures(answers: Iterable[tuple[Any, ...]]) -> dict[int, WithOthers]:
    units, clusters, seats, values = [], [], [], []
    for criterion, task, cluster, order, target, seat, number, label, kind in answers:
        units.append(f"{criterion}/{task}/{about(order, target)}")
        clusters.append(cluster)
        seats.append(str(seat))
        values.append(f"{criterion}/{value_of(order, number, label, kind)}")
    if not units:
        return {}
    # pandas and scipy take a while to load: a process that shows no such page does without them.
    from analytics.stats.coding import code_ratings
    from analytics.stats.raters import consensus_agreement

    # Each criterion has answers of its own; they are pooled, and the prompt is what is independent.
    levels = sorted(set(values))
    figures = consensus_agreement(code_ratings(units, clusters, seats, values, levels)).figures
    return {int(figure.rater): _shown(figure.estimate) for figure in figures}


def _shown(estimate: Any) -> WithOthers:
    if estimate.status != "ok":
        return WithOthers(estimate.n_units)
    return WithOthers(estimate.n_units, 100 * estimate.value, 100 * estimate.low, 100 * estimate.high)

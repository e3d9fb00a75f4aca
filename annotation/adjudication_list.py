"""The disagreements of a round as pages list them: read from the stored order, so a page costs what it shows and not
what the round holds. `annotation/services/disagreement_order.py` works the order out. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from annotation.adjudication_cases import Case, Place, criteria_of
from annotation.models import Adjudication, Disagreement, DisagreementOrder, Round
from annotation.task_keys import width_of


@dataclass(frozen=True, slots=True)
class Step:
    """Another disagreement, for a link to it."""

    task: int
    address: str


class CaseList:
    """The disagreements as they stand in the order, those without a final answer first."""

    def __init__(self, order: DisagreementOrder) -> None:
        self.round: Round = order.round
        self.made_at: datetime | None = order.made_at
        self._criteria = criteria_of(self.round)
        self._rows = Disagreement.objects.filter(round=self.round, generation=order.generation)
        self.waiting = self._waiting.count()

    @property
    def _waiting(self) -> QuerySet[Disagreement]:
        return self._rows.filter(settled=False).order_by("rank")

    @property
    def every(self) -> QuerySet[Disagreement, int]:
        """The numbers of its rows, to be cut into pages by the index: rows that are passed by are not read."""
        return self._rows.order_by("settled", "rank").values_list("pk", flat=True)

    def cases(self, chosen: Iterable[int]) -> list[Case]:
        """A page of it."""
        wanted = list(chosen)
        rows = {row.pk: row for row in self._rows.filter(pk__in=wanted).select_related("task__item")}
        finals = self._finals([row.task_id for row in rows.values()])
        return [self._case(rows[pk], finals) for pk in wanted if pk in rows]

    def first(self) -> Step | None:
        return self._step(self._waiting)

    def around(self, place: Place) -> tuple[int | None, Step | None, Step | None]:
        """Which disagreement this is of those without a final answer, the one before it and the one after it."""
        found = self._waiting.filter(task_id=place.task, criterion_id=place.criterion, target=place.target).first()
        if found is None:
            return None, None, None
        earlier = self._waiting.filter(rank__lt=found.rank)
        before = self._step(earlier.order_by("-rank"))
        return earlier.count() + 1, before, self._step(self._waiting.filter(rank__gt=found.rank))

    def _step(self, rows: QuerySet[Disagreement]) -> Step | None:
        row = rows.first()
        return None if row is None else Step(row.task_id, self._place_address(row))

    def _place_address(self, row: Disagreement) -> str:
        key = self._criteria[row.criterion_id].key
        return f"{key}.{row.target}" if row.target else key

    def _finals(self, tasks: list[int]) -> dict[Place, Adjudication]:
        rows = Adjudication.objects.filter(task__in=tasks, current=True)
        return {Place(row.task_id, row.criterion_id, row.target): row for row in rows}

    def _case(self, row: Disagreement, finals: dict[Place, Adjudication]) -> Case:
        criterion = self._criteria[row.criterion_id]
        place = Place(row.task_id, row.criterion_id, row.target)
        values: list[Any] = row.values
        return Case(
            place=place,
            key=criterion.key,
            question=criterion.question,
            item=row.task.item.external_id,
            values=tuple(values),
            distance=row.distance,
            weight=criterion.weight,
            share=row.share,
            outputs=width_of(row.task.key),
            final=finals.get(place),
        )

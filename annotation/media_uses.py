"""Where an uploaded image or sound is shown: texts, and judgments of tasks with these texts. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from html import escape
from operator import or_
from typing import Any

from django.db.models import Count, Q

from annotation.models import Assignment, Round, TaskOutput
from projects.models import Item, ItemRevision, Media, OutputRevision
from projects.rendering.references import MARK, names_in
from projects.shown_media import Shelf

MOST_TEXTS = 5_000  # that are looked at, of prompts and of answers
ITEMS_NAMED = 20


@dataclass(frozen=True, slots=True)
class InRound:
    round: Round
    judgments: int

    @property
    def going(self) -> bool:
        return self.round.state in Round.GOING


@dataclass(frozen=True, slots=True)
class Uses:
    prompts: int
    answers: int
    items: tuple[Item, ...]  # the first of them
    rounds: tuple[InRound, ...]  # with judgments, or that show it to raters now
    more: bool  # there are more texts than were looked at

    @property
    def judgments(self) -> int:
        return sum(each.judgments for each in self.rounds)


def uses_of(media: Media) -> Uses:
    """A fixed number of queries."""
    named = reduce(or_, (Q(html__contains=escape(base)) for base in _bases(media)), Q(pk=None))
    here = {"current": True, "html__contains": MARK}
    of_items = ItemRevision.objects.filter(named, item__project=media.project_id, **here)
    of_outputs = OutputRevision.objects.filter(named, output__item__project=media.project_id, **here)
    prompts = _texts(of_items.values_list("item_id", "html"))
    answers = _texts(of_outputs.values_list("output_id", "html"))
    shelf = Shelf(media.project_id, (name for _, html in (*prompts, *answers) for name in names_in(html)))
    items, outputs = (
        {key for key, html in texts if any(shelf.get(name) == media for name in names_in(html))}
        for texts in (prompts[:MOST_TEXTS], answers[:MOST_TEXTS])
    )
    about = Item.objects.filter(Q(pk__in=items) | Q(outputs__in=outputs)).distinct().order_by("pk")
    more = max(len(prompts), len(answers)) > MOST_TEXTS
    return Uses(len(items), len(outputs), tuple(about[:ITEMS_NAMED]), _rounds(items, outputs), more)


def _bases(media: Media) -> set[str]:
    return set(media.names.values_list("base", flat=True))


def _texts(rows: Any) -> list[tuple[int, str]]:
    return list(rows.order_by("pk")[: MOST_TEXTS + 1])


def _rounds(items: Iterable[int], outputs: Iterable[int]) -> tuple[InRound, ...]:
    shown = TaskOutput.objects.filter(Q(task__item__in=items) | Q(output__in=outputs))
    judged = Assignment.objects.filter(state=Assignment.State.JUDGED, task__in=shown.values("task"))
    counts = dict(judged.order_by().values_list("task__round").annotate(n=Count("pk")))
    going = Q(state__in=Round.GOING, pk__in=shown.values("task__round"))
    rows = Round.objects.filter(going | Q(pk__in=counts)).order_by("-pk")
    return tuple(InRound(row, counts.get(row.pk, 0)) for row in rows)

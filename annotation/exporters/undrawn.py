"""Scores of the outputs that a round could have drawn and did not: with them a few human ratings speak for all."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet

from annotation.exporters.base import CHUNK, Row, columns
from annotation.models import Round, RoundItem
from annotation.services.round_tasks import frame_of, left_out, systems_of, tagged
from projects.models import AutomatedScore, Item, Metric

# Designs by which some of the items were drawn and others were not, by chance.
DRAWN_BY_CHANCE = (Round.Design.RANDOM, Round.Design.STRATIFIED, Round.Design.WEIGHTED)

UNDRAWN_COLUMNS = columns(
    ("metric", "text", "The metric's key."),
    ("item", "text", "The item's id in the project."),
    ("cluster", "text", "The prompt family: the unit of independence."),
    ("stratum", "text", "The stratum it would have been drawn from."),
    ("output", "text", "The output's number."),
    ("system", "text", "What answered."),
    ("system_version", "text", "Its version."),
    ("output_b", "text", "The second output of a pair."),
    ("system_b", "text", "What gave the second output."),
    ("system_b_version", "text", "Its version."),
    ("turn", "integer", "The turn scored; empty: the whole output."),
    ("position", "text", "a_first, b_first or empty."),
    ("value", "number", "The number, as in automated_scores."),
    ("label", "text", "The label."),
    ("judge", "text", "The judge or the tool's evaluator."),
)


def undrawn_rows(round: Round) -> Iterator[Row]:
    """Of the metrics that answer a criterion of the round; missing scores are left out. None where everything was
    taken, and where it is not known how the items were chosen: they speak for no others."""
    strata: dict[int, str] = {}
    if round.design == Round.Design.STRATIFIED:
        strata = {unit.item: unit.stratum for unit in frame_of(round)}
    for row in _undrawn(round).values_list(
        "output__item_id", "metric__key", "output__item__external_id", "output__item__cluster",
        "output_id", "output__system__name", "output__system__version",
        "output_b_id", "output_b__system__name", "output_b__system__version",
        "turn", "position", "number", "label", "judge",
    ).iterator(chunk_size=CHUNK):  # fmt: skip
        second = (str(row[7]), *row[8:10]) if row[7] else ("", "", "")
        yield (*row[1:4], strata.get(row[0], ""), str(row[4]), *row[5:7], *second, *row[10:])


def _undrawn(round: Round) -> QuerySet[AutomatedScore]:
    if round.design not in DRAWN_BY_CHANCE:
        return AutomatedScore.objects.none()
    items = Item.objects.filter(project_id=round.project_id, **tagged(round)).exclude(pk__in=left_out(round))
    items = items.exclude(pk__in=RoundItem.objects.filter(round=round).values("item_id"))
    if round.opened_at is not None and round.predecessor_id is None:
        items = items.filter(created_at__lte=round.opened_at)
    keys = round.rubric_version.criteria.values("key")
    scores = AutomatedScore.objects.filter(
        metric__project_id=round.project_id,
        metric__criterion_key__in=keys,
        missing_reason="",
        output__item__in=items.values("pk"),
        output__system__in=systems_of(round),
        output__error="",
    ).exclude(metric__source=Metric.Source.HUMAN)
    if round.frame_digest:  # drawn here, from items with a text to judge
        scores = scores.filter(output__has_text=True)
    return scores.order_by("metric__key", "id")

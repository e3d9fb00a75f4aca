"""The only ORM → DataFrame code: it reads the rows, and `shapes` makes of them what the statistics work on."""

from __future__ import annotations

import pandas as pd
from django.db.models import Q

from analytics.shapes import (
    MEASURED,
    STRUCTURED,
    RoundFrames,
    Rows,
    TaskTable,
    drawn_table,
    final_table,
    frame,
    gold_table,
    judgment_table,
    measure_table,
    rating_table,
    score_table,
    task_table,
    undrawn_table,
    whole,
)
from annotation.exporters.undrawn import undrawn_rows
from annotation.models import (
    Adjudication,
    Assignment,
    GoldAnswer,
    Judgment,
    RaterExclusion,
    Rating,
    Round,
    Seat,
    Task,
    TaskOutput,
)
from projects.models import AutomatedScore, ItemTag, Metric, Output

_JUDGMENT = ("id", "seat_id", "seconds", "active_seconds", "submitted_at")
_ASSIGNMENT = ("task_id", "occasion", "purpose", "shown_order", "order_known")
_RATING = ("judgment_id", "criterion__key", "target", "number", "label", "cannot_judge")
_FINAL = ("task_id", "criterion__key", "target", "number", "label", "unsettled", "criterion__type", "data")
_SCORE = ("metric_id", "output_id", "output_b_id", "number", "label", "turn", "position", "judge")


def round_frames(round: Round) -> RoundFrames:
    """Eight queries, whatever the size of the round."""
    tasks = _tasks(round)
    judgments = _judgments(round)
    ratings, finals = _ratings(round, judgments, tasks), _finals(round, tasks)
    return whole(tasks, judgments, ratings, finals, _structured(round))


def _tasks(round: Round) -> TaskTable:
    rows = TaskOutput.objects.filter(task__round=round).order_by("task_id", "position")
    return task_table(
        Task.objects.filter(round=round).values_list("id", "item__external_id", "item__cluster"),
        rows.values_list("task_id", "position", "output_id", "output__system__name", "output__system__version"),
    )


def _judgments(round: Round) -> pd.DataFrame:
    """Current judgments with their rater and what was shown."""
    current = Judgment.objects.filter(seat__round=round, current=True, assignment__state=Assignment.State.JUDGED)
    standing = RaterExclusion.objects.filter(seat__round=round, lifted_at__isnull=True)
    return judgment_table(
        current.values_list(*_JUDGMENT, *(f"assignment__{name}" for name in _ASSIGNMENT)),
        Seat.objects.filter(round=round).values_list("id", "rater__pseudonym", "rater__identity_known"),
        set(standing.values_list("seat_id", flat=True)),
    )


def _ratings(round: Round, judgments: pd.DataFrame, tasks: TaskTable) -> pd.DataFrame:
    query = Rating.objects.filter(judgment__seat__round=round, judgment__current=True)
    return rating_table(query.values_list(*_RATING), judgments, tasks)


def _structured(round: Round) -> Rows:
    """Answers that are more than a number or a label: orders of several outputs, marked passages."""
    own = Rating.objects.filter(judgment__seat__round=round, judgment__current=True, data__isnull=False)
    query = own.filter(criterion__type__in=STRUCTURED).order_by("id")
    return query.values_list("judgment_id", "criterion__key", "target", "criterion__type", "data")


def _finals(round: Round, tasks: TaskTable) -> pd.DataFrame:
    query = Adjudication.objects.filter(task__round=round, current=True).order_by("id")
    return final_table(query.values_list(*_FINAL), tasks)


def scores_frame(round: Round) -> pd.DataFrame:
    """Automated scores of the outputs and pairs that the round judged; missing ones are left out.

    What people answered in a tool's file is no metric to be held against people: as judgments it comes in by itself."""
    used = TaskOutput.objects.filter(task__round=round).values("output_id")
    query = AutomatedScore.objects.filter(Q(output_b__isnull=True) | Q(output_b__in=used), output__in=used)
    rows = (
        query.filter(missing_reason="").exclude(metric__source=Metric.Source.HUMAN).order_by("id").values_list(*_SCORE)
    )
    return score_table(rows)


def gold_frame(round: Round, frames: RoundFrames) -> pd.DataFrame:
    """Ratings of gold tasks beside the known answer, in `right`. Training is no test."""
    query = GoldAnswer.objects.filter(task__round=round).order_by("id")
    named = ("task_id", "criterion__key", "target", "number", "label", "tolerance", "criterion__type", "data")
    return gold_table(query.values_list(*named), frames)


def tags_frame(round: Round) -> pd.DataFrame:
    """The tags of the items that the round judges: `item` (its name) and `tag`."""
    items = Task.objects.filter(round=round, kind=Task.Kind.NORMAL).values("item_id")
    rows = ItemTag.objects.filter(item__in=items).order_by("tag", "item__external_id")
    return frame(rows.values_list("item__external_id", "tag"), ["item", "tag"])


def measures_frame(round: Round) -> pd.DataFrame:
    """Time, tokens and cost of the outputs that the round judges."""
    used = TaskOutput.objects.filter(task__round=round, task__kind=Task.Kind.NORMAL).values("output_id")
    rows = Output.objects.filter(id__in=used, error="").order_by("id")
    return measure_table(
        rows.values_list(
            *("id", "item__external_id", "item__cluster", "system__name", "system__version"), *MEASURED, "currency"
        )
    )


def drawn_frame(round: Round) -> pd.DataFrame:
    """The items that were drawn, with the chance that each had."""
    return drawn_table(round.round_items.values_list("item__external_id", "inclusion_probability", "stratum"))


def undrawn_frame(round: Round, metrics: dict[str, int]) -> pd.DataFrame:
    """What metrics that answer a criterion say of the outputs that were not drawn. `metrics`: their numbers by key."""
    return undrawn_table(undrawn_rows(round), metrics)

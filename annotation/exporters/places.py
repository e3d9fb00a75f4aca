"""The tables of a round's tasks and of their known answers: with them another house can rebuild the round."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator

from annotation.exporters.base import CHUNK, Row, columns, json_cell, parts, round_name, task_names
from annotation.models import GoldAnswer, Round, Slot, Task

TASK_COLUMNS = columns(
    ("round", "text", "project/round"),
    ("task", "text", "Which outputs are judged together."),
    ("item", "text", "The item's id in the project."),
    ("cluster", "text", "The prompt family: the unit of independence."),
    ("kind", "text", "normal, gold or training."),
    ("ordinal", "integer", "Its place in the order of the import."),
    ("outputs", "text", "The numbers of its outputs in canonical order, as a JSON list."),
    ("systems", "text", "What gave each of them, as a JSON list."),
    ("system_versions", "text", "Their versions, as a JSON list."),
    ("wanted", "text", "How many judgments are wanted of each group of raters, as JSON; the group of all has no name."),
)


def task_rows(round: Round) -> Iterator[Row]:
    """Every task, judged or not, in the order it was made."""
    name = round_name(round)
    for part in parts(Task.objects.filter(round=round).select_related("item").order_by("id").iterator(CHUNK)):
        names = task_names(task.pk for task in part)
        wanted: dict[int, Counter[str]] = defaultdict(Counter)
        slots = Slot.objects.filter(task__in=part).exclude(state=Slot.State.WITHDRAWN)
        for pk, group in slots.order_by("id").values_list("task_id", "group"):
            wanted[pk][group] += 1
        for task in part:
            each = names[task.pk].each
            listed = [json.dumps(column, ensure_ascii=False) for column in zip(*each, strict=True)]
            yield (
                *(name, task.key, task.item.external_id, task.item.cluster, task.kind, task.ordinal),
                *listed,
                json_cell(dict(wanted[task.pk])),
            )


GOLD_COLUMNS = columns(
    ("round", "text", "project/round"),
    ("task", "text", "Which outputs are judged together."),
    ("criterion", "text", "The criterion's key."),
    ("canonical_target", "text", "Empty: the whole task. o0: the first output in canonical order."),
    ("known_value", "number", "The number; a preference is signed towards the second output in canonical order."),
    ("known_label", "text", "The answer as a label; a and b are the outputs in canonical order."),
    ("known_data", "text", "Structured answers as JSON."),
    ("tolerance", "number", "How far an answer may be off and still be right: a number, pairs of an order, marks."),
    ("explanation", "text", "What is told after training."),
)


def gold_rows(round: Round) -> Iterator[Row]:
    name = round_name(round)
    query = GoldAnswer.objects.filter(task__round=round).order_by("task_id", "id")
    for task, criterion, target, number, label, data, tolerance, explanation in query.values_list(
        "task__key", "criterion__key", "target", "number", "label", "data", "tolerance", "explanation"
    ).iterator(chunk_size=CHUNK):
        yield (name, task, criterion, target, number, label, json_cell(data), tolerance, explanation)

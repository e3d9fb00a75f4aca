"""The table of final answers, which stand in no other: never among raters' own."""

from __future__ import annotations

from collections.abc import Iterator

from annotation.exporters.base import CHUNK, Row, columns, json_cell, moment, parts, round_name, task_names
from annotation.models import Adjudication, Round, Unblinding
from projects.services.people import pseudonym_for
from rubrics.selectors import spec_of

FINAL_COLUMNS = columns(
    ("round", "text", "project/round"),
    ("item", "text", "The item's id in the project."),
    ("cluster", "text", "The prompt family: the unit of independence."),
    ("task", "text", "Which outputs were judged together."),
    ("output", "text", "The output it is about; a JSON list in canonical order where it is about several."),
    ("system", "text", "What answered; a list as for output."),
    ("system_version", "text", "Its version; a list as for output."),
    ("criterion", "text", "The criterion's key."),
    ("level_of_measurement", "text", "nominal, ordinal, interval or ratio."),
    (
        "canonical_target",
        "text",
        "Empty: the whole task. o0: the first output in canonical order, whoever saw it where.",
    ),
    ("final_value", "number", "The number; a preference is signed towards the second output in canonical order."),
    ("final_label", "text", "The answer as a label; a and b are the outputs in canonical order."),
    ("final_data", "text", "Structured answers as JSON."),
    ("unsettled", "boolean", "The reviewer says that it cannot be settled; there is no value."),
    ("reason", "text", "Why, in the reviewer's words."),
    ("reviewer", "text", "A pseudonym; the same as for a rater, where the reviewer also rates."),
    ("revision", "integer", "1 for the first final answer, more after changes of mind; only the last is here."),
    ("blind", "boolean", "It was given while the round was blind."),
    ("decided_at", "moment", "When it was given (ISO 8601, UTC)."),
)


def final_rows(round: Round, only: int | None = None) -> Iterator[Row]:
    """Final answers of reviewers, in the order they were given; with `only`, that one."""
    criteria = {c.id: (c.key, c.level_of_measurement) for c in spec_of(round.rubric_version).criteria}
    unblinded = Unblinding.objects.filter(round=round).values_list("unblinded_at", flat=True).first()
    name = round_name(round)
    chosen = Adjudication.objects.filter(task__round=round, current=True).select_related("task__item").order_by("id")
    if only is not None:
        chosen = chosen.filter(pk=only)
    for part in parts(chosen.iterator(chunk_size=CHUNK)):
        tasks = task_names({each.task_id for each in part})
        for final in part:
            names, item = tasks[final.task_id], final.task.item
            # Canonical positions: the order in which every output is where it stands.
            order = "".join(map(str, range(len(names.each))))
            who = f"user:{final.reviewer_id}"
            reviewer = pseudonym_for(round.project, who) if final.reviewer_id else ""
            blind = unblinded is None or final.created_at < unblinded
            yield (
                *(name, item.external_id, item.cluster, final.task.key, *names.of(order, final.target)),
                *(*criteria[final.criterion_id], final.target, final.number, final.label, json_cell(final.data)),
                *(final.unsettled, final.reason, reviewer, final.revision, blind, moment(final.created_at)),
            )

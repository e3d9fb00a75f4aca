"""The tables of an export: their columns, what each column means, and their rows, read a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from annotation.exporters.base import (
    CHUNK,
    Row,
    Table,
    columns,
    data_cell,
    json_cell,
    moment,
    parts,
    round_name,
    task_names,
)
from annotation.exporters.finals import FINAL_COLUMNS, final_rows
from annotation.exporters.places import GOLD_COLUMNS, TASK_COLUMNS, gold_rows, task_rows
from annotation.exporters.undrawn import UNDRAWN_COLUMNS, undrawn_rows
from annotation.models import FreeText, Judgment, RaterExclusion, Rating, Round, RoundItem, Task, TaskOutput
from projects.models import AutomatedScore, Item, ItemRevision, ItemTag, Output, OutputRevision
from projects.rendering.references import names_in
from projects.shown_media import Shelf
from rubrics.selectors import spec_of


def _excluded(round: Round) -> set[int]:
    standing = RaterExclusion.objects.filter(seat__round=round, lifted_at__isnull=True)
    return set(standing.values_list("seat_id", flat=True))


# --- ratings: one row a rating -------------------------------------------------------------------------

RATING_COLUMNS = columns(
    ("round", "text", "project/round"),
    ("item", "text", "The item's id in the project."),
    ("cluster", "text", "The prompt family: the unit of independence."),
    ("task", "text", "Which outputs were judged together."),
    ("output", "text", "The output the rating is about; a JSON list in canonical order where it is about several."),
    ("system", "text", "What answered; a list as for output."),
    ("system_version", "text", "Its version; a list as for output."),
    ("rater", "text", "A pseudonym; empty where the rater's identity is not known."),
    ("occasion", "integer", "0 for the first time this rater judged the task."),
    ("purpose", "text", "normal, imported, gold, training, repeat or extra; figures count the first two."),
    ("target", "text", "Empty: the whole task. o0: the output shown first. o0t2: its third turn."),
    ("criterion", "text", "The criterion's key."),
    ("level_of_measurement", "text", "nominal, ordinal, interval or ratio."),
    ("value", "number", "The number; a preference is signed towards the output shown second."),
    ("label", "text", "The answer as a label; a and b are the outputs shown first and second."),
    ("data", "text", "Structured answers as JSON."),
    ("cannot_judge", "boolean", "The rater could not judge; there is no value."),
    ("shown_order", "text", "Canonical positions in the order shown: 10 showed the second first. Empty: not known."),
    ("excluded", "boolean", "The rater is excluded from figures."),
    ("inclusion_probability", "number", "The chance the item had to be drawn; empty: not known."),
    ("draw_probability", "number", "The chance the task had to be served; empty: not known."),
    ("rubric_version", "text", "rubric@version"),
    ("submitted_at", "moment", "When the judgment was submitted (ISO 8601, UTC)."),
    ("seconds", "number", "From showing to submitting."),
    ("active_seconds", "number", "The same without idle gaps."),
)
_RATING = ("judgment_id", "criterion_id", "target", "number", "label", "data", "cannot_judge")
_JUDGED = (
    "assignment__task__item__external_id",
    "assignment__task__item__cluster",
    "assignment__task__item_id",
    "assignment__task_id",
    "assignment__task__key",
    "assignment__shown_order",
    "assignment__order_known",
    "assignment__occasion",
    "assignment__purpose",
    "assignment__probability",
    "seat_id",
    "seat__rater__pseudonym",
    "seat__rater__identity_known",
    "submitted_at",
    "seconds",
    "active_seconds",
)


def current_ratings(round: Round) -> QuerySet[Rating]:
    return Rating.objects.filter(judgment__seat__round=round, judgment__current=True)


def rating_rows(round: Round, ids: Sequence[int] | None = None) -> Iterator[Row]:
    """Current ratings, those of a judgment together, in the order of the judgments; with `ids`, those only (a page of
    the API).

    What the ratings of a judgment share is read once for each part, so that neither the work nor the memory
    depends on the size of the round."""
    excluded = _excluded(round)
    criteria = {c.id: (c.key, c.level_of_measurement) for c in spec_of(round.rubric_version).criteria}
    query = current_ratings(round).order_by("judgment_id", "id")
    if ids is not None:
        query = query.filter(pk__in=ids)
    for part in parts(query.values_list(*_RATING).iterator(chunk_size=CHUNK), CHUNK):
        judged = _judged(round, {row[0] for row in part}, excluded)
        for judgment, criterion, target, number, label, data, cannot_judge in part:
            first, names, order, person, shown, last = judged[judgment]
            yield (
                *(*first, *names.of(order, target), *person, target, *criteria[criterion]),
                *(number, label, data_cell(data), cannot_judge, *shown, *last),
            )


def _judged(round: Round, judgments: set[int], excluded: set[int]) -> dict[int, tuple[Any, ...]]:
    """What all ratings of a judgment say alike, in the order of the columns, around what is a rating's own."""
    rows = list(Judgment.objects.filter(pk__in=judgments).values_list("id", *_JUDGED))
    tasks = task_names({row[4] for row in rows})
    drawn = RoundItem.objects.filter(round=round, item_id__in={row[3] for row in rows})
    chances = dict(drawn.values_list("item_id", "inclusion_probability"))
    name, version = round_name(round), f"{round.rubric_version.rubric.slug}@{round.rubric_version.number}"
    found = {}
    for pk, item, cluster, item_id, task, key, order, known, occasion, purpose, chance, seat, *rest in rows:
        rater, rater_known, at, seconds, active = rest
        found[pk] = (
            (name, item, cluster, key),
            tasks[task],
            order,
            (rater if rater_known else "", occasion, purpose),
            (order if known else "", seat in excluded, chances.get(item_id), chance),
            (version, moment(at), seconds, active),
        )
    return found


# --- judgments: one row a current judgment ---------------------------------------------------------------

JUDGMENT_COLUMNS = columns(
    ("round", "text", "project/round"),
    ("item", "text", "The item's id in the project."),
    ("task", "text", "Which outputs were judged together."),
    ("rater", "text", "A pseudonym; empty where the rater's identity is not known."),
    ("group", "text", "The rater's group in the round."),
    ("occasion", "integer", "0 for the first time this rater judged the task."),
    ("purpose", "text", "normal, imported, gold, training, repeat or extra."),
    ("shown_order", "text", "Canonical positions in the order shown. Empty: not known."),
    ("revision", "integer", "1 for the first answer, more after changes of mind."),
    ("late", "boolean", "Submitted after the lease had expired."),
    ("excluded", "boolean", "The rater is excluded from figures."),
    ("strategy", "text", "How the task was chosen for the rater."),
    ("draw_probability", "number", "The chance the task had to be served; empty: not known."),
    (
        "draw_note",
        "text",
        "Why that chance is not known: returned (it came back from another rater), contended (others were just taking "
        "what was drawn), far (found beyond what is looked at around the place drawn).",
    ),
    ("submitted_at", "moment", "When it was submitted (ISO 8601, UTC)."),
    ("seconds", "number", "From showing to submitting."),
    ("active_seconds", "number", "The same without idle gaps."),
    ("confidence", "integer", "How sure the rater was, 1 (a guess) to 4 (certain); empty: not asked."),
    ("used_diff", "boolean", "The words that differ were marked while the rater read."),
    ("warned", "text", "What was asked about before it was sent: fast, unread, or both with a space between."),
    ("digest", "text", "SHA-256 of the answers."),
    (
        "answer_order",
        "text",
        "The canonical order that o0 and o1, a and b of its answers refer to: shown_order where that is known.",
    ),
    ("nameless", "text", "Where the rater is not known: what keeps the answers to one task apart. It names nobody."),
)


def judgment_rows(round: Round) -> Iterator[Row]:
    excluded, name = _excluded(round), round_name(round)
    query = Judgment.objects.filter(seat__round=round, current=True).order_by("id")
    for row in query.values_list(
        "assignment__task__item__external_id",
        "assignment__task__key",
        "seat__rater__pseudonym",
        "seat__rater__identity_known",
        "seat__group",
        "assignment__occasion",
        "assignment__purpose",
        "assignment__shown_order",
        "assignment__order_known",
        "revision",
        "late",
        "seat_id",
        "assignment__strategy",
        "assignment__probability",
        "assignment__draw_note",
        "submitted_at",
        "seconds",
        "active_seconds",
        "events",
        "digest",
    ).iterator(chunk_size=CHUNK):
        (item, task, rater, known, group, occasion, purpose, order, order_known, revision, late) = row[:11]
        (seat, strategy, drawn, note, at, seconds, active, events, digest) = row[11:]
        yield (
            *(name, item, task, rater if known else "", group, occasion, purpose, order if order_known else ""),
            *(revision, late, seat in excluded, strategy, drawn, note, moment(at), seconds, active),
            *(events.get("confidence"), bool(events.get("diff")), " ".join(events.get("warned", ())), digest),
            *(order, "" if known else rater),
        )


# --- items and outputs -----------------------------------------------------------------------------------

ITEM_COLUMNS = columns(
    ("round", "text", "project/round"),
    ("item", "text", "The item's id in the project."),
    ("cluster", "text", "The prompt family: the unit of independence."),
    ("language", "text", "Language of the item."),
    ("tags", "text", "Slices the item belongs to, as a JSON list."),
    ("messages", "text", "The prompt or conversation, as JSON."),
    ("context", "text", "Sources given with the prompt, as JSON."),
    ("reference", "text", "Reference answers, as JSON."),
    ("metadata", "text", "What else the import told, as JSON."),
    ("inclusion_probability", "number", "The chance the item had to be drawn; empty: not known."),
    ("stratum", "text", "The stratum it was drawn from."),
    ("drawn", "boolean", "It was drawn into the round; false: only gold, training or imported tasks are about it."),
    ("media", "text", "Images and sounds it shows: names with the SHA-256 of each as it came, as JSON."),
)


def item_rows(round: Round) -> Iterator[Row]:
    name = round_name(round)
    drawn = RoundItem.objects.filter(round=round)
    judged = Task.objects.filter(round=round)
    query = Item.objects.filter(Q(id__in=drawn.values("item_id")) | Q(id__in=judged.values("item_id"))).order_by("id")
    rows = query.values_list("id", "external_id", "cluster", "language", "metadata")
    for part in parts(rows.iterator(chunk_size=CHUNK)):
        ids = [row[0] for row in part]
        chances = {
            pk: rest
            for pk, *rest in drawn.filter(item__in=ids).values_list("item_id", "inclusion_probability", "stratum")
        }
        revisions = ItemRevision.objects.filter(item_id__in=ids, current=True)
        texts, names = {}, {}
        for pk, *rest, html in revisions.values_list("item_id", "messages", "context", "reference", "html"):
            texts[pk], names[pk] = rest, names_in(html)
        media = _media(round, names)
        tags: dict[int, list[str]] = {}
        for pk, tag in ItemTag.objects.filter(item_id__in=ids).order_by("tag").values_list("item_id", "tag"):
            tags.setdefault(pk, []).append(tag)
        for pk, item, cluster, language, metadata in part:
            written = [json_cell(value) for value in texts.get(pk, (None, None, None))]
            chance = chances.get(pk, (None, ""))
            yield (
                *(name, item, cluster, language, json_cell(tags.get(pk)), *written, json_cell(metadata)),
                *(*chance, pk in chances, media.get(pk)),
            )


OUTPUT_COLUMNS = columns(
    ("output", "text", "The output's number, as in the ratings."),
    ("item", "text", "The item's id in the project."),
    ("system", "text", "What answered."),
    ("system_version", "text", "Its version."),
    ("repeat", "integer", "Trial or epoch number."),
    ("variant", "text", "Perturbation of the prompt."),
    ("has_text", "boolean", "False: known from scores or judgments only."),
    ("text", "text", "The answer."),
    ("messages", "text", "Its turns and tool calls, as JSON."),
    ("error", "text", "An infrastructure error; not a bad answer."),
    ("latency_ms", "number", "Milliseconds to the whole answer."),
    ("ttft_ms", "number", "Milliseconds to the first token."),
    ("tokens_in", "integer", "Tokens read."),
    ("tokens_out", "integer", "Tokens written."),
    ("cost", "number", "What it cost."),
    ("currency", "text", "Currency of the cost."),
    ("media", "text", "Images and sounds it shows: names with the SHA-256 of each as it came, as JSON."),
)


def output_rows(round: Round) -> Iterator[Row]:
    used = TaskOutput.objects.filter(task__round=round).values("output_id")
    query = Output.objects.filter(id__in=used).order_by("id").values_list(
        "id", "item__external_id", "system__name", "system__version", "repeat", "variant", "has_text",
        "error", "latency_ms", "ttft_ms", "tokens_in", "tokens_out", "cost", "currency",
    )  # fmt: skip
    for part in parts(query.iterator(chunk_size=CHUNK)):
        revisions = OutputRevision.objects.filter(output_id__in=[row[0] for row in part], current=True)
        texts, names = {}, {}
        for pk, text, turns, html in revisions.values_list("output_id", "text", "messages", "html"):
            texts[pk], names[pk] = (text, json_cell(turns)), names_in(html)
        media = _media(round, names)
        for row in part:
            yield (str(row[0]), *row[1:7], *texts.get(row[0], ("", "")), *row[7:], media.get(row[0]))


def _media(round: Round, names: dict[int, list[str]]) -> dict[int, str | None]:
    """By the owner of the names: the digests of those files that are there. No query where no text names a file."""
    shelf = Shelf(round.project_id, (name for each in names.values() for name in each))
    found = {pk: {name: media.digest for name in each if (media := shelf.get(name))} for pk, each in names.items()}
    return {pk: json_cell(each or None) for pk, each in found.items()}


# --- automated scores and words --------------------------------------------------------------------------

SCORE_COLUMNS = columns(
    ("metric", "text", "The metric's key."),
    ("source", "text", "code, llm or human."),
    ("kind", "text", "number, bool, label or preference."),
    ("direction", "text", "higher or lower is better, or unknown."),
    ("minimum", "number", "The lowest value of the metric's scale, if known."),
    ("maximum", "number", "The highest value of its scale, if known."),
    ("criterion", "text", "The criterion it answers as well, if any."),
    ("item", "text", "The item's id in the project."),
    ("output", "text", "The output's number, as in the ratings."),
    ("system", "text", "What answered."),
    ("system_version", "text", "Its version."),
    ("output_b", "text", "The second output of a pair."),
    ("system_b", "text", "What gave the second output."),
    ("system_b_version", "text", "Its version."),
    ("turn", "integer", "The turn scored; empty: the whole output."),
    ("position", "text", "a_first, b_first or empty."),
    (
        "value",
        "number",
        "The number; a preference leans to output_b above the middle of its scale, without a scale above 0.",
    ),
    ("label", "text", "The label."),
    ("passed", "boolean", "Whether it passed its threshold."),
    ("judge", "text", "The judge or the tool's evaluator."),
    ("explanation", "text", "Why, in the judge's words."),
    ("missing_reason", "text", "Why there is no value; a missing score is never zero."),
    ("details", "text", "What else the tool tells, such as the judge's cost and time, as JSON."),
)


def score_rows(round: Round) -> Iterator[Row]:
    used = TaskOutput.objects.filter(task__round=round).values("output_id")
    query = AutomatedScore.objects.filter(Q(output_b__isnull=True) | Q(output_b__in=used), output__in=used)
    for row in query.order_by("metric__key", "id").values_list(
        "metric__key", "metric__source", "metric__kind", "metric__direction", "metric__scale_min", "metric__scale_max",
        "metric__criterion_key",
        "output__item__external_id", "output_id", "output__system__name", "output__system__version",
        "output_b_id", "output_b__system__name", "output_b__system__version", "turn", "position", "number",
        "label", "passed", "judge", "explanation", "missing_reason", "details",
    ).iterator(chunk_size=CHUNK):  # fmt: skip
        second = (str(row[11]), row[12], row[13]) if row[11] else ("", "", "")
        yield (*row[:8], str(row[8]), *row[9:11], *second, *row[14:-1], json_cell(row[-1]))


TEXT_COLUMNS = columns(
    ("round", "text", "project/round"),
    ("item", "text", "The item's id in the project."),
    ("task", "text", "Which outputs were judged together."),
    ("rater", "text", "A pseudonym; empty where the rater's identity is not known."),
    ("occasion", "integer", "0 for the first time this rater judged the task."),
    ("criterion", "text", "The criterion's key; empty: the whole task."),
    ("target", "text", "As in the ratings."),
    ("kind", "text", "answer, reason or comment."),
    ("text", "text", "What the rater wrote. Erased texts are not here."),
)


def text_rows(round: Round) -> Iterator[Row]:
    name = round_name(round)
    query = FreeText.objects.filter(
        judgment__seat__round=round, judgment__current=True, erased_at__isnull=True
    ).order_by("id")
    for item, task, rater, known, *rest in query.values_list(
        "judgment__assignment__task__item__external_id", "judgment__assignment__task__key",
        "judgment__seat__rater__pseudonym", "judgment__seat__rater__identity_known",
        "judgment__assignment__occasion", "criterion__key", "target", "kind", "text",
    ).iterator(chunk_size=CHUNK):  # fmt: skip
        yield (name, item, task, rater if known else "", rest[0], rest[1] or "", *rest[2:])


RATINGS = Table("ratings", "One row a rating.", RATING_COLUMNS, rating_rows)
TABLES = (
    RATINGS,
    Table("judgments", "One row a current judgment.", JUDGMENT_COLUMNS, judgment_rows),
    Table("items", "One row an item of the round.", ITEM_COLUMNS, item_rows),
    Table("outputs", "One row an output that the round judges.", OUTPUT_COLUMNS, output_rows),
    Table("automated_scores", "One row a score of a judged output or pair.", SCORE_COLUMNS, score_rows),
    Table("texts", "One row a text that a rater wrote.", TEXT_COLUMNS, text_rows),
    Table("final_answers", "One row a final answer of a reviewer.", FINAL_COLUMNS, final_rows),
    Table("tasks", "One row a task, judged or not.", TASK_COLUMNS, task_rows),
    Table("gold_answers", "One row a known answer of a gold or training task.", GOLD_COLUMNS, gold_rows),
    Table(
        "undrawn_scores",
        "One row a score, by a metric that answers a criterion, of an output that could have been drawn and was not.",
        UNDRAWN_COLUMNS,
        undrawn_rows,
        needed=False,
    ),
)

"""What a report is made of, from the files of an export: no database, so that anyone can put it together again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from analytics.assembly import ReportOptions
from analytics.sections.base import MetricInfo, ReportData, RoundInfo, SampleInfo
from analytics.shapes import (
    MEASURED,
    STRUCTURED,
    RoundFrames,
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
from annotation.exporters.judged import ratings_by_judgment
from annotation.exporters.reading import Cells, Export
from projects.located import Source
from rubrics.schema import rubric_digest, rubric_from


def data_of(export: Export, options: ReportOptions) -> ReportData:
    spec = rubric_from(Source("round.json", export.about["rubric"], {}), export.about["rubric"])
    frames = _frames(export)
    metrics = [_metric(n, each) for n, each in enumerate(export.about["metrics"]) if each["source"] != "human"]
    return ReportData(
        frames=frames,
        criteria=spec.criteria,
        metrics=metrics,
        scores=score_table(_scores(export, {metric.key: metric.id for metric in metrics})),
        gold=gold_table(_gold(export), frames),
        tags=frame(_tags(export), ["item", "tag"]),
        measures=measure_table(_measures(export)),
        sample=_sample(export, {metric.key: metric.id for metric in metrics}),
        **options.to_dict(),
    )


def _sample(export: Export, metrics: dict[str, int]) -> SampleInfo:
    about = export.about["round"]["sample"]
    drawn = [(row["item"], row["inclusion_probability"], row["stratum"]) for row in export["items"] if row["drawn"]]
    undrawn = undrawn_table((tuple(row.values()) for row in export["undrawn_scores"]), metrics)
    return SampleInfo(about["design"], about["frame_size"], drawn_table(drawn), undrawn)


def info_of(export: Export) -> RoundInfo:
    about, sample = export.about["round"], export.about["round"]["sample"]
    spec = rubric_from(Source("round.json", export.about["rubric"], {}), export.about["rubric"])
    chances = [row["inclusion_probability"] for row in export["items"] if row["inclusion_probability"] is not None]
    return RoundInfo(
        project=export.about["project"]["slug"],
        slug=about["slug"],
        name=about["name"],
        mode=about["mode"],
        state=about["state"],
        is_pilot=about["is_pilot"],
        design=sample["design"],
        frame_size=sample["frame_size"],
        frame_digest=sample["frame_digest"],
        chances=(min(chances), max(chances)) if chances else (None, None),
        rubric=(spec.name, export.about["rubric_version"]["number"], rubric_digest(spec)),
    )


def _metric(number: int, about: dict[str, Any]) -> MetricInfo:
    return MetricInfo(
        number,
        about["key"],
        about["source"],
        about["kind"],
        about["direction"],
        about["criterion_key"],
        (about["scale_min"], about["scale_max"]),
    )


def _frames(export: Export) -> RoundFrames:
    numbers = {row["task"]: number for number, row in enumerate(export["tasks"])}
    tasks = task_table(
        [(numbers[row["task"]], row["item"], row["cluster"]) for row in export["tasks"]],
        _task_outputs(export, numbers),
    )
    judgments, seats, excluded = _judgments(export, numbers)
    table = judgment_table(judgments, seats, excluded)
    types = _types(export)
    finals = [
        (
            *(numbers[row["task"]], row["criterion"], row["canonical_target"]),
            *(row["final_value"], row["final_label"], bool(row["unsettled"])),
            *(types[row["criterion"]], row["final_data"]),
        )
        for row in export["final_answers"]
    ]
    ratings = rating_table(_ratings(export), table, tasks)
    return whole(tasks, table, ratings, final_table(finals, tasks), _structured(export))


def _task_outputs(export: Export, numbers: dict[str, int]) -> Iterator[tuple[Any, ...]]:
    for row in export["tasks"]:
        columns = (json.loads(row[name]) for name in ("outputs", "systems", "system_versions"))
        for position, (output, system, version) in enumerate(zip(*columns, strict=True)):
            yield numbers[row["task"]], position, int(output), system, version


def _judgments(export: Export, tasks: dict[str, int]) -> tuple[list[Any], list[Any], set[int]]:
    """Judgments, the raters of their seats, and the seats that are left out."""
    seats: dict[tuple[str, bool], int] = {}
    excluded, found = set(), []
    for number, row in enumerate(export["judgments"]):
        person = (row["rater"], True) if row["rater"] else (row["nameless"], False)
        seat = seats.setdefault(person, len(seats))
        if row["excluded"]:
            excluded.add(seat)
        found.append(
            (
                *(number, seat, row["seconds"], row["active_seconds"], row["submitted_at"], tasks[row["task"]]),
                *(row["occasion"], row["purpose"], row["answer_order"], bool(row["shown_order"])),
            )
        )
    return found, [(seat, *person) for person, seat in seats.items()], excluded


def _ratings(export: Export) -> Iterator[tuple[Any, ...]]:
    for number, rows in enumerate(ratings_by_judgment(export)):
        for row in rows:
            yield (
                *(number, row["criterion"], row["target"], row["value"], row["label"]),
                bool(row["cannot_judge"]),
            )


def _types(export: Export) -> dict[str, str]:
    return {each["key"]: each["type"] for each in export.about["rubric"]["criteria"]}


def _structured(export: Export) -> Iterator[tuple[Any, ...]]:
    types = _types(export)
    for number, rows in enumerate(ratings_by_judgment(export)):
        for row in rows:
            if types[row["criterion"]] in STRUCTURED and row["data"]:
                yield number, row["criterion"], row["target"], types[row["criterion"]], row["data"]


def _scores(export: Export, metrics: dict[str, int]) -> Iterator[tuple[Any, ...]]:
    for row in export["automated_scores"]:
        if row["missing_reason"] or row["source"] == "human":
            continue
        second = int(row["output_b"]) if row["output_b"] else None
        yield (
            *(metrics[row["metric"]], int(row["output"]), second, row["value"], row["label"]),
            *(row["turn"], row["position"], row["judge"]),
        )


def _gold(export: Export) -> Iterator[tuple[Any, ...]]:
    types = _types(export)
    numbers = {row["task"]: number for number, row in enumerate(export["tasks"])}
    for row in export["gold_answers"]:
        yield (
            *(numbers[row["task"]], row["criterion"], row["canonical_target"]),
            *(row["known_value"], row["known_label"], row["tolerance"]),
            *(types[row["criterion"]], row["known_data"]),
        )


def _tags(export: Export) -> list[tuple[str, str]]:
    """Of the items that normal tasks are about, in the order the database gives them."""
    judged = {row["item"] for row in export["tasks"] if row["kind"] == "normal"}
    rows: list[Cells] = [row for row in export["items"] if row["item"] in judged and row["tags"]]
    return sorted(((row["item"], tag) for row in rows for tag in json.loads(row["tags"])), key=lambda x: (x[1], x[0]))


def _measures(export: Export) -> Iterator[tuple[Any, ...]]:
    judged = {out for row in export["tasks"] if row["kind"] == "normal" for out in json.loads(row["outputs"])}
    clusters = {row["item"]: row["cluster"] for row in export["items"]}
    for row in export["outputs"]:
        if row["output"] in judged and not row["error"]:
            yield (
                *(int(row["output"]), row["item"], clusters[row["item"]], row["system"], row["system_version"]),
                *(row[name] for name in MEASURED),
                row["currency"],
            )

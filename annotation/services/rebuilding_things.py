"""What was judged, from an export: items, systems, outputs and automated scores, as any import brings them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from annotation.exporters.base import Names
from annotation.exporters.reading import Cells, Export, json_of
from projects.importers.records import ItemRecord, OutputRecord, Record, ScoreRecord, SystemRecord


def names_of(task: Cells) -> list[Names]:
    """The outputs of a row of `tasks` in canonical order: number, system and version of each."""
    columns = (json.loads(task[name]) for name in ("outputs", "systems", "system_versions"))
    return list(zip(*columns, strict=True))


def records_of(export: Export) -> Iterator[Record]:
    for row in export["items"]:
        yield ItemRecord(
            external_id=row["item"],
            messages=tuple(json_of(row["messages"], [])),
            context=tuple(json_of(row["context"], [])),
            reference=tuple(json_of(row["reference"], [])),
            metadata=json_of(row["metadata"], {}),
            tags=tuple(json_of(row["tags"], [])),
            cluster=row["cluster"],
            language=row["language"],
        )
    outputs = {row["output"]: row for row in export["outputs"]}
    yield from (SystemRecord(*key) for key in dict.fromkeys(_system(row) for row in outputs.values()))
    for row in outputs.values():  # in their order: which one is first of a pair goes by it
        yield OutputRecord(
            item=row["item"],
            system=_system(row),
            text=row["text"] if row["has_text"] else None,
            messages=tuple(json_of(row["messages"], [])),
            repeat=row["repeat"],
            variant=row["variant"],
            error=row["error"],
            latency_ms=row["latency_ms"],
            ttft_ms=row["ttft_ms"],
            tokens_in=row["tokens_in"],
            tokens_out=row["tokens_out"],
            cost=row["cost"],
            currency=row["currency"],
        )
    yield from (_score(row, outputs) for row in export["automated_scores"] if row["source"] != "human")


def _system(row: Cells) -> tuple[str, str]:
    return row["system"], row["system_version"]


def _score(row: Cells, outputs: dict[str, Cells]) -> ScoreRecord:
    about = outputs.get(row["output"], {"repeat": 0, "variant": ""})
    return ScoreRecord(
        metric=row["metric"],
        item=row["item"],
        system=_system(row),
        system_b=(row["system_b"], row["system_b_version"]) if row["output_b"] else None,
        repeat=about["repeat"],
        variant=about["variant"],
        kind=row["kind"],
        number=row["value"],
        label=row["label"],
        passed=row["passed"],
        source=row["source"],
        minimum=row["minimum"],
        maximum=row["maximum"],
        direction=row["direction"],
        judge=row["judge"],
        explanation=row["explanation"],
        missing_reason=row["missing_reason"],
        position=row["position"],
        turn=row["turn"],
        details=json_of(row["details"], None),
    )

"""A data set for the Hugging Face Hub: one Parquet file, one row an answer, and the card that describes it.

Licence and the question whether the texts may be published are the user's to answer, so the card leaves them open."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop

from annotation.exporters.back.answers import Judged, Told

TITLE = gettext_noop("Hugging Face data set (Parquet with a data card)")
FILE = "human_judgments.parquet"
CARD = "README.md"
TAKES = gettext_noop("All answers, one row each, with what was asked and answered.")
_ROWS = 2000  # in a row group
_TEXT = "text"
COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("item", _TEXT, "The item's id."),
    ("prompt", "messages", "What was asked: role and content of each message."),
    ("system_a", _TEXT, "What answered; of a pair, the first in canonical order."),
    ("response_a", _TEXT, "Its answer; a conversation is JSON."),
    ("system_b", _TEXT, "The second of a pair; empty for one output."),
    ("response_b", _TEXT, "Its answer."),
    ("shown_first", _TEXT, "a or b: what the rater saw first; empty: one output, or not known."),
    ("criterion", _TEXT, "The criterion's key."),
    ("question", _TEXT, "What the raters were asked."),
    ("level_of_measurement", _TEXT, "nominal, ordinal, interval, ratio or text."),
    ("about", _TEXT, "a, b, or a with a turn such as a:2; empty: the pair."),
    ("value", "number", "The number; a preference is signed towards b. Null where the answer is none."),
    ("label", _TEXT, "The answer as a label: a or b for a preference, yes or no."),
    ("text", _TEXT, "What the rater wrote, where that was exported."),
    ("rater", _TEXT, "A pseudonym; empty: the identity is not known."),
    ("final", "bool", "A reviewer's final answer in place of the raters' own."),
    ("submitted_at", _TEXT, "ISO 8601."),
)


def write(folder: Path, tasks: Iterable[Judged], name: str) -> tuple[int, Counter[str]]:
    import pyarrow as pa  # large: loaded only for Parquet
    import pyarrow.parquet as pq

    kinds = {
        _TEXT: pa.string(),
        "number": pa.float64(),
        "bool": pa.bool_(),
        "messages": pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])),
    }
    schema = pa.schema([(column, kinds[kind]) for column, kind, _ in COLUMNS])
    seen: dict[str, Counter[str]] = {"criteria": Counter(), "items": Counter(), "raters": Counter()}
    rows = _rows(tasks, seen)
    written = 0
    with pq.ParquetWriter(folder / FILE, schema) as writer:
        while part := list(islice(rows, _ROWS)):
            writer.write_table(pa.Table.from_pylist(part, schema=schema))
            written += len(part)
    (folder / CARD).write_text(card(name, written, seen), encoding="utf-8")
    return written, Counter()


def _rows(tasks: Iterable[Judged], seen: dict[str, Counter[str]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        shared: dict[str, Any] = {
            "item": task.item,
            "prompt": [{"role": str(each.get("role", "")), "content": _said(each)} for each in task.messages],
        }
        for letter, output in zip("ab", task.outputs, strict=False):
            shared[f"system_{letter}"] = output.label
            shared[f"response_{letter}"] = output.text or json.dumps(output.messages, ensure_ascii=False)
        seen["items"][task.item] += 1
        for told in task.answers:
            seen["criteria"][told.criterion.key] += 1
            if told.rater:
                seen["raters"][told.rater] += 1
            yield {**dict.fromkeys(("system_b", "response_b"), ""), **shared, **_answer(told)}


def _said(message: dict[str, Any]) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def _answer(told: Told) -> dict[str, Any]:
    letter = "" if told.of is None else "abcdefghij"[told.of]
    return {
        "shown_first": "" if told.first is None else "ab"[told.first],
        "criterion": told.criterion.key,
        "question": told.criterion.question,
        "level_of_measurement": told.criterion.level_of_measurement,
        "about": letter if told.turn is None else f"{letter}:{told.turn}",
        "value": told.number,
        "label": told.label,
        "text": told.text or told.comment,
        "rater": told.rater,
        "final": told.final,
        "submitted_at": told.at.isoformat(),
    }


def card(name: str, rows: int, seen: dict[str, Counter[str]]) -> str:
    """The page the Hub shows, with the header by which `datasets` finds the file."""
    criteria = "\n".join(f"- `{key}`: {count:,} answers" for key, count in sorted(seen["criteria"].items()))
    columns = "\n".join(f"| `{column}` | {meaning} |" for column, _, meaning in COLUMNS)
    return f"""---
pretty_name: {json.dumps(f"Human judgments of {name}", ensure_ascii=False)}
tags:
- human-feedback
- evaluation
configs:
- config_name: default
  data_files:
  - split: train
    path: {FILE}
---

# Human judgments of {name}

{rows:,} answers of people about the outputs of language models, on {len(seen["items"]):,} items, by
{len(seen["raters"]):,} raters under pseudonyms. Made with Adjudge.

## Criteria

{criteria or "None was answered."}

## Columns

| column | meaning |
|---|---|
{columns}

## What is left out

- Where a rater could not judge, there is no row: a missing answer is not a zero.
- Raters whose work was left out of the figures, training, gold and repeated tasks.
- Names of raters; the pseudonyms cannot be turned back without the project's key.

## Before you publish

This card names no licence and no source of the prompts and outputs: say under which terms they may be used, how
the raters were found, paid and told what becomes of their answers, and whether the texts hold personal data.
"""
